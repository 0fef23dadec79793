"""Who is behind a request is told plainly or in base64, and is never mistaken for the other."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zcadapt.icap.identity import client_ip, groups, user

from .strategies import check_identity


def told(**fields):
    """Return fields as the parser has them."""
    return {name.replace("_", "-").lower(): value.strip() for name, value in fields.items()}


def b64(text):
    return base64.b64encode(text.encode())


@pytest.mark.parametrize(
    ("value", "ip"), [(b"192.0.2.1", "192.0.2.1"), (b" 2001:db8::1 ", "2001:db8::1"), (b"", None)]
)
def test_the_address_of_the_client(value, ip):
    assert client_ip(told(X_Client_IP=value)) == ip


def test_nobody_is_told():
    assert (client_ip({}), user({}), groups({})) == (None, None, ())


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b64("Local://ann"), "ann"),
        (b64("WinNT://DOMAIN/ann"), "DOMAIN/ann"),
        (b64("LDAP://host/cn=ann,ou=staff"), "host/cn=ann,ou=staff"),
        (b64("Local://Jürgen"), "Jürgen"),
        (b64("ann"), "ann"),
        (b64("ann smith"), "ann smith"),
        (b64("ann@example.com"), "ann@example.com"),
        (b"Local://ann", "ann"),
        (b"DOMAIN\\ann", "DOMAIN\\ann"),
        (b"ann@example.com", "ann@example.com"),
        (b"first.last", "first.last"),
        ("Jürgen".encode(), "Jürgen"),
        ("Jürgen".encode("latin-1"), "Jürgen"),
        (b"Local://", "Local://"),
        (b"", None),
    ],
)
@pytest.mark.parametrize("header", ["X_Authenticated_User", "X_Client_Username"])
def test_the_user_has_a_name(header, value, name):
    assert user(told(**{header: value})) == name


@pytest.mark.parametrize(
    "name",
    [
        "bill",
        "ella",
        "Elsa",
        "anda",
        "BILL",
        "bill1234",
        "1234",
        "12345678",
        "user",
        "root",
        "ABCD",
    ],
)
def test_a_plain_name_is_not_decoded_though_it_could_be(name):
    assert user(told(X_Client_Username=name.encode())) == name


@pytest.mark.parametrize(
    "name", ["ann", "bob", "tom", "eva", "administrator", "DOM\\bill", "a", "x y", "42nd", "ella1"]
)
def test_an_encoded_name_is_decoded(name):
    assert user(told(X_Client_Username=b64(name))) == name


@pytest.mark.parametrize("value", [b"AAEC", b"/w==", b"Cgo=", b"YW5", b"YW5u!"])
def test_base64_of_nothing_printable_is_a_plain_name(value):
    assert user(told(X_Client_Username=value)) == value.decode()


def test_the_authenticated_user_comes_first():
    headers = told(
        X_Subscriber_ID=b"1", X_Client_Username=b"bob", X_Authenticated_User=b64("Local://ann")
    )
    assert user(headers) == "ann"
    assert user(told(X_Subscriber_ID=b"1", X_Client_Username=b"bob")) == "bob"


def test_a_subscriber_is_opaque():
    assert user(told(X_Subscriber_ID=b64("Local://ann"))) == b64("Local://ann").decode()


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (b64("Local://staff"), ("staff",)),
        (b64("Local://staff") + b", " + b64("Local://guests"), ("staff", "guests")),
        (b64("Local://staff,Local://guests"), ("staff", "guests")),
        (b64("staff, guests"), ("staff", "guests")),
        (b"staff,guests , ,", ("staff", "guests")),
        (b"WinNT://D/a,WinNT://D/b", ("D/a", "D/b")),
        (b"LDAP://host/cn=a,ou=b", ("host/cn=a,ou=b",)),
        (b"LDAP://host/cn=a,ou=b, LDAP://host/cn=c,ou=d", ("host/cn=a,ou=b", "host/cn=c,ou=d")),
        (b64("LDAP://h/cn=a,ou=b,LDAP://h/cn=c"), ("h/cn=a,ou=b", "h/cn=c")),
        (b64("LDAP://h/cn=a,ou=b") + b"," + b64("LDAP://h/cn=c"), ("h/cn=a,ou=b", "h/cn=c")),
        (b"cn=a,ou=b", ("cn=a,ou=b",)),
        (b64("Local://a") + b",plain", ("a", "plain")),
        ("Büro".encode(), ("Büro",)),
        (b"", ()),
    ],
)
def test_groups_are_a_list(value, names):
    assert groups(told(X_Authenticated_Groups=value)) == names


@given(st.binary(max_size=60))
@example(b"://")
@example(b",")
@example(b"\xa0")
def test_any_value_names_somebody_or_nobody(value):
    check_identity(value.replace(b"\n", b""))


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=30))
def test_what_a_client_encodes_with_its_scheme_is_read(name):
    assert user(told(X_Authenticated_User=b64(f"Local://{name}"))) == name

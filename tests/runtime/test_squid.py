"""The lines for squid.conf fit what is listened on."""

import textwrap
from pathlib import Path

from zcadapt.config import Address
from zcadapt.runtime.squid import squid_conf

HERE = Address("127.0.0.1", 1344)
README = Path(__file__).parent.parent.parent / "README.rst"


def test_the_readme_has_the_same_lines():
    assert textwrap.indent(squid_conf([HERE], []), "    ") + "\n\n" in README.read_text()


def test_icap_is_asked_about_requests_and_responses():
    lines = squid_conf([HERE], []).splitlines()
    assert lines[0] == "icap_enable on"
    assert "icap_preview_enable on" in lines
    assert (
        "icap_service zcadapt_reqmod reqmod_precache icap://127.0.0.1:1344/reqmod bypass=off"
        in lines
    )
    assert (
        "icap_service zcadapt_respmod respmod_precache icap://127.0.0.1:1344/respmod bypass=off"
        in lines
    )
    assert "adaptation_access zcadapt_reqmod allow all" in lines
    assert "adaptation_access zcadapt_respmod allow all" in lines
    assert "force_request_body_continuation allow all" in lines
    assert lines[-1] == "icap_service_revival_delay 30"


def test_icp_is_asked_as_a_peer():
    lines = squid_conf([], [Address("127.0.0.1", 3130)]).splitlines()
    assert lines[-1] == "# cache_peer 127.0.0.1 parent 8080 3130 no-digest no-netdb-exchange"
    assert not [line for line in lines if line.startswith("icap")]


def test_nothing_is_listened_on_nothing_is_said():
    assert squid_conf([], []) == ""


def test_one_address_of_several_is_enough():
    assert squid_conf([HERE, Address("127.0.0.2", 1)], []).count("icap_service ") == 2


def test_listening_everywhere_is_reached_on_this_machine():
    assert "icap://127.0.0.1:5/" in squid_conf([Address("0.0.0.0", 5)], [])
    assert "icap://[::1]:5/" in squid_conf([Address("::", 5)], [])

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zcadapt_clamav import NotScannedError, Trouble
from zcadapt_clamav.answers import Finding, headers, word
from zcadapt_clamav.protocol import chunk, threat, trouble
from zcadapt_clamav.troubles import LostError


@given(st.binary(min_size=1, max_size=1000))
def test_a_chunk_comes_after_its_length(data):
    sent = chunk(data)
    assert int.from_bytes(sent[:4], "big") == len(data)
    assert sent[4:] == data


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        ("stream: OK", ""),
        ("stream: Win.Test.EICAR_HDB-1 FOUND", "Win.Test.EICAR_HDB-1"),
        ("stream: A name with FOUND in it FOUND", "A name with FOUND in it"),
        ("stream(127.0.0.1@1234): Eicar FOUND", "Eicar"),
    ],
)
def test_answers(reply, name):
    assert threat(reply) == name


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("INSTREAM size limit exceeded. ERROR", Trouble.TOO_LARGE),
        ("", Trouble.DOWN),
        ("COMMAND READ TIMED OUT", Trouble.DOWN),
        ("UNKNOWN COMMAND", Trouble.DOWN),
        ("stream: Can't allocate memory ERROR", Trouble.DOWN),
        ("stream: ", Trouble.DOWN),
        ("OK", Trouble.DOWN),
        ("stream: OK and more", Trouble.DOWN),
    ],
)
def test_all_else_is_no_verdict(reply, reason):
    with pytest.raises(NotScannedError) as told:
        threat(reply)
    assert told.value.trouble is reason


@given(st.text(max_size=300))
def test_only_one_answer_means_clean(reply):
    with contextlib.suppress(NotScannedError):
        assert threat(reply) or reply == "stream: OK"


@pytest.mark.parametrize("reply", ["", "COMMAND READ TIMED OUT"])
def test_what_may_be_worth_another_try(reply):
    with pytest.raises(LostError):
        threat(reply)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Heuristics.Encrypted.Zip", Trouble.ENCRYPTED),
        ("Heuristics.Encrypted.PDF", Trouble.ENCRYPTED),
        ("Heuristics.Limits.Exceeded.MaxFileSize", Trouble.TOO_LARGE),
        ("Heuristics.Phishing.Email", None),
        ("Win.Test.EICAR_HDB-1", None),
    ],
)
def test_findings_that_are_no_virus(name, reason):
    assert trouble(name) is reason


@given(st.text(max_size=1000))
def test_any_name_becomes_a_word_that_stands_in_a_header(text):
    found = word(text)
    assert 0 < len(found) <= 150
    assert all("!" <= char <= "~" and char != ";" for char in found)


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=20))
def test_violations_are_a_count_and_four_lines_for_each(pairs):
    told = dict(headers([Finding(*pair) for pair in pairs]))
    count, *lines = told["X-Violations-Found"].split("\r\n\t")
    assert int(count) == min(len(pairs), 10)
    assert len(lines) == 4 * int(count)
    assert all(lines)
    assert lines[2::4] == lines[3::4] == ["0"] * int(count)
    assert told["X-Infection-Found"] == f"Type=0; Resolution=2; Threat={lines[1]};"
    assert sum(map(len, told.values())) < 4500

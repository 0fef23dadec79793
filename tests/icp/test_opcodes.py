"""The names and numbers are those of RFC 2186."""

import pytest

from zcadapt.icp.opcodes import ANSWERS, DEFAULT_ANSWER, Opcode, OptionFlag


def test_the_numbers_are_those_of_the_rfc():
    assert {each.name: each.value for each in Opcode} == {
        "ICP_OP_INVALID": 0,
        "ICP_OP_QUERY": 1,
        "ICP_OP_HIT": 2,
        "ICP_OP_MISS": 3,
        "ICP_OP_ERR": 4,
        "ICP_OP_SECHO": 10,
        "ICP_OP_DECHO": 11,
        "ICP_OP_MISS_NOFETCH": 21,
        "ICP_OP_DENIED": 22,
        "ICP_OP_HIT_OBJ": 23,
    }


def test_the_flags_are_those_of_the_rfc():
    assert OptionFlag.ICP_FLAG_HIT_OBJ == 0x80000000
    assert OptionFlag.ICP_FLAG_SRC_RTT == 0x40000000


def test_a_policy_has_five_answers_each_with_its_number():
    assert ANSWERS == {
        "ICP_OP_HIT": 2,
        "ICP_OP_MISS": 3,
        "ICP_OP_ERR": 4,
        "ICP_OP_MISS_NOFETCH": 21,
        "ICP_OP_DENIED": 22,
    }


def test_the_default_is_an_answer():
    assert DEFAULT_ANSWER in ANSWERS


def test_the_answers_cannot_be_changed():
    with pytest.raises(TypeError):
        ANSWERS["ICP_OP_QUERY"] = 1

"""Questions are of all kinds, and can be asked again."""

import pytest

from zcadapt import reqmod, respmod
from zcadapt.testing.questions import by_preview, questions


def nothing(request):
    """Have no opinion."""


@pytest.mark.parametrize(
    ("service", "methods"),
    [
        (reqmod(nothing), {"REQMOD"}),
        (respmod(nothing), {"RESPMOD"}),
        (respmod(reqmod(nothing)), {"REQMOD", "RESPMOD"}),
    ],
)
def test_a_service_is_asked_about_its_methods(service, methods):
    asked = [question() for question in questions(service)]
    assert {each.method for each in asked} == methods
    assert {each.body.complete for each in asked} == {True, False}
    assert "" in {each.body.whole.decode() for each in asked}


def test_a_question_makes_a_new_request_each_time():
    question = next(questions(reqmod(nothing)))
    first, second = question(), question()
    first.body.lose()
    assert second.body.preview


def test_previews_begin_with_the_one_that_is_asked_for():
    (alike,) = by_preview(reqmod(preview=100)(nothing))
    assert [len(question().body.preview) for question in alike] == [100, 8400, 8400]

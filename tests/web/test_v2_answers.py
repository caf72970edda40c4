"""How API v2 answers."""

import orjson
import pytest

from rulesd.web.answers import Refused
from rulesd.web.v2_answers import QUOTED, coded, preflight, quoted, raw, refusal, sentence, shown


def test_the_two_shapes_of_a_refusal() -> None:
    assert sentence(400, "no").body == "no"
    assert coded(400, "no").body == {"code": 400, "message": "no"}
    assert coded(422, "no", 602).body == {"code": 602, "message": "no"}
    assert shown(sentence(400, "no").body, 400).body == b'"no"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1x", '"1x"'), ('a"b\\', '"a\\"b\\\\"'), ("a\nb\tc\rd", '"a\\nb\\tc\\rd"'), ("é", '"é"')],
)
def test_what_is_quoted_is_quoted_as_go_does(text: str, expected: str) -> None:
    assert quoted(text) == expected


def test_what_is_quoted_is_cut() -> None:
    assert len(quoted("x" * 100_000)) == QUOTED + 5


def test_an_empty_answer_has_no_content_type_of_json() -> None:
    empty = raw(b"")
    assert empty.status == 200
    assert empty.body is None
    assert shown(None, 404).status == 404
    assert raw(b"[]").content_type == "application/json"


def test_other_refusals_take_this_shape() -> None:
    refused = Refused(413, "too_large", "too large", headers={"Retry-After": "2"}, close=True)
    answer = refusal(refused)
    assert answer.status == 413
    assert orjson.loads(answer.body) == {"code": 413, "message": "too large"}
    assert answer.headers["Retry-After"] == "2"
    assert answer.keep_alive is False
    assert refusal(Refused(401, "x", "y")).keep_alive is not False


def test_pages_of_other_sites_may_ask() -> None:
    answer = preflight("GET, POST")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    # Without this a browser sends no cookie and no remembered password along.
    assert "Access-Control-Allow-Credentials" not in answer.headers

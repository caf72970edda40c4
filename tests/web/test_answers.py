"""Answers and refusals."""

import orjson

from rulesd.web.answers import Refused, answer, page, refusal, text_answer


def test_a_refusal_is_an_error_and_a_message() -> None:
    refused = Refused(
        409, "taken", "it is taken", headers={"Retry-After": "3"}, facts={"accepted": 0}, close=True
    )
    response = refusal(refused)
    assert response.status == 409
    assert orjson.loads(response.body) == {
        "error": "taken",
        "message": "it is taken",
        "accepted": 0,
    }
    assert response.headers["Retry-After"] == "3"
    assert response.keep_alive is False


def test_content_types_and_policies() -> None:
    assert answer({}).content_type == "application/json"
    assert text_answer("x").headers["Content-Type"] == "text/plain; charset=utf-8"
    policy = page("<p>").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy

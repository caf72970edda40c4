"""No secret of receivers.yaml is ever repeated, wherever it stands."""

from typing import Any

import pytest

from tests.config.testing import loaded

SECRET = "s3cr3t-Xy7"


@pytest.mark.parametrize(
    "channel",
    [
        f"slack: {{token: {SECRET}, channel: c}}",
        f"slack: {{token: [{SECRET}], channel: c}}",
        f"slack: {{token: {{{SECRET}: x}}, channel: c}}",
        f"slack: {{token: {{env: {SECRET}, file: x}}, channel: c}}",
        f"slack: {{webhook_url: 'https://hooks.example.org/{SECRET}'}}",
        f"pagerduty: {{routing_key: {SECRET}}}",
        f"webhook: {{url: 'https://x.example.org', secret: [{SECRET}, {SECRET}]}}",
        f"webhook: {{url: 'https://u:{SECRET}@x.example.org', secret: {{env: X}}}}",
        f"webhook: {{url: '{SECRET}', secret: {{env: X}}}}",
        f"apprise: {{url: 'tgram://{SECRET}/1'}}",
        f"apprise: {{url: 'json://u:{SECRET}@localhost'}}",
        f"email: {{to: a@x.example, from: r@x.example, smarthost: 'x:25', password: {SECRET}}}",
        f"slack: {SECRET}",
        f"slack: {{token: {{env: X}}, channel: c, timeout: {{a: {SECRET}}}}}",
    ],
)
def test_a_literal_secret_is_refused_and_not_repeated(channel: str) -> None:
    result = loaded({"notifiers/receivers.yaml": f"receivers:\n  inbox:\n    {channel}\n"})
    assert result.errors
    assert all(SECRET not in str(p) for p in result.problems if "unknown field" not in p.problem)
    assert len(result.errors) == 1, [str(p) for p in result.errors]


@pytest.mark.parametrize(
    "url", ["json://localhost:8080/x", "xmls://hooks.example.org", "syslog://"]
)
def test_an_apprise_address_without_a_secret_may_stand_here(url: str) -> None:
    result = loaded(
        {"notifiers/receivers.yaml": f"receivers:\n  inbox:\n    apprise: {{url: '{url}'}}\n"}
    )
    assert result.plan is not None, [str(p) for p in result.errors]


def test_references_reach_the_channel_as_they_are() -> None:
    text = "receivers:\n  inbox:\n    webhook: {url: {file: hook_url}, secret: [{env: A}, {credential: b}], headers: {X-A: b}, timeout: 5s}\n"
    result = loaded({"notifiers/receivers.yaml": text})
    assert result.plan is not None, [str(p) for p in result.errors]
    settings: dict[str, Any] = dict(result.plan.receivers["inbox"].channels[0].settings)
    assert settings == {
        "url": {"file": "hook_url"},
        "secret": [{"env": "A"}, {"credential": "b"}],
        "headers": {"X-A": "b"},
        "deadline_s": 5.0,
    }


def test_a_circle_of_failovers_is_found_at_each_of_its_members() -> None:
    text = "receivers:\n  inbox: {failover: b}\n  b: {failover: c}\n  c: {failover: b}\n"
    result = loaded({"notifiers/receivers.yaml": text})
    assert [(p.line, p.code) for p in result.errors] == [(3, "failover_loop"), (4, "failover_loop")]


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("to: nobody, from: r@x, smarthost: 'x:25'", "to"),
        ("to: 'a@x, b', from: r@x, smarthost: 'x:25'", "to"),
        ("to: a@x, from: '', smarthost: 'x:25'", "from"),
        ("to: a@x, from: r@x, smarthost: x", "smarthost"),
        ("to: a@x, from: r@x, smarthost: 'x:99999'", "smarthost"),
        ("to: a@x, from: r@x", "smarthost"),
    ],
)
def test_mail_that_could_not_be_sent_is_refused_at_once(given: str, at: str) -> None:
    result = loaded({"notifiers/receivers.yaml": f"receivers: {{r: {{email: {{{given}}}}}}}\n"})
    assert any(at in str(problem) for problem in result.errors), result.errors


def test_mail_is_a_channel_people_read() -> None:
    text = "to: 'Kim <k@x>, l@x', from: r@x, smarthost: 'x:25'"
    result = loaded({"notifiers/receivers.yaml": f"receivers: {{r: {{email: {{{text}}}}}}}\n"})
    assert result.plan is not None, result.errors
    (made,) = result.plan.receivers["r"].channels
    assert (made.kind, made.for_people, made.updates_in_place) == ("email", True, False)

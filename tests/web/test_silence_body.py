"""A silence as it is written in a request, and as it is shown."""

from typing import Any

import pytest

from rulesd.core.silence_state import Act, Did, Record
from rulesd.model.instant import HOUR, MINUTE
from rulesd.model.silence import Silence, SilenceMatcher
from rulesd.ports.silences import HiddenPage, HiddenShare, Preview, SilenceView
from rulesd.web.answers import Refused
from rulesd.web.silence_body import (
    flag,
    matchers,
    read_silence,
    shown,
    shown_preview,
    shown_view,
    written,
)

NOW = 1_767_603_600_000
"2026-01-05T09:00:00Z"


def read(before: Silence | None = None, **fields: Any) -> Silence:
    given = {k.rstrip("_"): v for k, v in fields.items()}
    if before is None:
        given = {"matchers": ['tool="shell"'], "comment": "x", "for": "1h", **given}
    return read_silence(
        {k: v for k, v in given.items() if v != "(absent)"}, NOW, comment_chars=100, before=before
    )


def test_all_that_can_be_said() -> None:
    one = read(
        matchers=['tool=~"sh.*", tenant!="acme"', "env!~dev"],
        starts_at="2026-01-05T10:00:00Z",
        for_="2h",
        comment="planned",
        annotations={"ticket": "OPS-1"},
        windows={"cron": "0 3 * * *", "lasts": "30m", "timezone": "Europe/Berlin"},
    )
    assert one.matchers == (
        SilenceMatcher(name="tool", value="sh.*", is_regex=True),
        SilenceMatcher(name="tenant", value="acme", is_equal=False),
        SilenceMatcher(name="env", value="dev", is_regex=True, is_equal=False),
    )
    assert (one.starts_at - NOW, one.ends_at - NOW) == (HOUR, 3 * HOUR)
    assert (one.cron, one.lasts, one.timezone) == ("0 3 * * *", 30 * MINUTE, "Europe/Berlin")
    assert one.annotations == {"ticket": "OPS-1"}
    said = shown(one, NOW)
    assert said["matchers"] == ['tool=~"sh.*"', 'tenant!="acme"', 'env!~"dev"']
    assert said["windows"] == {"cron": "0 3 * * *", "lasts": "30m", "timezone": "Europe/Berlin"}
    assert said["state"] == "pending"


def test_what_is_shown_can_be_sent_back() -> None:
    one = read(end_on_resolve=True, ends_at="2026-01-05T12:00:00Z", for_="(absent)")
    said = shown(one, NOW)
    named = {
        k: v
        for k, v in said.items()
        if k not in ("id", "state", "updated_at", "created_by", "approved_by")
    }
    assert read(one, **named) == one
    assert shown(one, NOW)["windows"] is None


def test_a_change_keeps_what_it_does_not_name() -> None:
    one = read(end_on_resolve=True)
    assert read(one) == one
    longer = read(one, for_="2h")
    assert longer.ends_at == NOW + 2 * HOUR
    assert longer.end_on_resolve
    windows = read(one, end_on_resolve=False, windows={"cron": "0 3 * * *", "lasts": "1h"})
    assert read(windows, windows=None).cron == ""


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"end_on_resolved": True}, "unknown_field", "end_on_resolve"),
        ({"windows": {"cron": "x", "every": "1h"}}, "unknown_field", "windows.lasts"),
        ({"matchers": []}, "missing_field", "it would silence nothing"),
        ({"matchers": "("}, "invalid_matcher", "matcher 1 cannot be read"),
        ({"matchers": ['tool=~"("']}, "invalid_matcher", "not RE2"),
        ({"matchers": ["tool"]}, "invalid_matcher", "one of =, !=, =~, !~ is missing"),
        ({"matchers": {"tool": "shell"}}, "wrong_type", "no list of texts"),
        ({"matchers": [1]}, "wrong_type", "no list of texts"),
        ({"comment": "(absent)"}, "missing_field", "comment"),
        ({"comment": "x" * 101}, "too_long", "comment"),
        ({"for": "(absent)"}, "missing_field", "the end is missing"),
        ({"for": "soon"}, "invalid_duration", "for is no duration"),
        ({"for": 7200}, "invalid_duration", "for is no duration"),
        ({"ends_at": "2026-01-05T12:00:00Z"}, "exclusive", "for and ends_at"),
        ({"starts_at": "tomorrow"}, "invalid_time", "starts_at is no time"),
        ({"starts_at": 5}, "invalid_time", "starts_at is no time"),
        ({"windows": "nightly"}, "wrong_type", "windows is no object"),
        ({"windows": {"lasts": "1h"}}, "missing_field", "cron"),
        ({"annotations": {"a": 1}}, "wrong_type", "annotations"),
        ({"end_on_resolve": "yes"}, "wrong_type", "end_on_resolve"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], error: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(**fields)
    assert (refused.value.status, refused.value.error) == (400, error)
    assert words in refused.value.message


def test_small_parts() -> None:
    assert not flag({}, "dry_run")
    assert flag({"dry_run": True}, "dry_run")
    (one,) = matchers('a="\\"x\\""')
    assert written(one) == 'a="\\"x\\""'


def test_what_it_does_and_what_was_done_to_it() -> None:
    one = read(for_="1h")
    record = Record(
        silence=one, acts=(Act(NOW, "ana", Did.CREATED, ""),), held_back=2, last_held=NOW + 5
    )
    view = SilenceView(record=record, hides={"b": 2, "a": 1}, unapplied={"n": 1}, suits_never=False)
    said = shown_view(view, NOW)
    assert (said["hides"], said["hides_now"], said["held_back"]) == ({"a": 1, "b": 2}, 3, 2)
    assert said["last_held_back"] == "2026-01-05T09:00:00.005Z"
    assert said["history"] == [
        {"at": "2026-01-05T09:00:00.000Z", "by": "ana", "did": "created", "what": ""}
    ]
    assert said["hid_nothing"] is False
    never = Record(silence=one, acts=(), held_back=0, last_held=0)
    view = SilenceView(record=never, hides={}, unapplied={}, suits_never=True)
    assert shown_view(view, NOW)["hid_nothing"] is False
    said = shown_view(view, NOW + HOUR)
    assert (said["hid_nothing"], said["last_held_back"], said["state"]) == (True, None, "expired")


def test_a_preview() -> None:
    page = HiddenPage(
        at=NOW, receiver="r", rule="a", owner="o", severity="high", labels={"tool": "shell"}
    )
    said = shown_preview(
        Preview(
            since=NOW - HOUR,
            until=NOW,
            complete=True,
            pages=1,
            shortened=2,
            unapplied=3,
            shares=(HiddenShare(rule="a", owner="o", pages=1, examples=(page,)),),
            now={"a": 1},
        )
    )
    assert said["pages"] == 1
    assert said["shares"] == [
        {
            "rule": "a",
            "owner": "o",
            "pages": 1,
            "examples": [
                {
                    "at": "2026-01-05T09:00:00.000Z",
                    "receiver": "r",
                    "severity": "high",
                    "labels": {"tool": "shell"},
                }
            ],
        }
    ]

"""A silence as people and programs write it in a request, and as the API shows it.

Law: a field nobody knows is refused, so that a misspelt ``end_on_resolve`` does not silence for a day. What is shown can be sent back.
"""

from collections.abc import Mapping
from dataclasses import replace

from rulesd.config.matchers import parse_matchers
from rulesd.core.plan import Matcher
from rulesd.model.duration import format_duration, parse_duration
from rulesd.model.event import Json
from rulesd.model.instant import Instant, format_instant, parse_instant
from rulesd.model.silence import Silence, SilenceMatcher, SilenceState
from rulesd.ports.silences import Preview, SilenceView
from rulesd.web.answers import Refused
from rulesd.web.small_body import text

FIELDS = frozenset(
    {"matchers", "starts_at", "ends_at", "for", "comment", "annotations"}
    | {"end_on_resolve", "windows", "by", "dry_run"}
)
"What may be said about a silence."

_WINDOW = frozenset({"cron", "lasts", "timezone"})
_EXAMPLE = 'Send a list such as ["tool=\\"shell\\"", "tenant=~\\"acme|globex\\""]'


def read_silence(
    fields: Mapping[str, Json], now: Instant, *, comment_chars: int, before: Silence | None = None
) -> Silence:
    """A silence from a body; what it does not name is as ``before``. Raises ``Refused`` (400)."""
    _known(fields, FIELDS, "")
    silence = before or Silence(
        id="", matchers=(), starts_at=now, ends_at=now, updated_at=now, created_by="", comment=""
    )
    if "matchers" in fields:
        silence = replace(silence, matchers=matchers(fields["matchers"]))
    if "comment" in fields or before is None:
        comment = text(fields, "comment", most=comment_chars, required=True)
        silence = replace(silence, comment=comment)
    if "annotations" in fields:
        silence = replace(silence, annotations=_annotations(fields["annotations"]))
    if "end_on_resolve" in fields:
        silence = replace(silence, end_on_resolve=_flag(fields, "end_on_resolve"))
    if "windows" in fields:
        silence = _windows(silence, fields["windows"])
    return _times(silence, fields, now, before)


def flag(fields: Mapping[str, Json], name: str) -> bool:
    """A field that is true or false; absent is false."""
    return _flag(fields, name) if name in fields else False


def length(fields: Mapping[str, Json], name: str) -> int:
    """A field that is a duration. Raises ``Refused`` (400)."""
    try:
        return parse_duration(str(fields[name]))
    except (ValueError, OverflowError):
        raise Refused(
            400, "invalid_duration", f'{name} is no duration. Write one such as "2h" or "1d12h"'
        ) from None


def matchers(value: Json) -> tuple[SilenceMatcher, ...]:
    """Matchers as Alertmanager writes them. Raises ``Refused`` (400)."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Refused(400, "wrong_type", f"matchers is no list of texts. {_EXAMPLE}")
    if not value:
        raise Refused(
            400, "missing_field", f"matchers is empty: it would silence nothing. {_EXAMPLE}"
        )
    out: list[SilenceMatcher] = []
    for n, each in enumerate(value):
        try:
            out += map(_plain, parse_matchers(str(each)))
        except ValueError as error:
            raise Refused(
                400, "invalid_matcher", f"matcher {n + 1} cannot be read: {error}. {_EXAMPLE}"
            ) from None
    return tuple(out)


def _plain(one: Matcher) -> SilenceMatcher:
    return SilenceMatcher(
        name=one.name, value=one.value, is_regex="~" in one.op, is_equal="!" not in one.op
    )


def written(one: SilenceMatcher) -> str:
    """A matcher as Alertmanager prints it."""
    op = ("=~" if one.is_equal else "!~") if one.is_regex else ("=" if one.is_equal else "!=")
    return str(Matcher(name=one.name, op=op, value=one.value, test=bool))


def _times(
    silence: Silence, fields: Mapping[str, Json], now: Instant, before: Silence | None
) -> Silence:
    if "for" in fields and "ends_at" in fields:
        raise Refused(400, "exclusive", "for and ends_at say two different ends. Send one of them")
    starts = _instant(fields, "starts_at") if "starts_at" in fields else silence.starts_at
    if "for" in fields:
        # Of one that is active already: from now on, as a person means it.
        ends = max(starts, now) + length(fields, "for")
    elif "ends_at" in fields:
        ends = _instant(fields, "ends_at")
    elif before is not None:
        ends = before.ends_at
    else:
        raise Refused(
            400, "missing_field", 'the end is missing. Send for, such as "2h", or ends_at'
        )
    return replace(silence, starts_at=starts, ends_at=ends)


def _instant(fields: Mapping[str, Json], name: str) -> Instant:
    try:
        return parse_instant(str(fields[name]))
    except (ValueError, OverflowError):
        raise Refused(
            400, "invalid_time", f"{name} is no time. Write one such as 2026-01-05T09:00:00Z"
        ) from None


def _windows(silence: Silence, value: Json) -> Silence:
    if value is None:
        return replace(silence, cron="", lasts=0, timezone="")
    if not isinstance(value, dict):
        raise Refused(
            400,
            "wrong_type",
            'windows is no object. Send {"cron": "0 3 * * *", "lasts": "2h", "timezone": "Europe/Berlin"}',
        )
    _known(value, _WINDOW, "windows.")
    return replace(
        silence,
        cron=text(value, "cron", most=200, required=True),
        lasts=length(value, "lasts") if "lasts" in value else 0,
        timezone=text(value, "timezone", most=100),
    )


def _annotations(value: Json) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise Refused(400, "wrong_type", "annotations is no object of texts")
    return {name: str(each) for name, each in value.items()}


def _flag(fields: Mapping[str, Json], name: str) -> bool:
    value = fields[name]
    if not isinstance(value, bool):
        raise Refused(400, "wrong_type", f"{name} is neither true nor false")
    return value


def _known(fields: Mapping[str, Json], known: frozenset[str], prefix: str) -> None:
    for name in fields:
        if name not in known:
            there = ", ".join(prefix + one for one in sorted(known))
            raise Refused(400, "unknown_field", f"a field is not known. There are: {there}")


# ---------------------------------------------------------------------- what is shown


def shown(silence: Silence, now: Instant) -> dict[str, Json]:
    """A silence as it stands."""
    windows: Json = None
    if silence.cron:
        windows = {
            "cron": silence.cron,
            "lasts": format_duration(silence.lasts),
            "timezone": silence.timezone or "UTC",
        }
    matchers_: list[Json] = [written(m) for m in silence.matchers]
    annotations: dict[str, Json] = dict(silence.annotations)
    return {
        "id": silence.id,
        "state": str(silence.state(now)),
        "matchers": matchers_,
        "starts_at": format_instant(silence.starts_at),
        "ends_at": format_instant(silence.ends_at),
        "updated_at": format_instant(silence.updated_at),
        "created_by": silence.created_by,
        "comment": silence.comment,
        "annotations": annotations,
        "approved_by": silence.approved_by,
        "end_on_resolve": silence.end_on_resolve,
        "windows": windows,
    }


def shown_view(view: SilenceView, now: Instant) -> dict[str, Json]:
    """A silence with what it does, and what was done to it."""
    record = view.record
    silence = record.silence
    hides: dict[str, Json] = dict(sorted(view.hides.items()))
    unapplied: dict[str, Json] = dict(sorted(view.unapplied.items()))
    history: list[Json] = [
        {"at": format_instant(a.at), "by": a.by, "did": str(a.did), "what": a.what}
        for a in record.acts
    ]
    over = silence.state(now) is SilenceState.EXPIRED
    return {
        **shown(silence, now),
        "hides": hides,
        "hides_now": sum(view.hides.values()),
        "not_applied": unapplied,
        "holds_back_never": view.suits_never,
        "held_back": record.held_back,
        "last_held_back": format_instant(record.last_held) if record.last_held else None,
        "hid_nothing": over and not record.held_back,
        "history": history,
    }


def shown_preview(preview: Preview) -> dict[str, Json]:
    """What would have been."""
    shares: list[Json] = [
        {
            "rule": share.rule,
            "owner": share.owner,
            "pages": share.pages,
            "examples": [
                {
                    "at": format_instant(page.at),
                    "receiver": page.receiver,
                    "severity": page.severity,
                    "labels": dict(page.labels),
                }
                for page in share.examples
            ],
        }
        for share in preview.shares
    ]
    now: dict[str, Json] = dict(sorted(preview.now.items()))
    return {
        "since": format_instant(preview.since),
        "until": format_instant(preview.until),
        "complete": preview.complete,
        "pages": preview.pages,
        "shortened": preview.shortened,
        "not_applied": preview.unapplied,
        "shares": shares,
        "now": now,
    }

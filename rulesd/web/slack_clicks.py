"""What a click under a page in Slack does, and the sentence the person who clicked reads.

Law: acts are the daemon's, idempotent and under the person's name; a second click says who was first. Nothing a click says is
believed but the ids of alerts, and those are looked up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rulesd.model.alert import Alert
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant
from rulesd.model.reasons import AlertState
from rulesd.model.silence import Silence, SilenceMatcher, SilenceState
from rulesd.ports.daemon import Done
from rulesd.web.contained import contained
from rulesd.web.door import Door

ACKNOWLEDGE, SILENCE, CONTAIN = "rulesd_ack", "rulesd_silence", "rulesd_contain"
TEST = "test"
MOST_SILENCES = 20
"Alerts with nothing in common need a silence each; more than so many are too much for one click."


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """One click on a button that acts."""

    action: str
    alerts: tuple[str, ...]
    user: str
    "Slack's user name."

    user_id: str
    response_url: str

    @property
    def by(self) -> str:
        """Under which name the act is recorded."""
        return f"{self.user or 'somebody'} ({self.user_id}, Slack)"


def clicks(payload: Mapping[str, Json]) -> list[Click]:
    """The clicks of a ``block_actions`` payload; other payloads, and buttons that only open an address, have none."""
    actions, user = payload.get("actions"), payload.get("user")
    if payload.get("type") != "block_actions" or not isinstance(actions, list):
        return []
    person = user if isinstance(user, dict) else {}
    out: list[Click] = []
    for action in actions[:5]:
        if not isinstance(action, dict) or _text(action, "action_id", 255) not in _DOES:
            continue
        ids = _text(action, "value", 2_000).split(",")
        out.append(
            Click(
                action=_text(action, "action_id", 255),
                alerts=tuple(dict.fromkeys(one for one in ids if one))[:200],
                user=_text(person, "username", 80) or _text(person, "name", 80),
                user_id=_text(person, "id", 40),
                response_url=_text(payload, "response_url", 1_000),
            )
        )
    return out


async def perform(door: Door, click: Click) -> str:
    """Do it; the sentence to answer with."""
    if click.alerts == (TEST,):
        return "This was a test page. Your click arrived: the buttons work."
    return await _DOES[click.action](door, click)


async def _acknowledge(door: Door, click: Click) -> str:
    said: dict[str, int] = {}
    for name in click.alerts:
        known = {a.alert: a for a in door.daemon.alerts()}
        before = known.get(name)
        if before is not None and before.acknowledged_by and before.state is AlertState.FIRING:
            # Taking it over from somebody is an act of its own, and not what this button offers.
            mine = before.acknowledged_by == click.by
            who = "You have" if mine else f"{_escaped(before.acknowledged_by)} already has"
            said[who] = said.get(who, 0) + 1
            continue
        done = await door.daemon.acknowledge(name, click.by, "")
        who = _ACKNOWLEDGED[done]
        said[who] = said.get(who, 0) + 1
    one = len(click.alerts) == 1
    return " ".join(
        f"{who} {'it' if one else _count(count)}{_NEXT.get(who, '')}."
        for who, count in said.items()
    )


_ACKNOWLEDGED = {
    Done.DONE: "You have",
    Done.ALREADY: "Somebody already has",
    Done.NOT_ACTIVE: "Too late to take",
    Done.UNKNOWN: "Nothing is known any more of",
}
_NEXT = {
    "You have": ": no more pages unless it gets worse",
    "Too late to take": ": it has resolved meanwhile",
    "Nothing is known any more of": ": it resolved more than an hour ago",
}


async def _silence(door: Door, click: Click) -> str:
    now = door.daemon.now()
    alerts = [a for a in _find(door, click.alerts) if a.state is not AlertState.RESOLVED]
    if not alerts:
        return "There is nothing left to silence: it has resolved meanwhile."
    wanted = _identities(alerts)
    if len(wanted) > MOST_SILENCES:
        return (
            f"These are {len(wanted)} alerts with nothing in common: too many for one click. "
            "Write a silence for what they share: rulesd silence add"
        )
    until = f"<!date^{(now + HOUR) // 1_000}^{{time}}|an hour from now>"
    said: dict[str, int] = {}
    for matchers in wanted:
        standing = _standing(door, matchers, now)
        if standing is not None:
            ends = f"<!date^{standing.ends_at // 1_000}^{{time}}|its end>"
            words = f"{_escaped(standing.created_by)} has silenced it until {ends} already."
        else:
            done = await door.daemon.set_silence(_made(matchers, click, now), click.by)
            words = f"Silenced until {until}."
            if done.refused is not None:
                words = f"That silence was refused: {_escaped(done.message)}."
        said[words] = said.get(words, 0) + 1
    if any(a.never for a in alerts):
        note = (
            "It is about something that must never happen: such alerts go on paging until a "
            "second person approves the silence (rulesd silence approve)."
        )
        said[note] = 1
    return " ".join(said)


def _made(matchers: tuple[SilenceMatcher, ...], click: Click, now: Instant) -> Silence:
    return Silence(
        id="",
        matchers=matchers,
        starts_at=now,
        ends_at=now + HOUR,
        updated_at=now,
        created_by=click.by,
        comment="Silenced for an hour from the page in Slack",
    )


def _identities(alerts: Sequence[Alert]) -> list[tuple[SilenceMatcher, ...]]:
    """What tells these alerts: what they share when they are of one rule, else each its own identity."""
    identities = [_identity(a) for a in alerts]
    shared = dict(set(identities[0].items()).intersection(*(i.items() for i in identities)))
    groups = [shared] if "alertname" in shared else identities
    distinct = {tuple(sorted(one.items())) for one in groups}
    return [tuple(SilenceMatcher(name=n, value=v) for n, v in one) for one in sorted(distinct)]


def _identity(alert: Alert) -> dict[str, str]:
    if alert.foreign is not None:
        return {n: v for n, v in alert.labels.items() if v}
    return {"alertname": alert.rule, **{n: v for n, v in alert.labels.items() if v}}


def _standing(door: Door, matchers: tuple[SilenceMatcher, ...], now: Instant) -> Silence | None:
    """An active silence with the same matchers: the click was made before."""
    for one in door.daemon.silences(now):
        same = sorted(map(_key, one.matchers)) == sorted(map(_key, matchers))
        if same and one.state(now) is SilenceState.ACTIVE:
            return one
    return None


def _key(matcher: SilenceMatcher) -> tuple[str, str, bool, bool]:
    return matcher.name, matcher.value, matcher.is_regex, matcher.is_equal


async def _contain(door: Door, click: Click) -> str:
    said: list[str] = []
    for name in click.alerts:
        done = await door.daemon.acting.contain(name, click.by)
        if done is None:
            said.append("Nothing was contained: the alert has resolved meanwhile.")
        elif not done:
            said.append("Nothing was contained: the rule of this alert names no action any more.")
        else:
            said += [_escaped(contained(one)) for one in done]
    return " ".join(dict.fromkeys(said))


_DOES = {ACKNOWLEDGE: _acknowledge, SILENCE: _silence, CONTAIN: _contain}


def _find(door: Door, names: Sequence[str]) -> list[Alert]:
    wanted = set(names)
    return [a for a in door.daemon.alerts() if a.alert in wanted]


def _count(count: int) -> str:
    return f"{count} alert{'' if count == 1 else 's'}"


def _text(fields: Mapping[str, Json], name: str, most: int) -> str:
    value = fields.get(name)
    plain = value if isinstance(value, str) else ""
    return "".join(c for c in plain if c.isprintable())[:most].strip()


def _escaped(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

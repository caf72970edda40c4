"""Changes, for the record beside incidents: deploys as they are reported, and whatever else is changed on purpose.

Law: pure. The same change gives the same rows, ids included, so telling it twice shows it once. Labels only: a change's text is
made of what the event declares as labels.

Who gets them: channels of kind ``pagerduty`` with ``changes: true``, each integration once, however many receivers name it.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import msgspec

from rulesd.core.plan import ChannelSpec, Plan
from rulesd.model.event import Event, Json
from rulesd.model.instant import Instant, format_instant
from rulesd.model.notification import Notification
from rulesd.notify.text import cut, one_line
from rulesd.ports.store import OutboxRow

DEPLOY = "deploy.change"
PRIORITY = 9
"Behind every page and every update."

LENGTH = 200


def deploy_rows(event: Event, plan: Plan) -> list[OutboxRow]:
    """What a ``deploy.change`` event owes. Any other event owes nothing."""
    if event.type != DEPLOY:
        return []
    given = event.document.get("data")
    data: Mapping[str, Json] = given if isinstance(given, dict) else {}
    title, lines = _deploy(data, event)
    key = f"{event.tenant}\x1f{event.source}\x1f{event.id}"
    return change_rows(
        plan, at=event.at, key=key, title=title, lines=lines, source=_word(data, "service")
    )


def change_rows(
    plan: Plan, *, at: Instant, key: str, title: str, lines: Sequence[str] = (), source: str = ""
) -> list[OutboxRow]:
    """The rows that tell of one change, ready for a ``Commit``. ``key`` names the change: the same key is the same change."""
    rows: list[OutboxRow] = []
    told: set[bytes] = set()
    for receiver in plan.receivers.values():
        for spec in receiver.channels:
            integration = _integration(spec)
            if spec.settings.get("changes") is not True or integration in told:
                continue
            told.add(integration)
            rows.append(_row(spec, at, key, title, lines, source))
    return rows


def _row(
    spec: ChannelSpec, at: Instant, key: str, title: str, lines: Sequence[str], source: str
) -> OutboxRow:
    digest = blake2b(
        f"{spec.receiver}\x1f{spec.name}\x1f{key}".encode("utf-8", "replace"),
        digest_size=16,
        person=b"change",
    )
    id_ = f"chg_{digest.hexdigest()}"
    note = Notification(
        id=id_,
        receiver=spec.receiver,
        group="change",
        group_labels={"source": source} if source else {},
        incident=id_,
        status="firing",
        reason="changed",
        page=True,
        at=format_instant(at),
        alerts=(),
        title=cut(one_line(title), LENGTH) or "A change",
        lines=tuple(cut(one_line(said), LENGTH) for said in lines),
        change=True,
    )
    return OutboxRow(
        id=id_,
        receiver=spec.receiver,
        channel=spec.name,
        incident=id_,
        priority=PRIORITY,
        created=at,
        body=msgspec.json.encode(note),
    )


def _deploy(data: Mapping[str, Json], event: Event) -> tuple[str, list[str]]:
    """``model support-bot: m-7 -> m-8 (canary, 5 %)``, and who answers for it."""
    kind, component = _word(data, "kind") or "deploy", _word(data, "component")
    before, after = _word(data, "from_version"), _word(data, "to_version")
    versions = " -> ".join(v for v in (before, after) if v)
    percent = data.get("rollout_percent")
    share = f"{percent:g} %" if isinstance(percent, int | float) else ""
    how = ", ".join(w for w in (_word(data, "stage"), share) if w)
    what = " ".join(w for w in (kind, component or _word(data, "service")) if w)
    title = f"{what}{f': {versions}' if versions else ''}{f' ({how})' if how else ''}"
    named = [
        ("owner", _word(data, "owner")),
        ("change", _word(data, "change_id")),
        ("service", _word(data, "service")),
        ("tenant", event.tenant),
    ]
    return title, [f"{name}: {value}" for name, value in named if value]


def _word(data: Mapping[str, Json], name: str) -> str:
    value = data.get(name)
    return one_line(value) if isinstance(value, str) else ""


def _integration(spec: ChannelSpec) -> bytes:
    """What tells one PagerDuty integration from another: the reference to its key."""
    return msgspec.json.encode([spec.settings.get("routing_key"), spec.settings.get("url")])

"""The same configuration and the same timed pushes: to a real Alertmanager, and in virtual time to rulesd's engine.

What Alertmanager was told is recorded with the time at which it was; the engine is then told the same at the same times, so that the
machine's own noise is in both. Where a daemon runs beside it, it is told everything over HTTP, a moment later. Pages are compared as (group, alerts with status and start, status), in order, with their times.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from rulesd.core import ended
from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.model.decision import Audience, Decision, NotificationDue, Status
from rulesd.model.fingerprint import fingerprint
from rulesd.model.inputs import AlertsPosted, Input, PostedAlert, SilenceExpired, SilenceSet
from rulesd.model.instant import Instant
from rulesd.model.silence import Silence, SilenceMatcher
from tests.config.testing import loaded
from tests.integration.daemon import TOKEN, Daemon
from tests.twin.peer import Alertmanager
from tests.twin.story import RESOLVE, Fire, Hush, Push, Scenario, configuration

OWNERS = "owners: {team: {contact: nobody}, safety: {contact: nobody}}\n"

SPREAD = 0.4
"Scenarios do the same thing at slightly different times, in seconds, so that not all comes at once."

TOLERANCE = 0.95
"Seconds that a page may be earlier or later than its twin, on a busy machine; flushes of a group are two seconds apart."


@dataclass(frozen=True, order=True)
class Page:
    """One notification as the receiver got it."""

    at: float
    status: str
    alerts: tuple[tuple[str, str, int], ...]
    "(fingerprint, status, start in milliseconds), sorted."


Pages = Mapping[tuple[str, str], Sequence[Page]]
"By (receiver, group key)."


@dataclass
class Record:
    """What happened to the real one."""

    told: list[tuple[Instant, Input]] = field(default_factory=list)
    pages: dict[tuple[str, str], list[Page]] = field(default_factory=dict)
    since: float = 0.0
    "When its dispatcher began."

    daemon: dict[tuple[str, str], list[Page]] = field(default_factory=dict)
    "What a daemon beside it paged."

    until: Instant = 0


def play(
    scenarios: Sequence[Scenario], folder: Path, *, daemon: bool = False
) -> tuple[Record, Pages]:
    """Run all scenarios at once; what the real one did, and what rulesd does."""
    record = asyncio.run(_real(scenarios, folder, daemon=daemon))
    return record, rulesd(scenarios, record)


# ---------------------------------------------------------------------- the real one


def _inbox(record: Record) -> web.Application:
    """Notes every webhook: those under ``/ours`` are the daemon's."""

    async def hook(request: web.Request) -> web.Response:
        at, body = time.time(), await request.json()
        alerts = sorted((a["fingerprint"], a["status"], _ms(a["startsAt"])) for a in body["alerts"])
        page = Page(at, body["status"], tuple(alerts))
        pages = record.daemon if request.path.startswith("/ours/") else record.pages
        pages.setdefault((body["receiver"], body["groupKey"]), []).append(page)
        return web.Response()

    app = web.Application()
    app.router.add_post("/{tail:.*}", hook)
    return app


async def _real(scenarios: Sequence[Scenario], folder: Path, *, daemon: bool) -> Record:
    record = Record()
    runner = web.AppRunner(_inbox(record))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=2048).start()
    try:
        inbox = f"http://127.0.0.1:{runner.addresses[0][1]}"
        with ExitStack() as stack:
            urls = []
            if daemon:
                routing = json.dumps(configuration(scenarios, f"{inbox}/ours"))
                files = {"routing.yaml": routing, "owners.yaml": OWNERS}
                ours = stack.enter_context(Daemon(folder / "daemon", notifiers=files))
                urls.append(f"http://127.0.0.1:{ours.port}")
            text = json.dumps(configuration(scenarios, f"{inbox}/theirs"))
            peer = stack.enter_context(Alertmanager(folder, text))
            record.since = peer.dispatching_since
            start = _start(scenarios, record.since)
            await asyncio.sleep(max(0.0, start - time.time()))
            async with ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
                told = (
                    _tell(
                        scenario,
                        start + _offset(scenario, i, len(scenarios), start),
                        session,
                        [peer.url, *urls],
                        record,
                    )
                    for i, scenario in enumerate(scenarios)
                )
                await asyncio.gather(*told)
                end = start + max(scenario.until for scenario in scenarios)
                await asyncio.sleep(max(0.0, end - time.time()))
            record.until = round(end * 1000)
    finally:
        await runner.cleanup()
    record.told.sort(key=lambda each: each[0])
    return record


def _start(scenarios: Sequence[Scenario], since: float) -> float:
    """A moment whose sweeps (30 s after ``since``) fall between flushes and pushes."""
    start = since + 0.3
    while start < time.time() + 0.2:
        start += 2
    return start


def _offset(scenario: Scenario, number: int, count: int, start: float) -> float:
    if not scenario.minute_matters:
        return SPREAD * number / count
    distances = {
        step / 10 * SPREAD: abs((start + 1 + step / 10 * SPREAD + 0.5) % 1 - 0.5)
        for step in range(11)
    }
    return max(distances, key=lambda offset: distances[offset])


async def _tell(
    scenario: Scenario, start: float, session: ClientSession, peers: Sequence[str], record: Record
) -> None:
    """Tell one scenario to all peers; what the first was told when is on record."""
    silences: dict[tuple[str, str], str] = {}
    for step in scenario.steps:
        await asyncio.sleep(max(0.0, start + step.at - time.time()))
        for peer in peers:
            before = time.time()
            made: Input
            if isinstance(step, Push):
                body = [_body(scenario, each, start) for each in step.alerts]
                await _send(session, "POST", f"{peer}/api/v2/alerts", body)
                at = round((before + time.time()) * 500)
                posted = tuple(_posted(scenario, each, start, at) for each in step.alerts)
                made = AlertsPosted(alerts=posted)
            elif isinstance(step, Hush):
                wanted = _silence(scenario, step, start, before)
                answer = await _send(session, "POST", f"{peer}/api/v2/silences", wanted)
                silences[peer, step.name] = answer["silenceID"]
                at = round(time.time() * 1000)
                made = SilenceSet(silence=_own(answer["silenceID"], wanted, at), by="twin")
            else:
                id_ = silences[peer, step.name]
                await _send(session, "DELETE", f"{peer}/api/v2/silence/{id_}", None)
                at = round(time.time() * 1000)
                made = SilenceExpired(id=id_, by="twin")
            if peer == peers[0]:
                record.told.append((at, made))


async def _send(session: ClientSession, method: str, url: str, body: object) -> Any:
    async with session.request(method, url, json=body) as answer:
        text = await answer.text()
        assert answer.status == 200, text
        return json.loads(text) if text else None


def _iso(at: float) -> str:
    return datetime.fromtimestamp(round(at, 3), UTC).isoformat(timespec="milliseconds")


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _body(scenario: Scenario, each: Fire, start: float) -> dict[str, Any]:
    out: dict[str, Any] = {
        "labels": {**each.labels, "scenario": scenario.name},
        "annotations": dict(each.annotations),
    }
    if each.starts is not None:
        out["startsAt"] = _iso(start + each.starts)
    if each.ends is not None:
        out["endsAt"] = _iso(start + each.ends)
    return out


def _posted(scenario: Scenario, each: Fire, start: float, at: Instant) -> PostedAlert:
    """The same for rulesd: times filled in as the door of API v2 does."""
    body = _body(scenario, each, start)
    ends = _ms(body["endsAt"]) if "endsAt" in body else at + RESOLVE * 1000
    starts = _ms(body["startsAt"]) if "startsAt" in body else at
    return PostedAlert(
        labels={name: value for name, value in body["labels"].items() if value},
        starts_at=starts,
        ends_at=ends,
        annotations=body["annotations"],
        timeout="endsAt" not in body,
    )


def _silence(scenario: Scenario, step: Hush, start: float, now: float) -> dict[str, Any]:
    pairs = (("scenario", scenario.name), *step.matchers)
    return {
        "matchers": [
            {"name": n, "value": v, "isRegex": step.regex and n != "scenario", "isEqual": True}
            for n, v in pairs
        ],
        "startsAt": _iso(now),
        "endsAt": _iso(start + step.until),
        "createdBy": "twin",
        "comment": step.name,
    }


def _own(id_: str, wanted: Mapping[str, Any], at: Instant) -> Silence:
    return Silence(
        id=id_,
        matchers=tuple(
            SilenceMatcher(name=m["name"], value=m["value"], is_regex=m["isRegex"])
            for m in wanted["matchers"]
        ),
        starts_at=min(_ms(wanted["startsAt"]), at),
        ends_at=_ms(wanted["endsAt"]),
        updated_at=at,
        created_by="twin",
        comment="twin",
    )


# ---------------------------------------------------------------------- rulesd


def plan_of(scenarios: Sequence[Scenario]) -> Plan:
    """What rulesd makes of the very same file."""
    text = json.dumps(configuration(scenarios, "http://127.0.0.1:9"))
    result = loaded({"notifiers/routing.yaml": text, "notifiers/owners.yaml": OWNERS})
    assert result.plan is not None, [str(p) for p in result.errors]
    return result.plan


Change = Callable[[Engine], Engine]
"What a test does to the engine before each input: nothing, a restart, or something wrong."


def rulesd(
    scenarios: Sequence[Scenario],
    record: Record,
    change: Change = lambda engine: engine,
    *,
    phase: int | None = None,
) -> Pages:
    """The engine, told the same at the same times; its sweeps are in step with the other's, or with a clock ``phase`` ms ahead."""
    plan = plan_of(scenarios)
    since = round(record.since * 1000) if phase is None else phase
    usual = ended.next_sweep
    ended.next_sweep = lambda now: since + ((now - since) // ended.SWEEP + 1) * ended.SWEEP
    try:
        engine = Engine(plan)
        decisions: list[Decision] = []
        for at, item in record.told:
            engine = change(engine)
            decisions += engine.receive(item, at)
        decisions += engine.handle_timer(record.until)
    finally:
        ended.next_sweep = usual
    pages: dict[tuple[str, str], list[Page]] = {}
    for due in decisions:
        if isinstance(due, NotificationDue) and due.audience is not Audience.PEOPLE:
            page = _page(plan, due)
            if page is not None:
                pages.setdefault((due.receiver, due.group), []).append(page)
    return pages


def _page(plan: Plan, due: NotificationDue) -> Page | None:
    """As it would leave the house: a channel without ``send_resolved`` hears nothing of what is over."""
    channels = plan.receivers[due.receiver].channels
    resolved = any(channel.send_resolved for channel in channels)
    if not channels or (due.status is Status.RESOLVED and not resolved):
        return None
    alerts = []
    for told in due.alerts:
        assert told.alert.foreign is not None
        assert told.alert.fingerprint == fingerprint(told.alert.labels)
        if resolved or told.status is not Status.RESOLVED:
            start = told.alert.foreign.starts_at
            alerts.append((told.alert.fingerprint, str(told.status), start))
    return Page(due.at / 1000, str(due.status), tuple(sorted(alerts)))


# ---------------------------------------------------------------------- both


def only(
    names: Set[str], scenarios: Sequence[Scenario], record: Record
) -> tuple[list[Scenario], Record]:
    """Some scenarios and what happened in them."""

    def mine(item: Input) -> bool:
        match item:
            case AlertsPosted():
                return item.alerts[0].labels["scenario"] in names
            case SilenceSet():
                return item.silence.matchers[0].value in names
        return True

    told = [(at, item) for at, item in record.told if mine(item)]
    pages = {place: p for place, p in record.pages.items() if place[0].split("/")[0] in names}
    daemon = {place: p for place, p in record.daemon.items() if place[0].split("/")[0] in names}
    chosen = [scenario for scenario in scenarios if scenario.name in names]
    return chosen, Record(told, pages, record.since, daemon, record.until)


def differences(
    scenarios: Sequence[Scenario],
    real: Pages,
    ours: Pages,
    until: float,
    tolerance: float = TOLERANCE,
) -> dict[str, list[str]]:
    """By scenario, what is not the same; empty when all is."""
    out: dict[str, list[str]] = {}
    for place in sorted({*real, *ours}):
        scenario = place[0].split("/")[0]
        limit = until - tolerance
        left = [p for p in real.get(place, ()) if p.at < limit]
        right = [p for p in ours.get(place, ()) if p.at < limit]
        same = len(left) == len(right) and all(
            (a.status, a.alerts) == (b.status, b.alerts) and abs(a.at - b.at) <= tolerance
            for a, b in zip(left, right, strict=True)
        )
        if not same:
            shown = [f"{place[1]} -> {place[0]}", "  Alertmanager:", *_show(left, until)]
            out.setdefault(scenario, []).extend([*shown, "  rulesd:", *_show(right, until)])
    known = {scenario.name for scenario in scenarios}
    assert set(out) <= known, out
    return out


def _show(pages: Sequence[Page], until: float) -> list[str]:
    return [
        f"    {page.at - until:+.3f} {page.status} "
        + ", ".join(f"{name[:6]} {status}" for name, status, _ in page.alerts)
        for page in pages
    ]

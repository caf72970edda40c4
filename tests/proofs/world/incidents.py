"""What goes wrong in a world's second week, once each kind: as changed shares, or as the events of one person.

Law: every incident has a key (the labels that name it), a time by which somebody must know, and is strong enough to be found by
then: a segment without traffic is never chosen. Kinds, lengths and deadlines are those of the labelled stream, give or take a quarter.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import log
from random import Random
from typing import Any

from tests.proofs.world.effects import Effects
from tests.proofs.world.settings import DAY, HOUR, LEARN, MINUTE, MONDAY, World, moved
from tests.proofs.world.traffic import Made

Labels = dict[str, str]
FIRST, LAST = MONDAY + LEARN + 0.1 * DAY, MONDAY + 12.8 * DAY


@dataclass(slots=True)
class Story:
    """The incidents of one world, and what they do."""

    world: World
    random: Random
    effects: Effects = field(default_factory=Effects)
    incidents: list[dict[str, Any]] = field(default_factory=list)
    events: list[Made] = field(default_factory=list)
    deploys: list[tuple[float, str, str]] = field(default_factory=list)
    "Time, kind and version of every announced deploy."

    def note(
        self, kind: str, start: float, length: float, due: float, key: Labels, **more: Any
    ) -> None:
        """Write an incident down."""
        row = {"kind": kind, "start": start, "end": start + length, "key": key, "deadline_s": due}
        row |= {"action": "page", "id": f"I{len(self.incidents):02d}"} | more
        self.incidents.append(row)

    def about(self, value: float) -> float:
        """Give or take a quarter."""
        return value * self.random.uniform(0.8, 1.25)

    def strong(self, usual: float, odds: float) -> float:
        """A share whose odds have changed by this factor, in this world."""
        return moved(usual, log(odds) * self.world.strength)

    def expected(self, start: float, length: float, share: float = 1.0) -> float:
        """Requests in a stretch of time."""
        steps = max(4, int(length / 1800))
        inner = (start + (i + 0.5) * length / steps for i in range(steps))
        return sum(self.world.pace(at) for at in inner) * length / steps * share

    def when(self, length: float, least: float, share: float = 1.0) -> float:
        """A start at which the segment has traffic enough; the busiest of many when none has."""
        tries = [self.random.uniform(FIRST, LAST - length) for _ in range(60)]
        for start in tries:
            if self.expected(start, length, share) >= least:
                return start
        return max(tries, key=lambda start: self.expected(start, length, share))

    def someone(self, number: int) -> tuple[str, str]:
        """A tenant and one of its users who has done nothing so far."""
        tenant = self.random.choice(sorted(self.world.tenants))
        return tenant, f"{tenant}-x{number:02d}"

    def act(self, at: float, kind: str, tenant: str, user: str, flow: str, **data: Any) -> Made:
        """One event of one person."""
        who = {
            "route": next(iter(self.world.routes)),
            "language": "en",
            "model": "m1",
            "user_ref": user,
            "session_id": f"s-{user}",
        }
        if "index" in data and data["index"] not in self.world.indexes:
            # A person searches what there is: a source that nobody else uses would be an incident of its own.
            data["index"] = next(iter(self.world.indexes))
        made = {"at": at, "type": kind, "tenant": tenant, "correlationid": flow, "data": who | data}
        slow = self.random.random() < self.world.slow
        made["soon"] = self.random.uniform(1, 30) if slow else self.random.expovariate(1 / 0.6)
        self.events.append(made)
        return made

    def flow(self) -> str:
        """A correlation id of its own."""
        return f"c{self.random.getrandbits(32):08x}"


def search(**data: Any) -> dict[str, Any]:
    """A search as everybody makes it, but for ``data``."""
    usual = {"index": "crm", "result_count": 3, "filter_outcome": "applied", "outcome": "ok"}
    return usual | {"cross_tenant": False, "instruction_like": False} | data


def call(**data: Any) -> dict[str, Any]:
    """A tool call as everybody makes it, but for ``data``."""
    usual = {"tool": "sql_read", "tier": "read", "phase": "result", "outcome": "ok", "scope": "in"}
    return usual | {"args_hash": "h0001", "cost_usd": 0.004, "egress": False} | data


def judged(**data: Any) -> dict[str, Any]:
    """A decision that lets pass, but for ``data``."""
    usual = {"stage": "input", "verdict": "allow", "action": "allow", "hazard": "none"}
    return usual | {"status": "ok", "reason_code": "none", "component": "policy_gate"} | data


# ---------------------------------------------------------------------------------------------- shares


def refusal_drift(story: Story) -> None:
    world, length = story.world, story.about(40 * HOUR)
    pairs = [(t, h) for t in world.tenants for h in world.hazards]
    busy = sorted(p for p in pairs if p[1] != "none" and world.refused[p] < 0.2)
    week = {s: world.tenants[s[0]] * world.hazards[s[1]] for s in busy}
    tenant, hazard = story.random.choice(sorted(busy, key=lambda s: -week[s])[:3])
    start = story.when(length, 75, week[tenant, hazard])
    share = story.strong(world.refused[tenant, hazard], 5.5)
    key = {"tenant": tenant, "hazard": hazard}
    story.effects.add("refuse", start, start + length, share, key)
    if story.random.random() < 0.8:
        story.deploys.append((start, "model", "m2"))
    story.note("refusal_drift_segment", start, length, 0.75 * length, key)


def refusal_drop(story: Story) -> None:
    world, length = story.world, story.about(30 * HOUR)
    usual = {
        h: sum(world.tenants[t] * world.refused[t, h] for t in world.tenants) for h in world.hazards
    }
    hazard = max(
        usual, key=lambda h: (usual[h] > 0.15) * world.hazards[h] * story.random.uniform(0.5, 1.5)
    )
    start = story.when(length, 60, world.hazards[hazard])
    story.effects.add(
        "refuse", start, start + length, story.strong(usual[hazard], 1 / 18), {"hazard": hazard}
    )
    story.deploys.append((start, "policy", "p7"))
    story.effects.add("policy_version", start, FIRST + 99 * DAY, 7, {})
    story.note("refusal_drop_fail_open", start, length, 0.67 * length, {"hazard": hazard})


def clarify(story: Story) -> None:
    world, length = story.world, story.about(6 * HOUR)
    route = story.random.choice(list(world.routes)[:3])
    start = story.when(length, 250, world.routes[route])
    share = story.strong(world.clarified[route], 10)
    story.effects.add("clarify", start, start + length, share, {"route": route})
    if story.random.random() < 0.5:
        story.deploys.append((start - HOUR, "prompt", "q3"))
    story.note("clarify_spike", start, length, length / 2, {"route": route})


def language(story: Story) -> None:
    world, length = story.world, story.about(36 * HOUR)
    name = min(world.languages, key=lambda each: world.languages[each])
    start = story.when(length, 45, world.languages[name])
    share = 0.28 * world.strength
    story.effects.add("fail", start, start + length, share, {"language": name})
    story.note("language_local_failure", start, length, 0.83 * length, {"language": name})


def score_drift(story: Story) -> None:
    world, length = story.world, story.about(24 * HOUR)
    route = story.random.choice(sorted(world.routes))
    start = story.when(length, 200, world.routes[route])
    amount = min(1.0, 0.8 * world.strength)
    story.effects.add("drift", start, start + length, amount, {"route": route})
    story.note("score_drift", start, length, 0.67 * length, {"route": route})


def gate(story: Story) -> None:
    length = story.about(40 * MINUTE)
    start = story.when(length, 90)
    share = 0.23 * story.world.strength
    story.effects.add("gate", start, start + length, share, {})
    story.note("slo_burn_gate", start, length, 0.75 * length, {"component": "policy_gate"})


def filter_errors(story: Story) -> None:
    length = story.about(30 * MINUTE)
    start = story.when(length, 90)
    share = 0.36 * story.world.strength
    story.effects.add("filter", start, start + length, share, {})
    story.note("filter_errors_under_load", start, length, length / 2, {})


def reports(story: Story) -> None:
    length = story.about(12 * HOUR)
    start = story.when(length, 1200)
    share = story.strong(story.world.reporting, 5)
    story.effects.add("report", start, start + length, share, {})
    story.note("user_reports_up", start, length, 0.83 * length, {}, action="ticket")


def disagreement(story: Story) -> None:
    length = story.about(48 * HOUR)
    start = story.when(length, 2500)
    share = story.strong(story.world.disagreeing, 8)
    if story.world.versions and story.random.random() < 0.6:
        story.effects.add("classifier_version", start, FIRST + 99 * DAY, 7, {})
        story.effects.add("disagree", start, start + length, share, {})
        key = {"classifier_version": "v7"}
        story.note("disagreement_new_classifier", start, length, 0.75 * length, key)
        return
    story.effects.add("disagree", start, start + length, share, {})
    story.note("reviewer_disagreement", start, length, 0.75 * length, {})


def new_source(story: Story) -> None:
    length = story.about(6 * HOUR)
    start = story.when(length, 430)
    share = min(0.6, 0.33 * story.world.strength)
    story.effects.add("source", start, start + length, share, {"index": "paste_mirror"})
    story.note("new_source_dominates", start, length, HOUR, {"index": "paste_mirror"})


def near_misses(story: Story) -> None:
    length = story.about(48 * HOUR)
    start = story.when(length, 0)
    hazard = story.random.choice(sorted(h for h in story.world.hazards if h != "none"))
    for number in range(round(22 * story.world.strength)):
        tenant, user = story.someone(number % 30)
        at = start + story.random.random() * length
        story.act(at, "near_miss", tenant, user, story.flow(), hazard=hazard, stage="approval")
    story.note("near_miss_accumulation", start, length, 0.75 * length, {"hazard": hazard})


def heartbeat(story: Story) -> None:
    beat = story.world.beat
    length = 8 * beat
    start = story.when(length, 0)
    name = story.random.choice(story.world.components)
    story.effects.add("silent", start, start + length, 1.0, {"component": name})
    story.note("heartbeat_loss", start, length, 2 * beat + 180.0, {"component": name})


def version(story: Story) -> None:
    if not story.world.versions:
        return
    apart = [at for at, kind, _ in story.deploys if kind != "model"]
    start = story.when(HOUR, 60)
    for _ in range(50):
        if all(abs(start - at) > 8 * HOUR for at in apart):
            break
        start = story.when(HOUR, 60)
    story.effects.add("policy_version", start, FIRST + 99 * DAY, 9, {})
    story.effects.by["policy_version"].sort(key=lambda each: -each.value)
    key = {"policy_version": "p9"}
    story.note("policy_version_without_deploy", start, 2 * HOUR, 30 * MINUTE, key)


# ---------------------------------------------------------------------------------------------- people


def denied(story: Story) -> None:
    length, many = story.about(180.0), round(24 * story.world.strength)
    for number in (40, 41):
        start = story.when(length, 0)
        tenant, user = story.someone(number)
        for i in range(many):
            at = start + (i + story.random.random() * 0.2) * length / many
            tool = story.random.choice(("admin_user", "email_send", "sql_read"))
            data = call(tool=tool, tier="privileged", outcome="denied", deny_reason="policy")
            data["args_hash"] = f"h{story.random.getrandbits(16):04x}"
            story.act(at, "tool.call", tenant, user, story.flow(), **data)
        story.note("denied_tool_burst", start, length, 300.0, {"user_ref": user})


def probing(story: Story) -> None:
    length, many = story.about(25 * MINUTE), max(9, round(14 * story.world.strength))
    start, (tenant, user) = story.when(length, 0), story.someone(42)
    for i in range(many):
        data = call(tool="admin_user", tier="privileged", outcome="denied", deny_reason="policy")
        at = start + (i + story.random.random() * 0.15) * length / many
        story.act(at, "tool.call", tenant, user, story.flow(), **data)
    story.note("probing_retries", start, length, length, {"user_ref": user})


def wallet(story: Story) -> None:
    length, many = story.about(20 * MINUTE), round(300 * story.world.strength)
    start, (tenant, user), flow = story.when(length, 0), story.someone(43), story.flow()
    for i in range(many):
        data = call(args_hash=f"h{i % 7:04x}", cost_usd=round(story.random.uniform(0.02, 0.05), 5))
        at = start + (i + story.random.random() * 0.3) * length / many
        story.act(at, "tool.call", tenant, user, flow, **data)
    story.note("denial_of_wallet", start, length, 420.0, {"user_ref": user})


def enumeration(story: Story) -> None:
    length, many = story.about(20 * MINUTE), round(60 * story.world.strength)
    start, (tenant, user) = story.when(length, 0), story.someone(44)
    for i in range(many):
        doc = f"doc{i * 17:04d}"
        at = start + (i + story.random.random() * 0.2) * length / many
        data = search(result_count=1, doc_id=doc, doc_ids=[doc])
        story.act(at, "retrieval.query", tenant, user, story.flow(), **data)
    story.note("enumeration_cardinality", start, length, 0.75 * length, {"user_ref": user})


def chain(story: Story) -> None:
    for number in (45, 46, 47):
        start, (tenant, user), flow = story.when(90.0, 0), story.someone(number), story.flow()
        steps = chained(story, start, tenant, user, flow)
        late = story.random.random() < 0.4
        if late:
            steps[1]["arrives"] = steps[1]["at"] + 75.0
        story.note("jailbreak_chain", start, 90.0, 120.0, {"user_ref": user}, ooo=late)


def chained(story: Story, start: float, tenant: str, user: str, flow: str) -> list[Made]:
    """The four steps of a chain that succeeds."""
    at = [start + s + story.random.random() * 4 for s in (0.5, 21.0, 44.0, 62.0)]
    mail = {"tool": "email_send", "tier": "write"}
    return [
        story.act(
            at[0], "policy.decision", tenant, user, flow, **judged(reason_code="jailbreak_pattern")
        ),
        story.act(at[1], "retrieval.query", tenant, user, flow, **search(instruction_like=True)),
        story.act(at[2], "tool.call", tenant, user, flow, **call(**mail)),
        story.act(
            at[3], "tool.call", tenant, user, flow, **call(phase="effect", egress=True, **mail)
        ),
    ]


def scope(story: Story) -> None:
    start, (tenant, user) = story.when(1.0, 0), story.someone(48)
    story.act(start, "tool.call", tenant, user, story.flow(), **call(scope="out"))
    story.note("out_of_scope_tool_success", start, 1.0, 60.0, {"tenant": tenant})


def cross_tenant(story: Story) -> None:
    names = story.random.sample(sorted(story.world.tenants), 3)
    for number, tenant in enumerate(names):
        start, late = story.when(1.0, 0), number == 0
        made = story.act(
            start,
            "retrieval.query",
            tenant,
            f"{tenant}-u01",
            story.flow(),
            **search(cross_tenant=True),
        )
        if late:
            made["arrives"] = start + 1200.0
        story.note("cross_tenant_hit", start, 1.0, 60.0, {"tenant": tenant}, late=late)


def cap_bypass(story: Story) -> None:
    if not story.world.versions:
        return
    start, (tenant, user), flow = story.when(600.0, 0), story.someone(49), story.flow()
    story.act(
        start, "usage.cost", tenant, user, flow, meter="usd", limit_state="exceeded", cost_usd=0.1
    )
    for i in range(12):
        at = start + 20 + 45 * i + story.random.random() * 10
        args = f"h{story.random.getrandbits(16):04x}"
        story.act(at, "tool.call", tenant, user, story.flow(), **call(args_hash=args))
    story.note("cap_bypass", start, 600.0, 600.0, {"user_ref": user})


KINDS: tuple[Callable[[Story], None], ...] = (
    refusal_drift, refusal_drop, clarify, language, score_drift, gate, filter_errors, reports, disagreement,
    new_source, near_misses, heartbeat, version, denied, probing, wallet, enumeration, chain, scope, cross_tenant, cap_bypass,
)  # fmt: skip


def kinds() -> Iterator[Callable[[Story], None]]:
    """Every kind, those that lean on another's deploys last."""
    yield from KINDS

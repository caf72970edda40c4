"""What looks like an incident in a world and is none: nobody may be woken for it.

Law: a decoy is ordinary life, told by its events alone; the truth file names it so that a false page can be explained.
"""

from typing import Any

from tests.proofs.world.incidents import Story, call, chained, search
from tests.proofs.world.settings import DAY, HOUR, LEARN, LENGTH, MINUTE, MONDAY
from tests.proofs.world.traffic import Made

Decoys = list[dict[str, Any]]


def decoys(story: Story) -> Decoys:
    """All of them; the story carries what they do."""
    out: Decoys = []

    def note(kind: str, start: float, length: float, why: str, **more: Any) -> None:
        out.append({"kind": kind, "start": start, "end": start + length, "why": why, **more})

    random, world = story.random, story.world
    for number in range(random.randint(1, 3)):
        at = MONDAY + random.uniform(1, 6) * DAY
        story.deploys.append((at, "model", f"m1.{number}"))
    for number in range(random.randint(1, 2)):
        at = story.when(HOUR, 0)
        kind = random.choice(("tool", "code", "retrieval_index"))
        story.deploys.append((at, kind, f"n{number}"))
        note("planned_deploy", at, DAY, "a deploy that changes nothing")
    for at, _, _ in story.deploys:
        story.effects.add("restart", at, at + 4 * MINUTE, 0.5, {})
        note("deploy_noise", at, 4 * MINUTE, "tool errors while everything restarts")
    for low, high in ((1.0, 6.0), (7.2, 13.0)):
        at, times = MONDAY + random.uniform(low, high) * DAY, random.uniform(2.0, 4.0)
        story.effects.add("traffic", at, at + 2 * HOUR, times, {})
        note("marketing_spike", at, 2 * HOUR, "more traffic, the same shares")
    at = story.when(2 * DAY, 0)
    story.effects.add(
        "source", at, MONDAY + LENGTH, random.uniform(0.01, 0.05), {"index": "kb_new"}
    )
    note("benign_new_source", at, MONDAY + LENGTH - at, "a new source with a small share")
    _people(story, note)
    at = story.when(HOUR, 0)
    component = random.choice(world.components)
    story.effects.add("silent", at, at + world.beat, 1.0, {"component": component})
    note("missed_beat", at, 3 * world.beat, "one beat missing, the next on time")
    at, component = story.when(2 * HOUR, 0), random.choice(world.components)
    length = random.uniform(2.5, 4.5) * world.beat
    story.effects.add("stall", at, at + length, 1.0, {"component": component})
    note(
        "late_heartbeats",
        at,
        length + MINUTE,
        "beats are held up and arrive together",
        component=component,
    )
    at = story.when(HOUR, 0)
    note("batch_redelivery", at, MINUTE, "hundreds of events of six hours ago are delivered again")
    return out


def _people(story: Story, note: Any) -> None:
    for number in range(6):
        start, (tenant, user), flow = story.when(90.0, 0), story.someone(60 + number), story.flow()
        steps = chained(story, start, tenant, user, flow)
        _break(story, steps, number % 3)
        note(
            "broken_chain", start, 200.0, "a step is missing, in the wrong order or of another flow"
        )
    for number in range(3):
        start, (tenant, user) = story.when(300.0, 0), story.someone(70 + number)
        for i in range(3):
            data = call(outcome="denied", deny_reason="policy", args_hash=f"h{number}{i}")
            story.act(start + 80 * i, "tool.call", tenant, user, story.flow(), **data)
        note("few_denials", start, 300.0, "one user, three denials in five minutes")
    start, (tenant, user) = story.when(1200.0, 0), story.someone(75)
    for i in range(8):
        doc = f"doc{i}"
        data = search(doc_id=doc, doc_ids=[doc])
        story.act(start + 140 * i, "retrieval.query", tenant, user, story.flow(), **data)
    note("reader", start, 1200.0, "somebody reads eight documents")
    if story.world.versions:
        start, (tenant, user) = story.when(600.0, 0), story.someone(76)
        spent = {"meter": "usd", "limit_state": "exceeded", "cost_usd": 0.1}
        story.act(start, "usage.cost", tenant, user, story.flow(), **spent)
        story.act(start + 2, "tool.call", tenant, user, story.flow(), **call())
        story.act(start + 90, "tool.call", tenant, user, story.flow(), **call(outcome="denied"))
        note("cap_holds", start, 600.0, "one call under way, the next refused")


def _break(story: Story, steps: list[Made], how: int) -> None:
    if how == 0:
        story.events.remove(steps[1])
    elif how == 1:
        steps[0]["at"], steps[3]["at"] = steps[3]["at"], steps[0]["at"]
    else:
        steps[2]["correlationid"] = steps[3]["correlationid"] = story.flow()


def learning_only(at: float) -> bool:
    """Whether a moment belongs to the week in which nothing goes wrong."""
    return at < MONDAY + LEARN

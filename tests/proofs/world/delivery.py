"""How a world's events reach the daemon: late, twice, with a fast clock, held up; and what the truth about them is.

Law: delivery changes no event; it says when each arrives, and how often.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from tests.proofs.world.decoys import decoys
from tests.proofs.world.incidents import Story, kinds
from tests.proofs.world.settings import HOUR, LEARN, LENGTH, MONDAY, World, draw, widened
from tests.proofs.world.traffic import Made, Maker


def stamp(at: float) -> str:
    """RFC 3339, milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def delivered(world: World, story: Story, events: Iterable[Made], random: Random) -> Iterator[Made]:
    """Every delivery: the event with ``arrives``."""
    fast = random.choice(sorted(world.tenants))
    for event in events:
        kind, at = event["type"], event["at"]
        if "arrives" in event or "soon" in event:
            yield {"arrives": at + event.get("soon", 0.0)} | event
            continue
        stalled = kind == "heartbeat" and story.effects.of("stall", 0.0, at, event["data"])
        if stalled:
            end = max(e.end for e in story.effects.by["stall"] if e.start <= at < e.end)
            yield event | {"arrives": end + random.random() * 5}
            continue
        delay = random.expovariate(1 / 0.6)
        luck = random.random()
        if luck < world.very_late:
            delay = random.uniform(60.0, 1800.0)
        elif luck < world.very_late + world.slow:
            delay = random.uniform(1.0, 30.0)
        arrives = at + delay
        if kind == "output.classification" and event.get("tenant") == fast:
            event["at"] = at + world.fast
        yield event | {"arrives": arrives}
        if random.random() < world.twice:
            yield event | {"arrives": arrives + random.expovariate(1 / 120.0)}


def again(found: list[Made], seen: list[dict[str, Any]], random: Random) -> list[Made]:
    """The batches that are delivered again."""
    out: list[Made] = []
    for decoy in seen:
        if decoy["kind"] == "batch_redelivery":
            low = decoy["start"] - 6 * HOUR
            batch = [e for e in found if low <= e["at"] < low + HOUR][:400]
            out += [e | {"arrives": decoy["start"] + random.random() * 60} for e in batch]
    return out


def line(event: Made) -> str:
    """One CloudEvent."""
    made = {
        "specversion": "1.0",
        "id": event["id"],
        "source": "/svc/assistant",
        "type": f"ai.safety.{event['type']}.v1",
        "time": stamp(event["at"]),
        "arrivaltime": stamp(event["arrives"]),
        "data": event["data"],
    }
    made |= {k: event[k] for k in ("tenant", "correlationid") if k in event}
    return json.dumps(made, separators=(",", ":"))


def announced(story: Story) -> Iterator[Made]:
    """The deploys, as they are told."""
    for at, kind, version in story.deploys:
        component = "policy_gate" if kind == "policy" else "assistant"
        data = {"kind": kind, "to_version": version, "stage": "full", "component": component}
        yield {"at": at, "type": "deploy.change", "data": data}


def files(seed: int, folder: Path, *, wide: bool) -> tuple[Path, Path]:
    """Where a world's recorded traffic and the truth about it lie."""
    name = f"{'wide' if wide else 'world'}-{seed}"
    return folder / f"{name}.ndjson.gz", folder / f"{name}.truth.json"


def write(seed: int, folder: Path, *, wide: bool = False) -> tuple[Path, Path]:
    """The recorded traffic and the truth of a world: the paths of both files."""
    world = widened(draw(seed)) if wide else draw(seed)
    random = Random(seed * 104_729 + 7)
    story = Story(world, random)
    for kind in kinds():
        kind(story)
    seen = decoys(story)
    maker = Maker(world, story.effects, random)
    events = [*maker.requests(), *maker.beats(), *story.events, *announced(story)]
    events.sort(key=lambda e: (e["at"], e["type"]))
    for number, event in enumerate(events):
        event["id"] = f"{seed}-{number:06d}"
    found = list(delivered(world, story, events, random))
    found += again(found, seen, random)
    found.sort(key=lambda e: (e["arrives"], e["id"]))
    truth = {"seed": seed, "t0": MONDAY, "split": MONDAY + LEARN, "end": MONDAY + LENGTH}
    truth |= {"incidents": sorted(story.incidents, key=lambda i: i["start"]), "decoys": seen}
    traffic, told = files(seed, folder, wide=wide)
    with gzip.open(traffic, "wt", compresslevel=1) as out:
        out.writelines(f"{line(event)}\n" for event in found)
    told.write_text(json.dumps(truth, indent=1))
    return traffic, told

"""How good pages are: found in time, found once, named, and how many were about nothing.

Law: a page is a ``notification.due`` that brings an alert not yet told in its episode. It counts for an incident when its rule covers the
kind, it leaves between the incident's start and an hour after its end, and no label it carries differs from the incident's key; it
*localises* when it carries all of the key. Low severity is a ticket: it may find an incident, it is never a false page. Before ``split``
nothing is scored (the rules learn); pages there are counted apart. Timeliness of an incident: 1 at once, 0.5 at its deadline, 0 at twice that.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

GRACE, STRAGGLER, LATE = 3_600, 1_800, 1_300
"Seconds: after the end, more for what is told late, more for its deadline."
REACH = (
    ("in time", 0.97, True),
    ("localised", 1.0, True),
    ("precision", 0.95, True),
    ("pages per incident", 1.05, False),
    ("false pages a week", 1.0, False),
    ("timeliness", 0.82, True),
)
"What is to be reached: measure, bound, whether more is better."


@dataclass(frozen=True, slots=True)
class Page:
    """One page or ticket."""

    at: float
    rule: str
    kinds: tuple[str, ...]
    labels: Mapping[str, str]
    ticket: bool

    def fits(self, incident: Mapping[str, Any]) -> bool:
        """Whether it may be about the incident."""
        grace = GRACE + (STRAGGLER if incident.get("late") else 0)
        return (
            incident["kind"] in self.kinds
            and incident["start"] - 1 <= self.at <= incident["end"] + grace
            and all(self.labels.get(k, v) == v for k, v in incident["key"].items())
        )

    def names(self, incident: Mapping[str, Any]) -> bool:
        """Whether it says where."""
        return all(self.labels.get(k) == v for k, v in incident["key"].items())


@dataclass(slots=True)
class Score:
    """Sums that can be added up over worlds."""

    incidents: int = 0
    found: int = 0
    in_time: int = 0
    named: int = 0
    pages: int = 0
    told: int = 0
    timeliness: float = 0.0
    weeks: float = 0.0
    learning: int = 0
    false: dict[str, int] = field(default_factory=dict)
    by_kind: dict[str, list[float]] = field(default_factory=dict)
    "(found in time, timeliness, pages) of each incident of a kind, flat."
    rows: list[tuple[str, bool, float | None, float, int]] = field(default_factory=list)

    def add(self, other: "Score") -> None:
        """Take another one's sums."""
        for name in ("incidents", "found", "in_time", "named", "pages", "told", "learning"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.timeliness += other.timeliness
        self.weeks += other.weeks
        self.rows += other.rows
        for rule, many in other.false.items():
            self.false[rule] = self.false.get(rule, 0) + many

    def measures(self) -> dict[str, float]:
        """Each measure of ``REACH``."""
        wrong = sum(self.false.values())
        return {
            "in time": self.in_time / max(1, self.incidents),
            "localised": self.named / max(1, self.found),
            "precision": 1 - wrong / max(1, self.pages),
            "pages per incident": self.told / max(1, self.found),
            "false pages a week": wrong / max(self.weeks, 0.01),
            "timeliness": self.timeliness / max(1, self.incidents),
        }

    def missed(self) -> list[str]:
        """Each target that is missed, and by how much; empty when all are reached."""
        out, found = [], self.measures()
        for name, bound, more in REACH:
            short = bound - found[name] if more else found[name] - bound
            if short > 1e-9:
                word = "short of" if more else "over"
                out.append(f"{name} is {found[name]:.3f}: {short:.3f} {word} {bound:g}")
        return out

    def line(self) -> str:
        """The measures, as text."""
        told = "  ".join(
            f"{name} {value:.2f}" if name.endswith(("incident", "week")) else f"{name} {value:.3f}"
            for name, value in self.measures().items()
        )
        return f"incidents {self.incidents}  {told}  while learning {self.learning}"


def seconds(stamp: str) -> float:
    """Epoch seconds of a timestamp."""
    return datetime.fromisoformat(stamp).timestamp()


def covers(rules: Path) -> dict[str, tuple[str, ...]]:
    """Which kinds each rule is for."""
    yaml = YAML(typ="safe")
    found = {}
    for path in sorted(rules.glob("*/*.yaml")):
        rule = yaml.load(path.read_text())
        found[rule["id"]] = tuple(rule.get("covers", ()))
    return found


def pages(decisions: Iterable[str], kinds: Mapping[str, tuple[str, ...]], truth: Any) -> list[Page]:
    """The pages of a decision log, each for the alert in it that is about something, if any."""
    told: set[str] = set()
    found = []
    for text in decisions:
        row = json.loads(text)
        if row["kind"] == "alert.resolved":
            told.discard(row.get("fingerprint"))
        if row["kind"] != "notification.due":
            continue
        new = [a for a in row["alerts"] if a["status"] == "firing" and a["fingerprint"] not in told]
        told.update(a["fingerprint"] for a in new)
        made = [
            Page(
                seconds(row["at"]),
                a["rule"],
                kinds.get(a["rule"], ()),
                a.get("labels", {}),
                a["severity"] == "low",
            )
            for a in new
        ]
        made.sort(key=lambda p: (not any(p.fits(i) for i in truth["incidents"]), p.ticket))
        found += made[:1]
    return found


def score(found: Iterable[Page], truth: Any) -> Score:
    """Pages against the truth."""
    incidents, out = truth["incidents"], Score()
    out.weeks = (truth["end"] - truth["split"]) / 604_800
    about: dict[int, list[Page]] = {i: [] for i in range(len(incidents))}
    for page in sorted(found, key=lambda p: p.at):
        if page.at > truth["end"]:
            continue
        if page.at < truth["split"]:
            out.learning += not page.ticket
            continue
        fitting = [i for i, incident in enumerate(incidents) if page.fits(incident)]
        if fitting:
            best = max(fitting, key=lambda i: (page.names(incidents[i]), -len(about[i])))
            about[best].append(page)
        elif not page.ticket:
            near = [d["kind"] for d in truth["decoys"] if d["start"] <= page.at <= d["end"] + 600]
            where = ",".join(f"{k}={v}" for k, v in sorted(page.labels.items()))
            name = f"{page.rule} {where}" + (f" @{near[0]}" if near else "")
            out.false[name] = out.false.get(name, 0) + 1
    for i, incident in enumerate(incidents):
        _count(out, incident, about[i])
    out.pages = sum(map(len, about.values())) + sum(out.false.values())
    return out


def _count(out: Score, incident: Any, mine: list[Page]) -> None:
    due = incident["deadline_s"]
    took = mine[0].at - incident["start"] if mine else None
    in_time = took is not None and took <= due + (LATE if incident.get("late") else 0)
    timely = 0.0 if took is None else max(0.0, 1.0 - took / (2 * max(due, 60)))
    out.incidents += 1
    out.found += bool(mine)
    out.in_time += in_time
    out.named += any(page.names(incident) for page in mine)
    out.told += len(mine)
    out.timeliness += timely
    part = None if took is None else took / due
    out.rows.append((incident["kind"], in_time, part, timely, len(mine)))


def by_kind(rows: Iterable[tuple[str, bool, float | None, float, int]]) -> str:
    """One line a kind: how many, in time, mean time to page as a part of the deadline, timeliness, pages."""
    kinds: dict[str, list[tuple[str, bool, float | None, float, int]]] = {}
    for row in rows:
        kinds.setdefault(row[0], []).append(row)
    lines = []
    for kind, mine in sorted(kinds.items()):
        took = [r[2] for r in mine if r[2] is not None]
        mean = sum(took) / len(took) if took else float("nan")
        lines.append(
            f"  {kind:<30} {sum(r[1] for r in mine):>3} of {len(mine):<3} time/deadline {mean:5.2f}  "
            f"timeliness {sum(r[3] for r in mine) / len(mine):.2f}  pages {sum(r[4] for r in mine) / len(mine):.2f}"
        )
    return "\n".join(lines)

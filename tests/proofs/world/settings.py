"""A world: who uses the product, how much, when, how its controls usually behave, and how badly its telemetry is delivered.

Law: a world is drawn from its seed alone. No two share tenants, volumes, rhythms, usual shares or the strength of what goes wrong. A ``wide`` one
is the same world with more extreme tenants, traffic, rhythm, scatter, disorder and strength.
"""

from dataclasses import dataclass, replace
from math import comb, cos, exp, pi
from random import Random

MONDAY = 1_772_409_600.0
"2026-03-02, epoch seconds."
DAY, HOUR, MINUTE = 86_400.0, 3_600.0, 60.0
LEARN, LENGTH = 7 * DAY, 14 * DAY

_NAMES = [
    "arcadia",
    "borealis",
    "cobalt",
    "delphi",
    "ember",
    "fjord",
    "granite",
    "helix",
    "indigo",
    "juniper",
    "kestrel",
    "lumen",
]
_LANGUAGES = ["en", "es", "de", "fr", "hi", "sw", "pt", "ja", "ar", "tr"]
_ROUTES = ["chat", "support", "code", "search", "agent", "voice"]
_INDEXES = ["kb_core", "kb_policy", "crm", "wiki", "web_cache", "tickets", "handbook"]
_COMPONENTS = [
    "policy_gate",
    "retrieval_filter",
    "tool_sandbox",
    "classifier",
    "budget_guard",
    "egress_proxy",
]
_HAZARDS = {
    "medical": (0.05, 0.07),
    "legal": (0.05, 0.05),
    "harassment": (0.035, 0.25),
    "self_harm": (0.03, 0.35),
    "weapons": (0.02, 0.48),
    "fraud": (0.03, 0.2),
    "privacy": (0.04, 0.12),
}
"Usual share of the requests, usual share refused."


@dataclass(frozen=True, slots=True)
class World:
    """What is drawn once for each seed. Shares are probabilities; times are seconds."""

    seed: int
    tenants: dict[str, float]
    languages: dict[str, float]
    routes: dict[str, float]
    indexes: dict[str, float]
    hazards: dict[str, float]
    refused: dict[tuple[str, str], float]
    clarified: dict[str, float]
    components: tuple[str, ...]
    beat: float
    users: int
    requests: float
    "On a weekday."
    night: float
    "Traffic at the quietest hour, as a part of the busiest."
    peak: float
    "The busiest hour of the day."
    weekend: float
    failing: float
    disagreeing: float
    reporting: float
    filter_failing: float
    gate_failing: float
    denied: float
    tilt: float
    "Scores fall off by so much a bin."
    block: float
    "How far shares wander from one six hours to the next, in log-odds: traffic comes in blocks that no model explains."
    versions: bool
    "Whether events carry a policy and a classifier version."
    strength: float
    "Of incidents, against the usual one."
    slow: float
    "Part of the events that come 1 to 30 s late."
    very_late: float
    "Part of the events that come 1 to 30 min late."
    twice: float
    "Part of the events that are delivered twice."
    sharp: int = 2
    "How narrow the busy hours are: the power of the day's wave."
    fast: float = 90.0
    "How far one tenant's scores run ahead, in seconds."

    def pace(self, at: float) -> float:
        """Requests a second."""
        day, hour = int((at - MONDAY) // DAY), (at - MONDAY) % DAY / HOUR
        wave = 0.5 + 0.5 * cos((hour - self.peak) / 24.0 * 2.0 * pi)
        shape = self.night + (1.0 - self.night) * wave**self.sharp
        mean = self.night + (1.0 - self.night) * (comb(2 * self.sharp, self.sharp) / 4**self.sharp)
        return self.requests / DAY * shape / mean * (self.weekend if day % 7 >= 5 else 1.0)


def shares(random: Random, names: list[str], spread: float) -> dict[str, float]:
    """Unequal shares, the largest first."""
    weights = [exp(-spread * i) * random.uniform(0.8, 1.25) for i in range(len(names))]
    return {name: w / sum(weights) for name, w in zip(names, weights, strict=True)}


def moved(share: float, log_odds: float) -> float:
    """A share moved by so much in log-odds."""
    odds = share / (1.0 - share) * exp(log_odds)
    return odds / (1.0 + odds)


def tongues(random: Random) -> dict[str, float]:
    """Languages: the last one is always small."""
    names = ["en", *random.sample(_LANGUAGES[1:], random.randint(4, 6))]
    out = shares(random, names[:-1], random.uniform(0.55, 0.8))
    small = random.uniform(0.018, 0.04)
    return {name: share * (1 - small) for name, share in out.items()} | {names[-1]: small}


def draw(seed: int) -> World:
    """The world of a seed."""
    random = Random(seed * 7919 + 1)
    about = random.uniform
    tenants = shares(random, random.sample(_NAMES, random.randint(4, 8)), about(0.2, 0.45))
    kinds = random.sample(sorted(_HAZARDS), random.randint(4, 6))
    hazards = {name: _HAZARDS[name][0] * about(0.7, 1.4) for name in kinds}
    usual = {name: moved(_HAZARDS[name][1], about(-0.35, 0.35)) for name in kinds}
    hazards["none"], usual["none"] = 1.0 - sum(hazards.values()), about(0.006, 0.02)
    scatter = about(0.0, 0.25)
    routes = random.sample(_ROUTES, random.randint(3, 6))
    return World(
        seed=seed,
        tenants=tenants,
        languages=tongues(random),
        routes=shares(random, routes, about(0.3, 0.6)),
        indexes=shares(random, random.sample(_INDEXES, random.randint(4, 6)), about(0.2, 0.5)),
        hazards=hazards,
        refused={
            (t, h): moved(usual[h], random.gauss(0.0, scatter)) for t in tenants for h in hazards
        },
        clarified={r: moved(0.03, about(-0.5, 0.5)) for r in routes},
        components=tuple(random.sample(_COMPONENTS, random.randint(3, 5))),
        beat=random.choice((180.0, 300.0, 300.0, 300.0, 600.0)),
        users=random.randint(20, 80),
        requests=about(2_000, 4_200),
        night=about(0.1, 0.4),
        peak=about(0, 24),
        weekend=about(0.3, 0.9),
        failing=about(0.002, 0.008),
        disagreeing=about(0.05, 0.11),
        reporting=about(0.003, 0.01),
        filter_failing=about(0.0005, 0.003),
        gate_failing=about(0.0004, 0.0012),
        denied=about(0.02, 0.05),
        tilt=about(0.45, 0.65),
        block=random.choice((0.0, 0.0, 0.05, 0.1)),
        versions=random.random() < 0.7,
        strength=about(0.85, 1.2),
        slow=about(0.05, 0.2),
        very_late=about(0.003, 0.007),
        twice=about(0.01, 0.04),
    )


def widened(world: World) -> World:
    """The world with what other worlds may be as well, beyond what ``draw`` draws."""
    random = Random(world.seed * 15_485_863 + 5)
    about = random.uniform
    tenants = shares(random, random.sample(_NAMES, random.randint(3, 12)), about(0.1, 0.8))
    scatter = about(0.0, 0.5)
    usual = {h: moved(_HAZARDS.get(h, (0.0, 0.012))[1], about(-0.5, 0.5)) for h in world.hazards}
    return replace(
        world,
        tenants=tenants,
        refused={
            (t, h): moved(usual[h], random.gauss(0.0, scatter))
            for t in tenants
            for h in world.hazards
        },
        clarified={r: moved(0.03, about(-1.0, 1.0)) for r in world.routes},
        beat=random.choice((60.0, 120.0, 300.0, 600.0, 900.0)),
        users=random.randint(10, 300),
        requests=about(1_500, 8_000),
        night=about(0.03, 0.6),
        weekend=about(0.15, 1.2),
        failing=about(0.001, 0.015),
        disagreeing=about(0.03, 0.15),
        denied=about(0.01, 0.1),
        block=random.choice((0.0, 0.05, 0.1, 0.2)),
        strength=about(0.75, 1.4),
        slow=about(0.02, 0.3),
        very_late=about(0.001, 0.015),
        twice=about(0.0, 0.08),
        sharp=random.randint(1, 4),
        fast=about(30.0, 180.0),
    )

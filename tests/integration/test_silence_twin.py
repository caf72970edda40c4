"""The life of silences beside a real Alertmanager 0.25: the same random acts, the same answers, the same silences.

Every second chance of a disagreement is in the times: an act may fall before, into or after a silence, change one end or both, and
come for a silence that is pending, active or over. The two clocks differ by milliseconds, so acts keep seconds away from edges.

One difference is meant: Alertmanager ends the old silence before it finds that the new one is invalid, and is left with neither. What we
refuse changes nothing. So the random acts write what is invalid only when they make a silence, and the last test shows the difference.
"""

import json
import random
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.daemon import TOKEN, Daemon
from tests.integration.peers_am import Alertmanager, request

JSON = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
ROUTING = "{route: {receiver: pager}, receivers: [{name: pager}]}\n"
MATCHERS = [
    [("tool", "shell", False, True)],
    [("tool", "shell", False, True), ("tenant", "a.*", True, True)],
    [("tenant", "a.*", True, True), ("tool", "shell", False, True)],
    [("tool", "shell", False, False)],
    [("tool", "shell", False, True), ("zone", "", False, True)],
    [("tool", "(", True, True)],
    [("tool", ".*", True, True), ("zone", "", False, True)],
]
VALID = MATCHERS[:-2]


class Pair:
    """The same act on both; silences are known by the order in which they were made."""

    def __init__(self, theirs: str, ours: str, chance: random.Random) -> None:
        self.urls, self.chance = (theirs, ours), chance
        self.ids: list[tuple[str, str]] = []

    def ask(self, method: str, path: str, body: Any = None, side: int = 0) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        answer = request(self.urls[side] + path, method, data, JSON)
        return answer.status, json.loads(answer.body) if answer.body.strip() else None

    def act(self) -> tuple[str, Any, Any]:
        """One random act; what it was, and what each said."""
        choice = self.chance.random()
        if choice < 0.45 or not self.ids:
            return self.set(None)
        pair = self.chance.choice(self.ids)
        if choice < 0.85:
            return self.set(pair)
        said = [self.ask("DELETE", f"/api/v2/silence/{pair[n]}", side=n) for n in (0, 1)]
        return "expire", *map(self.plain, said)

    def set(self, pair: tuple[str, str] | None) -> tuple[str, Any, Any]:
        chance, now = self.chance, datetime.now(UTC)
        matchers = [
            {"name": n, "value": v, "isRegex": r, "isEqual": e}
            for n, v, r, e in chance.choice(MATCHERS if pair is None else VALID)
        ]
        start, end = chance.choice(_STARTS), chance.choice(_ENDS)
        keep = [chance.random() < 0.6 for _ in range(3)]
        bodies = []
        for n in (0, 1):
            body = {"matchers": matchers, "createdBy": "me", "comment": f"{chance.random():.0f}"}
            body |= {"startsAt": moment(now, start), "endsAt": moment(now, end)}
            if pair is not None:
                there = self.ask("GET", f"/api/v2/silence/{pair[n]}", side=n)[1]
                body["id"] = pair[n]
                for name, kept in zip(("matchers", "startsAt", "endsAt"), keep, strict=True):
                    if kept:
                        body[name] = there[name]
            bodies.append(body)
        bodies[1]["comment"] = bodies[0]["comment"]
        said = [self.ask("POST", "/api/v2/silences", bodies[n], side=n) for n in (0, 1)]
        words = [self.plain(s) for s in said]
        if said[0][0] == 200 and said[1][0] == 200:
            made = said[0][1]["silenceID"], said[1][1]["silenceID"]
            for n in (0, 1):
                words[n] = "in place" if pair is not None and made[n] == pair[n] else "new"
            if pair is None or made != pair:
                self.ids.append(made)
        return f"set {start}..{end} keep={keep} {'update' if pair else 'create'}", *words

    @staticmethod
    def plain(said: tuple[int, Any]) -> Any:
        text = json.dumps(said)
        text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>", text)
        return re.sub(r"invalid regular expression .*", "invalid regular expression", text)

    def silences(self, side: int) -> list[Any]:
        """Every silence, in the order they were made; times by the second."""
        place = {pair[side]: n for n, pair in enumerate(self.ids)}
        found = self.ask("GET", "/api/v2/silences", side=side)[1]
        return sorted(
            (place[s["id"]], s["status"]["state"], s["matchers"], s["comment"], s["createdBy"],
             seconds(s["startsAt"]), seconds(s["endsAt"]))
            for s in found
        )  # fmt: skip


_STARTS = (-3_600, -60, 60, 3_600)
_ENDS = (-1_800, -60, 30, 120, 7_200)


def moment(now: datetime, seconds_: int) -> str:
    return (now + timedelta(seconds=seconds_)).isoformat(timespec="milliseconds")


def seconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() / 2)


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    folder = tmp_path_factory.mktemp("silences")
    notifiers = {"routing.yaml": ROUTING, "owners.yaml": "owners: {safety: {contact: them}}\n"}
    with (
        Alertmanager(folder / "am", ROUTING) as peer,
        Daemon(folder / "d", notifiers=notifiers) as daemon,
    ):
        yield peer.url, f"http://127.0.0.1:{daemon.port}"


def test_the_same_acts_lead_to_the_same_silences(urls: tuple[str, str]) -> None:
    pair = Pair(*urls, random.Random(11))
    seen: dict[str, int] = {}
    for n in range(200):
        what, theirs, ours = pair.act()
        assert ours == theirs, (n, what)
        seen[str(theirs)] = seen.get(str(theirs), 0) + 1
        time.sleep(0.005)
    states = [[row[1] for row in pair.silences(side)] for side in (0, 1)]
    assert states[0] == states[1]
    for theirs, ours in zip(pair.silences(0), pair.silences(1), strict=True):
        assert ours[:5] == theirs[:5]
        assert all(abs(a - b) <= 1 for a, b in zip(ours[5:], theirs[5:], strict=True))
    # It was worth it: every kind of end was met.
    said = " ".join(seen)
    for words in ("in place", "new", "must be before", "in the past", "empty string", "regular"):
        assert words in said, words
    assert {"active", "pending", "expired"} <= set(states[0])


def test_what_is_refused_changes_nothing_here(urls: tuple[str, str]) -> None:
    pair = Pair(*urls, random.Random(1))
    states = []
    for side in (0, 1):
        now = datetime.now(UTC)
        body = {
            "matchers": [{"name": "tool", "value": "crm", "isRegex": False}],
            "createdBy": "me",
            "comment": "x",
            "startsAt": moment(now, 0),
            "endsAt": moment(now, 600),
        }
        id_ = pair.ask("POST", "/api/v2/silences", body, side)[1]["silenceID"]
        wrong = {**body, "id": id_, "matchers": [{"name": "tool", "value": "(", "isRegex": True}]}
        assert pair.ask("POST", "/api/v2/silences", wrong, side)[0] == 400
        there = pair.ask("GET", f"/api/v2/silence/{id_}", side=side)[1]
        states.append(there["status"]["state"])
    assert states == ["expired", "active"]

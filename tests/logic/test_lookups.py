"""Rules with rulesd's own operators, found by an index: the answer is the one of asking each rule."""

import random
from typing import Any

import orjson
import pytest

from rulesd.logic import Matcher, lookups
from rulesd.logic.lookups import LOOKUPS

Json = Any

HOSTS = ["example.com", "a.example.com", "notexample.com", "com", "evil.org", "b.a.example.com", "", "fd00::1", "example.com.evil.org"]  # fmt: skip
NETWORKS = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0", "::/0", "fd00::/8", "192.168.0.0/24", "::ffff:10.0.0.0/104", "10.1.2.0/31"]  # fmt: skip
ADDRESSES = ["10.1.2.3", "10.2.3.4", "192.168.0.9", "192.168.1.9", "fd00::1", "fe80::1%eth0", "::ffff:10.1.2.3", "::1", " 10.1.2.2 ", "10.1.2", "x"]  # fmt: skip
URLS = ["https://{}:8443/x?y@z", "{}", "{}.", "http://u:p@{}/", "//{}", "HTTP://{}#f", " {} "]
LABELS: list[Json] = ["a", "b", "c", 1, 1.0, True, False, 0, "1", 2.5]
TOOLS = [
    "fs.read",
    "fs.write",
    "fs",
    "db.drop_x",
    "db.drop",
    "mail.send",
    "web.read",
    "",
    "FS.READ",
]
ODD: list[Json] = [None, True, 0, 1.5, "", [], ["a", ["b"], {"k": 1}], {}, {"a": 1}, "3d", "é.read"]
GLOBS = ["fs.*", "db.drop_?", "*.read", "mail.send", "f*d", "*", "web.*", ""]
PATTERNS = [
    "^fs[.]",
    "^fs[.](read|write)$",
    "[.]read$",
    "^mail[.]send$",
    "(?i)^fs",
    "^web|send",
    "e+",
]


def rule(r: random.Random) -> Json:
    def some(values: list[str]) -> Json:
        return r.choice([r.choice(values), r.sample(values, r.randint(1, 3))])

    asked = r.choice(
        [
            {"domain": [{"var": "data.egress"}, some([host for host in HOSTS if host])]},
            {"cidr": [{"var": "data.ip"}, some(NETWORKS)]},
            {"overlap": [{"var": "data.labels"}, r.sample(LABELS, r.randint(1, 3))]},
            {"glob": [{"var": "data.tool"}, some(GLOBS)]},
            {"matches": [{"var": "data.tool"}, r.choice(PATTERNS)]},
            {"starts_with": [{"var": "data.tool"}, r.choice(["fs", "db", "m"])]},
        ]
    )
    parts: list[Json] = [asked]
    if r.random() < 0.4:
        parts.append({"===": [{"var": "type"}, r.choice(["x", "y"])]})
    if r.random() < 0.3:
        parts.append({">": [{"var": "data.score"}, 0.5]})
    if r.random() < 0.2:
        parts.append({"!": {"glob": [{"var": "data.tool"}, r.choice(GLOBS)]}})
    if r.random() < 0.2:
        parts.append({"or": [asked, {"==": [{"var": "data.score"}, 0.25]}]})
    r.shuffle(parts)
    whole: Json = {"and": parts} if r.random() < 0.8 else {"or": parts}
    return {"!": whole} if r.random() < 0.1 else whole


def event(r: random.Random) -> Json:
    labels = r.choices(LABELS, k=r.randint(0, 3))
    data: dict[str, Json] = {"egress": r.choice(URLS).format(r.choice(HOSTS)), "ip": r.choice(ADDRESSES), "labels": labels,
                             "tool": r.choice(TOOLS), "score": r.choice([0.25, 0.9])}  # fmt: skip
    for name in list(data):
        chance = r.random()
        if chance < 0.05:
            del data[name]
        elif chance < 0.2:
            data[name] = r.choice(ODD)
    return {"type": r.choice(["x", "y", "z"]), "data": data}


def differences(seed: int) -> tuple[set[str], int, int]:
    """The indexes made, answers that are not false, and answers that are not datalogic's."""
    r = random.Random(seed)
    matcher = Matcher({f"r{i}": rule(r) for i in range(80)})
    bodies = "\n".join(line for _, body in matcher._index.shapes._bodies for line in body)
    answers = wrong = 0
    for _ in range(150):
        document = event(r)
        expected = matcher.naive_evaluate(document)
        answers += len(expected.matched) + len(expected.raised)
        text = orjson.dumps(document)
        got = (matcher.evaluate(text), matcher.evaluate_document(document))
        wrong += got != (expected, expected) or matcher.match(text) != expected.matched
    return {name for name in LOOKUPS if f"find_{name}" in bodies}, answers, wrong


@pytest.mark.parametrize("seed", range(4))
def test_the_answer_is_the_one_of_asking_each_rule(seed: int) -> None:
    made, answers, wrong = differences(seed)
    assert made == set(LOOKUPS)
    assert answers > 1000
    assert not wrong


@pytest.mark.parametrize("operator", sorted(LOOKUPS))
def test_an_index_that_forgets_is_noticed(operator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each index made to lose what it should find last."""
    known = LOOKUPS[operator]
    monkeypatch.setitem(lookups.LOOKUPS, operator, known._replace(find=lambda v, t: known.find(v, t)[:-1]))  # fmt: skip
    assert differences(1)[2]


def test_rules_are_found_not_asked() -> None:
    """A thousand rules of each kind: an event meets the few it may make true."""
    rules: dict[str, Json] = {}
    for i in range(1000):
        rules[f"domain.{i}"] = {"domain": [{"var": "host"}, f"s{i}.example.com"]}
        rules[f"cidr.{i}"] = {"cidr": [{"var": "ip"}, f"10.{i // 250}.{i % 250}.0/24"]}
        rules[f"overlap.{i}"] = {"overlap": [{"var": "ids"}, [f"d{i}", f"e{i}"]]}
        rules[f"glob.{i}"] = {"glob": [{"var": "tool"}, f"t{i}.*"]}
        rules[f"matches.{i}"] = {"matches": [{"var": "tool"}, f"^u{i}[.]x"]}
    matcher = Matcher(rules)
    assert matcher.stats.always == 0
    index = matcher._index
    event = {"host": "https://x.s7.example.com/", "ip": "10.1.2.9", "ids": ["e5", "d5", "d6"] * 50, "tool": "t9.x"}  # fmt: skip
    found: list[int] = []
    index.run_dict(index.parents(event), found, index.root)
    assert len(found) == 5  # Neither twice nor one more than is true.
    assert matcher.match_document(event) == ["overlap.5", "overlap.6", "domain.7", "glob.9", "cidr.252"]  # fmt: skip


def test_a_host_of_dots_costs_little() -> None:
    rules = {f"r{i}": {"domain": [{"var": "host"}, f"s{i}.example.com"]} for i in range(5)}
    assert Matcher(rules).match(orjson.dumps({"host": "." * 1_000_000})) == []

"""Seeded random rules and events for the differential tests: the usual shapes, and every drift events are known for."""

from __future__ import annotations

import json
import random
from typing import Any

Json = Any

TEXTS = ["a", "b", "out", "in", "shell", "fs.read", "fs.write", "tool.call", "policy.decision", "acme", "x y", "", "true", "false", "null",
         "5", "0.5", "1e3", " 5", "inf", "nan", "3d", "72h", "1s", "10m", "2024-01-01", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00+00:00",
         "2024-06-01T10:00:00Z", "é", "ÀB", "İ", "日本", "A.B", "-", "0", "00", "1.0", "a.b", "Shell", " shell "]  # fmt: skip
NUMBERS = [
    0,
    1,
    -1,
    2,
    5,
    0.5,
    0.9,
    0.99,
    1.0,
    -0.0,
    1e3,
    1e-9,
    100,
    2**31,
    2**53,
    2**53 + 1,
    -(2**53) - 1,
    2**63 - 1,
    1e30,
    12.25,
]
SPECIAL = (
    *(
        "in",
        "in",
        "some",
        "some",
        "missing",
        "missing_some",
        "exists",
        "if",
        "truthy",
        "const",
        "starts",
    ),
    *("weird", "between"),
)
SMALL = [0, 1, 2, 5, 0.5, 0.9, 0.25, 10, 100, -1]
TYPES = ["tool.call", "policy.decision", "usage.cost", "heartbeat"]
TENANTS = ["acme", "globex", "initech", "umbrella", "hooli"]
LABELS = ["a", "b", "out", "in", "shell", "fs.read", "fs.write"]
TOP = ["type", "tenant", "source", "id", "x"]
DATA = ["tool", "scope", "score", "outcome", "count", "flag", "tags", "deep", "0", "a.b"]
DEEP = ["k", "v", "list", "n"]


class Generator:
    """One seeded stream of rules and events."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)

    def path(self) -> str:
        r = self.r.random()
        if r < 0.35:
            return self.r.choice(TOP)
        if r < 0.85:
            return "data." + self.r.choice(DATA[:8])
        if r < 0.95:
            return "data.deep." + self.r.choice(DEEP)
        return self.r.choice(
            [
                "data",
                "data.tags.0",
                "data.tags.1.k",
                "data.deep.list.0",
                "data.0",
                "nothing",
                "data.nothing.x",
                "data.deep.k.n.v",
                "0",
            ]
        )

    def var(self) -> Json:
        r = self.r.random()
        if r < 0.85:
            return {"var": self.path()}
        if r < 0.9:
            return {"var": [self.path(), self.scalar()]}
        if r < 0.95:
            return {"val": self.path().split(".")}
        if r < 0.97:
            return {"var": [self.path()]}
        return self.r.choice(
            [
                {"var": ""},
                {"var": 0},
                {"val": []},
                {"var": ["data.tags", [1]]},
                {"var": {"var": "x"}},
                {"var": "data."},
            ]
        )

    def scalar(self) -> Json:
        r = self.r.random()
        if r < 0.5:
            return self.r.choice(TEXTS if self.r.random() < 0.5 else LABELS + TENANTS + TYPES)
        if r < 0.85:
            return self.r.choice(SMALL if self.r.random() < 0.7 else NUMBERS)
        return self.r.choice([None, True, False])

    def key(self) -> Json:
        """A condition as authors write it."""
        r = self.r.random()
        if r < 0.3:
            return {self.r.choice(["===", "===", "=="]): [{"var": "type"}, self.r.choice(TYPES)]}
        if r < 0.5:
            return {self.r.choice(["===", "=="]): [{"var": "tenant"}, self.r.choice(TENANTS)]}
        if r < 0.65:
            return {
                "in": [
                    {"var": self.r.choice(["type", "tenant", "data.tool", "data.scope"])},
                    self.r.sample(TYPES + TENANTS + LABELS, self.r.randint(1, 5)),
                ]
            }
        if r < 0.75:
            return {
                self.r.choice(["===", "==", "!==", "!="]): [
                    {"var": "data." + self.r.choice(["tool", "scope", "outcome"])},
                    self.r.choice(LABELS),
                ]
            }
        if r < 0.85:
            return {
                self.r.choice([">", ">=", "<", "<="]): self.shuffled(
                    [{"var": "data." + self.r.choice(["score", "count"])}, self.r.choice(SMALL)]
                )
            }
        if r < 0.9:
            return {
                "===": [
                    {"substr": [{"var": "data.tool"}, 0, self.r.randint(0, 4)]},
                    self.r.choice(["fs.r", "she", "fs", "s", "out"]),
                ]
            }
        if r < 0.95:
            return {
                self.r.choice(["starts_with", "ends_with"]): [
                    {"var": self.r.choice(["data.tool", "tenant", self.path()])},
                    self.r.choice(["fs", "s", "", "e", "ac", "l", "5", "tr"]),
                ]
            }
        return {"===": [{"var": "data.flag"}, self.r.choice([True, False, 1, 0, None])]}

    def shuffled(self, items: list[Json]) -> list[Json]:
        if self.r.random() < 0.3:
            items.reverse()
        return items

    def value(self, depth: int) -> Json:
        r = self.r.random()
        if r < 0.5 or depth <= 0:
            return self.var()
        if r < 0.75:
            return self.scalar()
        op = self.r.choice(
            [
                "lower",
                "upper",
                "trim",
                "length",
                "substr",
                "+",
                "-",
                "*",
                "/",
                "cat",
                "if",
                "and",
                "or",
                "list",
                "cond",
                "max",
                "??",
                "type",
                "missing",
            ]
        )
        v = self.value(depth - 1)
        if op in ("lower", "upper", "trim", "length", "type"):
            return {op: v if self.r.random() < 0.5 else [v]}
        if op == "substr":
            return {
                op: [
                    v,
                    self.r.randint(-3, 3),
                    *([self.r.randint(-3, 4)] if self.r.random() < 0.6 else []),
                ]
            }
        if op in ("+", "-", "*", "/", "cat", "max", "??"):
            return {
                op: [v, self.value(depth - 1), *([self.scalar()] if self.r.random() < 0.1 else [])]
            }
        if op == "if":
            return {"if": [self.condition(depth - 1), v, self.value(depth - 1)]}
        if op in ("and", "or"):
            return {op: [v, self.value(depth - 1)]}
        if op == "list":
            return [self.scalar() for _ in range(self.r.randint(0, 3))]
        if op == "missing":
            return {"missing": [self.path()]}
        return self.condition(depth - 1)

    def condition(self, depth: int) -> Json:
        r = self.r.random()
        if r < 0.35 or depth <= 0:
            return self.key()
        if r < 0.55:
            op = self.r.choice(["==", "!=", "===", "!==", "<", "<=", ">", ">="])
            args = [
                self.value(depth - 1),
                self.value(depth - 1) if self.r.random() < 0.3 else self.scalar(),
            ]
            if self.r.random() < 0.08 and not op.startswith("!"):
                args.append(self.value(0))
            return {op: self.shuffled(args)}
        if r < 0.65:
            return {
                self.r.choice(["!", "!!"]): [self.condition(depth - 1)]
                if self.r.random() < 0.5
                else self.condition(depth - 1)
            }
        if r < 0.77:
            return {
                self.r.choice(["and", "or"]): [
                    self.condition(depth - 1) for _ in range(self.r.randint(1, 4))
                ]
            }
        return self.special(depth)

    def special(self, depth: int) -> Json:
        op = self.r.choice(SPECIAL)
        if op == "in":
            listed: Json = [self.scalar() for _ in range(self.r.randint(0, 4))]
            where = self.r.choice([listed, self.var(), self.scalar()])
            return {"in": [self.value(depth - 1), where]}
        if op == "some":
            item = self.r.choice([
                {"===": [{"var": ""}, self.scalar()]}, {"==": [{"var": "k"}, self.scalar()]}, {">": [{"var": ""}, self.scalar()]},
                {"in": [{"var": ""}, [self.scalar(), self.scalar()]]}, {"and": [{"var": "k"}, {"<": [{"var": "n"}, 5]}]}, {"var": "k.v"},
                {"===": [{"var": ["k", "a"]}, "a"]}, self.key(), {"in": ["a", {"var": ""}]}, {"val": [[1], "index"]}, {"exists": "k"}])  # fmt: skip
            lists = {"var": self.r.choice(["data.tags", "data.deep.list"])}
            source = self.var() if self.r.random() < 0.4 else lists
            return {self.r.choice(["some", "all", "none"]): [source, item]}
        if op == "missing":
            paths = [self.path() for _ in range(self.r.randint(1, 3))]
            inner: Json = {"missing": self.r.choice([paths, paths[0], [paths]])}
            return {"!": [inner]} if self.r.random() < 0.6 else inner
        if op == "missing_some":
            return {"missing_some": [1, [self.path(), self.path()]]}
        if op == "exists":
            return {"exists": self.r.choice([self.path().split("."), self.path()])}
        if op == "if":
            return {
                self.r.choice(["if", "?:"]): [
                    self.condition(depth - 1),
                    self.condition(depth - 1),
                    *([self.condition(depth - 1)] if self.r.random() < 0.7 else []),
                    *([True] if self.r.random() < 0.2 else []),
                ]
            }
        if op == "truthy":
            return self.var()
        if op == "const":
            return (
                self.scalar()
                if self.r.random() < 0.5
                else self.r.choice(
                    [[], {}, [1], [[]], {"and": []}, {"or": []}, {"if": []}, {"and": [True]}]
                )
            )
        if op == "starts":
            return {
                self.r.choice(["starts_with", "ends_with"]): [
                    self.value(depth - 1),
                    self.value(depth - 1),
                ]
            }
        if op == "between":
            return {
                self.r.choice(["<", "<="]): [
                    self.r.choice(SMALL),
                    {"var": "data.score"},
                    self.r.choice(SMALL),
                ]
            }
        return self.r.choice([
            {"reduce": [{"var": "data.tags"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]},
            {"filter": [{"var": "data.tags"}, {"===": [{"var": ""}, "a"]}]},
            {"map": [{"var": "data.deep.list"}, {"+": [{"var": ""}, 1]}]},
            {"switch": [{"var": "type"}, [["tool.call", True], ["heartbeat", {"var": "x"}]], False]},
            {"try": [{"+": [{"var": "x"}, "q"]}, {"var": "data.flag"}]},
            {"throw": "nope"},
            {"%": [{"var": "data.count"}, 2]},
            {"merge": [{"var": "data.tags"}, [1]]},
            {"keys": {"var": "data"}},
            {"date_diff": [{"var": "x"}, "2024-01-01T00:00:00Z", "days"]},
            {"!": []}, {"!": [1, 2]}, {"in": [1]}, {"lower": ["a", "b"]},
        ])  # fmt: skip

    def rule(self) -> Json:
        r = self.r.random()
        if r < 0.6:
            return {
                "and": [
                    self.key() if self.r.random() < 0.8 else self.condition(2)
                    for _ in range(self.r.randint(1, 5))
                ]
            }
        if r < 0.75:
            return {
                "or": [
                    {"and": [self.key(), self.condition(1)]} for _ in range(self.r.randint(1, 4))
                ]
            }
        return self.condition(3)

    def anything(self, depth: int = 2) -> Json:
        r = self.r.random()
        if r < 0.35:
            return self.r.choice(TEXTS)
        if r < 0.6:
            return self.r.choice(NUMBERS)
        if r < 0.75:
            return self.r.choice([None, True, False])
        if depth <= 0:
            return self.r.choice([[], {}, ""])
        if r < 0.9:
            return [self.anything(depth - 1) for _ in range(self.r.randint(0, 3))]
        return {
            self.r.choice(["k", "v", "n", "0", "a", "datetime", "timestamp"]): self.anything(
                depth - 1
            )
            for _ in range(self.r.randint(0, 3))
        }

    def event(self, drift: float = 0.15) -> Json:
        r = self.r
        event: dict[str, Json] = {
            "type": r.choice(TYPES), "tenant": r.choice(TENANTS), "source": r.choice(LABELS), "id": str(r.randint(0, 99)), "x": r.choice(SMALL)
        }  # fmt: skip
        data: dict[str, Json] = {
            "tool": r.choice(LABELS), "scope": r.choice(["in", "out"]), "score": round(r.random(), 2), "outcome": r.choice(["ok", "out", "a"]),
            "count": r.randint(0, 10), "flag": r.random() < 0.5, "tags": r.sample(LABELS, r.randint(0, 3)),
            "deep": {"k": r.choice(LABELS), "v": r.choice(SMALL), "list": [r.choice(SMALL) for _ in range(r.randint(0, 3))], "n": {"v": 1}},
        }  # fmt: skip
        event["data"] = data
        for holder in (event, data, data["deep"]):
            for name in list(holder):
                chance = r.random()
                if chance < drift / 2:
                    del holder[name]
                elif chance < drift:
                    holder[name] = self.anything()
        if r.random() < drift / 3:
            return self.anything(3)
        return event

    def text(self, event: Json) -> bytes:
        """JSON text, sometimes with duplicate keys, spaces and escapes."""
        text = json.dumps(event, ensure_ascii=self.r.random() < 0.5)
        if isinstance(event, dict) and self.r.random() < 0.2:
            name = self.r.choice([*TOP, "data"])
            early = json.dumps({name: self.anything()})[:-1] + (", " if event else "")
            text = (
                early + text[1:]
                if self.r.random() < 0.5
                else text[:-1] + (", " if event else "") + json.dumps({name: self.anything()})[1:]
            )
        if self.r.random() < 0.05:
            text = text.replace('"type"', '"ty\\u0070e"').replace('"tool"', '"t\\u006fol"')
        return text.encode()

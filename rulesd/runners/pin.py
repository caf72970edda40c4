"""Pinning: what ``drift`` or ``shift`` has learned, as the lines of a rule file that say so for good.

Law: only what is asked for is written: comments, order and spelling of the rest stay, and the file is replaced in one step, or not at all when the rule does not
say afterwards what it was meant to say.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from rulesd.config.document import Document, Node, Place
from rulesd.config.problems import Problems
from rulesd.config.read import read
from rulesd.model.errors import RulesdError
from rulesd.model.event import Json

MOST = 50
"Values a pinned baseline may name."

LEAST = 0.0005
"A share below this is one of others."

PINNABLE = ("drift", "shift")
MOST_SHARES = 500
"Keys whose shares a rule may pin."


class CannotPin(RulesdError):
    """There is nothing to pin, or the rule file does not say where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What a rule is to say."""

    fields: Mapping[str, Json]
    """``pinned``, and ``bins`` where the edges were learned."""

    detector: str = "drift"
    keys: int
    "From how many keys it comes."

    events: float

    def text(self) -> str:
        """The fields as YAML, a line each."""
        return "".join(f"{name}: {_yaml(value)}\n" for name, value in self.fields.items())


def pin_of(rows: Sequence[Mapping[str, Any]]) -> Pin:
    """What the keys of a rule have learned: for ``drift`` together, each by its events; for ``shift`` one by one. Raises ``CannotPin``."""
    if rows and rows[0]["detector"] not in PINNABLE:
        raise CannotPin(
            f"a baseline can be pinned for drift and shift, and this is a rule of {rows[0]['detector']}"
        )
    known = [one for one in rows if one["learned"] is not None]
    if not known:
        raise CannotPin("nothing has been learned yet that could be pinned. See: rulesd baselines")
    if rows[0]["detector"] == "shift":
        return _shares(known)
    events = float(sum(one["learned"]["events"] for one in known))
    told = [(one["learned"], one["learned"]["events"] / events) for one in known]
    if "edges" not in told[0][0]:
        return Pin(fields={"pinned": _labels(told)}, keys=len(known), events=events)
    edges: list[float] = told[0][0]["edges"]
    if any(one["edges"] != edges for one, _ in told) or not edges:
        raise CannotPin("its keys have learned different bins. Choose one key with --label")
    shares = [sum(one["bins"][n] * part for one, part in told) for n in range(len(edges) + 1)]
    bins: list[Json] = list(edges)
    return Pin(fields={"bins": bins, "pinned": _whole(shares)}, keys=len(known), events=events)


def _shares(rows: Sequence[Mapping[str, Any]]) -> Pin:
    own = [one for one in rows if one["learned"].get("events")]
    if not own:
        raise CannotPin("no key has a level of its own yet. See: rulesd baselines")
    if len(own) > MOST_SHARES:
        raise CannotPin(f"more than {MOST_SHARES} keys have one. Choose some with --label")
    pinned: list[Json] = []
    for one in own:
        share = round(one["learned"]["share"], 6)
        pinned.append({"labels": dict(one["labels"]), "share": share} if one["labels"] else share)
    events = float(sum(one["learned"]["events"] for one in own))
    fields: dict[str, Json] = {"pinned": pinned if own[0]["labels"] else pinned[0]}
    return Pin(fields=fields, detector="shift", keys=len(own), events=events)


def _labels(told: Sequence[tuple[Mapping[str, Any], float]]) -> dict[str, Json]:
    shares: dict[str, float] = {}
    for one, part in told:
        for name, share in one["shares"].items():
            if name != "(others)":
                shares[name] = shares.get(name, 0.0) + share * part
    ranked = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST]
    kept = {name: round(share, 4) for name, share in ranked if share >= LEAST}
    if len(kept) < 2:
        raise CannotPin("it has seen one value only; a pinned baseline needs two or more")
    return dict(kept)


def _whole(shares: Sequence[float]) -> list[Json]:
    """Shares that are one together, as a list of bins must be."""
    total = sum(shares)
    return [round(share / total, 4) for share in shares]


def _yaml(value: Json) -> str:
    """A value in flow style, which is JSON, too; names are quoted, so that none is read as something else."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_yaml(k)}: {_yaml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    text = orjson.dumps(value).decode()
    # 5e-05 is a number in JSON, and a text in YAML 1.1.
    return text if isinstance(value, str) or "." in text else text.replace("e", ".0e")


# ---------------------------------------------------------------------- writing


def pinned_text(text: str, name: str, pin: Pin) -> str:
    """The text of a rule file that says so, too. Raises ``CannotPin`` with what to write by hand."""
    before = _read(name, text)
    node = None if before is None else before.node(("detect", pin.detector))
    if node is None or node.fields is None or not _anchors(node) or name.endswith(".toml"):
        raise _by_hand(name, f"there is no detect.{pin.detector} in YAML or JSON to add it to", pin)
    if "pinned" in node.fields:
        raise _by_hand(name, "it says pinned already", pin)
    out, fields = text, dict(pin.fields)
    bins = node.fields.get("bins")
    if "bins" in fields and bins is not None:
        wanted = fields.pop("bins")
        if isinstance(bins[1].data, int):
            begin, end = bins[1].span
            out = out[:begin] + _yaml(wanted) + out[end:]
            again = _read(name, out)
            node = again.node(("detect", pin.detector)) if again is not None else None
            if node is None or node.fields is None:
                raise _by_hand(name, "the bins could not be replaced", pin)
    out = _added(out, node, fields)
    after = _read(name, out)
    found = after.node(("detect", pin.detector)) if after is not None else None
    if found is None or not isinstance(found.data, dict):
        raise _by_hand(name, "it could not be added", pin)
    if any(found.data.get(key) != value for key, value in pin.fields.items()):
        raise _by_hand(name, "it could not be added", pin)
    return out


def _anchors(node: Node) -> list[tuple[Place, Node]]:
    """The fields with plain values: after such a one others can be added."""
    fields = (node.fields or {}).values()
    return [pair for pair in fields if pair[1].span[1] > pair[1].span[0]]


def _added(text: str, node: Node, fields: Mapping[str, Json]) -> str:
    """The fields after a plain value, in the style the mapping is written in."""
    (line, column), value = _anchors(node)[0]
    end = value.span[1]
    starts = [0]
    for part in text.split("\n"):
        starts.append(starts[-1] + len(part) + 1)
    opening = text[starts[node.place[0] - 1] + node.place[1] - 1]
    if opening == "{":
        quote = '"' if text[starts[line - 1] + column - 1] == '"' else ""
        more = "".join(f", {quote}{n}{quote}: {_yaml(v)}" for n, v in fields.items())
        return text[:end] + more + text[end:]
    stop = text.find("\n", end)
    stop = len(text) if stop < 0 else stop
    more = "".join(f"\n{' ' * (column - 1)}{n}: {_yaml(v)}" for n, v in fields.items())
    return text[:stop] + more + text[stop:]


def write_pin(path: Path, pin: Pin) -> None:
    """Put it into the file. Raises ``CannotPin``."""
    raw = path.read_bytes()
    text = raw.decode("utf-8-sig")
    windows = "\r\n" in text
    after = pinned_text(text.replace("\r\n", "\n"), str(path), pin)
    if windows:
        after = after.replace("\n", "\r\n")
    fresh = path.with_name(f".{path.name}.new")
    mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
    fresh.write_bytes(mark + after.encode())
    fresh.chmod(path.stat().st_mode & 0o777)
    os.replace(fresh, path)  # noqa: PTH105 - the file is there whole, before and after


def _read(name: str, text: str) -> Document | None:
    return read(name, text.encode(), name, Problems())


def _by_hand(name: str, why: str, pin: Pin) -> CannotPin:
    return CannotPin(
        f"{name}: {why}. Write it yourself, under detect.{pin.detector}:\n{pin.text()}"
    )

"""The documentation names everything that a person may meet: a word without an explanation fails here.

To add a kind of word, add a row to ``WORDS``: where the words come from, and where each must be explained.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from rulesd.cli.main import COMMANDS
from rulesd.config import rule_file
from rulesd.config.owners import OwnersFile
from rulesd.config.parameters import Parameters
from rulesd.config.settings import Settings
from rulesd.core import lifecycle
from rulesd.model.decision import Kind
from rulesd.model.reasons import (
    AlertState,
    DeliveryOutcome,
    DeliveryReason,
    ErrorCode,
    Outcome,
    Reason,
)
from rulesd.ports.meter import Meter
from tests.law.tree import ROOT, none_of, relative

README = "README.md"
REASONS = "docs/reasons.md"
OPERATIONS = "docs/operations.md"
LANGUAGE = "rules/README.md"
ONCALL = "docs/oncall.md"


def metric_names() -> Iterable[str]:
    """Names as Prometheus shows them: a counter ends in ``_total``."""
    for family in Meter().registry.collect():
        yield family.name + ("_total" if family.type == "counter" else "")


def fields(*shapes: type[BaseModel]) -> Iterable[str]:
    """The names an operator writes for a document's fields."""
    return [field.alias or name for s in shapes for name, field in s.model_fields.items()]


def nested(shape: type[BaseModel]) -> Iterable[type[BaseModel]]:
    """The documents inside a document, at any depth."""
    for field in shape.model_fields.values():
        waiting = [field.annotation]
        while waiting:
            kind = waiting.pop()
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield kind
                yield from nested(kind)
            waiting.extend(get_args(kind))


def every(base: type[BaseModel]) -> Iterable[type[BaseModel]]:
    """All kinds of a base class, theirs included."""
    for kind in base.__subclasses__():
        yield kind
        yield from every(kind)


WORDS: list[tuple[str, Callable[[], Iterable[str]], str]] = [
    ("reasons", lambda: Reason, REASONS),
    ("error codes", lambda: ErrorCode, REASONS),
    ("outcomes of events", lambda: Outcome, REASONS),
    ("outcomes of deliveries", lambda: DeliveryOutcome, REASONS),
    ("reasons of deliveries", lambda: DeliveryReason, REASONS),
    ("metrics", metric_names, OPERATIONS),
    ("settings", lambda: fields(Settings, *nested(Settings)), OPERATIONS),
    ("commands", lambda: [f"rulesd {name}" for name in COMMANDS], README),
    ("fields of owners.yaml", lambda: fields(OwnersFile, *nested(OwnersFile)), ONCALL),
    ("fields of a rule", lambda: fields(rule_file.RuleFile, rule_file.Review), LANGUAGE),
    ("parameters of detectors", lambda: fields(*every(Parameters)), LANGUAGE),
    (
        "fields of a rule's tests",
        lambda: fields(
            rule_file.TestEntry, rule_file.EventRow, rule_file.ExpectRow, rule_file.SilenceRow
        ),
        LANGUAGE,
    ),
]


def explained(word: str, text: str) -> bool:
    """Whether a word stands as code in the text, alone or with what belongs to it (``name{label}``), or as a key of an example."""
    if any(f"`{word}{end}" in text for end in ("`", "{", ":", " ", "[", "=")):
        return True
    if " " in word and any(word in block for block in text.split("```")[1::2]):
        return True
    key = rf"(?<![\w.-]){re.escape(word)}:"
    if any(re.search(key, block) for block in text.split("```")[1::2]):
        return True
    return re.search(rf"`[^`\n]*{key}[^`\n]*`", text) is not None


@pytest.mark.parametrize(("what", "words", "page"), WORDS, ids=[w[0] for w in WORDS])
def test_every_word_is_explained(what: str, words: Callable[[], Iterable[str]], page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = list(words())
    assert found
    none_of([w for w in found if not explained(w, text)], f"{what} that {page} does not explain")


def test_a_word_that_is_not_explained_is_seen() -> None:
    assert not explained("ok", "this is ok, and `okay` too")
    assert explained("ok", "`ok`")
    assert explained("rulesd_alerts", "`rulesd_alerts{state}`")
    assert explained("ok", "```yaml\n{ok: 1}\n```")
    assert explained("rulesd run", "```sh\nrulesd run -c x\n```")
    assert not explained("rulesd run", "rulesd run is a command")
    assert not explained("ok", "ok: 1 ```yaml\nnot-ok: 1```")


def test_the_diagram_of_the_life_of_an_alert_is_the_table() -> None:
    text = (ROOT / REASONS).read_text(encoding="utf-8")
    assert f"```mermaid\n{lifecycle.diagram()}```" in text
    assert all(f" {state}" in text for state in AlertState if state is not AlertState.INACTIVE)
    assert {k for row in lifecycle.TABLE.values() for k in (t.kind for t in row.values())} <= set(
        Kind
    )


def pages() -> list[Path]:
    """Everything that people read, the runbooks included."""
    folders = ("docs", "rules", "notifiers", "rulesd/config/builtin")
    return [ROOT / "README.md", ROOT / "CHANGELOG.md"] + [
        p for folder in folders for p in sorted((ROOT / folder).glob("**/*.md"))
    ]


def test_every_link_between_pages_leads_somewhere() -> None:
    none_of((f"{relative(p)}: {to}" for p in pages() for to in dead_links(p)), "dead links")


def test_no_page_tells_of_a_command_that_does_not_exist() -> None:
    none_of(
        (
            f"{relative(p)}: rulesd {name}"
            for p in pages()
            for name in told_commands(p.read_text("utf-8"))
            if name not in COMMANDS
        ),
        "commands that do not exist",
    )


def told_commands(text: str) -> Iterable[str]:
    """The commands that a page tells to run: in code, after ``rulesd`` at the start of a line or of the code."""
    blocks, inline = text.split("```")[1::2], text.split("```")[::2]
    for block in blocks:
        yield from re.findall(r"(?m)^[$\s]*(?:\S*/)?rulesd ([a-z][a-z-]*)", block)
    for part in inline:
        yield from re.findall(r"`(?:\S*/)?rulesd ([a-z][a-z-]*)", part)


def test_a_command_that_does_not_exist_is_seen() -> None:
    text = (
        "Say `rulesd foo X`.\n```sh\n$ /opt/bin/rulesd bar\nusermod rulesd baz\n``` and rulesd qux"
    )
    assert sorted(told_commands(text)) == ["bar", "foo"]


def dead_links(page: Path) -> Iterable[str]:
    """Relative links of a page whose file or heading does not exist."""
    text = page.read_text(encoding="utf-8")
    for to in links(text):
        name, _, anchor = to.partition("#")
        target = (page.parent / name) if name else page
        known = (
            anchors(target.read_text("utf-8"))
            if target.suffix == ".md" and target.exists()
            else {""}
        )
        if not target.exists() or (anchor and anchor not in known):
            yield to


def links(text: str) -> Iterable[str]:
    """The targets of Markdown links outside code, those to other hosts left out."""
    parts = text.split("```")[::2]
    for part in parts:
        for piece in part.split("](")[1:]:
            to = piece.split(")")[0].split(" ")[0]
            if "://" not in to and not to.startswith("mailto:"):
                yield to


def anchors(text: str) -> set[str]:
    """The names that headings get on a page."""
    heads = [line.lstrip("#").strip().lower() for line in text.splitlines() if line.startswith("#")]
    kept = ["".join(c for c in head if c.isalnum() or c in " -_") for head in heads]
    return {head.replace(" ", "-") for head in kept}


def test_a_dead_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A Head, and more\n[a](#a-head-and-more) [b](#nowhere) [c](gone.md) ```[d](x)```"
    )
    assert list(dead_links(page)) == ["#nowhere", "gone.md"]

"""What a runbook tells a tired person to type exists: commands, switches and their labels, rules it refers to; and it fits a screen."""

import importlib
import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import typer

from rulesd.cli.main import COMMANDS
from rulesd.config import Loaded, load
from rulesd.core.plan import Plan
from tests.law.tree import ROOT, none_of

SCREEN = 34
"Lines that are seen without scrolling."

CODE = re.compile(r"`([^`\n]+)`")


@cache
def shipped() -> Loaded:
    return load(ROOT / "rules", ROOT / "notifiers")


def plan() -> Plan:
    made = shipped().plan
    assert made is not None, shipped().errors
    return made


def runbooks() -> dict[str, str]:
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "rules").glob("*/*.md"))
    }


def quoted() -> Iterator[tuple[str, str]]:
    for name, text in runbooks().items():
        for code in CODE.findall(text):
            yield name, code


def unknown_words(command: str) -> str:
    """What of a command line does not exist; empty: all of it does."""
    first, *words = shlex.split(command)[1:]
    if first not in COMMANDS:
        return f"no command {first}"
    module = importlib.import_module(f"rulesd.cli.{first.replace('-', '_')}")
    here: Any = typer.main.get_command(module.app)
    while hasattr(here, "commands"):
        found = here.commands.get(words[0]) if words else None
        if found is None:
            return f"no command {first} {' '.join(words[:1])}"
        here, words = found, words[1:]
    options = {name for p in here.params for name in (*p.opts, *p.secondary_opts)}
    return ", ".join(w for w in words if w.startswith("-") and w not in options)


def unfit_setting(command: str) -> str:
    """What is wrong with ``switch set`` or ``switch revert``; empty: nothing."""
    words = shlex.split(command)[2:]
    if words[:1] not in (["set"], ["revert"]):
        return ""
    switches = plan().switches
    by_key = {switch.key: switch for switch in switches.values()}
    switch = switches.get(words[1]) or by_key.get(words[1])
    if switch is None:
        return f"no switch {words[1]}"
    labels = {w.partition("=")[0] for w in words[2:] if "=" in w and not w.startswith("-")}
    wanted = {*switch.scope, *re.findall(r"\{(\w+)\}", switch.key)}
    if words[0] == "set" and "--reason" not in words:
        return "no --reason"
    needed = set(re.findall(r"\{(\w+)\}", switch.key)) if words[0] == "set" else set()
    return ", ".join(sorted((labels - wanted) | (needed - labels)))


def test_every_command_of_a_runbook_exists() -> None:
    commands = [(n, c) for n, c in quoted() if c.startswith("rulesd ")]
    assert len(commands) > 80
    none_of([f"{n}: {c}: {w}" for n, c in commands if (w := unknown_words(c))], "commands")
    settings = [(n, c) for n, c in commands if c.startswith("rulesd switch ")]
    none_of([f"{n}: {c}: {w}" for n, c in settings if (w := unfit_setting(c))], "switches")


@pytest.mark.parametrize(
    "command",
    [
        "rulesd wy ALERT",
        "rulesd switch sett lock_tool",
        "rulesd why ALERT --frm json",
    ],
)
def test_a_command_that_does_not_exist_is_noticed(command: str) -> None:
    assert unknown_words(command)


@pytest.mark.parametrize(
    "command",
    [
        'rulesd switch set lock_tol tool=a tenant=b --reason "..."',
        'rulesd switch set lock_tool tenant=b --reason "..."',
        'rulesd switch set stop_loop tenant=b session_id=u --reason "..."',
        "rulesd switch set stop_loop tenant=b user_ref=u",
    ],
)
def test_a_setting_that_would_be_refused_is_noticed(command: str) -> None:
    assert unfit_setting(command)


def test_every_rule_a_runbook_refers_to_exists() -> None:
    areas = {rule.id.partition(".")[0] for rule in plan().rules}
    known = {rule.id for rule in plan().rules} | {s.key for s in plan().switches.values()}
    looks = re.compile(rf"(?:{'|'.join(sorted(areas))})\.\w+")
    fields = {
        "tool.call",
        "policy.decision",
        "output.classification",
        "usage.cost",
        "retrieval.query",
    }
    named = [(n, c) for n, c in quoted() if looks.fullmatch(c)]
    assert len(named) > 20
    none_of([f"{n}: {c}" for n, c in named if c not in known | fields], "rules named in runbooks")


def test_a_runbook_fits_a_screen_and_no_two_say_the_same() -> None:
    books = runbooks()
    none_of([n for n, text in books.items() if text.count("\n") > SCREEN], "runbooks too long")
    meant: dict[str, str] = {}
    twice = []
    for name, text in books.items():
        said = text.partition("## First five minutes")[0].partition("## What it means")[2].strip()
        if said in meant:
            twice.append(f"{name} and {meant[said]}")
        meant[said] = name
    none_of(twice, "runbooks with one meaning")


def test_every_runbook_belongs_to_a_rule() -> None:
    used = {rule.runbook.markdown for rule in plan().rules}
    none_of([n for n, text in runbooks().items() if text not in used], "runbooks of no rule")


def test_a_rule_that_sets_a_switch_says_so_in_its_runbook() -> None:
    silent = [
        rule.id
        for rule in plan().rules
        if rule.actions and "rulesd switch" not in rule.runbook.markdown
    ]
    none_of(silent, "runbooks that keep quiet about what the rule does by itself")

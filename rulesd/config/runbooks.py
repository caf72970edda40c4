"""A rule's runbook: the file beside it or an https address, its title, and its first five minutes as plain text.

Law: what a tired person reads first stands in the page itself, one step a line, without markup.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from rulesd.config.document import Document
from rulesd.config.problems import Code, Problems, did_you_mean
from rulesd.config.read import text_of
from rulesd.config.urls import split
from rulesd.core.plan import Runbook

_NAME = re.compile(r"[A-Za-z0-9][\w. -]*\.(?:md|markdown)")
_FIRST_FIVE = re.compile(r"first\s+(?:five|5)\s+minutes", re.IGNORECASE)


def runbook(
    rule: str, given: str, document: Document, files: Mapping[str, bytes], problems: Problems
) -> Runbook:
    """The runbook a rule names; one that cannot be used is reported and stays empty."""
    empty = Runbook(id=rule, title="", markdown="", url="", first_five_minutes="")
    path = ("runbook",)
    if ":" in given:
        parts = split(given)
        if parts is None or parts.scheme != "https" or parts.username or parts.password:
            hint = "Write https://..., or the name of a Markdown file beside the rule."
            problems.at(document, path, Code.INVALID_URL, "the runbook is no https address", hint)
            return empty
        return Runbook(id=rule, title=given, markdown="", url=given, first_five_minutes="")
    if not _NAME.fullmatch(given):
        hint = 'Write the name of a Markdown file beside the rule, such as "scope_violation.md".'
        problems.at(
            document,
            path,
            Code.MISSING_RUNBOOK,
            "the runbook is no Markdown file beside the rule",
            hint,
        )
        return empty
    folder = document.name.rpartition("/")[0]
    name = f"{folder}/{given}"
    if name not in files:
        beside = {
            n.rpartition("/")[2]
            for n in files
            if n.endswith((".md", ".markdown")) and n.rpartition("/")[0] == folder
        }
        hint = f"{did_you_mean(given, beside)}Write {given} beside the rule: what it means and the first five minutes."
        problems.at(
            document, path, Code.MISSING_RUNBOOK, f'the runbook "{given}" does not exist', hint
        )
        return empty
    shown = document.shown.rpartition("/")[0]
    text = text_of(files[name], f"{shown}/{given}" if shown else given, problems)
    if text is None:
        return empty
    tokens = _parser().parse(text)
    steps = first_five_minutes(tokens)
    if not steps:
        hint = (
            'Add a section "## First five minutes" with one step a line: it is printed in the page.'
        )
        problems.at(
            document,
            path,
            Code.FIRST_FIVE,
            f"{given} does not say what to do first",
            hint,
            warning=True,
        )
    return Runbook(
        id=rule, title=title(tokens) or rule, markdown=text, url="", first_five_minutes=steps
    )


def title(tokens: list[Token]) -> str:
    """The text of the first heading, empty without one."""
    for token, after in pairwise(tokens):
        if token.type == "heading_open":
            return _plain(after)
    return ""


def first_five_minutes(tokens: list[Token]) -> str:
    """The section whose heading says so, as plain text, one step a line; empty without one."""
    for i, token in enumerate(tokens):
        if token.type == "heading_open" and _FIRST_FIVE.search(_plain(tokens[i + 1])):
            return "\n".join(_steps(_section(tokens, i + 3, token.tag)))
    return ""


def _section(tokens: list[Token], start: int, tag: str) -> list[Token]:
    """Tokens up to the next heading of this level or a higher one."""
    for end in range(start, len(tokens)):
        if tokens[end].type == "heading_open" and tokens[end].tag <= tag:
            return tokens[start:end]
    return tokens[start:]


def _steps(tokens: list[Token]) -> Iterator[str]:
    """A line for each paragraph, list item and line of code."""
    lists: list[int | None] = []
    mark = ""
    for token in tokens:
        if token.type == "ordered_list_open":
            lists.append(int(token.attrGet("start") or 1))
        elif token.type == "bullet_list_open":
            lists.append(None)
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            indent, number = "  " * (len(lists) - 1), lists[-1]
            mark = f"{indent}- " if number is None else f"{indent}{number}. "
            if number is not None:
                lists[-1] = number + 1
        elif token.type in ("fence", "code_block"):
            indent = "  " * (len(lists) + 1)
            yield from (f"{indent}{line}" for line in token.content.rstrip("\n").split("\n"))
        elif token.type == "inline":
            text = _plain(token)
            yield (mark or "  " * len(lists)) + text
            mark = ""


def _plain(token: Token) -> str:
    """Text without markup; a link keeps its address."""
    out: list[str] = []
    links: list[str] = []
    for child in token.children or ():
        if child.type == "link_open":
            links.append(str(child.attrGet("href") or ""))
        elif child.type == "link_close":
            target = links.pop()
            if target and not "".join(out).endswith(target):
                out.append(f" ({target})")
        elif child.type in ("softbreak", "hardbreak"):
            out.append(" ")
        elif child.type in ("text", "code_inline", "image", "html_inline"):
            out.append(child.content if child.type != "html_inline" else "")
    return "".join(out).strip()


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark")

"""Templates in rule files: checked when they are loaded, so that a page never fails on one.

Law: minijinja's syntax; a template reads labels and measured facts, never an event.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from rulesd.config.document import Document, Path_
from rulesd.config.problems import Code, Problems, did_you_mean, listed

_LINE = re.compile(r" \(in [^)]*:(\d+)\)")
ALWAYS = frozenset(["alertname", "owner", "severity", "tenant", "rule"])
"Labels every alert may carry."

TOP = frozenset(
    [
        "labels",
        "alert",
        "rule",
        "owner",
        "severity",
        "value",
        "threshold",
        "count",
        "title",
        "context",
    ]
)
"What a summary may name at the top."


def check(
    text: str, path: Path_, labels: Iterable[str], document: Document, problems: Problems
) -> None:
    """Report a template that does not compile, or that names a label the rule does not have."""
    if not text or "{" not in text:
        return
    from minijinja import TemplateError

    environment = _environment()
    try:
        named = environment.undeclared_variables_in_str(text, nested=True)
    except TemplateError as error:
        said = _LINE.sub("", str(error)).split("\n")[0][:200]
        problems.at(
            document,
            path,
            Code.TEMPLATE,
            f"the template is not valid: {said}",
            'Write "{{ labels.tool }}".',
        )
        return
    known = {*labels, *ALWAYS}
    for name in sorted(named):
        top, _, rest = name.partition(".")
        if top == "labels" and rest and rest not in known:
            hint = f"{did_you_mean(rest, known)}Known: {listed(known)}; add it to by or context."
            problems.at(
                document,
                path,
                Code.UNKNOWN_LABEL,
                f'the rule has no label "{rest}"',
                hint,
                warning=True,
            )
        elif top not in TOP:
            hint = f"{did_you_mean(top, TOP)}Known: {listed(TOP, 20)}."
            problems.at(
                document, path, Code.UNKNOWN_LABEL, f'templates know no "{top}"', hint, warning=True
            )


def check_file(text: str, shown: str, problems: Problems) -> None:
    """Report an operator's own template that does not compile, at the line where it stops."""
    from minijinja import TemplateError

    try:
        _environment().undeclared_variables_in_str(text)
    except TemplateError as error:
        where = _LINE.search(str(error))
        said = _LINE.sub("", str(error)).split("\n")[0][:200]
        hint = "Correct it, or remove the file to use the built-in text."
        problems.add(shown, int(where[1]) if where else 1, 1, Code.TEMPLATE, said, hint)


def literal(text: str) -> str:
    """``text`` as a template that gives it back."""
    return "{% raw %}" + text + "{% endraw %}" if "{" in text else text


@cache
def _environment() -> Any:
    from minijinja import Environment

    return Environment()

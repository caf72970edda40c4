"""The texts of pages: minijinja templates with fuel, escaped for their channel, never able to stop a page.

Law: a template that fails (undefined name, endless loop, syntax) is replaced by the shipped one, and that by plain text; the
page says so. Fuel bounds every rendering. Only plain values (text, numbers, lists, dictionaries) go in.

Built-in files are those of ``notifiers/templates`` in the repository; in an installed package the same files lie under
``_shipped``. An operator's file of the same name takes precedence.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from minijinja import Environment, Markup, TemplateError

from rulesd.config.gotemplate import Fault
from rulesd.config.gotemplate.defaults import library
from rulesd.model.instant import parse_instant
from rulesd.notify.text import lines, one_line, slack_code, slack_escape

FUEL = 200_000
"Instructions one rendering may spend: a full page takes some thousands."

SUMMARY_FUEL = 20_000
SUMMARY_LIMIT = 300
OUTPUT_LIMIT = 60_000
"Characters a template may produce."


FAILURES = (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, MemoryError)
"What rendering can raise: the engine's own errors, and those of a filter given something odd."


class Medium(StrEnum):
    """How values are escaped."""

    PLAIN = "plain"
    SLACK = "slack"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text, and what went wrong on the way to it (empty when nothing did)."""

    text: str
    notice: str = ""


def shipped_folder() -> Path:
    """Where the built-in templates lie: in the package when installed, in the repository in a checkout.

    Raises:
        FileNotFoundError: when the installation is incomplete.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_shipped" / "notifiers", package.parent / "notifiers"):
        if (folder / "templates" / "plain.j2").is_file():
            return folder / "templates"
    raise FileNotFoundError("the page templates are missing. Install rulesd again")


@cache
def shipped() -> Mapping[str, str]:
    """The built-in templates by file name."""
    return {p.name: p.read_text("utf-8") for p in sorted(shipped_folder().glob("*.j2"))}


class Templates:
    """All templates in force: the operator's over the shipped ones."""

    def __init__(
        self, own: Mapping[str, str] | None = None, go: Mapping[str, str] | None = None
    ) -> None:
        """``own``: the operator's templates by file name (``Plan.templates``); ``go``: those of routing.yaml."""
        self._own = dict(own or {})
        self._broken: dict[str, str] = {}
        self.go = library()
        for name, source in (go or {}).items():
            try:
                self.go.add(source)
            except Fault as fault:
                self._broken[name] = str(fault)
        self._environments = {medium: _environment(medium) for medium in Medium}
        for environment in self._environments.values():
            for name, source in shipped().items():
                environment.add_template(f"shipped/{name}", source)
            self._add_own(environment)

    def _add_own(self, environment: Environment) -> None:
        for name, source in self._own.items():
            try:
                environment.add_template(name, source)
            except TemplateError as error:
                self._broken[name] = _words(error)

    @property
    def broken(self) -> Mapping[str, str]:
        """The operator's templates that cannot even be read, with kind and line: for ``check``."""
        return self._broken

    def render(
        self, name: str, medium: Medium, context: Mapping[str, Any], fallback: Callable[[], str]
    ) -> Rendered:
        """The text of ``name`` for ``context``; at worst ``fallback()`` with a notice that says which template failed."""
        environment, problem = self._environments[medium], ""
        for candidate in ([name] if name in self._own else []) + [f"shipped/{name}"]:
            if candidate in self._broken:
                problem = problem or self._broken[candidate]
                continue
            try:
                text = lines(environment.render_template(candidate, **context)).strip()
            except FAILURES as error:
                problem = problem or _words(error)
                continue
            if text and len(text) <= OUTPUT_LIMIT:
                return Rendered(text, _notice(name, problem))
            problem = problem or ("it gives no text" if not text else "its text is too long")
        return Rendered(lines(fallback()).strip(), _notice(name, problem))


def render_summary(source: str, context: Mapping[str, Any]) -> str | None:
    """A rule's ``summary`` on one line; ``None`` when it is empty or fails (the caller uses the title)."""
    try:
        text = one_line(_summaries().render_str(source, **context))
    except FAILURES:
        return None
    return text[:SUMMARY_LIMIT] or None


@cache
def _summaries() -> Environment:
    return Environment(fuel=SUMMARY_FUEL, undefined_behavior="strict", debug=False)


def _environment(medium: Medium) -> Environment:
    environment = Environment(
        fuel=FUEL,
        undefined_behavior="strict",
        debug=False,  # debug texts show the values of variables
        finalizer=_FINALIZERS[medium],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name, of in _FILTERS.items():
        environment.add_filter(name, of[medium])
    return environment


def _plain(value: object) -> object:
    return lines(value) if isinstance(value, str) else value


def _slack(value: object) -> object:
    """Escape every value; what ``code`` and ``when`` made is marked as safe and passes."""
    if isinstance(value, Markup):
        return value
    return slack_escape(lines(value)) if isinstance(value, str) else value


def _html(value: object) -> object:
    """Escape every value but what a filter has made."""
    if isinstance(value, Markup):
        return value
    return escape(lines(value)) if isinstance(value, str) else value


_FINALIZERS: dict[Medium, Callable[[object], object]] = {
    Medium.PLAIN: _plain,
    Medium.SLACK: _slack,
    Medium.HTML: _html,
}


def _code_slack(value: object) -> Markup:
    """A value between backticks: shown exactly, without formatting or links."""
    inner = slack_code(str(value))
    return Markup(f"`{inner}`" if inner else "`-`")


def _quote_slack(value: object) -> Markup:
    """A text of several lines as a quotation."""
    rows = slack_escape(lines(str(value))).replace("`", "'").split("\n")
    return Markup("\n".join(f"> {row}" for row in rows))


def _code_html(value: object) -> Markup:
    return Markup(f"<code>{escape(one_line(str(value))) or '-'}</code>")


def _quote_html(value: object) -> Markup:
    """A text of several lines, each on its own."""
    rows = "<br>".join(escape(row) for row in lines(str(value)).split("\n"))
    return Markup(f"<div>{rows}</div>")


def clock(value: object) -> str:
    """``2026-01-05 09:00:11 UTC`` for a timestamp; anything else as it is."""
    try:
        at = parse_instant(str(value))
    except ValueError:
        return str(value)
    return f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _when_slack(value: object) -> Markup:
    """The reader's own clock and the date, with UTC as fallback text."""
    try:
        seconds = parse_instant(str(value)) // 1000
    except ValueError:
        return Markup(slack_escape(one_line(str(value))))
    shown = f"<!date^{seconds}^{{date_short_pretty}} {{time_secs}}|{clock(value)}>"
    return Markup(shown)


def _when_html(value: object) -> Markup:
    return Markup(escape(clock(value)))


_FILTERS: Mapping[str, Mapping[Medium, Callable[[Any], object]]] = {
    "code": {Medium.PLAIN: one_line, Medium.SLACK: _code_slack, Medium.HTML: _code_html},
    "when": {Medium.PLAIN: clock, Medium.SLACK: _when_slack, Medium.HTML: _when_html},
    "quote": {Medium.PLAIN: lines, Medium.SLACK: _quote_slack, Medium.HTML: _quote_html},
}


def _words(error: BaseException) -> str:
    """Kind and line, without the message: that may quote a value."""
    if isinstance(error, TemplateError):
        return f"{error.kind}, line {error.line}" if error.line else str(error.kind)
    return type(error).__name__


def _notice(name: str, problem: str) -> str:
    return f"template {name} failed ({problem}); standard text used" if problem else ""

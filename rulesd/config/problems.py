"""Every word ``check`` uses to say what is wrong in a file, and the list it collects.

Law: nothing here stops at the first mistake. A problem names its place, what is wrong and what to write; it never holds a
secret.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING

from rulesd.model.errors import Located

if TYPE_CHECKING:
    from rulesd.config.document import Document, Path_


class Code(StrEnum):
    """What kind of mistake it is; the same word in text, JSON and tests."""

    # the file itself
    UNREADABLE = "unreadable"
    MISSING_FILE = "missing_file"
    TOO_LARGE = "too_large"
    TOO_MANY_FILES = "too_many_files"
    UTF8 = "invalid_utf8"
    EMPTY = "empty_file"
    YAML = "invalid_yaml"
    JSON = "invalid_json"
    TOML = "invalid_toml"
    TAB = "tab"
    ANCHOR = "unknown_anchor"
    ALIAS = "alias_loop"
    DOCUMENTS = "several_documents"
    TAG = "unknown_tag"
    KEY = "invalid_key"
    DUPLICATE_KEY = "duplicate_key"
    TOO_DEEP = "too_deep"
    TOO_MANY_VALUES = "too_many_values"
    NOT_FINITE = "not_finite"
    # its shape
    NOT_A_MAPPING = "not_a_mapping"
    UNKNOWN_FIELD = "unknown_field"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    INVALID_VALUE = "invalid_value"
    INVALID_DURATION = "invalid_duration"
    OUT_OF_RANGE = "out_of_range"
    EXCLUSIVE = "exclusive_fields"
    # a rule
    INVALID_ID = "invalid_id"
    DUPLICATE_ID = "duplicate_id"
    RESERVED_ID = "reserved_id"
    ID_FOLDER = "id_not_in_folder"
    CONDITION = "invalid_condition"
    UNKNOWN_OPERATOR = "unknown_operator"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_DETECTOR = "unknown_detector"
    NOT_BUILT = "detector_not_built"
    DUPLICATE_LABEL = "duplicate_label"
    RESERVED_LABEL = "reserved_label"
    UNKNOWN_LABEL = "unknown_label"
    TEMPLATE = "invalid_template"
    SEVERITY_DEFAULT = "severity_without_default"
    UNKNOWN_OWNER = "unknown_owner"
    MISSING_RUNBOOK = "missing_runbook"
    FIRST_FIVE = "no_first_five_minutes"
    NO_TESTS = "no_tests"
    UNKNOWN_RISK = "unknown_risk"
    UNKNOWN_ACTION = "unknown_action"
    # notifiers
    UNKNOWN_RECEIVER = "unknown_receiver"
    DUPLICATE_RECEIVER = "duplicate_receiver"
    FAILOVER_LOOP = "failover_loop"
    LITERAL_SECRET = "literal_secret"  # noqa: S105
    INVALID_SECRET = "invalid_secret"  # noqa: S105
    INVALID_URL = "invalid_url"
    INVALID_MATCHER = "invalid_matcher"
    INVALID_REGEX = "invalid_regex"
    ROOT_ROUTE = "root_route"
    GROUP_BY = "invalid_group_by"
    UNKNOWN_INTERVAL = "unknown_interval"
    INVALID_INTERVAL = "invalid_interval"
    UNREACHABLE_ROUTE = "unreachable_route"
    NO_GLOBAL = "missing_global"
    SAME_FLAG = "same_flag"
    SAME_HOOK = "same_hook"
    NOT_ACTED_ON = "not_acted_on"
    CATCH_ALL = "catch_all_before_owners"
    NOWHERE = "pages_reach_nobody"
    NO_EXTERNAL_URL = "no_external_url"
    # people
    UNKNOWN_PERSON = "unknown_person"
    UNKNOWN_SCHEDULE = "unknown_schedule"
    UNKNOWN_ESCALATION = "unknown_escalation"
    ESCALATION_LOOP = "escalation_loop"
    SCHEDULE = "invalid_schedule"
    CALENDAR = "invalid_calendar"
    NOBODY_ON_CALL = "nobody_on_call"
    WAKES_NOBODY = "wakes_nobody"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``Did you mean "owner"? `` (with the blank) when something known is close, else empty."""
    close = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f'Did you mean "{close[0]}"? ' if close else ""


def listed(words: Iterable[str], limit: int = 12) -> str:
    """``a, b, c`` or ``a, b ... and 30 more``."""
    every = sorted(words)
    if len(every) <= limit:
        return ", ".join(every)
    return f"{', '.join(every[:limit])} ... and {len(every) - limit} more"


class Problems:
    """All mistakes of all files."""

    def __init__(self) -> None:
        """Start with none."""
        self._found: list[Located] = []

    def at(
        self,
        document: "Document",
        path: "Path_",
        code: str,
        problem: str,
        hint: str,
        *,
        key: bool = False,
        warning: bool = False,
        info: bool = False,
    ) -> None:
        """Add one at a place in a document; ``key``: at the name of the field instead of its value."""
        line, column = document.place(path, key=key)
        self.add(document.shown, line, column, code, problem, hint, warning=warning, info=info)

    def add(
        self,
        shown: str,
        line: int,
        column: int,
        code: str,
        problem: str,
        hint: str,
        *,
        warning: bool = False,
        info: bool = False,
    ) -> None:
        """Add one at a line and column, counted from 1; an error unless said otherwise."""
        severity = "info" if info else "warning" if warning else "error"
        self._found.append(
            Located(shown, line, column, str(code), problem.rstrip("."), hint, severity)
        )

    def extend(self, found: Iterable[Located]) -> None:
        """Take over problems found elsewhere."""
        self._found.extend(found)

    def sorted(self) -> tuple[Located, ...]:
        """Errors and warnings, once each, by file and place."""
        return tuple(sorted({p for p in self._found if p.severity != "info"}))

    @property
    def infos(self) -> tuple[Located, ...]:
        """What is good to know and no mistake, in the same order."""
        return tuple(sorted({p for p in self._found if p.severity == "info"}))

    @property
    def errors(self) -> Sequence[Located]:
        """Those that stop a load."""
        return [p for p in self._found if p.severity == "error"]

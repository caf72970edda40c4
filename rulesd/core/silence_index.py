"""Which silences speak of a label set, found without asking every silence.

Law: pure; ids come back in order of id, whatever the order of creation. The index only narrows the choice: every matcher of a
candidate is asked, so a wrong guess costs time and never a page.

A silence is filed under one matcher that names its values outright (``tool="shell"``, or ``tool=~"shell|browser"``), the one under
which the fewest others stand so far. One that has no such matcher is asked about every alert.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from rulesd.model.alert import Alert
from rulesd.model.silence import Silence, SilenceMatcher

Test = Callable[[str], bool]
Regex = Callable[[str], Test]
"An anchored RE2 pattern in, its test out; raises ``ValueError`` for what is no pattern."

MOST_VALUES = 64
"Alternatives of one pattern that are worth filing one by one."

_PLAIN = frozenset("_-:/@ ")
"Beside letters and digits: characters that mean themselves in a pattern."


@dataclass(frozen=True, slots=True)
class Filed:
    """A silence made ready to be asked."""

    id: str
    tests: tuple[tuple[str, Test], ...]
    places: tuple[tuple[str, tuple[str, ...]], ...]
    "Where it may be filed: a label and the values of which it must have one."

    costly: bool = False
    "Whether a regular expression must be asked."

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether all its matchers agree; a missing label is the empty text."""
        for name, test in self.tests:  # noqa: SIM110 - half the time of all(...), and it is asked millions of times
            if not test(labels.get(name, "")):
                return False
        return True

    def near(self, alert: Alert) -> bool:
        """Whether the labels that name their values agree: quick to say, and no for most alerts."""
        for name, values in self.places:  # noqa: SIM110 - as above
            if label_of(alert, name) not in values:
                return False
        return True


def label_of(alert: Alert, name: str) -> str:
    """One of ``alert.all_labels()``, without making them all; empty when it is missing."""
    if alert.foreign is None:
        if name == "alertname":
            return alert.rule
        if name in ("owner", "severity"):
            return alert.owner if name == "owner" else alert.severity
        if name not in alert.labels:
            return alert.context.get(name, "")
    return alert.labels.get(name, "")


def file(silence: Silence, regex: Regex) -> Filed:
    """Make a silence ready. Raises ``ValueError`` when one of its patterns is none, or when it would silence everything."""
    if not silence.matchers:
        raise ValueError("no matcher")
    asked = sorted(silence.matchers, key=_price)
    tests = tuple((m.name, _test(m, regex)) for m in asked)
    places = tuple((m.name, values) for m in silence.matchers if (values := _values(m)))
    return Filed(silence.id, tests, places, any(map(_costly, silence.matchers)))


def _price(matcher: SilenceMatcher) -> int:
    """What is cheap to ask is asked first."""
    return matcher.is_regex + _costly(matcher)


def _costly(matcher: SilenceMatcher) -> bool:
    """Whether it takes a regular expression to ask it."""
    value = matcher.value
    return matcher.is_regex and not _alternatives(value) and _prefix(value) is None


def _test(matcher: SilenceMatcher, regex: Regex) -> Test:
    """The matcher as a test; a pattern that only lists values, or a beginning, needs no regular expression to be asked."""
    value = matcher.value
    if not matcher.is_regex:
        return value.__eq__ if matcher.is_equal else value.__ne__
    test = regex(value)
    if alternatives := _alternatives(value):
        test = dict.fromkeys(alternatives).__contains__
    elif (prefix := _prefix(value)) is not None:
        test = _beginning(prefix, 1 if value.endswith("+") else 0)
    return test if matcher.is_equal else lambda text: not test(text)


def _prefix(pattern: str) -> str | None:
    """The beginning a pattern asks for, when that is all it does."""
    return pattern[:-2] if pattern.endswith((".*", ".+")) and _plain(pattern[:-2]) else None


def _beginning(prefix: str, least: int) -> Test:
    """The pattern ``prefix.*`` or ``prefix.+``; a dot is any character but the end of a line."""
    long = len(prefix) + least
    return lambda text: text.startswith(prefix) and len(text) >= long and "\n" not in text


def _values(matcher: SilenceMatcher) -> tuple[str, ...]:
    """The values a label must have one of; empty when the matcher does not say, or says too many."""
    if not matcher.is_equal:
        return ()
    if not matcher.is_regex:
        return (matcher.value,) if matcher.value else ()
    values = _alternatives(matcher.value)
    return values if len(values) <= MOST_VALUES else ()


def _alternatives(pattern: str) -> tuple[str, ...]:
    """The values a pattern lists, when that is all it does: ``a|b``."""
    parts = tuple(dict.fromkeys(pattern.split("|")))
    return parts if all(part and _plain(part) for part in parts) else ()


def _plain(text: str) -> bool:
    """Whether every character means itself."""
    return all(c.isalnum() or c in _PLAIN for c in text)


class Index:
    """Silences by what they ask for."""

    def __init__(self) -> None:
        """Start empty."""
        self._by_label: dict[str, dict[str, dict[str, Filed]]] = {}
        self._rest: dict[str, Filed] = {}
        self._all: dict[str, Filed] = {}
        self._where: dict[str, tuple[str, tuple[str, ...]] | None] = {}
        self._costly: dict[str, None] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._where)

    def get(self, id_: str) -> Filed | None:
        """The silence of this id."""
        return self._all.get(id_)

    @property
    def costly(self) -> bool:
        """Whether a regular expression must be asked for any of them."""
        return bool(self._costly)

    def __contains__(self, id_: str) -> bool:
        """Whether it is filed."""
        return id_ in self._where

    def add(self, filed: Filed) -> None:
        """File one; it takes the place of one with the same id."""
        self.remove(filed.id)
        place = min(filed.places, key=self._crowd, default=None)
        self._where[filed.id] = place
        self._all[filed.id] = filed
        if filed.costly:
            self._costly[filed.id] = None
        if place is None:
            self._rest[filed.id] = filed
            return
        name, values = place
        by_value = self._by_label.setdefault(name, {})
        for value in values:
            by_value.setdefault(value, {})[filed.id] = filed

    def remove(self, id_: str) -> None:
        """Take one out, if it is there."""
        place = self._where.pop(id_, None)
        self._rest.pop(id_, None)
        self._all.pop(id_, None)
        self._costly.pop(id_, None)
        if place is None:
            return
        name, values = place
        by_value = self._by_label[name]
        for value in values:
            del by_value[value][id_]
            if not by_value[value]:
                del by_value[value]
        if not by_value:
            del self._by_label[name]

    def find(self, labels: Mapping[str, str]) -> list[str]:
        """Ids of all whose matchers agree with these labels, in order."""
        found: list[str] = []
        for name, by_value in self._by_label.items():
            there = by_value.get(labels.get(name, ""))
            if there:
                _ask(there.values(), labels, found)
        if self._rest:
            _ask(self._rest.values(), labels, found)
        found.sort()
        return found

    def _crowd(self, place: tuple[str, tuple[str, ...]]) -> int:
        by_value = self._by_label.get(place[0], {})
        return sum(len(by_value.get(value, ())) for value in place[1])


def _ask(candidates: Iterable[Filed], labels: Mapping[str, str], found: list[str]) -> None:
    for filed in candidates:
        if filed.fits(labels):
            found.append(filed.id)  # noqa: PERF401 - a call for each candidate is what this avoids

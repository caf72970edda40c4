"""The operators rulesd adds to JSON Logic, and what each of them means.

Law: each is one pure function of its evaluated arguments, the same function behind datalogic and behind generated
code; patterns and networks are constants of the rule, checked when it is loaded; a missing or null value is ``False``;
a value of a type the operator cannot read raises (``Unreadable``), because an error must never be a silent miss.

    matches [text, pattern]            RE2 finds the pattern anywhere in the text (linear time, so no regex bombs)
    glob    [text, pattern or list]    shell-like: * and ? (the whole text, case matters)
    cidr    [address, network or list] the IPv4/IPv6 address lies in one of the networks
    domain  [host or URL, name or list] the host is the name or one below it
    overlap [list, list]               the lists share an element
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

import re2

from rulesd.logic.errors import RuleError
from rulesd.logic.guard import Logic

Prepared: TypeAlias = Callable[[object], bool]
"The operator with its constant second argument built in."


class Unreadable(Exception):
    """The value has a type this operator cannot work on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One added operator."""

    name: str
    "As written in rules."

    prepare: Callable[[Logic], Prepared]
    "Build the test from the constant second argument; ``ValueError`` with a hint where it is wrong."

    hint: str
    "What to write."


MAX_PATTERN: Final = 1000
"Characters in one pattern."


def _options() -> re2.Options:
    options = re2.Options()
    options.max_mem = 1 << 20
    options.log_errors = False
    return options


def _patterns(argument: Logic) -> list[str]:
    items = argument if isinstance(argument, list) else [argument]
    texts = [item for item in items if isinstance(item, str)]
    if not texts or len(texts) != len(items):
        raise ValueError("the second argument must be text or a list of texts, written in the rule")
    if max(map(len, texts)) > MAX_PATTERN:
        raise ValueError(f"a pattern is longer than {MAX_PATTERN} characters")
    return texts


def _compiled(pattern: str) -> Callable[[str], object]:
    try:
        search: Callable[[str], object] = re2.compile(pattern, _options()).search
    except re2.error as error:
        reason = error.args[0] if error.args else "not a pattern"
        raise ValueError(
            f"RE2 refuses the pattern: {reason.decode() if isinstance(reason, bytes) else reason}"
        ) from None
    return search


def _on_text(test: Callable[[str], object]) -> Prepared:
    def run(value: object) -> bool:
        if isinstance(value, str):
            return bool(test(value))
        if value is None:
            return False
        raise Unreadable

    return run


def _matches(argument: Logic) -> Prepared:
    if not isinstance(argument, str):
        raise ValueError("the second argument must be one RE2 pattern, written in the rule")  # noqa: TRY004 - all refusals of a constant are alike.
    return _on_text(_compiled(_patterns(argument)[0]))


def _glob(argument: Logic) -> Prepared:
    parts = [
        "".join({"*": ".*", "?": "."}.get(c) or re.escape(c) for c in pattern)
        for pattern in _patterns(argument)
    ]
    return _on_text(_compiled(f"(?s)\\A(?:{'|'.join(parts)})\\z"))


def _cidr(argument: Logic) -> Prepared:
    try:
        networks = tuple(ip_network(text, strict=False) for text in _patterns(argument))
    except ValueError as error:
        raise ValueError(f"not a network: {error}") from None
    return _on_text(lambda text: _within(text, networks))


def _within(text: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any(
        address in network or (mapped is not None and mapped in network) for network in networks
    )


def _domain(argument: Logic) -> Prepared:
    names = tuple(text.strip().strip(".").lower() for text in _patterns(argument))
    if not all(names):
        raise ValueError("a domain name is empty")
    endings = tuple("." + name for name in names)

    def below(text: str) -> bool:
        host = host_of(text)
        return host in names or host.endswith(endings)

    return _on_text(below)


def host_of(text: str) -> str:
    """The host of a URL, or the text itself, in lower case."""
    rest = text.strip().lower()
    _, scheme, after = rest.partition("://")
    rest = re.split(r"[/?#\\]", after if scheme else rest, maxsplit=1)[0].rpartition("@")[2]
    if rest.startswith("["):
        return rest[1:].partition("]")[0]
    return rest.partition(":")[0].rstrip(".")


def _overlap(argument: Logic) -> Prepared:
    items = argument if isinstance(argument, list) else [argument]
    if not items or any(isinstance(item, (list, dict)) for item in items):
        raise ValueError(
            "the second argument must be a list of texts, numbers or booleans, written in the rule"
        )
    wanted = frozenset(typed(item) for item in items)
    alike = frozenset(items)

    def run(value: object) -> bool:
        if value is None:
            return False
        if not isinstance(value, list):
            raise Unreadable
        return any(key in wanted for key in present(value, alike))

    return run


def present(items: list[object], alike: frozenset[object]) -> list[tuple[bool, object]]:
    """Which of the elements ``alike`` a list has, as keys; a hundred thousand items take a few milliseconds."""
    try:
        hits = alike.intersection(items)
    except TypeError:  # A list or a mapping among them, which equals nothing here.
        items = [item for item in items if not isinstance(item, (list, dict))]
        hits = alike.intersection(items)
    found: list[tuple[bool, object]] = []
    for hit in hits:  # order-free: keys to look up, whose answers are sorted
        if hit not in (0, 1):
            found.append((False, hit))
            continue
        if any(item is (hit == 1) for item in items):
            found.append((True, hit))
        if any(item == hit and not isinstance(item, bool) for item in items):
            found.append((False, hit))
    return found


def typed(item: object) -> tuple[bool, object]:
    """An element as a key: ``true`` is not ``1``."""
    return isinstance(item, bool), item


OPERATORS: Final[dict[str, Operator]] = {
    operator.name: operator
    for operator in (
        Operator(
            name="matches",
            prepare=_matches,
            hint='Write {"matches": [{"var": "data.tool"}, "^fs[.]"]}.',
        ),
        Operator(
            name="glob",
            prepare=_glob,
            hint='Write {"glob": [{"var": "data.tool"}, ["fs.*", "db.drop_*"]]}.',
        ),
        Operator(
            name="cidr",
            prepare=_cidr,
            hint='Write {"cidr": [{"var": "data.ip"}, ["10.0.0.0/8", "fd00::/8"]]}.',
        ),
        Operator(
            name="domain",
            prepare=_domain,
            hint='Write {"domain": [{"var": "data.egress"}, "example.com"]}.',
        ),
        Operator(
            name="overlap",
            prepare=_overlap,
            hint='Write {"overlap": [{"var": "data.doc_ids"}, ["a", "b"]]}.',
        ),
    )
}
"All added operators by name."


def prepared(name: str, argument: Logic, pointer: str) -> Prepared:
    """The operator's test for a constant second argument; ``RuleError`` at ``pointer`` where it is wrong."""
    operator = OPERATORS[name]
    try:
        return operator.prepare(argument)
    except ValueError as error:
        raise RuleError(f"`{name}`: {error}", pointer=pointer, hint=operator.hint) from None

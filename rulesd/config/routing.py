"""``routing.yaml``: Alertmanager's file to the tree of routes, with everything inherited filled in.

Law: Alertmanager's meaning, exactly (config/config.go, dispatch/route.go of 0.34): children inherit receiver, group_by, group_wait,
group_interval and repeat_interval, but not time intervals; the root matches everything; a route's key is its parents' matchers and its
own. What is understood but has no effect yet is a warning at its place, and so is a route that no alert can reach.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rulesd.config.document import Document, Path_
from rulesd.config.matchers import key_of, matcher, ordered, parse_matchers
from rulesd.config.problems import Code, Problems, did_you_mean, listed
from rulesd.config.routing_schema import RouteEntry, RoutingFile
from rulesd.config.shape import parse
from rulesd.core.plan import InhibitRule, Interval, Matcher, Route


@dataclass(frozen=True, slots=True)
class Context:
    """What building a route needs to know."""

    document: Document
    problems: Problems
    receivers: frozenset[str]
    "Names known in both files."

    intervals: Mapping[str, Interval]


def routing_file(document: Document, problems: Problems) -> RoutingFile | None:
    """The file, shape checked, its names unique, and what is not acted on reported."""
    file = parse(RoutingFile, document, problems)
    if file is None:
        return None
    seen: dict[str, int] = {}
    for i, entry in enumerate(file.receivers):
        if entry.name in seen:
            said = f'the receiver "{entry.name}" stands twice'
            problems.at(
                document,
                ("receivers", i, "name"),
                Code.DUPLICATE_RECEIVER,
                said,
                "Rename or remove one.",
            )
        seen[entry.name] = i
    for word in ("tracing", "event_recorder"):
        if getattr(file, word):
            hint = "Nothing is changed by it; remove it or keep it for later."
            problems.at(
                document,
                (word,),
                Code.NOT_ACTED_ON,
                f"{word} is not acted on yet",
                hint,
                key=True,
                warning=True,
            )
    return file


def inhibit_rules(
    file: RoutingFile, document: Document, problems: Problems
) -> tuple[InhibitRule, ...]:
    """Every inhibition rule, compiled."""
    out: list[InhibitRule] = []
    for i, rule in enumerate(file.inhibit_rules):
        at: Path_ = ("inhibit_rules", i)
        sides: list[tuple[Matcher, ...]] = []
        for side in ("source", "target"):
            fields = {f: getattr(rule, f"{side}_{f}") for f in ("match", "match_re", "matchers")}
            sides.append(_matchers(fields, f"{side}_", at, document, problems))
        equal = tuple(dict.fromkeys(rule.equal))
        out.append(InhibitRule(name=rule.name, source=sides[0], target=sides[1], equal=equal))
    return tuple(out)


def root(file: RoutingFile, context: Context) -> Route:
    """The whole tree; mistakes are reported and the rest is built all the same."""
    given, document, problems = file.route, context.document, context.problems
    path: Path_ = ("route",)
    if not given.receiver:
        hint = 'Add "receiver: ..." to route.'
        problems.at(document, path, Code.ROOT_ROUTE, "the root route names no receiver", hint)
    for word in ("match", "match_re", "matchers", "mute_time_intervals", "active_time_intervals"):
        if getattr(given, word):
            said = f"the root route must match everything, always; it may not have {word}"
            problems.at(
                document,
                (*path, word),
                Code.ROOT_ROUTE,
                said,
                "Move it to a child route.",
                key=True,
            )
    return _route(given, Route(receiver=""), "", path, context)


def _route(
    entry: RouteEntry, parent: Route, parent_key: str, path: Path_, context: Context
) -> Route:
    document, problems = context.document, context.problems
    fields = {"match": entry.match, "match_re": entry.match_re, "matchers": entry.matchers}
    matchers = _matchers(fields, "", path, document, problems)
    if entry.receiver and entry.receiver not in context.receivers:
        hint = f"{did_you_mean(entry.receiver, context.receivers)}Known: {listed(context.receivers) or 'none'}."
        said = f'the receiver "{entry.receiver}" is in neither routing.yaml nor receivers.yaml'
        problems.at(document, (*path, "receiver"), Code.UNKNOWN_RECEIVER, said, hint)
    if entry.labels:
        said, hint = "labels of routes are not acted on yet", "Pages do not show them."
        problems.at(
            document, (*path, "labels"), Code.NOT_ACTED_ON, said, hint, key=True, warning=True
        )
    group_by, group_by_all = _group_by(entry, parent, path, document, problems)
    key = f"{parent_key}{key_of(matchers)}"
    here = Route(
        receiver=entry.receiver or parent.receiver,
        matchers=matchers,
        group_by=group_by,
        group_by_all=group_by_all,
        group_wait=_first(entry.group_wait, parent.group_wait),
        group_interval=_first(entry.group_interval, parent.group_interval),
        repeat_interval=_first(entry.repeat_interval, parent.repeat_interval),
        go_on=entry.continue_,
        key=key,
        mute=_intervals(entry, "mute_time_intervals", path, context),
        active=_intervals(entry, "active_time_intervals", path, context),
    )
    children = [
        _route(child, here, f"{key}/", (*path, "routes", i), context)
        for i, child in enumerate(entry.routes)
    ]
    _unreachable(children, path, context)
    return replace(here, routes=tuple(children))


def _first(own: int | None, inherited: int) -> int:
    return inherited if own is None else own


def _intervals(entry: RouteEntry, word: str, path: Path_, context: Context) -> tuple[Interval, ...]:
    """The named intervals of a route."""
    document, problems, known = context.document, context.problems, context.intervals
    names: tuple[str, ...] = getattr(entry, word)
    for i, name in enumerate(names):
        if name not in known:
            hint = f"{did_you_mean(name, known)}Known: {listed(known) or 'none'}."
            said = f'the time interval "{name}" is not defined'
            problems.at(document, (*path, word, i), Code.UNKNOWN_INTERVAL, said, hint)
    return tuple(known[name] for name in names if name in known)


def _unreachable(routes: list[Route], path: Path_, context: Context) -> None:
    """A route behind a sibling that takes all it could take, and does not continue."""
    takers: list[tuple[int, Route]] = []
    for i, route in enumerate(routes):
        texts = {str(m) for m in route.matchers}
        for number, taker in takers:
            if {str(m) for m in taker.matchers} <= texts:
                wide = "every alert" if not taker.matchers else "all it could take"
                before = "the route before it" if i - number == 1 else f"route {number + 1} here"
                said = f"no alert reaches this route: {before} takes {wide}"
                hint = 'Give that one "continue: true", or put this one before it.'
                where = (*path, "routes", i)
                context.problems.at(
                    context.document, where, Code.UNREACHABLE_ROUTE, said, hint, warning=True
                )
                break
        if not route.go_on:
            takers.append((i, route))


def _group_by(
    entry: RouteEntry, parent: Route, path: Path_, document: Document, problems: Problems
) -> tuple[tuple[str, ...], bool]:
    if entry.group_by is None:
        return parent.group_by, parent.group_by_all
    names = entry.group_by
    every = "..." in names
    if every and len(names) > 1:
        said, hint = "'...' stands for all labels", "Write ['...'] alone, or only names."
        problems.at(document, (*path, "group_by"), Code.GROUP_BY, said, hint)
    for i, name in enumerate(names):
        if name in names[:i]:
            problems.at(
                document,
                (*path, "group_by", i),
                Code.GROUP_BY,
                f'"{name}" stands twice',
                "Keep one.",
            )
        if not name:
            problems.at(
                document,
                (*path, "group_by", i),
                Code.GROUP_BY,
                "a label name is empty",
                "Write it.",
            )
    return ((), True) if every else (names, False)


def _matchers(
    given: Mapping[str, object], prefix: str, path: Path_, document: Document, problems: Problems
) -> tuple[Matcher, ...]:
    """All matchers of a route or of one side of an inhibition rule, in Alertmanager's order."""
    out: list[Matcher] = []
    for word, op in (("match", "="), ("match_re", "=~")):
        pairs = given[word]
        assert isinstance(pairs, dict)
        for name, value in pairs.items():
            try:
                out.append(matcher(name, op, value))
            except ValueError as error:
                hint = "Write RE2 syntax: no look-around, no back-references."
                problems.at(
                    document, (*path, prefix + word, name), Code.INVALID_REGEX, str(error), hint
                )
    texts = given["matchers"]
    assert isinstance(texts, tuple)
    for i, text in enumerate(texts):
        at = (*path, f"{prefix}matchers", i)
        try:
            out.extend(parse_matchers(text))
        except ValueError as error:
            said = str(error)
            regex = "regular expression" in said
            hint = (
                "Write RE2 syntax: no look-around, no back-references."
                if regex
                else "Write 'name=\"value\"', with =, !=, =~ or !~."
            )
            problems.at(
                document, at, Code.INVALID_REGEX if regex else Code.INVALID_MATCHER, said, hint
            )
    return ordered(out)

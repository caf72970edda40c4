"""Which receivers an alert goes to, and with which alerts it shares a page.

Law: pure, first match wins unless ``continue`` (Alertmanager dispatch/route.go). An own alert that no child route takes goes to
its owner's receiver for its severity, if the owner names one, else to the root's receiver.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rulesd.core.plan import Plan, Route
from rulesd.model.alert import Alert

MOST_PLACES = 1_000
"Answers that are remembered; alerts of one group come together."


class Destination(NamedTuple):
    """One receiver for one alert, and the group it joins there."""

    route: Route
    receiver: str
    group: str
    "Alertmanager's group key."

    labels: dict[str, str]
    "The labels that make the group."


def destinations(plan: Plan, alert: Alert) -> list[Destination]:
    """Where an alert goes; at least one place."""
    labels = alert.all_labels()
    found = list(_match(plan.root, labels))
    if found == [plan.root]:
        receiver = plan.receiver_for(alert.owner, alert.severity)
        if receiver is not None:
            key = f'{plan.root.key}/{{owner="{alert.owner}"}}'
            return [_destination(plan.root, receiver, key, labels, alert)]
    return [_destination(route, route.receiver, route.key, labels, alert) for route in found]


def _match(route: Route, labels: Mapping[str, str]) -> Iterator[Route]:
    """The routes that take a label set: depth first, the node itself only when no child does."""
    taken = False
    for child in route.routes:
        if all(m.test(labels.get(m.name, "")) for m in child.matchers):
            taken = True
            yield from _match(child, labels)
            if not child.go_on:
                return
    if not taken:
        yield route


def _destination(
    route: Route, receiver: str, key: str, labels: Mapping[str, str], alert: Alert
) -> Destination:
    if route.group_by_all:
        own = {} if alert.foreign is not None else {"alertname": alert.rule}
        names = {**own, **alert.labels}
    else:
        names = {name: labels[name] for name in route.group_by if labels.get(name)}
    return Destination(route, receiver, f"{key}:{label_set(names)}", names)


class Places:
    """Where the alerts of other systems go, remembered by the labels that decide it: a storm has many alerts and few groups."""

    def __init__(self, plan: Plan) -> None:
        """Nothing remembered yet."""
        self._plan = plan
        self._names = _deciding(plan.root)
        self._known: dict[tuple[str | None, ...], Sequence[Destination]] = {}

    def of(self, alert: Alert) -> Sequence[Destination]:
        """What ``destinations`` says."""
        if alert.foreign is None or not self._names:
            return destinations(self._plan, alert)
        get = alert.labels.get
        key = tuple([get(name) for name in self._names])
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_PLACES:
                self._known.clear()
            found = self._known[key] = tuple(destinations(self._plan, alert))
        return found


def _deciding(root: Route) -> tuple[str, ...]:
    """The labels that routes and groups look at; none where a route groups by all of them."""
    names = {"owner": None, "severity": None}
    for route in _all(root):
        if route.group_by_all:
            return ()
        names.update(dict.fromkeys(matcher.name for matcher in route.matchers))
        names.update(dict.fromkeys(route.group_by))
    return tuple(names)


class Routes:
    """The routes of a plan, by what a group remembers of its own."""

    def __init__(self, plan: Plan) -> None:
        """Look at all of them once."""
        self._root = plan.root
        self._by_key: dict[str, Route] = {}
        self._by_place: dict[tuple[str, str], Route] = {}
        for route in _all(plan.root):
            self._by_key.setdefault(route.key, route)
            self._by_place.setdefault((route.key, route.receiver), route)

    def find(self, key: str, receiver: str, otherwise: Route | None = None) -> Route:
        """The route of this key and receiver, or of this key, else ``otherwise`` or the root."""
        found = self._by_place.get((key, receiver)) or self._by_key.get(key)
        return found or otherwise or self._root


def _all(route: Route) -> Iterator[Route]:
    yield route
    for child in route.routes:
        yield from _all(child)


def routing_of(plan: Plan) -> tuple[str, Mapping[str, Mapping[str, str]]]:
    """What decides where an alert goes and what holds it back: two plans with the same agree on both."""
    return plan.routing_yaml, {name: owner.receivers for name, owner in plan.owners.items()}


def label_set(labels: Mapping[str, str]) -> str:
    """A label set as Alertmanager prints it: ``{a="x", b="y"}``, sorted by name."""
    quoted = (f'{name}="{_escape(labels[name])}"' for name in sorted(labels))
    return "{" + ", ".join(quoted) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

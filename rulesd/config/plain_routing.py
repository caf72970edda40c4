"""The routing in force as plain Alertmanager YAML: what ``config.original`` of API v2 shows, and what amtool 0.25 reads strictly.

Law: it leads every label set where rulesd leads it. Owners who name receivers are last child routes, and are reached only where no
other child route takes an alert. What 0.25 does not know is left out; literal secrets are masked, as Alertmanager masks them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from itertools import product
from typing import Any

from rulesd.config.plain_fields import RECEIVERS, TOP, Shape
from rulesd.config.problems import Problems
from rulesd.config.read import read
from rulesd.config.routing_schema import SECRET_KEYS
from rulesd.config.secrets import HIDDEN
from rulesd.core.plan import Interval, Matcher, Plan, Route
from rulesd.model.alert import SEVERITIES
from rulesd.model.duration import format_duration

MOST_OWNER_ROUTES = 64
"Routes one owner may become when several ``continue`` routes stand before it; beyond it they are left out."

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_NEGATED = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}

Fields = dict[str, Any]


_kept: dict[tuple[str, str], str] = {}
"The last text, by the plan's digest and routing file."


def plain_routing(plan: Plan) -> str:
    """The YAML for one plan; the last one is kept, because amtool asks before every command."""
    key = (plan.digest, plan.routing_yaml)
    if key not in _kept:
        text = _dump(_document(plan))
        _kept.clear()
        _kept[key] = text
    return _kept[key]


def _document(plan: Plan) -> Fields:
    given = _given(plan.routing_yaml)
    out = _pick(given, TOP)
    globals_ = out.get("global") or {}
    out["route"] = _route(plan.root, None)
    owners = list(_owner_routes(plan))
    if owners:
        out["route"].setdefault("routes", []).extend(owners)
    out["receivers"] = _receivers(plan, given.get("receivers") or [], globals_)
    return {name: out[name] for name in _ORDER if out.get(name)}


_ORDER = ("global", "route", "inhibit_rules", "time_intervals", "mute_time_intervals", "receivers")


def _given(text: str) -> Fields:
    """The operator's file as data, whatever language it is written in."""
    for name in ("routing.yaml", "routing.json", "routing.toml"):
        document = read(f"plain/{name}", text.encode(), name, Problems())
        if document is not None and isinstance(document.data, dict):
            return document.data
    return {}


def _pick(given: Mapping[str, Any], shape: Shape) -> Fields:
    """What 0.25 knows of a mapping; ``True`` takes a value whole."""
    out: Fields = {}
    for name, inner in shape.items():
        value = given.get(name)
        if value is None:
            continue
        if isinstance(inner, bool):
            # The text is masked already, where its language tells what stands where (TOML does not).
            out[name] = HIDDEN if name in SECRET_KEYS and value != "" else value
        elif isinstance(value, dict):
            out[name] = _pick(value, inner)
        elif isinstance(value, list):
            out[name] = [_pick(each, inner) for each in value if isinstance(each, dict)]
    return out


# ---------------------------------------------------------------------------------------- routes


def _route(route: Route, parent: Route | None) -> Fields:
    out: Fields = {"receiver": route.receiver}
    if route.matchers:
        out["matchers"] = [str(m) for m in route.matchers]
    if route.go_on:
        out["continue"] = True
    labels = ["..."] if route.group_by_all else [n for n in route.group_by if _NAME.fullmatch(n)]
    if parent is None or (route.group_by, route.group_by_all) != (
        parent.group_by,
        parent.group_by_all,
    ):
        out["group_by"] = labels
    for name in ("group_wait", "group_interval", "repeat_interval"):
        value = getattr(route, name)
        if parent is None or value != getattr(parent, name):
            out[name] = format_duration(value) if value else "0s"
    for name, intervals in (
        ("mute_time_intervals", route.mute),
        ("active_time_intervals", route.active),
    ):
        if intervals:
            out[name] = _names(intervals)
    children = [_route(child, route) for child in route.routes if _said(child.matchers)]
    if children:
        out["routes"] = children
    return out


def _names(intervals: Sequence[Interval]) -> list[str]:
    return [interval.name for interval in intervals]


def _said(matchers: Iterable[Matcher]) -> bool:
    """Whether 0.25 has words for it: its label names are letters, digits and underscores."""
    return all(_NAME.fullmatch(m.name) for m in matchers)


def _owner_routes(plan: Plan) -> Iterable[Fields]:
    """Where owners' own receivers come in: after all child routes, and only for what none of them took."""
    before = [child for child in plan.root.routes if child.go_on and _said(child.matchers)]
    ways = 1
    for child in before:
        # A route without matchers takes everything: nothing is left for owners.
        ways *= len(child.matchers)
    if not 0 < ways <= MOST_OWNER_ROUTES:
        return
    excluded = list(product(*(map(_negated, child.matchers) for child in before)))
    for owner in plan.owners.values():
        special = [s for s in SEVERITIES if plan.receiver_for(owner.name, s)]
        default = plan.receiver_for(owner.name, "default")
        for severity in special:
            receiver = plan.receiver_for(owner.name, severity)
            if receiver != default:
                yield from _ways(receiver, owner.name, severity, excluded)
        if default:
            yield from _ways(default, owner.name, "", excluded)


def _ways(
    receiver: str | None, owner: str, severity: str, excluded: list[tuple[str, ...]]
) -> Iterable[Fields]:
    own = [str(Matcher(name="owner", op="=", value=owner, test=bool))]
    if severity:
        own.append(f'severity="{severity}"')
    for others in excluded:
        yield {"receiver": receiver, "matchers": [*own, *dict.fromkeys(others)]}


def _negated(matcher: Matcher) -> str:
    other = _NEGATED[matcher.op]
    return str(Matcher(name=matcher.name, op=other, value=matcher.value, test=bool))


# ---------------------------------------------------------------------------------------- receivers


def _receivers(plan: Plan, given: Sequence[Any], globals_: Mapping[str, Any]) -> list[Fields]:
    """Every receiver of both files; rulesd's own channels have no words in this file."""
    by_name = {str(one.get("name")): one for one in given if isinstance(one, dict)}
    out: list[Fields] = []
    for name in plan.receivers:
        row: Fields = {"name": name}
        for kind, shape in RECEIVERS.items():
            configs = by_name.get(name, {}).get(kind) or []
            made = [_pick(each, shape) for each in configs if isinstance(each, dict)]
            kept = [each for each in made if _complete(kind, each, globals_)]
            if kept:
                row[kind] = kept
        out.append(row)
    return out


def _complete(kind: str, config: Fields, globals_: Mapping[str, Any]) -> bool:
    """Whether 0.25 accepts it: what leads elsewhere in a newer way is left out."""
    if kind == "slack_configs":
        own = config.get("api_url") or config.get("api_url_file")
        return bool(own or globals_.get("slack_api_url") or globals_.get("slack_api_url_file"))
    if kind == "webhook_configs":
        # Newer versions hide the address; 0.25 needs one that reads as an address.
        config["url"] = f"https://{HIDDEN}/"
        return True
    if kind == "pagerduty_configs":
        keys = ("routing_key", "service_key", "routing_key_file", "service_key_file")
        return any(config.get(key) for key in keys)
    own = config.get("smarthost") or globals_.get("smtp_smarthost")
    return bool(own and (config.get("from") or globals_.get("smtp_from")))


def _dump(document: Fields) -> str:
    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.width = 4096
    out = StringIO()
    writer.dump(document, out)
    return out.getvalue()

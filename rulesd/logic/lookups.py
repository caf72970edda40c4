"""Find the rules that an address, a host or a list fulfils by its keys, instead of asking each rule.

Law: what ``find`` gives are exactly the nodes under those keys whose operator is true for the value (``operators``); each
node once. The value is taken apart once for all rules: an address into its networks, a host into the names above it.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final, NamedTuple, TypeAlias

import orjson

from rulesd.logic.operators import host_of, present, typed

Node: TypeAlias = tuple[Any, ...]


class Lookup(NamedTuple):
    """How the rules of one operator are found."""

    keys: Callable[[str], tuple[Hashable, ...]]
    "The keys of the operator's constant, given as JSON text; any one of them makes the operator true."

    table: Callable[[Mapping[Any, Node]], object]
    "Nodes by key, as ``find`` wants them."

    find: Callable[[Any, Any], Sequence[Node]]
    "The nodes for a value of the type it reads."

    reads: str
    "The type of value: ``text`` or ``list``. Null fulfils nothing, and any other type raises."


def _items(argument: str) -> list[Any]:
    found = orjson.loads(argument)
    return found if isinstance(found, list) else [found]


def _names(argument: str) -> tuple[Hashable, ...]:
    return tuple(dict.fromkeys(name.strip().strip(".").lower() for name in _items(argument)))


def _names_table(nodes: Mapping[str, Node]) -> tuple[int, dict[str, Node]]:
    return max(map(len, nodes)), dict(nodes)


def _by_host(text: str, table: tuple[int, Mapping[str, Node]]) -> Sequence[Node]:
    """The host itself, then what follows each of its dots; longer ends than any name are not looked up."""
    longest, nodes = table
    host = host_of(text)
    found: dict[int, Node] = {}
    node = nodes.get(host) if len(host) <= longest else None
    if node is not None:
        found[id(node)] = node
    at = host.find(".", max(len(host) - longest - 1, 0))
    while at >= 0:
        node = nodes.get(host[at + 1 :])
        if node is not None:
            found[id(node)] = node
        at = host.find(".", at + 1)
    return tuple(found.values())


_Network: TypeAlias = tuple[int, int, int]
"Version, length of the prefix, and the prefix as a number."


def _networks(argument: str) -> tuple[Hashable, ...]:
    found: dict[_Network, None] = {}
    for text in _items(argument):
        network = ip_network(text, strict=False)
        shift = network.max_prefixlen - network.prefixlen
        found[network.version, network.prefixlen, int(network.network_address) >> shift] = None
    return tuple(found)


def _networks_table(nodes: Mapping[_Network, Node]) -> dict[int, list[tuple[int, dict[int, Node]]]]:
    """For each version: how far to shift an address, and the networks of that size."""
    sizes: dict[tuple[int, int], dict[int, Node]] = {}
    for (version, length, prefix), node in nodes.items():
        sizes.setdefault((version, length), {})[prefix] = node
    table: dict[int, list[tuple[int, dict[int, Node]]]] = {4: [], 6: []}
    for (version, length), known in sorted(sizes.items(), key=lambda item: item[0]):
        table[version].append(((32 if version == 4 else 128) - length, known))
    return table


def _by_address(
    text: str, table: Mapping[int, Sequence[tuple[int, Mapping[int, Node]]]]
) -> Sequence[Node]:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return ()
    found: dict[int, Node] = {}
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    for one in (address,) if mapped is None else (address, mapped):
        number = int(one)
        for shift, known in table[one.version]:
            node = known.get(number >> shift)
            if node is not None:
                found[id(node)] = node
    return tuple(found.values())


def _elements(argument: str) -> tuple[Hashable, ...]:
    return tuple(dict.fromkeys(typed(item) for item in _items(argument)))


_Elements: TypeAlias = tuple[dict[tuple[bool, object], Node], frozenset[object]]
"Nodes by element as a key; those elements."


def _elements_table(nodes: Mapping[tuple[bool, object], Node]) -> _Elements:
    return dict(nodes), frozenset(item for _, item in nodes)


def _by_element(items: list[object], table: _Elements) -> Sequence[Node]:
    """Each node once, however often the list has its elements."""
    nodes, alike = table
    found = {
        id(node): node for key in present(items, alike) if (node := nodes.get(key)) is not None
    }
    return tuple(found.values())


LOOKUPS: Final[dict[str, Lookup]] = {
    "domain": Lookup(_names, _names_table, _by_host, "text"),
    "cidr": Lookup(_networks, _networks_table, _by_address, "text"),
    "overlap": Lookup(_elements, _elements_table, _by_element, "list"),
}
"By the operator's name."

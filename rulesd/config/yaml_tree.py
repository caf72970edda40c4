"""YAML text as one tree of nodes that know their places: libyaml where it reads what ruamel reads, else ruamel.

Law: the tree is ruamel's (YAML 1.2, its tags, its places). Reading rules is most of a daemon's start, and libyaml does it seven times as fast; but it reads
YAML 1.1, has other words for mistakes, and its recursion has no floor. So it is asked only for text in which the two agree (a property test
compares them), and whatever it refuses is ruamel's to read, or to refuse in its own words.
"""

import re
import warnings
from typing import Final, TypeAlias, cast

import yaml
from ruamel.yaml import YAML
from ruamel.yaml import nodes as ruamel
from ruamel.yaml.resolver import implicit_resolvers
from yaml.resolver import BaseResolver

try:
    from yaml.cyaml import CParser
except ImportError:  # pragma: no cover - PyYAML was built without libyaml
    CParser = None

SCALAR: Final = (ruamel.ScalarNode, yaml.ScalarNode)
SEQUENCE: Final = (ruamel.SequenceNode, yaml.SequenceNode)
MAPPING: Final = (ruamel.MappingNode, yaml.MappingNode)
Scalar: TypeAlias = ruamel.ScalarNode | yaml.ScalarNode
Mapping: TypeAlias = ruamel.MappingNode | yaml.MappingNode
Tree: TypeAlias = Scalar | Mapping | ruamel.SequenceNode | yaml.SequenceNode

_APART = re.compile(
    r"""[^\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]  # tabs, other line ends
    | ^%                                        # directives
    | (?:^|[\s,\[{:])(?:!|[&*][\w-]*[^\w\s,\]}-])  # tags, odd names of anchors
    | \?(?:\s|$)                                # keys with a mark of their own
    | [|>][+\d-]*\s*\#                          # a comment, or what looks like one, before a block of text
    | ^[ -]{400}                                # so deep that libyaml's recursion could end the process
    """,
    re.MULTILINE | re.VERBOSE,
)
"Where the two read differently."


def compose(text: str) -> Tree | None:
    """The one document in ``text``, ``None`` when it is empty; raises what ruamel raises for what is not YAML.

    The caller has made sure that few brackets are open at once.
    """
    if CParser is not None and not _APART.search(text):
        try:
            return _by_libyaml(text)
        except (yaml.YAMLError, ValueError):
            pass
    return by_ruamel(text)


def by_ruamel(text: str) -> Tree | None:
    """The same, slowly."""
    with warnings.catch_warnings():
        # An anchor that is used twice is legal YAML: the later one counts.
        warnings.simplefilter("ignore")
        return cast("Tree | None", YAML(typ="safe", pure=True).compose(text))


def _by_libyaml(text: str) -> Tree | None:
    parser = _Libyaml(text)
    try:
        return cast("Tree | None", parser.get_single_node())
    finally:
        parser.dispose()


def _plain_scalars() -> dict[str, list[tuple[str, object]]]:
    """What a scalar without quotes may be, by its first character, as ruamel knows it for YAML 1.2: ``on`` and ``yes`` are text.

    One that is not there at all has another place in ruamel.
    """
    found: dict[str, list[tuple[str, object]]] = {}
    for versions, tag, pattern, starts in implicit_resolvers:
        if (1, 2) in versions:
            for start in starts:
                found.setdefault(start, []).append((tag, pattern))
    found[""] = [("", _Refused())]
    return found


class _Refused:
    """A pattern for what libyaml shall not read."""

    def match(self, _: str) -> None:
        raise ValueError


if CParser is not None:

    class _Libyaml(CParser, BaseResolver):  # type: ignore[misc]  # neither has types
        yaml_implicit_resolvers = _plain_scalars()

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            BaseResolver.__init__(self)

"""Names in ``by``, ``context`` and a detector's parameters that lead nowhere: raw content, and what no event has.

Law: never an error, and at its place. A service may send fields of its own, so a name is only doubted where every type of ``on`` is
one of the contract's, and only called a slip where it is nearly one of the contract's names. Raw content is gone before any rule looks,
so such a name is always wrong.
"""

from collections.abc import Iterator, Sequence, Set

from rulesd.config.detect import TABLE
from rulesd.config.document import Document, Path_
from rulesd.config.problems import Code, Problems, did_you_mean
from rulesd.config.rules import BUILTIN, Compiled
from rulesd.privacy.fields import lint_schema

DERIVED = frozenset(("alert.state", "containment.changed"))
"Types that carry the labels of what they are about: which ones, no list knows."


def field_names(compiled: Sequence[Compiled], problems: Problems) -> None:
    """Tell of every such name."""
    schema = lint_schema()
    known = {name.removeprefix("data.") for fields in schema.values() for name in fields}
    for one in compiled:
        if one.rule.id.startswith(BUILTIN):
            continue
        own = not one.rule.on or any(t not in schema or t in DERIVED for t in one.rule.on)
        for path, name in _written(one.document):
            _judge(name, path, frozenset() if own else known, one.document, problems)


def _written(document: Document) -> Iterator[tuple[Path_, str]]:
    """Each name of a field in a rule file, with its place."""
    places: list[Path_] = [("by",), ("context",)]
    for word, row in TABLE.items():
        places += [("detect", word, name) for name in row.fields]
    for path in places:
        node = document.node(path)
        if node is None:
            continue
        if isinstance(node.data, list):
            yield from (((*path, i), str(name)) for i, name in enumerate(node.data))
        elif isinstance(node.data, str):
            yield path, node.data


def inner_conditions(document: Document) -> Iterator[tuple[Path_, object]]:
    """Each condition inside a detector (``numerator``, ``good``, ``when`` of a step), with its place."""
    for word, row in TABLE.items():
        base: Path_ = ("detect", word)
        steps = document.node((*base, "steps"))
        items = steps.data if steps is not None and isinstance(steps.data, list) else ()
        places = [(*base, name) for name in row.logic]
        places += [(*base, "steps", i, "when") for i in range(len(items))]
        for path in places:
            node = document.node(path)
            if node is not None and node.data is not None:
                yield path, node.data


def _judge(name: str, path: Path_, known: Set[str], document: Document, problems: Problems) -> None:
    inner = name.removeprefix("data.")
    if inner == "content" or inner.startswith("content."):
        said = f"`{name}` is raw content, which no rule ever sees"
        hint = "Name a label, an id or a score."
        problems.at(document, path, "content_field", said, hint, warning=True)
    elif known and "." not in inner and inner not in known:
        said = f"no event of the contract has `{name}`"
        near = did_you_mean(inner, known)
        hint = near.strip() or "Check the name; a field of your own may stay."
        problems.at(
            document, path, Code.UNKNOWN_FIELD, said, hint, warning=bool(near), info=not near
        )

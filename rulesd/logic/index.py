"""The compiled form of a set of rules: projection, tree and watch, ready to be run.

Law: built once from plain rules, never changed in meaning afterwards (functions are compiled on first use, and rules for
datalogic too). Positions are those of the mapping the rules came in.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias, cast

import datalogic_py as datalogic
import msgspec
import orjson

from rulesd.logic.cover import Covers, cover
from rulesd.logic.entries import Entry, Frequencies
from rulesd.logic.errors import EvaluationError
from rulesd.logic.evaluator import Compiled, handle
from rulesd.logic.projection import EMPTY_NAMESPACE, Form, Projection
from rulesd.logic.reads import survey
from rulesd.logic.semantics import step
from rulesd.logic.shapes import Shapes, Tree
from rulesd.logic.syntax import Node, Path
from rulesd.logic.tree import Builder, drain, drain_tree
from rulesd.logic.watch import watch

Parents: TypeAlias = Callable[[Mapping[str, object]], tuple[Mapping[str, object], ...]]

SAMPLE: Final = 2000
"Observed documents looked at for frequencies."


class Index:
    """Everything needed to evaluate all rules on one document."""

    def __init__(
        self,
        texts: Sequence[str],
        rules: Sequence[Node],
        observed: Iterable[Mapping[str, object]],
    ) -> None:
        self.texts = texts
        self._compiled: dict[int, Compiled] = {}
        self._opaque: set[int] = set()
        self._opaque_reads: set[Path] = set()
        self._repeated: dict[int, frozenset[Path]] = {}
        self.whole: frozenset[int] = frozenset()
        self.projection = self._project(rules)
        self.shapes = Shapes(self.projection)
        frequencies = _frequencies(self.projection.paths, observed)
        builder = Builder(rules, self.shapes, frequencies, self._opaque, self._repeated)
        known: Covers = {}
        entries = [
            Entry(position, branch, conjunction)
            for position, rule in enumerate(rules)
            for branch, conjunction in enumerate(cover(rule, known))
        ]
        nothing: Tree = (self.shapes.sure, ())
        self.root: Tree = builder.start(entries) or nothing
        watched = [
            node for node in (self.root, *watch(rules, builder, self.shapes)) if node is not nothing
        ]
        self.watched: Tree = self.shapes.all(watched, fuse=True) if watched else nothing
        self.shapes.forget()
        drain(entries)
        drain(known)
        self.opaque = len(self._opaque)
        self._small = self._opaque - self.whole
        self._part_dict = self.shapes.part(self._opaque_reads, Form.DICT)
        self._part_struct = self.shapes.part(self._opaque_reads, Form.STRUCT)
        self.always = sum(
            any(not leaf for leaves in builder.leaves.get(position, {}).values() for leaf in leaves)
            for position in range(len(rules))
        )
        builder.forget()
        self.run_dict = self.shapes.compile(self.root[0], Form.DICT)
        self.run_dict_watched = self.shapes.compile(self.watched[0], Form.DICT)
        self.run_root = self.shapes.compile(self.root[0], Form.STRUCT)
        self.run_struct = self.shapes.compile(self.watched[0], Form.STRUCT)
        self.decode = self.projection.decode
        namespace: dict[str, object] = {**EMPTY_NAMESPACE}
        source = self.projection.parents_source()
        namespace.update(self.projection.namespace)
        own: dict[str, object] = {}  # Apart from what the function sees, which would make a cycle.
        exec(compile(source, "<rulesd parents>", "exec"), namespace, own)  # noqa: S102 - numbers and names of our own making.
        self.parents: Parents = cast("Parents", own["parents"])

    def _project(self, rules: Sequence[Node]) -> Projection:
        paths: set[Path] = set()
        precise: set[Path] = set()
        whole: set[int] = set()
        for position, rule in enumerate(rules):
            found = survey(rule)
            paths |= found.reads
            precise |= found.precise
            if found.repeated:
                self._repeated[position] = frozenset(found.repeated)
            if found.opaque:
                self._opaque.add(position)
                reads = self.compiled(position).reads()
                if reads is None or () in reads:
                    whole.add(position)
                else:
                    self._opaque_reads.update(reads)
        paths |= self._opaque_reads
        precise |= self._opaque_reads
        self.whole = frozenset(whole)
        return Projection(paths, precise)

    def compiled(self, position: int) -> Compiled:
        """One rule as datalogic has it, compiled when first asked for."""
        rule = self._compiled.get(position)
        if rule is None:
            rule = self._compiled[position] = Compiled(self.texts[position])
        return rule

    def release(self) -> None:
        """Break the cycles between functions and their tables, and free the tree bit by bit."""
        tree, self.root, self.watched = self.watched, (), ()
        drain_tree(tree)
        self.shapes.release()

    def settle(
        self, out: list[int], document: Mapping[str, object] | None, e: object, event: bytes
    ) -> tuple[list[int], list[int]]:
        """Sort out what the functions found; datalogic decides what is unsure."""
        if len(out) == 1:
            return self._settle_one(out[0], document, e, event)
        found = sorted(set(out))
        if found[0] >= 0:  # What is unsure is negative, so it would come first.
            return found, []
        matched = {position for position in found if position >= 0}
        raised: list[int] = []
        unsure = sorted({~position for position in found if position < 0} - matched)
        if unsure:
            part = self._handle(unsure, document, e, event)
            known = self._compiled
            for position in unsure:
                rule = known.get(position) or self.compiled(position)
                try:
                    if rule.truth(part):
                        matched.add(position)
                except EvaluationError:
                    raised.append(position)
        return sorted(matched), raised

    def _settle_one(
        self, position: int, document: Mapping[str, object] | None, e: object, event: bytes
    ) -> tuple[list[int], list[int]]:
        """The usual case in one breath."""
        if position >= 0:
            return [position], []
        position = ~position
        rule = self._compiled.get(position) or self.compiled(position)
        part = self._part_struct if document is None else self._part_dict
        try:
            if part is not None and position in self._small:
                true = rule.truth_of_text(orjson.dumps(part(e)).decode())
            else:
                true = rule.truth(self._handle((position,), document, e, event))
        except EvaluationError:
            return [], [position]
        except TypeError:  # A whole number beyond 64 bits: the event is no JSON for orjson.
            true = rule.truth(handle(orjson.loads(event) if document is None else document))
        return ([position] if true else []), []

    def _handle(
        self, unsure: Sequence[int], document: Mapping[str, object] | None, e: object, event: bytes
    ) -> datalogic.DataHandle:
        """The document for datalogic: as small a part as these rules allow, for reading it is most of the cost."""
        if self.whole and not self.whole.isdisjoint(unsure):
            return handle(orjson.loads(event) if document is None else document)
        part = self._part_struct if document is None else self._part_dict
        try:
            if part is not None and self._small.issuperset(unsure):
                return handle(part(e))
            if document is None:
                return datalogic.DataHandle(msgspec.json.encode(e).decode())
        except (
            OverflowError,
            TypeError,
            datalogic.DataLogicError,
        ):  # A whole number beyond 64 bits.
            document = orjson.loads(event) if document is None else document
        return handle(self.projection.cut(document))


def _frequencies(paths: Sequence[Path], observed: Iterable[Mapping[str, object]]) -> Frequencies:
    counts: dict[Path, Counter[str]] = {path: Counter() for path in paths}
    total = 0
    for document in observed:
        total += 1
        for path in paths:
            value = step(document, path, None)
            if isinstance(value, str):
                counts[path][value] += 1
        if total >= SAMPLE:
            break
    return Frequencies(total, counts)

"""Which of many rules are true for one event: ten thousand rules for about the cost of parsing it.

Law: the answer is datalogic's, evaluated rule by rule on ``orjson.loads`` of the event, in the order of the mapping the
rules came in; so is the list of rules whose evaluation raises. Speed comes only from not asking questions whose answer is
known. One decode feeds everything, so index and evaluator cannot read an event differently.

Method (docs/matching.md has more): each rule is rewritten as a few necessary conjunctions of exact keys, prefixes and
thresholds; these are arranged in a tree of dictionaries; what the way down has proved is cut out of the rule, and the
residual is generated Python. What Python cannot answer exactly, datalogic answers, under a budget.
"""

import gc
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
import orjson

from rulesd.logic.errors import EvaluationError, RaiseReason, RuleError
from rulesd.logic.evaluator import accept, handle
from rulesd.logic.explain import Explanation, explain
from rulesd.logic.guard import plain
from rulesd.logic.index import Index
from rulesd.logic.syntax import Node


class Evaluation(NamedTuple):
    """What one event did to all rules, by id, in the order of the rules."""

    matched: list[str]
    raised: list[str]


class Positions(NamedTuple):
    """The same by position in the mapping the matcher was built from, ascending."""

    matched: list[int]
    raised: list[int]


class Stats(NamedTuple):
    """How the rules of a matcher are held."""

    rules: int
    always: int
    "Rules looked at for every event."

    opaque: int
    "Rules of which datalogic decides at least a part."

    functions: int
    "Pieces of generated code they share."


class Matcher:
    """All rules, compiled. Immutable in meaning; building it is pure computation and may happen in any thread."""

    def __init__(
        self, rules: Mapping[str, object], *, observed: Iterable[Mapping[str, object]] = ()
    ) -> None:
        self.ids: tuple[str, ...] = tuple(rules)
        # Nothing built here is garbage before the end, and looking for it would take longer than building.
        collecting = gc.isenabled()
        gc.disable()
        try:
            self._index = _index(rules, observed)
        finally:
            if collecting:
                gc.enable()
        self._decode = self._index.decode
        self._root = self._index.root
        self._watched = self._index.watched
        self._struct = self._index.struct_functions
        self._dict = self._index.dict_functions
        self._parents = self._index.parents

    @property
    def stats(self) -> Stats:
        """How the rules are held."""
        return Stats(len(self.ids), self._index.always, self._index.opaque, len(self._index.shapes))

    def explain(self, rule_id: str, event: bytes) -> Explanation:
        """Why a rule is true or not for an event, in words without raw content."""
        return self.explain_document(rule_id, orjson.loads(event))

    def explain_document(self, rule_id: str, document: Mapping[str, object]) -> Explanation:
        """``explain`` for what ``orjson.loads`` gave."""
        return explain(self._index.texts[self.ids.index(rule_id)], document)

    def match(self, event: bytes) -> list[str]:
        """Ids of the rules that are true for the event. ``ValueError`` if the event is not JSON."""
        try:
            e = self._decode(event)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self.match_document(orjson.loads(event))
        out: list[int] = []
        root = self._root
        self._struct[root[0]](e, out, root)
        if not out:
            return []
        if len(out) == 1 and out[0] >= 0:
            return [self.ids[out[0]]]
        ids = self.ids
        return [ids[position] for position in self._index.settle(out, None, e, event)[0]]

    def evaluate(self, event: bytes) -> Evaluation:
        """Ids of the rules that are true, and of those that could not be evaluated."""
        try:
            e = self._decode(event)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self.evaluate_document(orjson.loads(event))
        out: list[int] = []
        root = self._watched
        self._struct[root[0]](e, out, root)
        if not out:
            return Evaluation([], [])
        matched, raised = self._index.settle(out, None, e, event)
        ids = self.ids
        return Evaluation([ids[i] for i in matched], [ids[i] for i in raised])

    def match_document(self, document: Mapping[str, object]) -> list[str]:
        """``match`` for what ``orjson.loads`` gave."""
        if document.__class__ is not dict:
            return self.naive_evaluate(document).matched
        e = self._parents(document)
        out: list[int] = []
        root = self._root
        self._dict[root[0]](e, out, root)
        if not out:
            return []
        if len(out) == 1 and out[0] >= 0:
            return [self.ids[out[0]]]
        ids = self.ids
        return [ids[position] for position in self._index.settle(out, document, e, b"")[0]]

    def evaluate_document(self, document: Mapping[str, object]) -> Evaluation:
        """``evaluate`` for what ``orjson.loads`` gave."""
        matched, raised = self.positions(document)
        ids = self.ids
        return Evaluation([ids[i] for i in matched], [ids[i] for i in raised])

    def positions(self, document: Mapping[str, object]) -> Positions:
        """``evaluate_document`` by position: the cheapest form, for callers that keep rules in a sequence."""
        if document.__class__ is not dict:
            return self._naive(document)
        e = self._parents(document)
        out: list[int] = []
        root = self._watched
        self._dict[root[0]](e, out, root)
        if not out:
            return Positions([], [])
        return Positions(*self._index.settle(out, document, e, b""))

    def naive_evaluate(self, document: Mapping[str, object]) -> Evaluation:
        """The oracle: datalogic on every rule, one by one. For the sampled shadow check; compiles rules when first used."""
        matched, raised = self._naive(document)
        return Evaluation([self.ids[i] for i in matched], [self.ids[i] for i in raised])

    def _naive(self, document: object) -> Positions:
        data = handle(document)
        matched: list[int] = []
        raised: list[int] = []
        for position in range(len(self.ids)):
            try:
                if self._index.compiled(position).truth(data):
                    matched.append(position)
            except EvaluationError:
                raised.append(position)
        return Positions(matched, raised)

    def why_raised(self, rule_id: str, document: Mapping[str, object]) -> RaiseReason | None:
        """Why a rule could not be evaluated; ``None`` if it can be."""
        try:
            self._index.compiled(self.ids.index(rule_id)).truth(handle(document))
        except EvaluationError as error:
            return error.reason
        return None


def _index(rules: Mapping[str, object], observed: Iterable[Mapping[str, object]]) -> Index:
    texts: list[str] = []
    nodes: list[Node] = []
    for name, logic in rules.items():
        try:
            tree, text = plain(logic)
            node = accept(tree, text)
        except RuleError as error:
            raise error.of(name) from None
        texts.append(text)
        nodes.append(node)
    return Index(texts, nodes, observed)

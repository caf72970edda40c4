"""Which of many rules are true for one event: ten thousand rules for about the cost of parsing it.

Law: the answer is datalogic's, evaluated rule by rule on ``orjson.loads`` of the event, in the order of the mapping the
rules came in; so is the list of rules whose evaluation raises. Speed comes only from not asking questions whose answer is
known. One decode feeds everything, so index and evaluator cannot read an event differently.

Method (docs/matching.md has more): each rule is rewritten as a few necessary conjunctions of exact keys, prefixes and
thresholds; these are arranged in a tree of dictionaries; what the way down has proved is cut out of the rule, and the
residual is generated Python. What Python cannot answer exactly, datalogic answers, under a budget.
"""

import gc
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

import msgspec
import orjson

from rulesd.logic.errors import EvaluationError, RaiseReason, RuleError
from rulesd.logic.evaluator import accept, handle
from rulesd.logic.explain import Explanation, explain
from rulesd.logic.guard import plain
from rulesd.logic.index import Index
from rulesd.logic.syntax import Known, Node
from rulesd.logic.tree import drain

MANY: Final = 200
"Rules from which building makes so many objects that the garbage collector is worth a thought."

UNFIT: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"How the projection refuses an event that it does not fit, or that is not JSON: orjson tells which."


_new: Final = tuple.__new__


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

    match: Callable[[bytes], list[str]]
    "Ids of the rules that are true for an event. ``ValueError`` if the event is not JSON."

    def __init__(
        self, rules: Mapping[str, object], *, observed: Iterable[Mapping[str, object]] = ()
    ) -> None:
        self.ids: tuple[str, ...] = tuple(rules)
        # Nothing built here is garbage before the end, and looking for it would take longer than building.
        # (A few rules are no load for it, and settling looks at all that is frozen, which may be a lot.)
        collecting = gc.isenabled() and len(rules) >= MANY
        if collecting:
            gc.disable()
        try:
            self._index = _index(rules, observed)
        finally:
            if collecting:
                _settle_garbage()
        self.match = _on_bytes(self._index, self.ids, self.match_document)

    def __reduce__(self) -> tuple[type["Matcher"], tuple[dict[str, str]]]:
        """Pickled as its rules: what is generated from them is generated again."""
        return Matcher, (dict(zip(self.ids, self._index.texts, strict=True)),)

    def release(self) -> None:
        """Free what a replaced matcher holds, bit by bit; it must not be asked again.

        Without this a matcher is freed by the garbage collector, which after ``gc.freeze`` never looks at it.
        """
        self.match = _released
        self._index.release()

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

    def evaluate(self, event: bytes) -> Evaluation:
        """Ids of the rules that are true, and of those that could not be evaluated."""
        index = self._index
        try:
            if not event.isascii():
                event.decode()
            e = index.decode(event)
        except UNFIT:
            return self.evaluate_document(orjson.loads(event))
        out: list[int] = []
        index.run_struct(e, out, index.watched)
        if not out:
            return Evaluation([], [])
        matched, raised = index.settle(out, None, e, event)
        ids = self.ids
        return Evaluation([ids[i] for i in matched], [ids[i] for i in raised])

    def match_document(self, document: Mapping[str, object]) -> list[str]:
        """``match`` for what ``orjson.loads`` gave."""
        if document.__class__ is not dict:
            return self.naive_evaluate(document).matched
        index = self._index
        e = index.parents(document)
        out: list[int] = []
        index.run_dict(e, out, index.root)
        if not out:
            return []
        ids = self.ids
        return [ids[position] for position in index.settle(out, document, e, b"")[0]]

    def evaluate_document(self, document: Mapping[str, object]) -> Evaluation:
        """``evaluate`` for what ``orjson.loads`` gave."""
        matched, raised = self.positions(document)
        ids = self.ids
        return Evaluation([ids[i] for i in matched], [ids[i] for i in raised])

    def positions(self, document: Mapping[str, object]) -> Positions:
        """``evaluate_document`` by position: the cheapest form, for callers that keep rules in a sequence."""
        if document.__class__ is not dict:
            return self._naive(document)
        index = self._index
        e = index.parents(document)
        out: list[int] = []
        index.run_dict_watched(e, out, index.watched)
        # Not ``Positions(...)``: that goes through a function in Python, for every event.
        return _new(Positions, index.settle(out, document, e, b"") if out else ([], []))

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


def _released(_: bytes) -> list[str]:
    raise RuntimeError("this matcher was released; ask the one that replaced it")


def _settle_garbage() -> None:
    """Let what was just built grow old at once: looking through it as new would pause the loop for up to 100 ms."""
    frozen = gc.get_freeze_count()
    gc.freeze()
    if not frozen:
        gc.unfreeze()
    gc.enable()


def _index(rules: Mapping[str, object], observed: Iterable[Mapping[str, object]]) -> Index:
    texts: list[str] = []
    nodes: list[Node] = []
    known: Known = {}
    for name, logic in rules.items():
        try:
            tree, text = plain(logic)
            node = accept(tree, text, known)
        except RuleError as error:
            raise error.of(name) from None
        texts.append(text)
        nodes.append(node)
    index = Index(texts, nodes, observed)
    drain(nodes)
    drain(known)
    return index


def _on_bytes(
    index: Index, ids: tuple[str, ...], otherwise: Callable[[Mapping[str, object]], list[str]]
) -> Callable[[bytes], list[str]]:
    """``Matcher.match`` with everything it needs at hand: attribute look-ups would be a tenth of its time."""
    decode, run, root, settle = index.decode, index.run_root, index.root, index.settle

    def match(event: bytes) -> list[str]:
        try:
            if not event.isascii():
                event.decode()  # msgspec does not look into text that it skips.
            e = decode(event)
        except UNFIT:
            return otherwise(orjson.loads(event))
        out: list[int] = []
        run(e, out, root)
        if out:
            return [ids[position] for position in settle(out, None, e, event)[0]]
        return []

    return match

"""The operator's files to one immutable ``Plan``, or every mistake in them at once.

Law: never raises for what a file holds. A plan is made only when no file has an error; warnings are shown and counted. The same
files give the same plan, from folders as from an archive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rulesd.config import lint, templates
from rulesd.config.channels import alertmanager_channels
from rulesd.config.composites import composites
from rulesd.config.document import Document
from rulesd.config.duty import Duties, duties
from rulesd.config.duty_checks import unreachable, wakes_nobody
from rulesd.config.files import Files, digest, gather, pack, unpack
from rulesd.config.go_templates import read_library, template_files
from rulesd.config.hooks import hooks
from rulesd.config.intervals import intervals
from rulesd.config.mask import masked
from rulesd.config.matchers import matcher as label_matcher
from rulesd.config.obedience import proofs
from rulesd.config.owners import owners, risks, severities
from rulesd.config.problems import Code, Problems
from rulesd.config.read import SUFFIXES, read, text_of
from rulesd.config.receivers import own_channels, receiver_digests
from rulesd.config.rollouts import rollouts
from rulesd.config.routing import Context, inhibit_rules, root, routing_file
from rulesd.config.routing_schema import RoutingFile
from rulesd.config.rule_tests import RuleTest, rule_tests
from rulesd.config.rules import BUILTIN, Compiled, Surroundings, compile_rule
from rulesd.config.schedule import schedule
from rulesd.config.switches import beside_shipped, switches
from rulesd.core.plan import InhibitRule, Owner, Plan, Receiver, Route
from rulesd.logic import Matcher, RuleError
from rulesd.logic.explain import Explanation
from rulesd.model.errors import Located
from rulesd.model.event import Document as EventDocument
from rulesd.model.event import Json
from rulesd.model.instant import MINUTE, Milliseconds
from rulesd.model.switch import Switch
from rulesd.privacy.fields import TYPES

_NOT_RULES = ("severities", "risks", "rollouts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What loading gave."""

    plan: Plan | None
    "``None`` when a problem is an error."

    problems: tuple[Located, ...]
    "Errors and warnings, by file and place; ``severity`` tells them apart."

    files: Files
    tests: tuple[RuleTest, ...]
    "Every test of every rule that could be read."

    archive: bytes
    "What ``load_archive`` makes the same plan from; empty without a plan. Holds no literal secret."

    risks: Mapping[str, str] | None = None
    "Titles by name, ``None`` without risks.yaml."

    infos: tuple[Located, ...] = ()
    "What is good to know and no finding: what a rule costs, a rule inside a wider one."

    @property
    def errors(self) -> tuple[Located, ...]:
        """The problems that stop a load."""
        return tuple(p for p in self.problems if p.severity == "error")

    @property
    def own_rules(self) -> int:
        """How many rules are the operator's (those about rulesd itself do not count)."""
        return (
            0 if self.plan is None else sum(not r.id.startswith(BUILTIN) for r in self.plan.rules)
        )


def load(
    rules: Path,
    notifiers: Path,
    *,
    self_owner: str = "",
    observed: Sequence[EventDocument] = (),
) -> Loaded:
    """Make a plan from two folders. ``self_owner``: who answers for rulesd itself (default: the first owner).

    ``observed``: recent events, from which the index learns which fields tell rules apart; they change no answer.
    """
    problems = Problems()
    return _load(gather(rules, notifiers, problems, self_owner=self_owner), problems, observed)


def load_files(files: Files) -> Loaded:
    """Make a plan from files in memory."""
    return _load(files, Problems())


def load_archive(archive: bytes) -> Loaded:
    """Make the plan again that ``Loaded.archive`` came from. Raises ``ValueError`` when it is no archive."""
    return _load(unpack(archive), Problems())


def _load(files: Files, problems: Problems, observed: Sequence[EventDocument] = ()) -> Loaded:
    shop = _Workshop(files, problems)
    compiled = shop.rules()
    shop.receivers()
    plan = shop.plan(compiled, observed)
    archive = b""
    if plan is not None:
        archive = pack(files, plan.digest, shop.masked)
    return Loaded(
        plan=plan,
        problems=problems.sorted(),
        infos=problems.infos,
        files=files,
        tests=tuple(shop.tests),
        archive=archive,
        risks=shop.risks,
    )


class _Workshop:
    """One load: documents in, parts of the plan out."""

    def __init__(self, files: Files, problems: Problems) -> None:
        self.files, self.problems = files, problems
        self.tests: list[RuleTest] = []
        self.masked: dict[str, bytes] = {}
        routing, owners_ = self._document("notifiers/routing"), self._document("notifiers/owners")
        self._required(routing, "notifiers/routing.yaml", "route: {receiver: ...}")
        self._required(owners_, "notifiers/owners.yaml", "owners: {<name>: {contact: ...}}")
        self.routing, self.owners_file = routing, owners_
        self.own = self._document("notifiers/receivers")
        self.owners: dict[str, Owner] = owners(owners_, problems) if owners_ is not None else {}
        self.severities = severities(self._document("rules/severities"), problems)
        self.risks = risks(self._document("rules/risks"), problems)
        self.hooks: Mapping[str, Mapping[str, Json]] = hooks(
            self._document("notifiers/hooks"), problems
        )
        self._switches_file = self._document("notifiers/switches")
        self.switches, self.humans_only = switches(self._switches_file, self.owners, problems)
        usual, _ = switches(self._document("builtin/switches"), self.owners, problems)
        self.usual = {name: made for name, made in usual.items() if name not in self.switches}
        "What the shipped actions mean where switches.yaml does not say; in force as far as somebody names them."
        self.rollouts = rollouts(
            self._document("rules/rollouts"), self.owners, self.switches | self.usual, problems
        )
        self.templates = self._templates()
        self.go_templates: Mapping[str, str] = {}
        self.duties = Duties()
        self.route: Route | None = None
        self.inhibit_rules: tuple[InhibitRule, ...] = ()
        self.resolve_timeout: Milliseconds = 5 * MINUTE
        self.by_receiver: dict[str, Receiver] = {}
        if files.self_owner and owners_ is not None and files.self_owner not in self.owners:
            hint = "Write the name of an owner of owners.yaml."
            said = f'the setting self_owner names "{files.self_owner}", which is not here'
            problems.at(owners_, ("owners",), Code.UNKNOWN_OWNER, said, hint, key=True)

    def _document(self, stem: str) -> Document | None:
        """The one file of that name, in any of the languages."""
        names = [stem + s for s in SUFFIXES if stem + s in self.files.content]
        if len(names) > 1:
            said = f"{names[0].rpartition('/')[2]} stands beside it and is the one that is read"
            self.problems.add(
                self.files.path(names[1]), 1, 1, Code.EXCLUSIVE, said, "Remove one of them."
            )
        if not names:
            return None
        return read(
            names[0], self.files.content[names[0]], self.files.path(names[0]), self.problems
        )

    def _required(self, document: Document | None, name: str, example: str) -> None:
        stem = name.removesuffix(".yaml")
        if document is None and not any(stem + s in self.files.content for s in SUFFIXES):
            self.problems.add(
                self.files.path(name),
                1,
                1,
                Code.MISSING_FILE,
                "the file is missing",
                f'Write it: "{example}".',
            )

    def rules(self) -> list[Compiled]:
        """Every rule that compiles, in order of id."""
        around = Surroundings(
            files=self.files.content,
            owners=self.owners,
            owners_known=self.owners_file is not None,
            risks=self.risks,
            actions=self.switches | self.usual,
            types=frozenset(TYPES),
            self_owner=self.files.self_owner,
        )
        out: list[Compiled] = []
        ids: dict[str, Document] = {}
        for name in sorted(self.files.content):
            if not self._is_rule(name):
                continue
            document = read(name, self.files.content[name], self.files.path(name), self.problems)
            if document is None:
                continue
            compiled = compile_rule(document, around, self.problems)
            self._unique(document, ids)
            self._tests(document, compiled)
            if compiled is not None:
                out.append(compiled)
        return sorted(out, key=lambda c: c.rule.id)

    @staticmethod
    def _is_rule(name: str) -> bool:
        top, _, rest = name.partition("/")
        if top not in ("rules", "builtin") or not rest.endswith(SUFFIXES):
            return False
        if name == "builtin/switches.yaml":
            return False
        return rest.rpartition(".")[0] not in _NOT_RULES

    def _unique(self, document: Document, ids: dict[str, Document]) -> None:
        node = document.node(("id",))
        name = node.data if node is not None else None
        if not isinstance(name, str):
            return
        if name in ids:
            first = ids[name]
            said = f'the id "{name}" is taken by {first.shown}:{first.place(("id",))[0]}'
            self.problems.at(
                document, ("id",), Code.DUPLICATE_ID, said, "Give each rule its own id."
            )
        ids.setdefault(name, document)

    def _tests(self, document: Document, compiled: Compiled | None) -> None:
        node = document.node(("id",))
        name = str(node.data) if node is not None else ""
        found = rule_tests(name, document, self.problems)
        self.tests.extend(found)
        given = document.data.get("tests") if isinstance(document.data, dict) else None
        if compiled is not None and not given and not document.name.startswith("builtin/"):
            hint = "Add tests: one that fires and one that stays quiet."
            self.problems.at(
                document,
                ("id",),
                Code.NO_TESTS,
                "the rule has no tests",
                hint,
                key=True,
                warning=True,
            )

    def receivers(self) -> None:
        """All receivers of both files, and the tree that leads to them."""
        own = own_channels(self.own, self.problems)
        digests = receiver_digests(self.own, self.problems)
        file = routing_file(self.routing, self.problems) if self.routing is not None else None
        if self.own is not None:
            lint.failovers(own, self._names(file, own), self.own, self.problems)
        for name, (channels, failover) in own.items():
            self.by_receiver[name] = Receiver(
                name=name, channels=channels, failover=failover, digest=digests.get(name)
            )
        if file is None or self.routing is None:
            return
        shown = {name: self.files.path(name) for name in self.files.content}
        self.go_templates = template_files(
            file.templates, self.files.content, self.routing, self.problems, shown
        )
        library = read_library(self.go_templates, shown, self.problems)
        for i, entry in enumerate(file.receivers):
            channels = alertmanager_channels(
                file, entry, ("receivers", i), self.routing, self.problems, library
            )
            known = self.by_receiver.get(entry.name, Receiver(name=entry.name))
            self.by_receiver[entry.name] = replace(known, channels=known.channels + channels)
        context = Context(
            document=self.routing,
            problems=self.problems,
            receivers=frozenset(self.by_receiver),
            intervals=intervals(file, self.routing, self.problems),
        )
        self.route = root(file, context)
        self.inhibit_rules = inhibit_rules(file, self.routing, self.problems)
        if file.global_ is not None and file.global_.resolve_timeout is not None:
            self.resolve_timeout = file.global_.resolve_timeout
        self.masked[self.routing.name] = masked(self.routing).encode()
        if self.owners_file is not None:
            lint.owners_receivers(self.owners, self.by_receiver, self.owners_file, self.problems)
            self.duties = duties(
                self.owners_file, self.owners, self.by_receiver, self.files.content, self.problems
            )
        lint.catch_all(file.route, self.owners, self.routing, self.problems)

    @staticmethod
    def _names(file: RoutingFile | None, own: Mapping[str, object]) -> frozenset[str]:
        return frozenset(own) | frozenset(
            e.name for e in (file.receivers if file is not None else ())
        )

    def plan(self, compiled: list[Compiled], observed: Sequence[EventDocument]) -> Plan | None:
        """The plan, when nothing is wrong."""
        if self.problems.errors or self.route is None:
            return None
        lint.conditions(compiled, self.problems)
        composites(compiled, self.problems)
        if self.owners_file is not None:
            lint.nowhere(
                compiled, self.owners, self.route, self.by_receiver, self.owners_file, self.problems
            )
        if self.owners_file is not None:
            unreachable(self.duties.people, self.by_receiver, self.owners_file, self.problems)
            wakes_nobody(
                compiled, self.owners, self.route, self.by_receiver, self.owners_file, self.problems
            )
        try:
            matcher = Matcher({c.rule.id: c.condition for c in compiled}, observed=observed)
        except RuleError as error:
            self._matcher_refused(error, compiled)
            return None
        if self.problems.errors:
            return None
        known = frozenset(c.rule.id for c in compiled)
        return Plan(
            digest=digest(self.files),
            rules=tuple(c.rule for c in compiled),
            match=matcher.positions,
            naive=matcher.naive_evaluate,
            explain=lambda rule, document: (
                _told(matcher.explain_document(rule, document)) if rule in known else None
            ),
            release=matcher.release,
            watches_alerts=any("alert.state" in c.rule.on for c in compiled),
            watches_switches=any("containment.changed" in c.rule.on for c in compiled),
            root=self.route,
            inhibit_rules=self.inhibit_rules,
            resolve_timeout=self.resolve_timeout,
            receivers=self.by_receiver,
            owners=self.owners,
            people=self.duties.people,
            schedules=self.duties.schedules,
            escalations=self.duties.escalations,
            self_owner=self.files.self_owner,
            severities=self.severities,
            by_id={c.rule.id: i for i, c in enumerate(compiled)},
            hooks=self.hooks,
            switches=(named := self._named(compiled)),
            proofs=proofs(named),
            humans_only=self.humans_only,
            rollouts=self.rollouts,
            templates=self.templates,
            go_templates=self.go_templates,
            routing_yaml=self.masked[self.routing.name].decode()
            if self.routing is not None
            else "",
            warnings=tuple(str(p) for p in self.problems.sorted()),
            regex=lambda pattern: label_matcher("label", "=~", pattern).test,
            schedule=schedule,
        )

    def _named(self, compiled: list[Compiled]) -> dict[str, Switch]:
        """The switches of the file, and of the usual ones those that a rule or a rollout names."""
        wanted = {name for c in compiled for name in c.rule.actions}
        wanted |= {criteria.rollback for criteria in self.rollouts.values()}
        usual = {name: made for name, made in self.usual.items() if name in wanted}
        beside_shipped(self.switches, usual, self._switches_file, self.problems)
        return self.switches | usual

    def _matcher_refused(self, error: RuleError, compiled: list[Compiled]) -> None:
        """A condition that compiled alone but not beside the event types: a limit of size or depth."""
        for one in compiled:
            if one.rule.id == error.rule:
                self.problems.at(
                    one.document,
                    ("when",),
                    Code.CONDITION,
                    error.message,
                    error.hint or "Make it smaller.",
                )

    def _templates(self) -> dict[str, str]:
        out: dict[str, str] = {}
        for name, raw in self.files.content.items():
            if name.startswith("notifiers/templates/") and name.endswith(".j2"):
                text = text_of(raw, self.files.path(name), self.problems)
                if text is not None:
                    templates.check_file(text, self.files.path(name), self.problems)
                    out[name.rpartition("/")[2]] = text
        return out


def _told(found: Explanation) -> tuple[bool | None, str]:
    return found.truth, found.text()

"""The composition root: the one place where ports meet adapters.

Law: everything is made here and nowhere else; nothing is decided here. Start: configuration, store, recovery, delivery, then the
doors, last ``READY``. Stop: the doors first, so that what was taken is committed and told before the end.
"""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from rulesd import __version__
from rulesd.config import Loaded, load, load_archive
from rulesd.config.secrets import reveal
from rulesd.config.settings import Settings
from rulesd.core.engine import Limits
from rulesd.core.plan import Plan
from rulesd.ingest.decode import Decoder
from rulesd.model.errors import ConfigurationError
from rulesd.model.inputs import PlanReplaced
from rulesd.notify.changes import deploy_rows
from rulesd.notify.channels import make_channels, open_session
from rulesd.notify.compose import compose
from rulesd.ports.meter import Meter
from rulesd.privacy.keys import load_key
from rulesd.privacy.redact import Redactor
from rulesd.runners.brokers import mqtt_sources, retained_switches
from rulesd.runners.clock import WallClock
from rulesd.runners.crank import Crank
from rulesd.runners.delivery import Courier
from rulesd.runners.failover import Failover, Terms
from rulesd.runners.heartbeat import Heartbeat, Vitals
from rulesd.runners.housekeeping import Lag, tick_forever
from rulesd.runners.keeper import Keeper
from rulesd.runners.local import LocalDaemon, Made, Parts, commit_age_s
from rulesd.runners.page_links import PageLinks
from rulesd.runners.recovery import Restored, recover
from rulesd.runners.sdnotify import ServiceManager, Watchdog, proofs, watchdog_seconds
from rulesd.runners.shadow import ShadowCheck
from rulesd.runners.writer import Writer
from rulesd.stores.sqlite import SqliteStore
from rulesd.web.admin_token import admin_token
from rulesd.web.application import make_app
from rulesd.web.links import Links, link_key
from rulesd.web.server import serve
from rulesd.web.settings import WebLimits, WebSettings
from rulesd.web.tokens import Tokens

log = logging.getLogger("rulesd")

SWITCH_S = 0.001
"""How long a thread (the writer, a reload that compiles) may hold the event loop up, in seconds.

Measured on two busy cores, while 250 rules are loaded beside the loop: its median delay falls from 5.3 to 1.3 ms, the 99th
percentile from 25-185 to 9-14 ms; ingest is not slower.
"""


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """What the process has: read once, here."""

    environ: Mapping[str, str]
    pid: int
    announce: Callable[[str], None] = lambda line: None
    "Told the address once the daemon listens (the demo and tests wait for it)."


class App:
    """One running daemon."""

    def __init__(self, settings: Settings, around: Surroundings) -> None:
        """Make what needs no loop."""
        self.settings = settings
        self.around = around
        self.state = Path(settings.state)
        self.meter = Meter()
        self.shadow = ShadowCheck(settings.shadow_check)
        self.manager = ServiceManager(around.environ.get("NOTIFY_SOCKET"))
        self._tasks: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()

    # ------------------------------------------------------------------ making

    def load(self) -> Loaded:
        """The rule and notifier files."""
        s = self.settings
        observed = tuple(self.shadow.recent)
        return load(Path(s.rules), Path(s.notifiers), self_owner=s.self_owner, observed=observed)

    def secret(self, reference: object) -> str:
        """The secret behind a reference."""
        assert isinstance(reference, Mapping)  # Files are validated: a secret is a reference.
        credentials = self.around.environ.get("CREDENTIALS_DIRECTORY")
        return reveal(
            reference,
            self.around.environ,
            credentials=Path(credentials) if credentials else None,
            base=Path(self.settings.notifiers),
        )

    def _channels(self, plan: Plan, session: aiohttp.ClientSession) -> Made:
        return make_channels(plan, self.secret, session)

    async def run(self) -> None:
        """Start, serve until told to stop, and stop cleanly."""
        sys.setswitchinterval(SWITCH_S)
        loaded = self.load()
        if loaded.plan is None:
            raise ConfigurationError(loaded.errors)
        for problem in loaded.problems:
            log.warning("%s", problem)
        store = SqliteStore(self.state)
        known = store.open()
        try:
            limits = Limits(
                window=self.settings.dedup.window,
                ids=self.settings.dedup.ids,
                owner_pages=self.settings.owner_page_limit.pages,
                owner_window=self.settings.owner_page_limit.within,
            )
            gc.collect()
            restored = recover(store, known, loaded.plan, limits, _rebuild)
            log.info(
                "recovered: journal=%d replayed=%d missing=%d alerts=%d",
                known.last_journal_seq,
                restored.replayed,
                len(restored.missing),
                len(restored.engine.alerts()),
            )
            await self._serve(loaded, store, restored, WallClock(known.last_now))
        finally:
            store.close()

    async def _serve(
        self, loaded: Loaded, store: SqliteStore, restored: Restored, clock: WallClock
    ) -> None:
        plan = loaded.plan
        assert plan is not None
        session = open_session()
        writer = Writer(store, self.meter)
        writer.start()
        links = PageLinks(self.settings.external_url, clock.now)
        channels, problems = self._channels(plan, session)
        courier = Courier(
            channels,
            report=lambda done, delivered: daemon.delivered(done, delivered),  # noqa: PLW0108 - made below
            meter=self.meter,
            now=clock.now,
            references=lambda incident: daemon.references(incident),  # noqa: PLW0108 - made below
        )
        crank = Crank(
            restored.engine,
            writer,
            clock,
            self.meter,
            decision_seq=restored.seq,
            compose=lambda due, in_force, number: failover.later(
                compose(due, in_force, number=number, links=links)
            ),
            deliver=lambda rows: failover.deliver(rows),  # noqa: PLW0108 - made below
            shadow=self.shadow,
            changes=deploy_rows,
        )
        failover = Failover(
            courier,
            store,
            plan=lambda: daemon.plan,
            now=clock.now,
            owe=lambda owed: crank.turn(owed=owed.rows, settings=owed.settings),
            terms=Terms(
                after=self.settings.failover.after, severities=self.settings.failover.severities
            ),
        )
        parts = Parts(
            failover=failover,
            shadow=self.shadow,
            store=store,
            writer=writer,
            crank=crank,
            courier=courier,
            clock=clock,
            meter=self.meter,
            links=links,
            load=self.load,
            channels=lambda p: self._channels(p, session),
        )
        daemon = LocalDaemon(parts, loaded)
        daemon.channel_problems = problems
        for said in problems:
            log.warning("%s", said)
        try:
            await self._take_over(daemon, parts, restored, loaded, plan)
            links.signed = Links(
                key=await link_key(daemon), external_url=self.settings.external_url
            )
            await self._open_doors(daemon, parts, links.signed)
        finally:
            await self._close(parts, session)

    async def _take_over(
        self, daemon: LocalDaemon, parts: Parts, restored: Restored, loaded: Loaded, plan: Plan
    ) -> None:
        """Bring the outbox and the plan to where this process stands, before any door opens."""
        assert parts.failover is not None
        parts.failover.load()
        parts.failover.deliver(list(parts.store.pending()), started=True)
        if restored.missing:
            parts.crank.publish(restored.missing)
        pages = self.settings.owner_page_limit
        if (
            daemon.engine.plan.digest != plan.digest
            or daemon.engine.dispatch.throttle.allowed != (pages.pages, pages.within)
            or parts.store.plan_archive(plan.digest) is None
        ):
            item = PlanReplaced(
                digest=plan.digest, owner_pages=pages.pages, owner_window=pages.within
            )
            await asyncio.shield(parts.crank.replace(plan, item, loaded.archive))
        parts.crank.start(restored.replayed)
        # What loading left over went before recovery; to look again would mean to look at a million keys.
        gc.freeze()

    # ------------------------------------------------------------------ doors

    async def _open_doors(self, daemon: LocalDaemon, parts: Parts, links: Links) -> None:
        s = self.settings
        decoder = self._decoder()
        limits = WebLimits(body_bytes=s.limits.body, inflated_bytes=s.limits.inflated)
        token = admin_token(self._admin_token(), self.state / "admin_token")
        tokens = Tokens(token, parts.store.settings("token/"))
        web = WebSettings(
            version=__version__,
            external_url=s.external_url,
            links=links,
            resolve_secret=self.secret,
            limits=limits,
        )
        app = make_app(daemon, decoder, tokens, self.meter, web)
        runner = await serve(app, host=s.host, port=s.port, limits=limits)
        sources = await mqtt_sources(
            s.sources.mqtt, daemon, parts, decoder=self._decoder, secret=self.secret
        )
        parts.sources = {name: source.problem for name, source in sources}
        keeper = Keeper(daemon, parts, self.settings)
        lag = Lag()
        host, port = runner.addresses[0][:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        (self.state / "address").write_text(address + "\n")
        for name, source in sources:
            self._spawn(source.run(), f"source {name}")
        for outlet in await retained_switches(s.sources.mqtt, daemon, secret=self.secret):
            self._spawn(outlet.run(), "retained switches")
        self._spawn(tick_forever(lag, lambda: keeper.tick(lag)), "housekeeping")
        self._spawn(self._watch_files(daemon), "watch files")
        self._supervise(parts, daemon, lag)
        self._signals(daemon)
        log.info("listening: address=%s rules=%d", address, len(daemon.plan.rules))
        self.around.announce(address)
        self.manager.ready(f"{len(daemon.plan.rules)} rules, {address}")
        try:
            await self._stop.wait()
        finally:
            log.info("stopping")
            self.manager.stopping()
            for _, source in sources:
                await source.stop()
            await runner.cleanup()

    def _decoder(self) -> Decoder:
        return Decoder(Redactor(load_key(self.state)))

    def _admin_token(self) -> str:
        given = self.around.environ.get("RULESD_ADMIN_TOKEN", "")
        if given:
            return given
        with suppress(Exception):
            return self.secret({"credential": "admin_token"})
        return ""

    def _supervise(self, parts: Parts, daemon: LocalDaemon, lag: Lag) -> None:
        """The service manager's watchdog and the heartbeat to the outside."""
        loop = asyncio.get_running_loop()
        seconds = watchdog_seconds(self.around.environ, self.around.pid)
        if seconds is not None:
            required = proofs(
                loop_lag_s=lambda: max(
                    lag.worst, loop.time() - lag.tick_at - 1.0 if lag.tick_at else 0.0
                ),
                courier_age_s=parts.courier.stalled_s,
                commit_age_s=lambda: commit_age_s(parts.writer),
            )
            self._spawn(Watchdog(self.manager, required, timeout_s=seconds).run(), "watchdog")
        beat = self.settings.heartbeat
        if beat is not None:

            def vitals() -> Vitals:
                health = daemon.health()
                return Vitals(
                    version=__version__,
                    healthy=health.live and health.ready,
                    oldest_undelivered_page_seconds=parts.courier.oldest_age(daemon.now()) / 1000,
                    last_commit_age_seconds=commit_age_s(parts.writer),
                )

            heart = Heartbeat(
                url=beat.url if isinstance(beat.url, str) else self.secret(beat.url),
                every_s=beat.every / 1000,
                vitals=vitals,
                meter=self.meter,
            )
            self._spawn(heart.run(), "heartbeat")

    async def _watch_files(self, daemon: LocalDaemon) -> None:
        from watchfiles import awatch

        async for _ in awatch(
            self.settings.rules,
            self.settings.notifiers,
            stop_event=self._stop,
            debounce=400,
            recursive=True,
        ):
            await self._reload(daemon)

    async def _reload(self, daemon: LocalDaemon) -> None:
        self.manager.reloading()
        refused = await daemon.reload()
        said = (
            f"reload refused: {len(refused)} problems"
            if refused
            else f"{len(daemon.plan.rules)} rules"
        )
        self.manager.ready(said)

    def _signals(self, daemon: LocalDaemon) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(
            signal.SIGHUP, lambda: self._spawn(self._reload(daemon), "reload on SIGHUP")
        )

    def stop(self) -> None:
        """Ask for a clean stop."""
        self._stop.set()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.append(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A part that ends by an error is an error of the whole: the service manager starts it again."""
        self._tasks.remove(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("%s failed: %s", task.get_name(), type(error).__name__, exc_info=error)
            self._stop.set()

    async def _close(self, parts: Parts, session: aiohttp.ClientSession) -> None:
        """Everything taken is committed; what is owed is tried once more; the rest waits in the outbox."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        parts.crank.stop()
        if parts.failover is not None:
            parts.failover.stop()
        with suppress(Exception):
            await asyncio.wait_for(asyncio.shield(parts.crank.checkpoint()), 5)
        await parts.courier.stop(5.0)
        parts.crank.reports.flush()
        await parts.writer.stop()
        await session.close()


def _rebuild(archive: bytes) -> Plan:
    loaded = load_archive(archive)
    if loaded.plan is None:
        raise ConfigurationError(loaded.errors)
    return loaded.plan

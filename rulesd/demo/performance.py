"""One whole demo: everything is started, incidents happen, pages arrive, everything is stopped.

Law: whatever ends it (its time, Ctrl-C, a failure), the processes it started are gone and its folder is removed, unless it was to be
kept.
"""

import asyncio
import shutil
import signal
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from rulesd.demo.broker import start_broker
from rulesd.demo.children import Children, DemoError
from rulesd.demo.counters import read_counters
from rulesd.demo.daemon import Daemon, start_daemon
from rulesd.demo.folder import Doors, Secrets, prepare
from rulesd.demo.forge import Forge
from rulesd.demo.planted import PLANTED, Planted
from rulesd.demo.schedule import FIRST_S, over, plan
from rulesd.demo.score import Trace
from rulesd.demo.senders import HttpSender, MqttSender
from rulesd.demo.show import Show
from rulesd.demo.site import Site
from rulesd.demo.stage import Stage
from rulesd.demo.summary import Summary
from rulesd.demo.terminal import Terminal
from rulesd.demo.traffic import ASSISTANTS
from rulesd.notify.fakes import Fakes

WATCH_S = 0.4
SEED = 20_260_105


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for."""

    seconds: float | None = None
    "Ends by itself after so many seconds; ``None``: on Ctrl-C."

    browser: bool = False
    keep: Path | None = None
    "A folder that stays; ``None``: a temporary one."

    planted: Sequence[Planted] = PLANTED


class Performance:
    """One run of the demo."""

    def __init__(self, options: Options, terminal: Terminal) -> None:
        """Nothing happens before ``run``."""
        self._options, self._terminal = options, terminal
        self._end = asyncio.Event()
        self._interrupted = False

    async def run(self) -> Summary:
        """Play it.

        Raises:
            DemoError: when something cannot be started, or ended by itself.
        """
        work = asyncio.current_task()
        assert work is not None
        serving = False

        def interrupt() -> None:
            # Once is enough: a second Ctrl-C must not break off the cleaning up.
            if not self._interrupted and not serving:
                work.cancel()
            self._interrupted = True
            self._end.set()

        async with AsyncExitStack() as stack:
            stack.enter_context(_signals(interrupt))
            folder = stack.enter_context(_folder(self._options.keep))
            traces = [Trace(planted=p) for p in self._options.planted]
            fakes = Fakes()
            show = Show(fakes=fakes, traces=traces)
            made = Secrets.fresh()
            await stack.enter_async_context(fakes)
            doors = Doors(
                slack_api=fakes.slack_api,
                pagerduty=fakes.pagerduty,
                tickets=fakes.webhook("tickets"),
            )
            prepare(folder, doors, made)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            site = await stack.enter_async_context(Site(show, session))
            children = await stack.enter_async_context(
                Children(folder, keep=self._options.keep is not None)
            )
            broker = await start_broker(children, folder)
            daemon = await start_daemon(children, session, folder, broker.url, made)
            site.daemon, show.daemon_url = daemon, daemon.url
            self._terminal.say(f"inbox    {show.inbox_url}\nconsole  {show.inbox_url}console")
            stage = await stack.enter_async_context(_stage(broker.port, session, daemon))
            if self._options.browser:
                await asyncio.to_thread(webbrowser.open, show.inbox_url)
            serving = True
            contain = asyncio.create_task(
                show.containment.run(session, daemon.url, daemon.token), name="containment"
            )
            stack.callback(contain.cancel)
            with self._terminal.open():
                await self._play(stage, show, session, children)
            return await self._finish(stage, show, session)

    async def _play(
        self, stage: Stage, show: Show, session: aiohttp.ClientSession, children: Children
    ) -> None:
        """Until the end: plant, watch, and see that nothing falls over."""
        failing = asyncio.create_task(children.first_ended())
        planting = asyncio.create_task(self._plant(stage, show))
        watching = asyncio.create_task(self._watch(show, session))
        ending = asyncio.create_task(self._end.wait())
        tasks = (failing, planting, watching, ending)
        try:
            stage.start()
            await asyncio.wait({failing, watching, ending}, return_when=asyncio.FIRST_COMPLETED)
            if failing.done() and not self._end.is_set():
                child = failing.result()
                raise DemoError(
                    f"{child.name} ended by itself with code {child.process.returncode}. Its last words:\n{child.tail()}"
                )
            if watching.done():
                watching.result()
            if planting.done():
                planting.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _plant(self, stage: Stage, show: Show) -> None:
        seconds = self._options.seconds
        left = None if seconds is None else seconds - show.elapsed()
        schedule = plan(len(show.traces), left)
        await asyncio.sleep(FIRST_S)
        for trace in show.traces:
            await stage.plant(trace.planted, trace)
            await asyncio.sleep(schedule.gap_s)
        show.planted_at = show.elapsed() - schedule.gap_s
        if seconds is None:
            await self._recur(stage, show)

    async def _recur(self, stage: Stage, show: Show) -> None:
        """What must never happen happens again: pages are updated in place, nobody is woken twice."""
        for trace in [t for t in show.traces if t.planted.recurs]:
            await asyncio.sleep(20)
            await stage.plant(trace.planted, trace)

    async def _watch(self, show: Show, session: aiohttp.ClientSession) -> None:
        """Read counters and pages until the time is up."""
        while True:
            counters = await read_counters(session, show.daemon_url)
            if counters is not None:
                show.update(counters)
            score = show.score()
            self._terminal.update(show)
            if self._options.seconds is not None and show.planted_at is not None:
                elapsed = show.elapsed()
                if over(
                    elapsed_s=elapsed,
                    seconds=self._options.seconds,
                    since_last_s=elapsed - show.planted_at,
                    complete=score.complete,
                ):
                    return
            await asyncio.sleep(WATCH_S)

    async def _finish(self, stage: Stage, show: Show, session: aiohttp.ClientSession) -> Summary:
        """Let what is on its way arrive, and judge."""
        await stage.hush(patience_s=3.0)
        counters = show.counters
        for _ in range(30):
            counters = await read_counters(session, show.daemon_url) or counters
            if counters.events >= stage.sent and not counters.in_flight:
                break
            await asyncio.sleep(0.1)
        show.update(counters)
        show.over = True
        self._terminal.update(show)
        return Summary(
            score=show.score(),
            counters=counters,
            sent=stage.sent,
            first_page_s=show.first_page_s,
            containment=show.containment,
            interrupted=self._interrupted,
        )


@asynccontextmanager
async def _stage(port: int, session: aiohttp.ClientSession, daemon: Daemon) -> AsyncIterator[Stage]:
    mqtt = {a.tenant: MqttSender(port, a.tenant) for a in ASSISTANTS}
    stage = Stage(Forge(SEED), mqtt, HttpSender(session, daemon.url, daemon.token))
    try:
        yield stage
    finally:
        await stage.stop()
        for sender in mqtt.values():
            await sender.close()


@contextmanager
def _signals(interrupt: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C, a closed terminal and SIGTERM all end it cleanly."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, interrupt)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """The demo's folder; a temporary one is removed."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    path = Path(tempfile.mkdtemp(prefix="rulesd-demo-")).resolve()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)

"""The one writer: group commit in a thread of its own, so that the event loop never waits for a disk.

Law: what is submitted first is durable first; nothing is left out, nothing is committed twice, and a future is resolved only
after the ``fsync`` that covers it. Nothing here costs a task or a hop per event: one future for a commit, one call into the
event loop for a transaction.

Grouping. The thread takes all commits that wait and makes them one transaction, in order. One ``Commit`` has its parts in a
fixed order (inputs, decisions, outbox, done, checkpoint, plan, settings), so joining is right only where it equals making them
one after the other. A group therefore ends

* after a commit with a checkpoint: a checkpoint covers all inputs of its transaction, so no later input may stand in it;
* before a commit that owes a page of which this group already says what became of it: it would be finished before it is owed;
* before a second plan, because a ``Commit`` holds one;
* before a function (``call``), which runs between the transactions around it;
* when it has ``MOST_INPUTS`` inputs, so that after a long stall no transaction takes too long.

Faults. On ``StoreError`` the same group is tried again, after 0.2 s, then twice as long, up to 5 s, until it is committed: order is
kept and callers wait (with a timeout of their own, at most cancelling their future, never the commit). Any other exception is
a mistake in a commit: its members are then committed one by one, and only the one at fault gets the exception and is left out:
alerts go on, which matters more than one commit that can never be stored.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from rulesd.model.errors import StoreError
from rulesd.model.instant import Instant
from rulesd.ports.meter import Meter
from rulesd.ports.store import Commit, Store

MOST_INPUTS: Final = 10_000
"Inputs of one transaction."

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """Something for the thread: a commit, or a function to call."""

    future: asyncio.Future[Any]
    commit: Commit | None = None
    call: Callable[[], object] | None = None


@dataclass(slots=True)
class _Group:
    """Commits that become one transaction."""

    works: list[_Work] = field(default_factory=list)
    inputs: int = 0
    finished: set[tuple[str, str, str]] = field(default_factory=set)
    closed: bool = False
    planned: bool = False

    def takes(self, commit: Commit) -> bool:
        """Whether this commit may join (see the module's docstring)."""
        if not self.works:
            return True
        if self.closed or self.inputs + len(commit.inputs) > MOST_INPUTS:
            return False
        if commit.plan and self.planned:
            return False
        return not self.finished or self.finished.isdisjoint(
            (row.id, row.receiver, row.channel) for row in commit.outbox
        )

    def add(self, work: _Work, commit: Commit) -> None:
        """Let it join."""
        self.works.append(work)
        self.inputs += len(commit.inputs)
        self.finished.update((done.id, done.receiver, done.channel) for done in commit.done)
        self.closed = commit.checkpoint is not None
        self.planned = self.planned or commit.plan is not None


class Writer:
    """Owns the store's writing thread. ``start`` and ``stop`` belong to one event loop."""

    def __init__(
        self, store: Store, meter: Meter, *, first_delay_s: float = 0.2, last_delay_s: float = 5.0
    ) -> None:
        self.failing: StoreError | None = None
        "Why the store does not take commits now; ``None`` while it does."

        self.failing_since: Instant | None = None
        "Wall time in milliseconds at which it began to fail."

        self.waiting = 0
        "Inputs submitted and not yet durable."

        self.committing_since: float | None = None
        "``time.monotonic()`` at which the commit under way began; ``None`` between commits, also while a refused one rests."

        self._store = store
        self._meter = meter
        self._delays = (first_delay_s, last_delay_s)
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._lost: StoreError | None = None
        self._hurry = threading.Event()
        self._give_up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ended: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Start the thread; the running event loop is the one futures belong to."""
        if self._thread is not None:
            raise RuntimeError("a writer is started once")
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="rulesd-writer", daemon=True)
        self._thread.start()

    def submit(self, commit: Commit) -> asyncio.Future[None]:
        """Make a commit durable, after all submitted before it. From the event loop; does not wait.

        The future ends when it is durable. Cancelling the future does not take the commit back.

        Raises:
            StoreError: the writer is not running: nothing was taken.
        """
        future: asyncio.Future[None] = self._open_loop().create_future()
        self.waiting += len(commit.inputs)
        self._queue.put(_Work(future=future, commit=commit))
        return future

    def call(self, function: Callable[[], _T]) -> asyncio.Future[_T]:
        """Run a function in the writer's thread, after all submitted before it (``compact``, say).

        What it returns or raises ends the future; it is not tried again.

        Raises:
            StoreError: the writer is not running.
        """
        future: asyncio.Future[_T] = self._open_loop().create_future()
        self._queue.put(_Work(future=future, call=function))
        return future

    async def stop(self, grace_s: float = 5.0) -> int:
        """Commit what waits, then end the thread. Stopping twice is fine.

        A store that fails is tried at once and again for ``grace_s``; then what is left is given up and its futures end in
        the ``StoreError``. Returns how many inputs were given up: 0 when everything is durable.
        """
        loop, ended = self._loop, self._ended
        if loop is None or ended is None:
            return 0
        if not self._hurry.is_set():
            self._hurry.set()
            self._queue.put(None)
        timer = loop.call_later(grace_s, self._give_up.set)
        await asyncio.shield(ended)
        timer.cancel()
        if self._thread:
            self._thread.join()
        return self.waiting

    # ------------------------------------------------------------------------------ in the event loop

    def _open_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None or self._hurry.is_set():
            raise StoreError("the writer is not running: rulesd starts or stops. Try again later")
        return self._loop

    def _resolve(
        self, works: Sequence[_Work], result: object, error: BaseException | None, settled: bool
    ) -> None:
        """End the futures of a transaction; those cancelled meanwhile need nothing.

        ``settled``: its inputs no longer wait; they are durable, or can never be.
        """
        for work in works:
            if settled and work.commit:
                self.waiting -= len(work.commit.inputs)
            if work.future.done():
                continue
            if error is None:
                work.future.set_result(result)
            else:
                work.future.set_exception(error)

    def _end(self) -> None:
        if self._ended and not self._ended.done():
            self._ended.set_result(None)

    # ---------------------------------------------------------------------------------- in the thread

    def _run(self) -> None:
        try:
            self._work()
        except BaseException:
            self._hurry.set()
            self._failed(StoreError("the writer ended by a fault of its own. Restart rulesd"))
            raise
        finally:
            self._tell(self._end)

    def _work(self) -> None:
        waiting: deque[_Work] = deque()
        more = True
        while more or waiting:
            if more:
                more = self._take(waiting, block=not waiting)
            if waiting and waiting[0].call:
                self._call(waiting.popleft())
            elif waiting:
                self._commit(self._group(waiting))

    def _take(self, waiting: "deque[_Work]", *, block: bool) -> bool:
        """Move everything queued to ``waiting``; ``False`` when the end was queued."""
        try:
            work = self._queue.get(block=block)
            while work is not None:
                waiting.append(work)
                work = self._queue.get_nowait()
        except Empty:
            return True
        return False

    def _group(self, waiting: "deque[_Work]") -> list[_Work]:
        group = _Group()
        while waiting and (commit := waiting[0].commit) and group.takes(commit):
            group.add(waiting.popleft(), commit)
        return group.works

    def _commit(self, works: Sequence[_Work]) -> None:
        """Make a group durable, however long it takes."""
        if self._lost:
            self._tell(self._resolve, works, None, self._lost, False)
            return
        commit = join([work.commit for work in works if work.commit])
        try:
            error = self._persist(commit)
        except Exception as fault:  # noqa: BLE001 - a mistake in a commit must not end the writer
            if len(works) > 1:
                for work in works:
                    self._commit([work])
                return
            self._tell(self._resolve, works, None, fault, True)
            return
        self._tell(self._resolve, works, None, error, error is None)

    def _persist(self, commit: Commit) -> StoreError | None:
        """Commit, again and again while the store fails; the last error when it was given up."""
        delay, longest = self._delays
        while True:
            started = time.perf_counter()
            self.committing_since = time.monotonic()
            try:
                self._store.commit(commit)
            except StoreError as error:
                self.committing_since = None
                self._failed(error)
                if self._give_up.is_set():
                    # Nothing after it may become durable: the journal never has a hole.
                    self._lost = error
                    return error
                (self._give_up if self._hurry.is_set() else self._hurry).wait(delay)
                delay = min(2 * delay, longest)
            except BaseException:
                self.committing_since = None
                raise
            else:
                self.committing_since = None
                self._meter.commit.observe(time.perf_counter() - started)
                self.failing = self.failing_since = None
                return None

    def _failed(self, error: StoreError) -> None:
        if self.failing is None:
            self.failing_since = time.time_ns() // 1_000_000
        self.failing = error

    def _call(self, work: _Work) -> None:
        assert work.call is not None
        try:
            result = work.call()
        except Exception as error:  # noqa: BLE001 - the caller's future carries it
            self._tell(self._resolve, [work], None, error, False)
        else:
            self._tell(self._resolve, [work], result, None, False)

    def _tell(self, function: Callable[..., None], *values: object) -> None:
        """Call into the event loop; one that was closed has nobody left to tell."""
        assert self._loop is not None
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *values)


def join(commits: Sequence[Commit]) -> Commit:
    """One commit that equals these, made in this order (which must be a group: see the module's docstring)."""
    if len(commits) == 1:
        return commits[0]
    plans = [commit.plan for commit in commits if commit.plan]
    return Commit(
        inputs=[row for commit in commits for row in commit.inputs],
        decisions=[row for commit in commits for row in commit.decisions],
        outbox=[row for commit in commits for row in commit.outbox],
        done=[row for commit in commits for row in commit.done],
        checkpoint=commits[-1].checkpoint,
        plan=plans[-1] if plans else None,
        settings=[pair for commit in commits for pair in commit.settings],
    )

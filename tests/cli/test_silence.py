"""``rulesd silence`` against a real daemon: engine, crank, store and door, on a clock that the test moves."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from rulesd.cli import silence as command
from rulesd.model.instant import MINUTE
from rulesd.web.tokens import Scope
from tests.cli.conftest import Ran, Run
from tests.runners.room import Room, denied, in_room, out_of_scope
from tests.runners.test_silencing import PLAN
from tests.web.fakes import ADMIN, World, opened

NEVER = (
    "1 page would have come all the same: must-never-happen rules, "
    "which only an approved silence of at most 4h holds back"
)


class Real:
    """A daemon in a thread of its own."""

    room: Room
    world: World
    _loop: asyncio.AbstractEventLoop

    def __init__(self, run: Run) -> None:
        self._run = run
        self._ready = threading.Event()
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._live)
        self._thread.start()
        assert self._ready.wait(10)

    def _live(self) -> None:
        async def story(room: Room) -> None:
            self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
            async with opened(room.daemon) as world:  # type: ignore[arg-type]
                self.room, self.world = room, world
                self._ready.set()
                await self._end.wait()

        in_room(story, made=PLAN)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def silence(self, *arguments: str, token: str = ADMIN) -> Ran:
        return self._run("silence", *arguments, "--server", self.world.url, "--token", token)

    def token(self, name: str) -> str:
        headers = self.do(self.world.token(name, Scope.ACK, Scope.READ))
        return str(headers["Authorization"].removeprefix("Bearer "))

    def add(self, *arguments: str) -> str:
        made = self.silence("add", *arguments, "--comment", "planned", "--format", "json")
        assert made.code == 0, made.err
        return str(made.json["id"])

    async def fire(self) -> None:
        await self.room.send(*[denied(n) for n in range(3)], out_of_scope("x"))
        self.room.clock.at += MINUTE
        self.room.crank._wake()

    async def pass_time(self, milliseconds: int) -> None:
        self.room.clock.at += milliseconds
        self.room.crank._wake()

    def stop(self) -> None:
        assert self._end is not None
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)


@pytest.fixture
def real(run: Run) -> Iterator[Real]:
    made = Real(run)
    yield made
    made.stop()


def test_it_says_first_what_it_would_have_hidden(real: Real) -> None:
    real.do(real.fire())
    tried = real.silence("add", "tenant=acme", "-d", "2h", "-c", "planned", "--dry-run")
    assert tried.code == 0
    assert tried.out.splitlines() == [
        "since 2026-01-05 08:00 UTC it would have hidden 1 page:",
        "      1  tool.denied (owner safety)",
        "         2026-01-05 08:00 UTC  high to default  tenant=acme",
        NEVER,
        "right now it hides 1 of tool.denied",
        "nothing was made (--dry-run)",
    ]
    assert real.silence("list").out == "no silences\n"
    made = real.silence("add", "tenant=acme", "--for", "2h", "-c", "planned", "--by", "ana")
    assert made.out.splitlines()[0] == tried.out.splitlines()[0]
    assert made.out.splitlines()[-1].endswith("until 2026-01-05 10:01 UTC")


def test_the_inventory(real: Real) -> None:
    held = real.add("tenant=acme", "--for", "2h", "--by", "ana")
    idle = real.add("tool=~sh.*|mail", "--for", "5m", "--by", "bo [x]")
    real.do(real.fire())
    real.do(real.pass_time(10 * MINUTE))
    said = real.silence("list").out
    (row,) = [line for line in said.splitlines() if line.startswith(f"{held[:8]} ")]
    for word in ('tenant="acme"', "ana (admin)", "2026-01-05 10:00 UTC", "planned"):
        assert word in row
    assert row.split()[-3:-1] == ["1", "1"]
    assert f"{held} is not applied to 1 alert of must-never-happen rules (tool.scope)" in said
    assert f"over, and never held anything back: {idle}" in said
    assert [s["id"] for s in real.silence("list", "--format", "json").json] == [held]
    assert "bo [x]" in real.silence("list", "--all").out
    both = real.silence("list", "--all", "--by", "bo", "--format", "json").json
    assert [s["id"] for s in both] == [idle]


def test_the_beginning_of_an_id_is_enough(real: Real) -> None:
    id_ = real.add("a=b", "--for", "1h")
    assert real.silence("show", id_[:8], "--format", "json").json["id"] == id_
    assert real.silence("update", id_[:8], "--for", "2h").out == f"silence {id_}\n"
    for _ in range(17):  # Of seventeen ids two begin alike: there are sixteen first characters.
        real.add("a=b", "--for", "1h")
    first = [one["id"][0] for one in real.silence("list", "--format", "json").json]
    twice = next(c for c in first if first.count(c) > 1)
    said = real.silence("expire", twice)
    assert (said.code, "begins" in said.err) == (2, True)
    assert real.silence("expire", id_[:8]).out == f"{id_[:8]}: done\n"


def test_what_is_left_out_is_counted(real: Real, monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = real.add("a=b", "--for", "1h"), real.add("a=c", "--for", "1h")
    assert "older" not in real.silence("list").out
    monkeypatch.setattr(command, "LISTED", 1)
    said = real.silence("list").out
    assert (first[:8] in said) is not (last[:8] in said)
    assert "and 1 older ones\n" in said


def test_a_silence_with_its_history(real: Real) -> None:
    id_ = real.add("tenant=acme", "--for", "2h", "--by", "ana")
    real.do(real.fire())
    assert real.silence("approve", id_, "--by", "Ana").code == 1
    assert real.silence("approve", id_, "--by", "jo").out == f"{id_}: done\n"
    assert real.silence("expire", id_, token=real.token("ops")).out == f"{id_}: done\n"
    assert real.silence("expire", id_).out == f"{id_}: already\n"
    lines = real.silence("show", id_).out.splitlines()
    assert lines[0].split() == ["silence", id_]
    assert "approved by  jo (admin)" in lines
    assert "held back    1 alert, last at 2026-01-05 08:00 UTC" in lines
    assert [line.split("UTC  ")[1] for line in lines if line.startswith("  2026")] == [
        "created by ana (admin)",
        "approved by jo (admin)",
        "expired by ops",
    ]
    shown = real.silence("show", id_, "--format", "json").json
    assert [a["did"] for a in shown["history"]] == ["created", "approved", "expired"]


def test_windows_ends_and_starts(real: Real) -> None:
    windows = real.add(
        "tool.denied", "--until", "2026-03-01T00:00:00Z", "--cron", "0 3 * * *",
        "--lasts", "2h", "--timezone", "Europe/Berlin",
    )  # fmt: skip
    said = real.silence("show", windows).out
    assert "in windows of 2h at '0 3 * * *' (Europe/Berlin)" in said
    assert 'alertname="tool.denied"' in said
    later = real.add("tenant=acme", "--for", "1h", "--start", "2026-01-05T09:00:00Z", "--end-on-resolve")  # fmt: skip
    said = real.silence("show", later).out
    assert "pending" in said
    assert "until        2026-01-05 10:00 UTC, or when its alerts have resolved" in said


def test_a_change(real: Real) -> None:
    id_ = real.add("tenant=acme", "--for", "1h")
    assert real.silence("update", id_, "--for", "3h", "--by", "bo").out == f"silence {id_}\n"
    assert "2026-01-05 11:00 UTC" in real.silence("show", id_).out
    other = real.silence("update", id_, "tenant=globex", "-c", "else", "--format", "json").json
    assert other["replaced"] == id_
    said = real.silence("update", other["id"], "tenant=acme", "--until", "2026-01-06T00:00:00Z").out
    assert said.endswith(f"(in place of {other['id']})\n")
    assert real.silence("update", id_).code == 2
    assert real.silence("update", id_, "--for", "1h", "--until", "x").code == 2
    assert real.silence("update", "nobody", "--for", "1h").code == 1


def test_a_preview_alone(real: Real) -> None:
    real.do(real.fire())
    seen = real.silence("preview", "tenant=acme", "--last", "1d")
    assert seen.out.startswith("since 2026-01-05 08:00 UTC it would have hidden 1 page:")
    assert real.silence("preview", "tenant=none", "--format", "json").json["pages"] == 0
    id_ = real.add("tool.scope", "--for", "1h")
    seen = real.silence("preview", "--id", id_[:8])
    assert seen.out.splitlines()[0].endswith("it would have hidden no page")
    windows = ("--cron", "0 3 * * *", "--lasts", "1h", "--timezone", "UTC")
    assert real.silence("preview", "tenant=acme", *windows, "--format", "json").json["pages"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("add", "tenant=acme", "--for", "2h"), 2, "comment"),
        (("add", "--for", "2h", "-c", "x"), 2, "MATCHER"),
        (("add", "tenant=acme", "-c", "x"), 2, "how long"),
        (("add", "tenant=acme", "-c", "x", "--for", "2h", "--until", "x"), 2, "how long"),
        (("add", "tenant=acme", "-c", "x", "--for", "soon"), 2, "not a duration"),
        (("add", "tenant=~(", "-c", "x", "--for", "2h"), 2, "not RE2"),
        (("add", "{tenant", "-c", "x", "--for", "2h"), 2, "closing one"),
        (("add", "a=b", "-c", "x", "--for", "2h", "--cron", "0 3 * * *"), 2, "--lasts"),
        (("add", "a=b", "-c", "x", "--for", "2h", "--timezone", "UTC"), 2, "--lasts"),
        (("add", "tenant=~.*", "-c", "x", "--for", "2h"), 1, "must not match the empty string"),
        (("add", "a=b", "-c", "x", "--until", "2020-01-01T00:00:00Z"), 1, "end after the start"),
        (("add", "a=b", "-c", "x", "--for", "0s"), 1, "end after the start"),
        (("show", "nobody"), 1, "silence not found"),
        (("expire", "nobody"), 1, "silence not found"),
        (("approve", "nobody", "--format", "json"), 1, "silence not found"),
        (("preview",), 2, "--id"),
        (("preview", "a=b", "--id", "x"), 2, "--id"),
        (("preview", "a=b", "--cron", "0 3 * * *"), 2, "--lasts"),
        (("preview", "a=b", "--last", "long"), 2, "--last"),
    ],
)
def test_wrong_usage_is_2_and_a_refusal_is_1(
    real: Real, arguments: tuple[str, ...], code: int, words: str
) -> None:
    said = real.silence(*arguments)
    assert said.code == code
    assert words in " ".join((said.out + said.err).replace("│", " ").split())


def test_no_daemon_is_3(run: Run) -> None:
    assert run("silence", "list", "--server", "http://127.0.0.1:1").code == 3


def test_a_person_at_a_terminal_is_asked(real: Real, monkeypatch: pytest.MonkeyPatch) -> None:
    real.do(real.fire())

    class Terminal:
        @staticmethod
        def isatty() -> bool:
            return True

    answers = iter([False, True])

    def confirm(text: str, abort: bool) -> None:
        if not next(answers):
            raise SystemExit(1)

    monkeypatch.setattr(command.sys, "stdin", Terminal)
    monkeypatch.setattr(command.typer, "confirm", confirm)
    wish = ("add", "tenant=acme", "--for", "2h", "-c", "x")
    assert real.silence(*wish).code == 1
    assert real.silence("list").out == "no silences\n"
    assert real.silence(*wish).code == 0
    assert real.silence(*wish, "--yes").code == 0


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("tool=shell", 'tool="shell"'),
        ('tool="shell"', 'tool="shell"'),
        ("tool=~a|b", 'tool=~"a|b"'),
        ("team=on call", 'team="on call"'),
        ('team=say "hi"', 'team="say \\"hi\\""'),
        ("tool.denied", 'alertname="tool.denied"'),
        ('{a="b", c!="d"}', 'a="b",c!="d"'),
    ],
)
def test_matchers_as_a_shell_leaves_them(given: str, sent: str) -> None:
    assert command._matchers([given]) == [sent]

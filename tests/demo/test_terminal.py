"""Progress: a live table in a terminal, a line for each page elsewhere."""

from io import StringIO

from rich.console import Console

from rulesd.demo.show import Show
from rulesd.demo.terminal import Terminal, screen
from rulesd.notify.fakes import Fakes, Message
from tests.demo.samples import BY_ID, slack_page, trace


def show(messages: int) -> Show:
    fakes, body = Fakes(), slack_page()
    for n in range(messages):
        fakes.messages[str(n)] = Message(
            channel="C0", ts=str(n), text="", blocks=body["blocks"], history=[body], at=1.0
        )
    return Show(
        fakes=fakes,
        traces=[trace(), trace(BY_ID["break-glass"], "e2", sent_at=0)],
        inbox_url="http://127.0.0.1:1/",
    )


def test_lines_where_there_is_no_terminal() -> None:
    out = StringIO()
    terminal = Terminal(Console(file=out, width=120))
    with terminal.open():
        for messages in (0, 1, 1, 2):
            terminal.update(show(messages))
    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    assert "out-of-scope-tool: paged by tool.scope_violation after" in lines[0]
    assert "2 pages, tool.scope_violation must page once" in lines[1]


def test_a_live_table_in_a_terminal() -> None:
    out = StringIO()
    terminal = Terminal(Console(file=out, force_terminal=True, width=120))
    with terminal.open():
        terminal.update(show(1))
    assert "rulesd demo" in out.getvalue()


def test_the_table_says_how_each_stands() -> None:
    console = Console(width=120)
    for messages, mark in ((0, "…"), (1, "✓"), (2, "2 pages")):
        with console.capture() as said:
            console.print(screen(show(messages)))
        assert mark in said.get()
        assert "http://127.0.0.1:1/" in said.get()

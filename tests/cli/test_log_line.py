import json
import logging

from rulesd.cli.log_line import LogLine


def record(error: bool = False) -> logging.LogRecord:
    info = None
    if error:
        try:
            raise ValueError("why")
        except ValueError as caught:
            info = (ValueError, caught, caught.__traceback__)
    made = logging.LogRecord("rulesd", logging.WARNING, "f", 1, "two\nlines %d", (7,), info)
    made.created, made.msecs = 0.5, 500
    return made


def test_a_line_is_a_line() -> None:
    assert (
        LogLine(as_json=False).format(record())
        == "1970-01-01T00:00:00.500Z warning  rulesd: two | lines 7"
    )
    assert "ValueError: why" in LogLine(as_json=False).format(record(error=True))


def test_for_machines() -> None:
    assert json.loads(LogLine(as_json=True).format(record())) == {
        "at": "1970-01-01T00:00:00.500Z", "level": "warning", "logger": "rulesd", "message": "two | lines 7"
    }  # fmt: skip
    assert "why" in json.loads(LogLine(as_json=True).format(record(error=True)))["error"]

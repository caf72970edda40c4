"""One log line: structured, on one line, in the same order every time.

Law: what is logged is named by us; no event content reaches a log record, so nothing has to be filtered here.
"""

import logging
import time

import orjson


class LogLine(logging.Formatter):
    """``time level logger message`` for people and journald, or one JSON object for machines."""

    def __init__(self, *, as_json: bool) -> None:
        """Choose the form."""
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        message = record.getMessage().replace("\n", " | ")
        error = self.formatException(record.exc_info) if record.exc_info else ""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        at = f"{at}.{int(record.msecs):03d}Z"
        if self._as_json:
            fields = {
                "at": at,
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": message,
            }
            if error:
                fields["error"] = error
            return orjson.dumps(fields).decode()
        line = f"{at} {record.levelname.lower():<8} {record.name}: {message}"
        return f"{line}\n{error}" if error else line

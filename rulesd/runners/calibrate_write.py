"""Changing one number in a rule file: the characters of that number and nothing else.

Law: comments, order and spelling stay as they are, because only the span of the value is replaced; the file is replaced in one step,
and not at all when the value is not where it is looked for.
"""

import os
from pathlib import Path

from rulesd.config.problems import Problems
from rulesd.config.read import read
from rulesd.model.errors import RulesdError


class CannotWrite(RulesdError):
    """The rule file does not hold the value in a form that can be replaced."""


def number_text(value: float) -> str:
    """A number as a person writes it."""
    if float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.4g}" if abs(value) < 1e4 else repr(value)


def replaced(text: str, name: str, place: tuple[str | int, ...], value: float) -> str:
    """The text of a rule file with another number at ``place``.

    Raises:
        CannotWrite: with what to do instead.
    """
    document = read(name, text.encode(), name, Problems())
    node = document.node(place) if document is not None else None
    where = ".".join(map(str, place))
    if node is None or document is None or isinstance(node.data, bool):
        raise CannotWrite(
            f"{name}: there is no {where} to change. Write it yourself: {number_text(value)}"
        )
    begin, end = node.span
    if not isinstance(node.data, int | float) or not 0 <= begin < end <= len(text):
        raise CannotWrite(
            f"{name}: {where} is not a plain number. Write it yourself: {number_text(value)}"
        )
    after = text[:begin] + number_text(value) + text[end:]
    again = read(name, after.encode(), name, Problems())
    found = again.node(place) if again is not None else None
    if found is None or found.data != float(number_text(value)):
        raise CannotWrite(
            f"{name}: {where} could not be replaced. Write it yourself: {number_text(value)}"
        )
    return after


def write(path: Path, place: tuple[str | int, ...], value: float) -> None:
    """Change the number in the file."""
    raw = path.read_bytes()
    text = raw.decode("utf-8-sig")
    windows = "\r\n" in text
    after = replaced(text.replace("\r\n", "\n"), str(path), place, value)
    if windows:
        after = after.replace("\n", "\r\n")
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(
        (b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b"") + after.encode()
    )
    fresh.chmod(path.stat().st_mode & 0o777)
    os.replace(fresh, path)  # noqa: PTH105 - the file is there whole, before and after

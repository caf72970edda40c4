"""A file of the operator's as it may be shown and kept: literal secrets masked.

Law: whatever ``routing.yaml`` may hold as a secret never leaves it: not into ``config.original``, not into the archive of plans.
The text stays the operator's own otherwise, comments included.
"""

import re
import tomllib
from collections.abc import Iterator

from rulesd.config.document import Document, Node
from rulesd.config.routing_schema import SECRET_KEYS
from rulesd.config.secrets import HIDDEN

_ANCHOR = re.compile(r"&\S+\s+")
"An anchor stays: aliases elsewhere mean it."

_TOML_STRING = re.compile(r'''"""[\s\S]*?"""|\'{3}[\s\S]*?\'{3}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'''')


def masked(document: Document) -> str:
    """The text with ``<secret>`` in place of every literal secret."""
    text = document.text
    if document.name.endswith(".toml"):
        return _masked_toml(text, document.root)
    shown = f'"{HIDDEN}"' if document.name.endswith(".json") else HIDDEN
    spans = sorted(
        {span for span in _spans(document.root, secret=False, webhook=False) if span[1] > span[0]}
    )
    for start, end in reversed(spans):
        old = text[start:end]
        anchor = _ANCHOR.match(old)
        head = anchor[0] if anchor else ""
        tail = old[len(old.rstrip()) :]
        text = f"{text[:start]}{head}{shown}{tail}{text[end:]}"
    return text


def _spans(node: Node, *, secret: bool, webhook: bool) -> Iterator[tuple[int, int]]:
    """Where secrets stand in the text."""
    if node.fields is not None:
        for name, (_, value) in node.fields.items():
            own = name in SECRET_KEYS or (webhook and name == "url")
            yield from _spans(
                value, secret=secret or own, webhook=webhook or name == "webhook_configs"
            )
    elif node.items is not None:
        for item in node.items:
            yield from _spans(item, secret=secret, webhook=webhook)
    elif secret and isinstance(node.data, str | int | float) and node.data != "":
        yield node.span


def _masked_toml(text: str, root: Node) -> str:
    """TOML tells no places of values: every string that is a secret goes, however it is written, and every other occurrence, comments too."""
    found = {str(v): v for v in _values(root, secret=False, webhook=False) if v != ""}

    def token(match: re.Match[str]) -> str:
        return f'"{HIDDEN}"' if _read_string(match[0]) in found else match[0]

    text = _TOML_STRING.sub(token, text)
    for said in sorted(found, key=len, reverse=True):
        if isinstance(found[said], str):
            text = text.replace(said, HIDDEN)
        else:
            text = re.sub(rf"(?<![\w.]){re.escape(said)}(?![\w.])", f'"{HIDDEN}"', text)
    return text


def _read_string(token: str) -> str:
    try:
        return str(tomllib.loads(f"v = {token}")["v"])
    except tomllib.TOMLDecodeError:
        return ""  # Part of a comment that only looks like a string.


def _values(node: Node, *, secret: bool, webhook: bool) -> Iterator[object]:
    """The secrets themselves."""
    if node.fields is not None:
        for name, (_, value) in node.fields.items():
            own = secret or name in SECRET_KEYS or (webhook and name == "url")
            inside = webhook or name == "webhook_configs"
            yield from _values(value, secret=own, webhook=inside)
    elif node.items is not None:
        for item in node.items:
            yield from _values(item, secret=secret, webhook=webhook)
    elif secret and isinstance(node.data, str | int | float):
        yield node.data

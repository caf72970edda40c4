"""A file of the operator's as it may be shown and kept: literal secrets masked.

Law: whatever ``routing.yaml`` may hold as a secret never leaves it: not into ``config.original``, not into the archive of plans.
The text stays the operator's own otherwise, comments included.
"""

import re
from collections.abc import Iterator

from rulesd.config.document import Document, Node
from rulesd.config.routing_schema import SECRET_KEYS
from rulesd.config.secrets import HIDDEN

_ANCHOR = re.compile(r"&\S+\s+")
"An anchor stays: aliases elsewhere mean it."


def masked(document: Document) -> str:
    """The text with ``<secret>`` in place of every literal secret."""
    text = document.text
    shown = f'"{HIDDEN}"' if document.name.endswith((".json", ".toml")) else HIDDEN
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

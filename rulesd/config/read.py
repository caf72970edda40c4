"""Bytes of a file to a ``Document``: which language it is, whether it is text, and whether it is a mapping.

Law: every way to fail is a problem at a place; nothing raises.
"""

from functools import lru_cache

from rulesd.config.document import MAX_BYTES, Document, Node
from rulesd.config.json_text import read_json
from rulesd.config.problems import Code, Problems
from rulesd.config.toml_text import read_toml
from rulesd.config.yaml_text import read_yaml
from rulesd.model.errors import Located

SUFFIXES = (".yaml", ".yml", ".json", ".toml")
"What a file of the operator's may be written in."


def read(name: str, raw: bytes, shown: str, problems: Problems) -> Document | None:
    """The document, or ``None`` after reporting why it cannot be read."""
    text = text_of(raw, shown, problems)
    if text is None:
        return None
    document, found = _read(name, text, shown)
    problems.extend(found)
    return document


@lru_cache(maxsize=2048)
def _read(name: str, text: str, shown: str) -> tuple[Document | None, tuple[Located, ...]]:
    """The same text always reads the same: what a reload did not change is not read again."""
    problems = Problems()
    node: Node | None
    if name.endswith(".json"):
        node = read_json(text, shown, problems)
    elif name.endswith(".toml"):
        node = read_toml(text, shown, problems)
    else:
        node = read_yaml(text, shown, problems)
    document = None
    if node is not None and node.fields is not None:
        document = Document(name=name, shown=shown, root=node, text=text)
    elif node is not None:
        what = (
            "empty"
            if node.data is None
            else "a list"
            if node.items is not None
            else "a single value"
        )
        code = Code.EMPTY if node.data is None else Code.NOT_A_MAPPING
        problems.add(
            shown, *node.place, code, f"the file is {what}", 'Write fields: "name: value".'
        )
    return document, problems.sorted()


def text_of(raw: bytes, shown: str, problems: Problems) -> str | None:
    """UTF-8 text with plain line ends and no byte order mark, or ``None`` after reporting why not."""
    if len(raw) > MAX_BYTES:
        said = f"the file is {len(raw)} bytes, the limit is {MAX_BYTES}"
        problems.add(shown, 1, 1, Code.TOO_LARGE, said, "Split it.")
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        start = raw.rfind(b"\n", 0, error.start) + 1
        column = len(raw[start : error.start].decode("utf-8", "replace")) + 1
        said = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        problems.add(shown, line, column, Code.UTF8, said, "Save the file as UTF-8.")
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")

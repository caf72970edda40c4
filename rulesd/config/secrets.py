"""References to secrets: ``{file: path}``, ``{env: NAME}``, ``{credential: name}``. Never the secret itself.

Law: a literal where a reference belongs is an error that does not print it. A reference is opened once, when an adapter is
made, from a mapping and folders the caller hands over.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from rulesd.config.problems import Code
from rulesd.config.shape import OneOrMany
from rulesd.model.errors import RulesdError
from rulesd.model.event import Json

KINDS = ("file", "env", "credential")
WRITE = "Write {file: path}, {env: NAME} or {credential: name}."
HIDDEN = "<secret>"
"What stands for a literal secret wherever a file is shown or archived."


class SecretError(RulesdError):
    """A reference leads to nothing that can be used."""


def reference(value: object) -> dict[str, Json]:
    """A reference as written, or an error that does not repeat what stands there instead."""
    if isinstance(value, str | int | float | list) and not isinstance(value, bool):
        said = f"a secret stands here itself. {WRITE}"
        raise PydanticCustomError(Code.LITERAL_SECRET.value, said)
    if isinstance(value, dict) and len(value) == 1:
        kind, name = next(iter(value.items()))
        if kind in KINDS and isinstance(name, str) and name.strip():
            return {kind: name}
    raise PydanticCustomError(Code.INVALID_SECRET.value, f"is no reference to a secret. {WRITE}")


_SCHEMA = WithJsonSchema(
    {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {kind: {"type": "string", "minLength": 1} for kind in KINDS},
        "description": "A reference to a secret",
    }
)

Reference = Annotated[dict[str, Any], BeforeValidator(reference), _SCHEMA]
"A reference to one secret."


def _references(value: object) -> list[dict[str, Json]]:
    return (
        [reference(one) for one in value]
        if isinstance(value, list) and value
        else [reference(value)]
    )


References = Annotated[list[Reference], BeforeValidator(_references), OneOrMany()]
"One secret, or a list of them while it is being changed."


def reveal(
    given: Mapping[str, Json],
    environ: Mapping[str, str],
    *,
    credentials: Path | None,
    base: Path,
) -> str:
    """The secret behind a reference, without its line end.

    ``credentials``: systemd's credentials folder; ``base``: the folder relative file names start from.

    Raises:
        SecretError: when there is nothing behind it. The text names the reference, never the secret.
    """
    kind, name = next(iter(given.items()), ("", ""))
    name = str(name)
    if kind == "env":
        if not environ.get(name):
            raise SecretError(f"the environment variable {name} is not set. Set it for rulesd")
        return environ[name]
    if kind == "credential":
        if credentials is None:
            raise SecretError(
                f"the credential {name} needs systemd's LoadCredential={name}:/path. Add it to the unit"
            )
        return _read(credentials / name)
    if kind == "file":
        return _read(base / name)
    raise SecretError(f"no reference to a secret. {WRITE}")


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(
            f"{path} cannot be read ({type(error).__name__}). Make it readable for rulesd"
        ) from None
    if not text.strip():
        raise SecretError(f"{path} is empty. Write the secret into it")
    return text.rstrip("\r\n")

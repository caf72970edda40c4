"""Reading a channel's settings: plain values, references to secrets, and Alertmanager's ``*_file`` twins.

Law: a secret is resolved once, when the adapter is made; a mistake becomes a ``ChannelError`` that names the receiver, the
setting and what to write, and never the secret.
"""

import base64
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeAlias

from rulesd.core.plan import ChannelSpec
from rulesd.model.errors import RulesdError
from rulesd.model.event import Json
from rulesd.notify.text import one_line

Reference: TypeAlias = Mapping[str, Json]
"``{'file': path}``, ``{'env': name}`` or ``{'credential': name}``."

Secrets: TypeAlias = Callable[[Reference], str]
"Resolves a reference. Raises ``RulesdError`` or ``OSError`` when there is nothing behind it."


def place_of(*parts: str) -> str:
    """A name for what a receiver counts requests by, made of secrets and telling none."""
    return sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


class ChannelError(RulesdError):
    """A channel cannot be made as configured; the text says what to write. Other channels are not touched."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one channel."""

    spec: ChannelSpec
    secrets: Secrets

    def error(self, name: str, problem: str, hint: str) -> ChannelError:
        """An error that names receiver, channel and setting."""
        where = f"receiver {self.spec.receiver}, {self.spec.name}"
        return ChannelError(f"{where}: {name}: {problem}. {hint}")

    def has(self, name: str) -> bool:
        """Whether ``name`` or ``name_file`` is given."""
        values = self.spec.settings
        return values.get(name) not in (None, "") or values.get(f"{name}_file") not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        """A plain text setting."""
        value = self.spec.settings.get(name)
        return default if value is None else str(value)

    def flag(self, name: str, default: bool) -> bool:
        """A yes-or-no setting."""
        value = self.spec.settings.get(name)
        return value if isinstance(value, bool) else default

    def number(self, name: str, default: float) -> float:
        """A numeric setting."""
        value = self.spec.settings.get(name)
        good = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if good else default  # type: ignore[arg-type]

    def secret(self, name: str, default: str = "") -> str:
        """A setting that may be a literal, a reference, or a path in ``name_file``; surrounding blanks are cut off.

        Raises:
            ChannelError: when the reference leads nowhere or to an empty text.
        """
        value = self.spec.settings.get(name)
        path = self.spec.settings.get(f"{name}_file")
        if value in (None, "") and isinstance(path, str) and path:
            value = {"file": path}
        return self._resolve(name, value, default)

    def secret_list(self, name: str) -> tuple[str, ...]:
        """One secret or a list of them (rotation: sign with all, the receiver accepts any)."""
        value = self.spec.settings.get(name)
        if isinstance(value, list):
            return tuple(self._resolve(name, one, "") for one in value)
        found = self.secret(name)
        return (found,) if found else ()

    def _resolve(self, name: str, value: Json, default: str) -> str:
        if value is None or value == "":
            return default
        if not isinstance(value, Mapping):
            return str(value).strip()
        shown = ", ".join(f"{k}: {one_line(str(v))}" for k, v in value.items())
        try:
            found = self.secrets(value).strip()
        except (RulesdError, OSError, KeyError, ValueError) as error:
            hint = f"Make the secret readable for rulesd, or correct the reference ({type(error).__name__})"
            raise self.error(name, f"{{{shown}}} cannot be read", hint) from None
        if not found:
            raise self.error(name, f"{{{shown}}} is empty", "Write the secret there")
        return found

    def url(self, name: str, default: str = "") -> str:
        """An http or https address, possibly behind a reference."""
        value = self.secret(name, default)
        if not value.startswith(("https://", "http://")) or any(c.isspace() for c in value):
            raise self.error(name, "is not an http or https address", "Write https://...")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpConfig:
    """Alertmanager's ``http_config``, as far as it is supported."""

    headers: Mapping[str, str] = field(repr=False)
    tls: ssl.SSLContext | None
    secrets: tuple[str, ...] = field(repr=False)
    "What must appear in no detail: credentials as written, and as they look on the wire."

    proxy: str = field(default="", repr=False)


PLAIN = HttpConfig(headers={}, tls=None, secrets=())
"Nothing but the address."


def http_config(settings: Settings) -> HttpConfig:
    """Read ``http_config``: ``basic_auth``, ``authorization``, ``bearer_token``, ``tls_config``, ``http_headers``, ``proxy_url``.

    Raises:
        ChannelError: for settings that would change where or how a page travels and are not supported.
    """
    given = settings.spec.settings.get("http_config")
    block: Mapping[str, Json] = given if isinstance(given, Mapping) else {}
    for name in ("oauth2", "proxy_from_environment"):
        if block.get(name):
            raise settings.error(
                f"http_config.{name}", "is not supported", "Use basic_auth or authorization"
            )
    headers, secrets = _further(settings, block.get("http_headers"))
    proxy = _part(settings, block).text("proxy_url")
    secrets += [proxy] if "@" in proxy else []
    bearer = _part(settings, block).secret("bearer_token")
    authorization = block.get("authorization")
    if isinstance(authorization, Mapping):
        inner = _part(settings, authorization)
        bearer, kind = inner.secret("credentials"), inner.text("type", "Bearer")
        headers["Authorization"] = f"{kind} {bearer}"
    elif bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    if bearer:
        secrets.append(bearer)
    if isinstance(block.get("basic_auth"), Mapping):
        inner = _part(settings, block["basic_auth"])
        password = inner.secret("password")
        pair = f"{inner.secret('username')}:{password}".encode()
        encoded = base64.b64encode(pair).decode()
        headers["Authorization"] = f"Basic {encoded}"
        secrets += [password, encoded]
    tls = tls_of(settings, block.get("tls_config"))
    return HttpConfig(headers=headers, tls=tls, secrets=tuple(secrets), proxy=proxy)


def _further(settings: Settings, given: Json) -> tuple[dict[str, str], list[str]]:
    """``http_headers``: values as written, secrets, and files; and what of them must not be shown."""
    headers: dict[str, str] = {}
    secrets: list[str] = []
    for name, block in given.items() if isinstance(given, Mapping) else ():
        part = _part(settings, block)
        hidden = [*part.secret_list("secrets"), *_files(part)]
        values = block.get("values") if isinstance(block, Mapping) else None
        plain = [str(one) for one in values] if isinstance(values, list) else []
        headers[name] = ", ".join([*plain, *hidden])
        secrets += hidden
    return headers, secrets


def _files(part: Settings) -> list[str]:
    given = part.spec.settings.get("files")
    inner = [{"file": str(one)} for one in given] if isinstance(given, list) else []
    return list(_part(part, {"files": inner}).secret_list("files"))


def tls_of(settings: Settings, given: Json) -> ssl.SSLContext | None:
    """The trust and the certificates of a ``tls_config``; ``None`` for the system's own. Raises ``ChannelError``."""
    if not isinstance(given, Mapping) or not given:
        return None
    part = _part(settings, given)
    try:
        context = ssl.create_default_context(cafile=part.text("ca_file") or None)
        if part.text("cert_file"):
            context.load_cert_chain(part.text("cert_file"), part.text("key_file") or None)
    except (OSError, ssl.SSLError) as error:
        hint = "Write readable PEM files in ca_file, cert_file and key_file"
        raise settings.error("tls_config", type(error).__name__, hint) from None
    if part.flag("insecure_skip_verify", False):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _part(settings: Settings, block: object) -> Settings:
    """The same reader over a nested block."""
    spec = settings.spec
    inner = ChannelSpec(
        receiver=spec.receiver,
        name=spec.name,
        kind=spec.kind,
        settings=block if isinstance(block, Mapping) else {},
        for_people=spec.for_people,
        per_alert=spec.per_alert,
        updates_in_place=spec.updates_in_place,
        send_resolved=spec.send_resolved,
    )
    return Settings(inner, settings.secrets)

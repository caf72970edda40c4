"""Where a broker is and how to speak to it, as plain values.

Law: no secret in an address, and no secret in anything this prints.
"""

import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

TOPICS = ("safety/+/events/#",)
"What rulesd subscribes to unless told otherwise (contract 2.8)."

_PORTS = {"mqtt": 1883, "tcp": 1883, "mqtts": 8883, "ssl": 8883}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """One broker and one session on it."""

    host: str
    port: int
    client_id: str
    "Fixed: the broker keeps the session, and with it what was not acknowledged, under this name."

    topics: tuple[str, ...] = TOPICS
    protocol: str = "3.1.1"
    "``3.1.1`` or ``5``."

    username: str = ""
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The address for messages."""
        return f"{self.host}:{self.port}"


def broker_at(
    url: str,
    *,
    client_id: str,
    topics: tuple[str, ...] = TOPICS,
    protocol: str = "3.1.1",
    username: str = "",
    password: str = "",
    tls: ssl.SSLContext | None = None,
) -> Broker:
    """The broker an address names: ``mqtt://host:1883``, or ``mqtts://host:8883`` for TLS.

    Args:
        url: the address; a user name in it counts when ``username`` is empty.
        client_id: the session's name on the broker.
        topics: topic filters to subscribe to.
        protocol: ``3.1.1`` or ``5``.
        username: empty for none.
        password: the secret itself, already resolved.
        tls: how to trust the broker; by default the system's certificates.

    Raises:
        ValueError: the address is none; the message says what to write and does not repeat it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("not a broker address. Write mqtt://HOST:1883 or mqtts://HOST:8883")
    if protocol not in {"3.1.1", "5"}:
        raise ValueError('not an MQTT protocol rulesd speaks. Write "3.1.1" or "5"')
    if not topics or not client_id:
        raise ValueError("a broker needs a client id and at least one topic")
    secure = _PORTS[parts.scheme] == _PORTS["mqtts"]
    return Broker(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        client_id=client_id,
        topics=topics,
        protocol=protocol,
        username=username or unquote(parts.username or ""),
        password=password or unquote(parts.password or ""),
        tls=(tls or ssl.create_default_context()) if secure else None,
    )


def tls_context(
    ca_file: str = "", cert_file: str = "", key_file: str = "", *, insecure: bool = False
) -> ssl.SSLContext:
    """How to trust a broker, and who to be for it.

    Raises:
        OSError: a file cannot be read, or holds no certificate or key (``ssl.SSLError``).
    """
    context = ssl.create_default_context(cafile=ca_file or None)
    if cert_file:
        context.load_cert_chain(cert_file, key_file or None)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context

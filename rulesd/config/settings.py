"""``rulesd.yaml``, ``RULESD_*`` variables and flags: how the daemon itself is set up.

Law: a flag wins over a variable, a variable over the file, the file over the defaults. An unknown field of the file is an error. The
environment comes in as a mapping; nothing here reads it.

A variable's name is ``RULESD_`` and the setting's, with ``_`` between its parts: ``RULESD_LISTEN``, ``RULESD_DEDUP_WINDOW``,
``RULESD_HEARTBEAT_URL``; ``RULESD_MQTT`` holds broker addresses, separated by commas.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from rulesd.config.problems import Code
from rulesd.config.receivers import Address
from rulesd.config.secrets import Reference
from rulesd.config.shape import Names, Positive, Strict
from rulesd.config.urls import split
from rulesd.model.instant import DAY, MINUTE

_SIZE = re.compile(r"(\d+)\s*([KMG]i?)?B?")
_UNITS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}


def _size(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise PydanticCustomError(
            Code.INVALID_VALUE.value, 'is no size. Write bytes, or a size such as "16MiB".'
        )
    return int(found[1]) * _UNITS[found[2] or ""]


Size = Annotated[int, BeforeValidator(_size), Field(ge=1024, le=1 << 40)]
"Bytes."


def _listen(value: object) -> object:
    if isinstance(value, str):
        host, colon, port = value.rpartition(":")
        if colon and port.isdecimal() and int(port) < 65536 and (host or value.startswith(":")):
            return value
    raise PydanticCustomError(Code.INVALID_VALUE.value, "is no HOST:PORT. Write 127.0.0.1:9095.")


def _broker(value: object) -> object:
    parts = split(value)
    if parts is None or parts.scheme not in ("mqtt", "mqtts", "tcp", "ssl"):
        raise PydanticCustomError(
            Code.INVALID_URL.value,
            "is no broker address. Write mqtt://host:1883 or mqtts://host:8883.",
        )
    if parts.password:
        said = "this address holds a password. Write username and password: {credential: name} beside it."
        raise PydanticCustomError(Code.LITERAL_SECRET.value, said)
    return value


def _public(value: object) -> object:
    parts = split(value)
    if value == "":
        return value
    if parts is None or parts.scheme not in ("http", "https") or parts.username or parts.query:
        raise PydanticCustomError(
            Code.INVALID_URL.value,
            "is no address people can open. Write https://rulesd.example.org.",
        )
    return str(value).rstrip("/")


def _words(value: object) -> object:
    """A list, or words with commas between as a variable holds them."""
    if isinstance(value, str):
        return tuple(one.strip() for one in value.split(",") if one.strip())
    return tuple(value) if isinstance(value, list) else value


Severity = Literal["critical", "high", "medium", "low"]


class Tls(Strict):
    """Certificates for a broker."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    insecure_skip_verify: bool = False


class Mqtt(Strict):
    """One broker."""

    url: Annotated[str, BeforeValidator(_broker)]
    topics: Annotated[Names, Field(min_length=1)] = ("safety/+/events/#",)
    client_id: Annotated[str, Field(max_length=200)] = ""
    "Empty: ``rulesd-`` and 8 hex digits, kept in the state folder."

    protocol: Annotated[
        Literal["3.1.1", "5"], BeforeValidator(lambda v: str(v) if type(v) in (int, float) else v)
    ] = "3.1.1"
    username: str = ""
    password: Reference | None = None
    tls: Tls | None = None
    switches_secret: Reference | None = None
    "Signs the retained messages with kill switches (``whsec_...``)."


class Sources(Strict):
    """Where events come from, besides HTTP."""

    mqtt: list[Mqtt] = Field(default_factory=list)


class Dedup(Strict):
    """The window in which a redelivered event is recognised."""

    window: Positive = DAY
    ids: Annotated[int, Field(ge=1000, le=100_000_000)] = 1_000_000


class Limits(Strict):
    """What a request may hold."""

    body: Size = 16 * 1024**2
    inflated: Size = 64 * 1024**2
    depth: Annotated[int, Field(ge=4, le=1000)] = 64


class PageLimit(Strict):
    """More pages than this to one owner become one page."""

    pages: Annotated[int, Field(ge=1)] = 10
    within: Positive = 5 * MINUTE


class Failover(Strict):
    """When a page goes to the failover of its receiver."""

    after: Positive = MINUTE
    severities: Annotated[tuple[Severity, ...], BeforeValidator(_words)] = ("critical",)
    "Pages of these severities; empty: none."


class Heartbeat(Strict):
    """Where to report that all is well."""

    url: Address
    every: Positive = MINUTE


class Log(Strict):
    """The daemon's own log."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Strict):
    """Everything that can be set. Lengths of time are milliseconds."""

    rules: Annotated[str, Field(min_length=1)] = "rules"
    notifiers: Annotated[str, Field(min_length=1)] = "notifiers"
    state: Annotated[str, Field(min_length=1)] = "state"
    listen: Annotated[str, BeforeValidator(_listen)] = "127.0.0.1:9095"
    external_url: Annotated[str, BeforeValidator(_public)] = ""
    sources: Sources = Sources()
    retention: Positive = 30 * DAY
    dedup: Dedup = Dedup()
    limits: Limits = Limits()
    owner_page_limit: PageLimit = PageLimit()
    failover: Failover = Failover()
    heartbeat: Heartbeat | None = None
    shadow_check: Annotated[int, Field(ge=0)] = 10_000
    "One event in so many is matched a second time, without the index; 0: none."

    self_owner: str = ""
    "Who answers for rulesd itself; empty: the first owner of owners.yaml."

    log: Log = Log()

    @property
    def host(self) -> str:
        """The address to listen on; empty: all."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port to listen on; 0: any."""
        return int(self.listen.rpartition(":")[2])


def scalars(model: type[Strict] = Settings, prefix: str = "") -> dict[str, tuple[str, ...]]:
    """Variables by name with the path of the setting each one sets."""
    nested: dict[str, Any] = {
        "dedup": Dedup,
        "limits": Limits,
        "owner_page_limit": PageLimit,
        "failover": Failover,
        "heartbeat": Heartbeat,
        "log": Log,
    }
    out: dict[str, tuple[str, ...]] = {}
    for name in model.model_fields:
        if not prefix and name in nested:
            out |= {
                f"RULESD_{name.upper()}_{k.upper()}": (name, k) for k in nested[name].model_fields
            }
        elif name != "sources":
            out[f"RULESD_{name.upper()}"] = (name,)
    return out

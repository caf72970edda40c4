"""``receivers.yaml``: rulesd's own channels, by receiver name.

Law: no secret stands in this file; each is a reference. A receiver may name another as its failover, never in a circle.
"""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from rulesd.config.channels import as_written, spec
from rulesd.config.digests import OF_RECEIVERS, Digest, digest_of
from rulesd.config.document import Document, Path_
from rulesd.config.problems import Code, Problems
from rulesd.config.secrets import WRITE, Reference, References, reference
from rulesd.config.shape import EmptyMapping, OneOrMany, Positive, Strict, parse
from rulesd.config.urls import split
from rulesd.core.people import DigestSpec
from rulesd.core.plan import ChannelSpec
from rulesd.model.event import Json

_OPEN_SCHEMES = frozenset(
    [
        "json",
        "jsons",
        "form",
        "forms",
        "xml",
        "xmls",
        "syslog",
        "dbus",
        "gnome",
        "windows",
        "macosx",
    ]
)
"Apprise addresses that hold no secret unless they name a user."


def _open_url(value: object) -> object:
    """A reference, or an address without a user in it."""
    if isinstance(value, dict):
        return reference(value)
    parts = split(value)
    if parts is None or parts.scheme not in ("http", "https"):
        raise PydanticCustomError(
            Code.INVALID_URL.value, "is not an http or https address. Write https://..."
        )
    if parts.username or parts.password:
        raise PydanticCustomError(
            Code.LITERAL_SECRET.value, f"this address holds a secret. {WRITE}"
        )
    return value


def _apprise_url(value: object) -> object:
    """A reference, or an address of a kind that holds no secret."""
    if isinstance(value, dict):
        return reference(value)
    parts = split(value)
    scheme = str(value).partition(":")[0].lower() if isinstance(value, str) else ""
    if scheme not in _OPEN_SCHEMES or (parts is not None and (parts.username or parts.password)):
        raise PydanticCustomError(
            Code.LITERAL_SECRET.value, f"an Apprise address holds secrets. {WRITE}"
        )
    return value


Address = Annotated[str | Reference, BeforeValidator(_open_url)]
"An http(s) address, or a reference to one that is secret."


class Channel(Strict):
    """What every channel has."""

    send_resolved: bool = True
    timeout: Positive | None = None


class Slack(Channel):
    """Slack, by a bot's token (updates in place) or an incoming webhook."""

    token: Reference | None = None
    channel: str = ""
    webhook_url: Reference | None = None
    api_url: Address | None = None
    signing_secret: Reference | None = None


class Pagerduty(Channel):
    """PagerDuty Events API v2; one incident for each episode."""

    routing_key: Reference
    url: Address | None = None
    signing_secret: References | None = None
    changes: bool = False
    "Whether deploys and other changes are told as change events, beside the incidents."


class Webhook(Channel):
    """A webhook signed as Standard Webhooks says."""

    url: Address
    secret: References
    headers: dict[str, str] = Field(default_factory=dict)


class Apprise(Channel):
    """Anything Apprise can reach."""

    url: Annotated[str | Reference, BeforeValidator(_apprise_url)]


def _people(value: object) -> object:
    """Addresses of mail, several with commas between."""
    given = value if isinstance(value, str) else ""
    if not given or not all(_MAIL.fullmatch(one.strip()) for one in given.split(",")):
        said = 'is no mail address. Write "name@example.org", several with commas between.'
        raise PydanticCustomError(Code.INVALID_VALUE.value, said)
    return value


def _smarthost(value: object) -> object:
    host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        said = 'is no mail server. Write host and port: "smtp.example.org:587".'
        raise PydanticCustomError(Code.INVALID_VALUE.value, said)
    return value


_MAIL = re.compile(r"[^@<>]*<[^@\s<>]+@[^@\s<>]+>|[^@\s<>]+@[^@\s<>]+")
People = Annotated[str, BeforeValidator(_people)]
"One or more mail addresses."


class Email(Channel):
    """Mail, handed to one server (SMTP)."""

    to: People
    from_: Annotated[People, Field(alias="from")]
    smarthost: Annotated[str, BeforeValidator(_smarthost)]
    username: str = ""
    password: Reference | None = None
    hello: str = ""
    require_tls: bool = True
    implicit_tls: bool | None = None
    ca_file: str = ""
    headers: dict[str, str] = Field(default_factory=dict)


def _many(value: object) -> object:
    return value if isinstance(value, list) else [value]


class ReceiverFields(Strict):
    """One receiver; each kind takes one channel or a list of them."""

    failover: str = ""
    digest: Digest = None
    slack: Annotated[list[Slack], BeforeValidator(_many), OneOrMany()] = Field(default_factory=list)
    pagerduty: Annotated[list[Pagerduty], BeforeValidator(_many), OneOrMany()] = Field(
        default_factory=list
    )
    webhook: Annotated[list[Webhook], BeforeValidator(_many), OneOrMany()] = Field(
        default_factory=list
    )
    apprise: Annotated[list[Apprise], BeforeValidator(_many), OneOrMany()] = Field(
        default_factory=list
    )
    email: Annotated[list[Email], BeforeValidator(_many), OneOrMany()] = Field(default_factory=list)


class ReceiversFile(Strict):
    """``notifiers/receivers.yaml``."""

    receivers: Annotated[dict[str, ReceiverFields], EmptyMapping]


def own_channels(
    document: Document | None, problems: Problems
) -> dict[str, tuple[tuple[ChannelSpec, ...], str]]:
    """By receiver name: its channels and its failover."""
    parsed = parse(ReceiversFile, document, problems) if document is not None else None
    if document is None or parsed is None:
        return dict.fromkeys(_names(document), ((), ""))
    out: dict[str, tuple[tuple[ChannelSpec, ...], str]] = {}
    for name, fields in parsed.receivers.items():
        at: Path_ = ("receivers", name)
        made: list[ChannelSpec] = []
        for kind in ("slack", "pagerduty", "webhook", "email", "apprise"):
            for i, channel in enumerate(getattr(fields, kind)):
                made.append(_spec(name, kind, i, channel, at, document, problems))
        out[name] = (tuple(made), fields.failover)
    return out


def receiver_digests(document: Document | None, problems: Problems) -> dict[str, DigestSpec]:
    """The digests of receivers that have one."""
    parsed = parse(ReceiversFile, document, Problems()) if document is not None else None
    if document is None or parsed is None:
        return {}
    out: dict[str, DigestSpec] = {}
    for name, fields in parsed.receivers.items():
        at: Path_ = ("receivers", name, "digest")
        found = digest_of(fields.digest, OF_RECEIVERS, document, at, problems)
        if found is not None:
            out[name] = found
    return out


def _names(document: Document | None) -> list[str]:
    data: Any = document.data if document is not None else None
    named: Json = data.get("receivers") if isinstance(data, dict) else None
    return list(named) if isinstance(named, dict) else []


def _spec(
    name: str,
    kind: str,
    i: int,
    channel: Channel,
    at: Path_,
    document: Document,
    problems: Problems,
) -> ChannelSpec:
    in_place = None
    if isinstance(channel, Slack):
        in_place = channel.token is not None
        node = document.node((*at, kind))
        here: Path_ = (*at, kind, i) if node is not None and node.items is not None else (*at, kind)
        if (channel.token is None) == (channel.webhook_url is None):
            said, hint = "either token or webhook_url must be set", f"Keep one of them. {WRITE}"
            problems.at(document, here, Code.EXCLUSIVE, said, hint)
        if channel.token is not None and not channel.channel:
            problems.at(
                document,
                here,
                Code.MISSING_FIELD,
                "a Slack token needs a channel",
                'Add "channel: ...".',
            )
    return spec(
        name, kind, i, as_written(channel), send_resolved=channel.send_resolved, in_place=in_place
    )

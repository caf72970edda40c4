"""From the two files that name receivers to ``ChannelSpec``s.

Law: every channel keeps its settings as written (``*_file`` twins and references included) with Alertmanager's global defaults
filled in; adapters resolve secrets. ``KINDS`` is the one table of what each kind of channel can do.
"""

from dataclasses import dataclass

from pydantic import BaseModel

from rulesd.config.document import Document, Path_
from rulesd.config.go_templates import check_texts
from rulesd.config.gotemplate import Library
from rulesd.config.problems import Code, Problems
from rulesd.config.routing_schema import (
    ACTED_ON,
    EmailConfig,
    Global,
    HttpConfig,
    Integration,
    PagerdutyConfig,
    ReceiverEntry,
    RoutingFile,
    SlackConfig,
    WebhookConfig,
)
from rulesd.config.urls import web_address
from rulesd.core.plan import ChannelSpec
from rulesd.model.event import Json


@dataclass(frozen=True, slots=True)
class Nature:
    """What a kind of channel can do."""

    for_people: bool
    per_alert: bool
    updates_in_place: bool


KINDS = {
    "slack": Nature(for_people=True, per_alert=False, updates_in_place=True),
    "pagerduty": Nature(for_people=True, per_alert=True, updates_in_place=True),
    "webhook": Nature(for_people=False, per_alert=False, updates_in_place=False),
    "apprise": Nature(for_people=True, per_alert=False, updates_in_place=False),
    "email": Nature(for_people=True, per_alert=False, updates_in_place=False),
    "slack_configs": Nature(for_people=True, per_alert=False, updates_in_place=False),
    "pagerduty_configs": Nature(for_people=True, per_alert=False, updates_in_place=False),
    "webhook_configs": Nature(for_people=False, per_alert=False, updates_in_place=False),
    "email_configs": Nature(for_people=True, per_alert=False, updates_in_place=False),
}
"By kind; a Slack incoming webhook cannot update in place (``in_place``)."

_HTTP = frozenset(
    {
        "basic_auth",
        "authorization",
        "bearer_token",
        "bearer_token_file",
        "tls_config",
        "http_headers",
        "proxy_url",
        "enable_http2",
    }
)
"Parts of ``http_config`` with an effect (``enable_http2`` changes nothing anyone can see)."

PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
SLACK_APP_URL = "https://slack.com/api/chat.postMessage"


def spec(
    receiver: str,
    kind: str,
    position: int,
    settings: dict[str, Json],
    *,
    send_resolved: bool,
    in_place: bool | None = None,
) -> ChannelSpec:
    """One channel. ``in_place``: where these settings differ from their kind. A ``timeout`` becomes ``deadline_s``, in seconds."""
    nature = KINDS[kind]
    timeout = settings.pop("timeout", None)
    if isinstance(timeout, int) and timeout:
        settings["deadline_s"] = timeout / 1000
    return ChannelSpec(
        receiver=receiver,
        name=f"{kind}[{position}]",
        kind=kind,
        settings=settings,
        for_people=nature.for_people,
        per_alert=nature.per_alert,
        updates_in_place=nature.updates_in_place if in_place is None else in_place,
        send_resolved=send_resolved,
    )


def as_written(model: BaseModel) -> dict[str, Json]:
    """The fields the file sets, under the file's names; durations are milliseconds."""
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True)


def alertmanager_channels(
    file: RoutingFile,
    entry: ReceiverEntry,
    base: Path_,
    document: Document,
    problems: Problems,
    library: Library,
) -> tuple[ChannelSpec, ...]:
    """The channels of one receiver of routing.yaml. ``library``: the templates their texts may call."""
    given = file.global_ or Global()
    out: list[ChannelSpec] = []
    for kind in type(entry).model_fields:
        configs = getattr(entry, kind)
        if not kind.endswith("_configs") or not configs:
            continue
        if kind not in KINDS:
            said, hint = (
                f"{kind} is not acted on yet",
                "Use slack, pagerduty, webhook, email or apprise in receivers.yaml.",
            )
            problems.at(
                document, (*base, kind), Code.NOT_ACTED_ON, said, hint, key=True, warning=True
            )
            continue
        for i, config in enumerate(configs):
            at = (*base, kind, i)
            _warn_ignored(kind, config, at, document, problems)
            settings = as_written(config)
            check_texts(settings, at, library, document, problems)
            _inherit(config, settings, given, at, document, problems)
            in_place = _in_place(config, settings)
            made = spec(
                entry.name, kind, i, settings, send_resolved=config.send_resolved, in_place=in_place
            )
            out.append(made)
    return tuple(out)


def _in_place(config: Integration | EmailConfig, settings: dict[str, Json]) -> bool | None:
    """Alertmanager's Slack updates a message only with a token and ``update_message``."""
    if not isinstance(config, SlackConfig):
        return None
    token = settings.get("app_token") or settings.get("app_token_file")
    http = config.http_config
    return config.update_message and bool(
        token or (http is not None and http.authorization is not None)
    )


def _warn_ignored(
    kind: str,
    config: Integration | EmailConfig,
    at: Path_,
    document: Document,
    problems: Problems,
) -> None:
    """Say which fields have no effect, and which make the channel useless."""
    for name in sorted(config.model_fields_set):
        written = type(config).model_fields[name].alias or name
        path = (*at, written)
        if written not in ACTED_ON[kind]:
            said, hint = (
                f"{written} is not acted on yet",
                "rulesd writes this part of the page itself.",
            )
            problems.at(document, path, Code.NOT_ACTED_ON, said, hint, key=True, warning=True)
    if not isinstance(config, EmailConfig) and config.http_config is not None:
        _http(config.http_config, (*at, "http_config"), document, problems)


def _http(config: HttpConfig, at: Path_, document: Document, problems: Problems) -> None:
    """What of ``http_config`` decides where a page travels must work; the rest may be ignored aloud."""
    for name in sorted(config.model_fields_set):
        if name in _HTTP or not getattr(config, name):
            continue
        needed = name in ("oauth2", "proxy_from_environment")
        said = f"http_config.{name} is not acted on yet"
        hint = "Use basic_auth, authorization or proxy_url." if needed else "It has no effect."
        problems.at(
            document, (*at, name), Code.NOT_ACTED_ON, said, hint, key=True, warning=not needed
        )


def _inherit(
    config: Integration | EmailConfig,
    settings: dict[str, Json],
    given: Global,
    at: Path_,
    document: Document,
    problems: Problems,
) -> None:
    """Alertmanager's defaults (config.go, ``UnmarshalYAML``) and its "one of" and "at most one of" rules."""
    if isinstance(config, EmailConfig):
        _email(settings, given, at, document, problems)
        return
    if config.http_config is None and given.http_config is not None:
        settings["http_config"] = as_written(given.http_config)
    match config:
        case SlackConfig():
            _slack(config, settings, given, at, document, problems)
        case PagerdutyConfig():
            _one_of(
                settings,
                ("routing_key", "routing_key_file", "service_key", "service_key_file"),
                at,
                document,
                problems,
            )
            settings.setdefault("url", given.pagerduty_url or PAGERDUTY_URL)
            web_address(settings["url"], (*at, "url"), document, problems)
        case WebhookConfig():
            _one_of(settings, ("url", "url_file"), at, document, problems)
            if config.url and "{{" not in config.url:
                web_address(config.url, (*at, "url"), document, problems)
        case _:
            raise AssertionError(type(config).__name__)


def _slack(
    config: SlackConfig,
    settings: dict[str, Json],
    given: Global,
    at: Path_,
    document: Document,
    problems: Problems,
) -> None:
    _at_most_one(
        settings, ("api_url", "api_url_file", "app_token", "app_token_file"), at, document, problems
    )
    own = config.app_token or config.app_token_file
    authorized = config.http_config is not None and config.http_config.authorization is not None
    if not own and not authorized and not config.api_url and not config.api_url_file:
        settings |= {
            k: v
            for k, v in (
                ("app_token", given.slack_app_token),
                ("app_token_file", given.slack_app_token_file),
            )
            if v
        }
    token = settings.get("app_token") or settings.get("app_token_file")
    if not config.api_url and not config.api_url_file and not token:
        settings |= {
            k: v
            for k, v in (
                ("api_url", given.slack_api_url),
                ("api_url_file", given.slack_api_url_file),
            )
            if v
        }
    if token:
        settings.setdefault("app_url", given.slack_app_url or SLACK_APP_URL)
    if not token and not settings.get("api_url") and not settings.get("api_url_file"):
        said = "no Slack address and no token"
        hint = "Write api_url_file or app_token_file here, or slack_api_url or slack_app_token under global."
        problems.at(document, at, Code.NO_GLOBAL, said, hint)
    if token and not config.channel:
        problems.at(
            document, at, Code.MISSING_FIELD, "a Slack token needs a channel", 'Add "channel: ...".'
        )
    if config.api_url:
        web_address(config.api_url, (*at, "api_url"), document, problems)


_SMTP = (
    ("from", "smtp_from"),
    ("smarthost", "smtp_smarthost"),
    ("hello", "smtp_hello"),
    ("auth_username", "smtp_auth_username"),
    ("auth_identity", "smtp_auth_identity"),
    ("tls_config", "smtp_tls_config"),
    ("force_implicit_tls", "smtp_force_implicit_tls"),
)
"Fields of a mail's receiver, and what of ``global`` stands for each."


def _email(
    settings: dict[str, Json], given: Global, at: Path_, document: Document, problems: Problems
) -> None:
    """Alertmanager's defaults for mail."""
    whole = as_written(given)
    for name, of in _SMTP:
        if not settings.get(name) and whole.get(of) not in (None, ""):
            settings[name] = whole[of]
    for name in ("auth_password", "auth_secret"):
        if not _given(settings, (name, f"{name}_file")):
            for twin in (name, f"{name}_file"):
                if whole.get(f"smtp_{twin}"):
                    settings[twin] = whole[f"smtp_{twin}"]
        _at_most_one(settings, (name, f"{name}_file"), at, document, problems)
    if settings.get("require_tls") is None:
        settings["require_tls"] = given.smtp_require_tls
    for name, of in _SMTP[:2]:
        if not settings.get(name):
            said, hint = f"no {name}", f'Add "{name}: ..." here, or {of} under global.'
            problems.at(document, at, Code.NO_GLOBAL, said, hint)


def _given(settings: dict[str, Json], names: tuple[str, ...]) -> list[str]:
    return [n for n in names if settings.get(n)]


def _one_of(
    settings: dict[str, Json],
    names: tuple[str, ...],
    at: Path_,
    document: Document,
    problems: Problems,
) -> None:
    if not _given(settings, names):
        hint = f'Add "{names[0]}: ..." or "{names[1]}: ...".'
        problems.at(
            document, at, Code.MISSING_FIELD, f"one of {', '.join(names)} must be set", hint
        )
    _at_most_one(settings, names, at, document, problems)


def _at_most_one(
    settings: dict[str, Json],
    names: tuple[str, ...],
    at: Path_,
    document: Document,
    problems: Problems,
) -> None:
    both = _given(settings, names)
    if len(both) > 1:
        hint = f"Remove {' or '.join(both)}."
        problems.at(
            document,
            (*at, both[1]),
            Code.EXCLUSIVE,
            f"at most one of {', '.join(names)} may be set",
            hint,
            key=True,
        )

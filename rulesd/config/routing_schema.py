"""Alertmanager's configuration file, field by field (docs/configuration.md of 0.34).

Law: exactly Alertmanager's schema: an unknown key is an error here as it is there. Secrets may stand in the file itself, as
they may there; they are masked wherever the file is shown or kept. ``ACTED_ON`` says which fields have an effect today; the
others are accepted with a warning, never in silence.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from rulesd.config.problems import Code
from rulesd.config.shape import Duration, Free, Gentle, Positive, Strings

Text = Annotated[str, BeforeValidator(lambda v: str(v) if type(v) in (int, float) else v)]
"Text; Alertmanager's YAML takes a bare number for one, too."

Block = dict[str, Free]


class BasicAuth(Gentle):
    """``basic_auth``."""

    username: Text = ""
    username_file: str = ""
    password: Text = ""
    password_file: str = ""


class Authorization(Gentle):
    """``authorization``."""

    type: str = "Bearer"
    credentials: Text = ""
    credentials_file: str = ""


class TlsConfig(Gentle):
    """``tls_config``."""

    ca: str = ""
    cert: str = ""
    key: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: str = ""
    max_version: str = ""


class HttpConfig(Gentle):
    """``http_config``."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    oauth2: Block | None = None
    bearer_token: Text = ""
    bearer_token_file: str = ""
    enable_http2: bool = True
    proxy_url: str = ""
    no_proxy: str = ""
    proxy_from_environment: bool = False
    proxy_connect_header: Block | None = None
    follow_redirects: bool = True
    tls_config: TlsConfig | None = None
    http_headers: Block | None = None


class Integration(Gentle):
    """What every integration has."""

    send_resolved: bool = True
    http_config: HttpConfig | None = None


class SlackConfig(Integration):
    """``slack_configs``."""

    send_resolved: bool = False
    api_url: Text = ""
    api_url_file: str = ""
    app_token: Text = ""
    app_token_file: str = ""
    app_url: str = ""
    channel: Text = ""
    username: str = ""
    icon_emoji: str = ""
    icon_url: str = ""
    link_names: bool = False
    message_text: str = ""
    actions: list[Block] = Field(default_factory=list)
    callback_id: str = ""
    color: str = ""
    fallback: str = ""
    fields: list[Block] = Field(default_factory=list)
    footer: str = ""
    mrkdwn_in: list[str] = Field(default_factory=list)
    pretext: str = ""
    short_fields: bool = False
    text: str = ""
    title: str = ""
    title_link: str = ""
    image_url: str = ""
    thumb_url: str = ""
    timeout: Duration = 0
    update_message: bool = False


class PagerdutyConfig(Integration):
    """``pagerduty_configs``."""

    routing_key: Text = ""
    routing_key_file: str = ""
    service_key: Text = ""
    service_key_file: str = ""
    url: str = ""
    client: str = ""
    client_url: str = ""
    description: str = ""
    severity: str = ""
    source: str = ""
    details: Block = Field(default_factory=dict)
    images: list[Block] = Field(default_factory=list)
    links: list[Block] = Field(default_factory=list)
    component: str = ""
    group: str = ""
    class_: Annotated[str, Field(alias="class")] = ""
    timeout: Duration = 0


class WebhookConfig(Integration):
    """``webhook_configs``."""

    url: str = ""
    url_file: str = ""
    max_alerts: Annotated[int, Field(ge=0)] = 0
    timeout: Duration = 0
    payload: Free = None


class EmailConfig(Gentle):
    """``email_configs``."""

    send_resolved: bool = False
    to: str
    from_: Annotated[str, Field(alias="from")] = ""
    smarthost: str = ""
    hello: str = ""
    auth_username: Text = ""
    auth_password: Text = ""
    auth_password_file: str = ""
    auth_secret: Text = ""
    auth_secret_file: str = ""
    auth_identity: str = ""
    require_tls: bool | None = None
    force_implicit_tls: bool | None = None
    tls_config: TlsConfig | None = None
    html: str = ""
    text: str = ""
    headers: dict[str, Text] = Field(default_factory=dict)
    threading: Block | None = None


class ReceiverEntry(Gentle):
    """One of ``receivers``."""

    name: Annotated[Text, Field(min_length=1)]
    labels: dict[str, str] = Field(default_factory=dict)
    slack_configs: list[SlackConfig] = Field(default_factory=list)
    pagerduty_configs: list[PagerdutyConfig] = Field(default_factory=list)
    webhook_configs: list[WebhookConfig] = Field(default_factory=list)
    email_configs: list[EmailConfig] = Field(default_factory=list)
    discord_configs: list[Free] = Field(default_factory=list)
    incidentio_configs: list[Free] = Field(default_factory=list)
    jira_configs: list[Free] = Field(default_factory=list)
    mattermost_configs: list[Free] = Field(default_factory=list)
    msteams_configs: list[Free] = Field(default_factory=list)
    msteamsv2_configs: list[Free] = Field(default_factory=list)
    opsgenie_configs: list[Free] = Field(default_factory=list)
    pushover_configs: list[Free] = Field(default_factory=list)
    rocketchat_configs: list[Free] = Field(default_factory=list)
    sns_configs: list[Free] = Field(default_factory=list)
    telegram_configs: list[Free] = Field(default_factory=list)
    victorops_configs: list[Free] = Field(default_factory=list)
    webex_configs: list[Free] = Field(default_factory=list)
    wechat_configs: list[Free] = Field(default_factory=list)


def _labels(value: object) -> object:
    if isinstance(value, dict):
        return {k: str(v) if type(v) in (int, float) else v for k, v in value.items()}
    return value


Labels = Annotated[dict[str, str], BeforeValidator(_labels)]


def _matcher_list(value: object) -> object:
    if isinstance(value, str):
        raise PydanticCustomError(
            Code.WRONG_TYPE.value, "must be a list of matchers. Write ['name=\"value\"']."
        )
    return tuple(value) if isinstance(value, list) else value


class RouteEntry(Gentle):
    """``route`` and each of ``routes``."""

    receiver: Text = ""
    group_by: Strings | None = None
    continue_: Annotated[bool, Field(alias="continue")] = False
    match: Labels = Field(default_factory=dict)
    match_re: Labels = Field(default_factory=dict)
    matchers: Annotated[tuple[str, ...], BeforeValidator(_matcher_list)] = ()
    labels: Labels = Field(default_factory=dict)
    group_wait: Duration | None = None
    group_interval: Positive | None = None
    repeat_interval: Positive | None = None
    mute_time_intervals: Strings = ()
    active_time_intervals: Strings = ()
    routes: list["RouteEntry"] = Field(default_factory=list)


class InhibitRule(Gentle):
    """One of ``inhibit_rules``."""

    name: str = ""
    source_match: Labels = Field(default_factory=dict)
    source_match_re: Labels = Field(default_factory=dict)
    source_matchers: Annotated[tuple[str, ...], BeforeValidator(_matcher_list)] = ()
    target_match: Labels = Field(default_factory=dict)
    target_match_re: Labels = Field(default_factory=dict)
    target_matchers: Annotated[tuple[str, ...], BeforeValidator(_matcher_list)] = ()
    equal: Strings = ()


class TimeRange(Gentle):
    """``times`` of an interval."""

    start_time: str
    end_time: str


class IntervalSpec(Gentle):
    """One of a time interval's ``time_intervals``."""

    times: list[TimeRange] = Field(default_factory=list)
    weekdays: Strings = ()
    days_of_month: Annotated[
        tuple[Text, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
    ] = ()
    months: Annotated[
        tuple[Text, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
    ] = ()
    years: Annotated[
        tuple[Text, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
    ] = ()
    location: str = ""


class TimeInterval(Gentle):
    """A named time interval."""

    name: Annotated[str, Field(min_length=1)]
    time_intervals: list[IntervalSpec]


class Global(Gentle):
    """``global``."""

    resolve_timeout: Duration | None = None
    http_config: HttpConfig | None = None
    smtp_from: str = ""
    smtp_smarthost: str = ""
    smtp_hello: str = ""
    smtp_auth_username: Text = ""
    smtp_auth_password: Text = ""
    smtp_auth_password_file: str = ""
    smtp_auth_identity: str = ""
    smtp_auth_secret: Text = ""
    smtp_auth_secret_file: str = ""
    smtp_require_tls: bool = True
    smtp_tls_config: TlsConfig | None = None
    smtp_force_implicit_tls: bool | None = None
    jira_api_url: str = ""
    slack_api_url: Text = ""
    slack_api_url_file: str = ""
    slack_app_token: Text = ""
    slack_app_token_file: str = ""
    slack_app_url: str = ""
    victorops_api_key: Text = ""
    victorops_api_key_file: str = ""
    victorops_api_url: str = ""
    pagerduty_url: str = ""
    opsgenie_api_key: Text = ""
    opsgenie_api_key_file: str = ""
    opsgenie_api_url: str = ""
    rocketchat_api_url: str = ""
    rocketchat_token: Text = ""
    rocketchat_token_file: str = ""
    rocketchat_token_id: Text = ""
    rocketchat_token_id_file: str = ""
    wechat_api_url: str = ""
    wechat_api_secret: Text = ""
    wechat_api_secret_file: str = ""
    wechat_api_corp_id: str = ""
    telegram_api_url: str = ""
    telegram_bot_token: Text = ""
    telegram_bot_token_file: str = ""
    webex_api_url: str = ""
    mattermost_webhook_url: Text = ""
    mattermost_webhook_url_file: str = ""


class RoutingFile(Gentle):
    """``notifiers/routing.yaml``."""

    global_: Annotated[Global | None, Field(alias="global")] = None
    route: RouteEntry
    receivers: list[ReceiverEntry] = Field(default_factory=list)
    inhibit_rules: list[InhibitRule] = Field(default_factory=list)
    time_intervals: list[TimeInterval] = Field(default_factory=list)
    mute_time_intervals: list[TimeInterval] = Field(default_factory=list)
    templates: Strings = ()
    tracing: dict[str, Any] | None = None
    event_recorder: dict[str, Any] | None = None


ACTED_ON: dict[str, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        "slack_configs": "send_resolved http_config api_url api_url_file app_token app_token_file app_url channel username"
        " icon_emoji icon_url link_names actions callback_id color fallback fields footer mrkdwn_in pretext short_fields"
        " text title title_link image_url thumb_url timeout update_message",
        "pagerduty_configs": "send_resolved http_config routing_key routing_key_file service_key service_key_file url client"
        " client_url description severity source details images links component group class timeout",
        "webhook_configs": "send_resolved http_config url url_file max_alerts timeout",
        "email_configs": "send_resolved to from smarthost hello auth_username auth_password auth_password_file auth_secret"
        " auth_secret_file auth_identity require_tls force_implicit_tls tls_config html text headers threading",
    }.items()
}
"By integration: the fields with an effect; a warning names every other one that is set."

_MASKED = """api_url app_token routing_key service_key password credentials bearer_token client_secret auth_password auth_secret
smtp_auth_password smtp_auth_secret slack_api_url slack_app_token victorops_api_key opsgenie_api_key rocketchat_token
rocketchat_token_id wechat_api_secret telegram_bot_token mattermost_webhook_url api_key token token_id bot_token user_key
webhook_url api_secret team_secret secret_key access_key secrets proxy_connect_header key alert_source_token proxy_url"""
SECRET_KEYS = frozenset(_MASKED.split())
"Keys whose values are masked; ``url`` under ``webhook_configs`` is one, too."

"""The fields of Alertmanager 0.25's configuration file: what its amtool reads strictly (config/config.go, notifiers.go of 0.25).

Law: a list of names without a decision. Integrations that rulesd does not speak itself are left out.
"""

from collections.abc import Mapping
from typing import TypeAlias

Shape: TypeAlias = "Mapping[str, bool | Shape]"
"By field: ``True`` for a value that is taken whole, else the fields inside."


def _all(words: str) -> dict[str, bool]:
    return dict.fromkeys(words.split(), True)


_TLS: Shape = _all("ca_file cert_file key_file server_name insecure_skip_verify min_version")
_HTTP: Shape = {
    "basic_auth": _all("username password password_file"),
    "authorization": _all("type credentials credentials_file"),
    "tls_config": _TLS,
    **_all("bearer_token bearer_token_file follow_redirects enable_http2"),
}
_INTERVALS: Shape = {
    "name": True,
    "time_intervals": {
        "times": _all("start_time end_time"),
        **_all("weekdays days_of_month months years location"),
    },
}
TOP: Shape = {
    "global": {
        "http_config": _HTTP,
        **_all(
            "resolve_timeout smtp_from smtp_hello smtp_smarthost smtp_auth_username smtp_auth_password "
            "smtp_auth_password_file smtp_auth_secret smtp_auth_identity smtp_require_tls slack_api_url "
            "slack_api_url_file pagerduty_url"
        ),
    },
    "inhibit_rules": _all(
        "source_match source_match_re source_matchers target_match target_match_re target_matchers equal"
    ),
    "time_intervals": _INTERVALS,
    "mute_time_intervals": _INTERVALS,
}
"Everything but routes and receivers."

RECEIVERS: Mapping[str, Shape] = {
    "email_configs": {
        "tls_config": _TLS,
        **_all(
            "send_resolved to from hello smarthost auth_username auth_password auth_password_file auth_secret "
            "auth_identity headers html text require_tls"
        ),
    },
    "pagerduty_configs": {
        "http_config": _HTTP,
        **_all(
            "send_resolved routing_key routing_key_file service_key service_key_file url client client_url "
            "description details images links severity class component group"
        ),
    },
    "slack_configs": {
        "http_config": _HTTP,
        **_all(
            "send_resolved api_url api_url_file channel username color title title_link pretext text fields "
            "short_fields footer fallback callback_id icon_emoji icon_url image_url thumb_url link_names "
            "mrkdwn_in actions"
        ),
    },
    "webhook_configs": {"http_config": _HTTP, **_all("send_resolved url max_alerts")},
}
"By the name of a receiver's list."

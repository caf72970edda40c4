"""What Alertmanager's templates look at: the notification, with Alertmanager's names.

Law: pure; exactly the fields of Alertmanager's webhook body, so a template written for one fits the other.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rulesd.config.gotemplate.times import Moment
from rulesd.config.gotemplate.values import Alerts, Labels, Thing


def data_of(body: Mapping[str, Any], **more: Any) -> Thing:
    """The top of a template's world, from a webhook body (``rulesd.notify.alertmanager.webhook_body``)."""
    return Thing(
        {
            "Receiver": body["receiver"],
            "Status": body["status"],
            "Alerts": Alerts(_alert(one) for one in body["alerts"]),
            "GroupLabels": Labels(body["groupLabels"]),
            "CommonLabels": Labels(body["commonLabels"]),
            "CommonAnnotations": Labels(body["commonAnnotations"]),
            "ExternalURL": body["externalURL"],
            **more,
        }
    )


def _alert(one: Mapping[str, Any]) -> Thing:
    return Thing(
        {
            "Status": one["status"],
            "Labels": Labels(one["labels"]),
            "Annotations": Labels(one["annotations"]),
            "StartsAt": Moment(_moment(one["startsAt"])),
            "EndsAt": Moment(_moment(one["endsAt"])),
            "GeneratorURL": one["generatorURL"],
            "Fingerprint": one["fingerprint"],
        }
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)

"""From a plan's channels to adapters that can send: the one table of kinds.

Law: one channel that cannot be made never keeps another from being made. It is replaced by one that answers "try again" with
the reason, so that its pages wait for the operator instead of being lost.
"""

from collections.abc import Callable, Mapping

import aiohttp

from rulesd.core.plan import ChannelSpec, Plan
from rulesd.model.notification import Delivery, Notification
from rulesd.model.reasons import DeliveryReason
from rulesd.notify.action import action_spec, make_action
from rulesd.notify.alertmanager_channels import webhook_configs
from rulesd.notify.alertmanager_pagerduty import pagerduty_configs
from rulesd.notify.alertmanager_slack import slack_configs
from rulesd.notify.apprise import apprise
from rulesd.notify.http import retry, skipped
from rulesd.notify.pagerduty import pagerduty
from rulesd.notify.resolve import PatientResolver
from rulesd.notify.settings import ChannelError, Secrets
from rulesd.notify.slack import slack
from rulesd.notify.templates import Templates
from rulesd.notify.webhook import webhook
from rulesd.ports.channel import Channel


def _email(spec: ChannelSpec, secrets: Secrets, templates: Templates) -> Channel:
    from rulesd.notify.email import email  # a daemon without mail does not load its library

    return email(spec, secrets, templates)


def _email_configs(spec: ChannelSpec, secrets: Secrets, templates: Templates) -> Channel:
    from rulesd.notify.alertmanager_email import email_configs

    return email_configs(spec, secrets, templates)


_Maker = Callable[[ChannelSpec, Secrets, aiohttp.ClientSession, Templates], Channel]

KINDS: Mapping[str, _Maker] = {
    "slack": slack,
    "pagerduty": pagerduty,
    "webhook": lambda spec, secrets, session, _: webhook(spec, secrets, session),
    "email": lambda spec, secrets, _, templates: _email(spec, secrets, templates),
    "apprise": lambda spec, secrets, _, templates: apprise(spec, secrets, templates),
    "slack_configs": slack_configs,
    "pagerduty_configs": pagerduty_configs,
    "webhook_configs": webhook_configs,
    "email_configs": lambda spec, secrets, _, templates: _email_configs(spec, secrets, templates),
}
"Every kind of channel there is, by the word in the file."


def make_channel(
    spec: ChannelSpec, secrets: Secrets, session: aiohttp.ClientSession, templates: Templates
) -> Channel:
    """The adapter for one channel.

    Raises:
        ChannelError: when it cannot be made as configured; the text says what to write.
    """
    maker = KINDS.get(spec.kind)
    if maker is None:
        known = ", ".join(sorted(KINDS))
        where = f"receiver {spec.receiver}, {spec.name}"
        raise ChannelError(f"{where}: there is no channel of kind {spec.kind}. Use one of: {known}")
    return maker(spec, secrets, session, templates)


def make_channels(
    plan: Plan, secrets: Secrets, session: aiohttp.ClientSession
) -> tuple[dict[tuple[str, str], Channel], list[str]]:
    """All channels by (receiver, name), and what is wrong with those that could not be made."""
    templates = Templates(plan.templates, plan.go_templates)
    channels: dict[tuple[str, str], Channel] = {}
    problems = [f"template {name}: {words}" for name, words in templates.broken.items()]
    for receiver in plan.receivers.values():
        for spec in receiver.channels:
            try:
                channel = make_channel(spec, secrets, session, templates)
            except ChannelError as error:
                problems.append(str(error))
                channel = Waiting(spec, str(error))
            channels[receiver.name, spec.name] = channel
    for switch in plan.switches.values():
        if switch.action != "webhook":
            continue
        spec = action_spec(switch)
        try:
            channels[spec.receiver, spec.name] = make_action(switch, secrets, session)
        except ChannelError as error:
            problems.append(str(error))
            channels[spec.receiver, spec.name] = Waiting(spec, str(error))
    return channels, problems


class Waiting:
    """Stands for a channel that cannot be made: its pages wait until the configuration is repaired."""

    deadline_s = 1.0

    def __init__(self, spec: ChannelSpec, problem: str) -> None:
        """``problem`` is shown with every attempt."""
        self.name, self.kind = spec.name, spec.kind
        self.for_people, self.per_alert = spec.for_people, spec.per_alert
        self.send_resolved, self.updates_in_place = spec.send_resolved, spec.updates_in_place
        self._problem = problem

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        """Say what is wrong."""
        del reference
        if not notification.page:
            return skipped("the channel is not ready")
        return retry(DeliveryReason.CONFIG, self._problem)

    async def close(self) -> None:
        """Nothing to give back."""


def open_session() -> aiohttp.ClientSession:
    """The HTTP session all channels share.

    No limit lets one channel wait for another; no cookies; no proxies from the environment; and name resolution that a dead
    name server cannot block.
    """
    connector = aiohttp.TCPConnector(limit=0, limit_per_host=0, resolver=PatientResolver())
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    )

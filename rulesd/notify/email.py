"""Mail: ``email`` of receivers.yaml and Alertmanager's ``email_configs``.

Law: a mail is sent for a page and never for a mere update: nobody can take a mail back. Every mail of an incident lands in one
thread. A retry is the same message, byte for byte.
"""

import ssl
from collections.abc import Callable, Mapping, Sequence
from html import escape

from rulesd.core.plan import ChannelSpec
from rulesd.model.notification import Delivery, Notification
from rulesd.model.reasons import DeliveryReason
from rulesd.notify.email_message import Mail, addresses, write
from rulesd.notify.http import failed, skipped
from rulesd.notify.resolve import PatientResolver
from rulesd.notify.settings import ChannelError, Secrets, Settings
from rulesd.notify.smtp import Server, hand_in
from rulesd.notify.templates import Medium, Templates
from rulesd.notify.text import one_line
from rulesd.notify.wording import (
    context,
    headline,
    main_alert,
    plain_fallback,
    subject,
    verdict,
)

DEADLINE_S = 20.0
SMTPS = 465
"The port where TLS begins at once."

People = Callable[[Notification], Sequence[tuple[str, str]]]
"(name, address) of everybody a page goes to. Raises ``ValueError`` with words for the operator when it cannot say."

Compose = Callable[[Notification], Mail]
"Makes the mail of a page. Raises ``ValueError`` with words for the operator when it cannot."


class Email:
    """Hands mail to one SMTP server."""

    updates_in_place = False

    def __init__(
        self,
        spec: ChannelSpec,
        *,
        server: Server,
        sender: str,
        to: Sequence[tuple[str, str]] | People,
        compose: Compose,
        thread: bool = True,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """``to``: (name, address) of everybody it goes to, or what says so for each page."""
        self.name, self.kind = spec.name, spec.kind
        self.for_people, self.per_alert = spec.for_people, spec.per_alert
        self.send_resolved, self.deadline_s = spec.send_resolved, deadline_s
        self._server, self._sender = server, sender
        self._to: People = to if callable(to) else lambda _page: to
        self._compose, self._thread = compose, thread
        self._resolver = PatientResolver()

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        """Hand in one mail."""
        del reference
        if not notification.page:
            return skipped("a mail cannot be brought up to date")
        try:
            mail, people = self._compose(notification), self._to(notification)
            body = write(mail, notification, self._sender, people, thread=self._thread)
            to = _recipients(mail, people)
        except ValueError as error:
            return failed(DeliveryReason.CONFIG, one_line(str(error)))
        sender = addresses(self._sender)[0][1]
        return await hand_in(self._server, self._resolver, sender, to, body, self.deadline_s)

    async def close(self) -> None:
        """Nothing to give back: each mail has its own connection."""


def _recipients(mail: Mail, to: Sequence[tuple[str, str]]) -> list[str]:
    """Everybody the server is told of: ``to``, and who stands in the operator's Cc and Bcc."""
    out = [address for _, address in to]
    for name, value in mail.headers.items():
        if name.lower() in ("cc", "bcc"):
            out += [address for _, address in addresses(value)]
    return list(dict.fromkeys(out))


def own_mail(templates: Templates, headers: Mapping[str, str]) -> Compose:
    """The words of rulesd itself: ``plain.j2`` and ``email.j2``."""

    def compose(notification: Notification) -> Mail:
        names = context(notification)
        text = templates.render(
            "plain.j2", Medium.PLAIN, names, lambda: plain_fallback(notification)
        )
        html = templates.render(
            "email.j2",
            Medium.HTML,
            names,
            lambda: f"<pre>{escape(plain_fallback(notification))}</pre>",
        )
        notice = text.notice or html.notice
        return Mail(
            subject=subject_line(notification),
            text=f"{text.text}\n\n{notice}".strip(),
            html=html.text + (f"<p><em>{escape(notice)}</em></p>" if notice else ""),
            headers=headers,
        )

    return compose


def subject_line(notification: Notification) -> str:
    """What changes stands in brackets, so that the rest is the same for every mail of an incident."""
    if notification.title:
        return headline(notification)
    test = "TEST PAGE, nothing happened: " if notification.test else ""
    return f"{test}[{verdict(notification)}] {subject(notification, main_alert(notification))}"


def email(spec: ChannelSpec, secrets: Secrets, templates: Templates) -> Email:
    """The adapter for ``email`` of receivers.yaml: ``{to, from, smarthost}`` and how to log in.

    Raises:
        ChannelError: when an address or a secret cannot be used.
    """
    settings = Settings(spec, secrets)
    host, port = smarthost(settings, "smarthost")
    server = Server(
        host=host,
        port=port,
        hello=settings.text("hello"),
        username=settings.secret("username"),
        password=settings.secret("password"),
        secret=settings.secret("password"),
        implicit_tls=settings.flag("implicit_tls", port == SMTPS),
        require_tls=settings.flag("require_tls", True),
        tls=_trust(settings),
    )
    given = settings.spec.settings.get("headers")
    headers = {str(k): str(v) for k, v in given.items()} if isinstance(given, Mapping) else {}
    return Email(
        spec,
        server=server,
        sender=_joined(settings, "from"),
        to=people(settings, "to"),
        compose=own_mail(templates, headers),
        deadline_s=settings.number("deadline_s", DEADLINE_S),
    )


def smarthost(settings: Settings, name: str) -> tuple[str, int]:
    """``host:port`` of the server that takes the mail.

    Raises:
        ChannelError: when it is none.
    """
    host, colon, port = settings.text(name).rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise settings.error(name, "is not HOST:PORT", "Write smtp.example.org:587")
    return host.strip("[]"), int(port)


def people(settings: Settings, name: str) -> list[tuple[str, str]]:
    """Everybody in a setting.

    Raises:
        ChannelError: when one of them has no address.
    """
    try:
        return addresses(settings.text(name))
    except ValueError as error:
        problem, _, hint = str(error).partition(". ")
        raise settings.error(name, problem, hint) from None


def _joined(settings: Settings, name: str) -> str:
    people(settings, name)
    return settings.text(name)


def _trust(settings: Settings) -> ssl.SSLContext | None:
    path = settings.text("ca_file")
    if not path:
        return None
    try:
        return ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as error:
        raise ChannelError(
            f"receiver {settings.spec.receiver}, {settings.spec.name}: ca_file: "
            f"{type(error).__name__}. Write a readable PEM file"
        ) from None

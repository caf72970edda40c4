"""``email_configs``: mail with the operator's headers and texts.

Law: headers, HTML and text are Go templates as in Alertmanager, values in HTML escaped; where nothing is written, the text and the HTML
are rulesd's, and the subject for alerts of other systems is Alertmanager's.
"""

from collections.abc import Mapping, Sequence
from html import escape

from rulesd.config.gotemplate import Fault
from rulesd.core.plan import ChannelSpec
from rulesd.model.notification import Notification
from rulesd.notify.email import (
    DEADLINE_S,
    SMTPS,
    Compose,
    Email,
    People,
    own_mail,
    smarthost,
    subject_line,
)
from rulesd.notify.email_message import Mail, addresses
from rulesd.notify.go_texts import GoTexts, Telling, is_foreign
from rulesd.notify.settings import Secrets, Settings, tls_of
from rulesd.notify.smtp import Server
from rulesd.notify.templates import Templates
from rulesd.notify.text import one_line

SUBJECT = '{{ template "email.default.subject" . }}'


def mail(texts: GoTexts, templates: Templates) -> Compose:
    """The mail of a page."""
    own = own_mail(templates, {})

    def compose(notification: Notification) -> Mail:
        usual = own(notification)
        data = texts.data(notification)
        telling = Telling(texts, data)
        foreign = is_foreign(notification) and not notification.title
        headers = telling.each("headers") if texts.written("headers") else {}
        try:
            subject = texts.text(SUBJECT, data) if foreign else subject_line(notification)
        except Fault:
            subject = subject_line(notification)
        html = telling.say("html", lambda: usual.html, html=True)
        text = telling.say("text", lambda: usual.text)
        notice = telling.notice
        return Mail(
            subject=one_line(subject),
            text=f"{text}\n\n{notice}".strip(),
            html=html + (f"<p><em>{escape(notice)}</em></p>" if notice else ""),
            headers={str(k): str(v) for k, v in headers.items()},
        )

    return compose


def email_configs(spec: ChannelSpec, secrets: Secrets, templates: Templates) -> Email:
    """The adapter for one entry of ``email_configs``.

    Raises:
        ChannelError: when an address or a secret cannot be used.
    """
    settings = Settings(spec, secrets)
    host, port = smarthost(settings, "smarthost")
    server = Server(
        host=host,
        port=port,
        hello=settings.text("hello") or "localhost",
        username=settings.text("auth_username"),
        password=settings.secret("auth_password"),
        secret=settings.secret("auth_secret"),
        identity=settings.text("auth_identity"),
        implicit_tls=settings.flag("force_implicit_tls", port == SMTPS),
        require_tls=settings.flag("require_tls", True),
        tls=tls_of(settings, settings.spec.settings.get("tls_config")),
    )
    texts = GoTexts(templates.go, spec.settings)
    return Email(
        spec,
        server=server,
        sender=_plain(settings, "from"),
        to=_people(settings, texts),
        compose=mail(texts, templates),
        thread=_threaded(settings),
        deadline_s=settings.number("deadline_s", DEADLINE_S),
    )


def _people(settings: Settings, texts: GoTexts) -> Sequence[tuple[str, str]] | People:
    """Who gets the mail; where a template says so, for each page anew."""
    given = settings.text("to")
    if "{{" not in given:
        return addresses(_plain(settings, "to"))

    def people(notification: Notification) -> Sequence[tuple[str, str]]:
        try:
            found = texts.text(given, texts.data(notification))
        except Fault as fault:
            raise ValueError(f"the template of to failed ({fault})") from None
        return addresses(found)

    return people


def _plain(settings: Settings, name: str) -> str:
    """Addresses that hold no template: they must be known before a page needs them."""
    given = settings.text(name)
    try:
        addresses(given)
    except ValueError as error:
        if "{{" in given:
            raise settings.error(
                name, "holds a template", "Write the addresses themselves"
            ) from None
        problem, _, hint = str(error).partition(". ")
        raise settings.error(name, problem, hint) from None
    return given


def _threaded(settings: Settings) -> bool:
    given = settings.spec.settings.get("threading")
    return not (isinstance(given, Mapping) and given.get("enabled") is False)

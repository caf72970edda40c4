"""A page as a mail: headers that keep an incident in one thread, a text, and a page of HTML.

Law: pure. The same notification gives the same bytes, ``Message-ID`` included, so a mail that was sent twice is one message to
every client that looks. No value can become a header line.

Threading: every mail of an incident refers to the same root, which nobody has; clients show what refers to one message together.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, getaddresses
from hashlib import blake2b

from rulesd.model.instant import parse_instant
from rulesd.model.notification import Notification
from rulesd.notify.text import cut, one_line

SUBJECT_LIMIT = 250
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")
_RESERVED = frozenset(
    [
        "from",
        "to",
        "cc",
        "bcc",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
    ]
)
"Headers an operator's own must not be written beside: they replace them, or are left out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What is to be sent."""

    subject: str
    text: str
    html: str
    headers: Mapping[str, str] = field(default_factory=dict)
    "Further ones, as the operator wrote them."


def addresses(given: str) -> list[tuple[str, str]]:
    """(name, address) of each recipient in ``a@x, B <b@y>``.

    Raises:
        ValueError: when one of them is no address.
    """
    found = getaddresses([given])
    out = [(one_line(name), address) for name, address in found]
    if not out or not all(_ADDRESS.fullmatch(address) for _, address in out):
        raise ValueError("is no mail address. Write name@example.org, several with commas between")
    return out


def write(
    mail: Mail, notification: Notification, sender: str, to: Sequence[tuple[str, str]], *, thread: bool = True
) -> bytes:  # fmt: skip
    """The bytes of the message."""
    domain = addresses(sender)[0][1].rpartition("@")[2]
    own = {name.lower(): one_line(value) for name, value in mail.headers.items()}
    message = EmailMessage(policy=SMTP)
    message["From"] = _listed(addresses(own.get("from") or sender))
    message["To"] = _listed(addresses(own.get("to") or _joined(to)))
    for name in ("cc", "reply-to"):
        if own.get(name):
            message[name.title()] = _listed(addresses(own[name]))
    message["Subject"] = cut(own.get("subject") or one_line(mail.subject), SUBJECT_LIMIT)
    at = datetime.fromtimestamp(parse_instant(notification.at) // 1_000, UTC)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = own.get("message-id") or f"<{notification.id}@{domain}>"
    if thread:
        root = f"<{_digest(notification)}@{domain}>"
        message["In-Reply-To"] = root
        message["References"] = root
    message["X-Rulesd-Incident"] = one_line(notification.incident)
    # Not a person: mail systems must not answer that somebody is away.
    message["Auto-Submitted"] = "auto-generated"
    for name, value in mail.headers.items():
        if name.lower() not in _RESERVED and name.lower() != "reply-to" and _plain(name):
            message[name] = one_line(value)
    if mail.text or not mail.html:
        message.set_content(mail.text or mail.subject)
        if mail.html:
            message.add_alternative(mail.html, subtype="html")
    else:
        message.set_content(mail.html, subtype="html")
    boundary = blake2b(notification.id.encode(), digest_size=12, person=b"boundary").hexdigest()
    if message.is_multipart():
        message.set_boundary(f"=_{boundary}")
    return message.as_bytes()


def _digest(notification: Notification) -> str:
    text = f"{notification.incident}\x1f{notification.receiver}".encode("utf-8", "replace")
    return f"incident.{blake2b(text, digest_size=12, person=b'mail thread').hexdigest()}"


def _listed(people: Sequence[tuple[str, str]]) -> list[Address]:
    return [Address(display_name=name, addr_spec=address) for name, address in people]


def _joined(people: Sequence[tuple[str, str]]) -> str:
    return ", ".join(formataddr(one) for one in people)


def _plain(name: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9-]{1,70}", name))

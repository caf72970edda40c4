from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from rulesd.model.notification import Notification
from rulesd.notify.email_message import Mail, addresses, write
from tests.notify.samples import note

FROM = "rulesd <rulesd@x.example>"
TO = [("Kim", "kim@x.example"), ("", "lee@x.example")]


def read(mail: Mail, page: Notification | None = None, **given: bool) -> EmailMessage:
    raw = write(mail, page or note(), FROM, TO, **given)
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def plain(**given: object) -> Mail:
    return Mail(**{"subject": "s", "text": "t", "html": "<p>h</p>", **given})  # type: ignore[arg-type]


def test_every_mail_of_an_incident_refers_to_one_root() -> None:
    first, later = note(), replace(note(), id="msg_other")
    one, two = read(plain(), first), read(plain(), later)
    assert one["Message-ID"] != two["Message-ID"]
    assert one["References"] == two["References"] == one["In-Reply-To"]
    other = replace(first, incident="another")
    assert read(plain(), other)["References"] != one["References"]
    assert read(plain(), first, thread=False)["References"] is None


def test_a_retry_is_the_same_message_byte_for_byte() -> None:
    made = [write(plain(), note(), FROM, TO) for _ in range(2)]
    assert made[0] == made[1]


def test_both_parts_the_text_first() -> None:
    message = read(plain(text="Größe ☃", html="<p>☃</p>"))
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == "Größe ☃"
    assert message["To"] == "Kim <kim@x.example>, lee@x.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime.isoformat() == "2026-01-05T09:00:11+00:00"
    assert read(plain(html="")).get_content_type() == "text/plain"
    assert read(plain(text="")).get_content_type() == "text/html"
    assert read(plain(text="", html="")).get_content().strip() == "s"


def test_no_value_becomes_a_header_line() -> None:
    page = replace(note(), incident="x\r\nBcc: evil@x.example")
    message = read(
        plain(
            subject="a\r\nBcc: evil@x.example",
            headers={"X-Own": "1\r\nBcc: evil@x.example", "Bad Name": "x", "X-\r\nBcc": "e"},
        ),
        page,
    )
    assert message["Bcc"] is None
    assert message["Subject"] == "a Bcc: evil@x.example"
    assert message["X-Own"] == "1 Bcc: evil@x.example"
    assert len(read(plain(subject="x" * 5_000))["Subject"]) <= 250


def test_an_operators_headers_replace_ours() -> None:
    message = read(
        plain(
            headers={
                "Subject": "own",
                "To": "team@x.example",
                "From": "o@x.example",
                "Cc": "c@x.example",
                "Bcc": "b@x.example",
                "Reply-To": "r@x.example",
                "References": "<z@z>",
                "X-Priority": "1",
            }
        )
    )
    assert (message["Subject"], message["To"], message["From"]) == (
        "own",
        "team@x.example",
        "o@x.example",
    )
    assert (message["Cc"], message["Reply-To"]) == ("c@x.example", "r@x.example")
    assert message["Bcc"] is None
    assert message["X-Priority"] == "1"
    assert "z@z" not in message["References"]


@pytest.mark.parametrize("given", ["", "a", "a@", "a b@x", "a@x, b"])
def test_what_is_no_address(given: str) -> None:
    with pytest.raises(ValueError, match="no mail address"):
        addresses(given)

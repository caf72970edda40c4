"""What the stand-ins refuse: the limits of Slack and PagerDuty as documented and as met in practice, and a TLS nobody trusts.

Law: pure but for ``untrusted``, which makes a certificate. The numbers are the receivers', not ours: the channels keep their own.
"""

import ssl
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

SLACK_BLOCKS, SLACK_TOTAL, SLACK_SECTION, SLACK_HEADER, SLACK_TEXT = 50, 13_000, 3_000, 150, 40_000
PAGERDUTY_BODY, PAGERDUTY_SUMMARY = 512_000, 1_024


def slack_problem(said: Mapping[str, Any]) -> str:
    """Slack's error word for a message over its limits; empty when it is fine."""
    blocks, text = said.get("blocks", []), str(said.get("text", ""))
    if not text and not blocks and not said.get("attachments"):
        return "no_text"
    if len(text) > SLACK_TEXT:
        return "msg_too_long"
    if len(blocks) > SLACK_BLOCKS:
        return "invalid_blocks"
    for block in blocks:
        inner = block.get("text", {}).get("text", "")
        limit = SLACK_HEADER if block.get("type") == "header" else SLACK_SECTION
        empty = block.get("type") in ("header", "section") and not inner
        if empty or len(inner) > limit:
            return "invalid_blocks"
    total = len(msgspec.json.encode(blocks).decode())
    return "msg_blocks_too_long" if total > SLACK_TOTAL else ""


def pagerduty_problems(event: Mapping[str, Any], size: int) -> list[str]:
    """What Events v2 would say about an event."""
    errors = []
    if size > PAGERDUTY_BODY:
        errors.append("the event is larger than 512 kB")
    if not event.get("routing_key"):
        errors.append("'routing_key' is missing or blank")
    if event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
        errors.append("'event_action' is invalid")
    if not 1 <= len(str(event.get("dedup_key") or "")) <= 255:
        errors.append("'dedup_key' must be 1 to 255 characters")
    if event.get("event_action") != "trigger":
        return errors
    payload = event.get("payload") or {}
    if not 1 <= len(str(payload.get("summary") or "")) <= PAGERDUTY_SUMMARY:
        errors.append("'payload.summary' must be 1 to 1024 characters")
    if not payload.get("source"):
        errors.append("'payload.source' is missing or blank")
    if payload.get("severity") not in ("critical", "error", "warning", "info"):
        errors.append("'payload.severity' is invalid")
    errors.extend(
        "'links.href' is no address"
        for link in event.get("links", [])
        if not str(link.get("href", "")).startswith(("http://", "https://"))
    )
    return errors


def change_problems(event: Mapping[str, Any], size: int) -> list[str]:
    """What the change events API would say about an event."""
    errors = []
    if size > PAGERDUTY_BODY:
        errors.append("the event is larger than 512 kB")
    if not event.get("routing_key"):
        errors.append("'routing_key' is missing or blank")
    if set(event) - {"routing_key", "payload", "links", "images"}:
        errors.append("the event has fields of another kind of event")
    payload = event.get("payload") or {}
    if not 1 <= len(str(payload.get("summary") or "")) <= PAGERDUTY_SUMMARY:
        errors.append("'payload.summary' must be 1 to 1024 characters")
    return errors


def untrusted() -> ssl.SSLContext:
    """TLS with a certificate made on the spot, which no client trusts."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stand-in")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stand-in.pem"
        path.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + certificate.public_bytes(pem)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
    return context

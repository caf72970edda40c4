"""One mail handed to one SMTP server, and what its answer means: sent, try again, or given up.

Law: nothing here raises for what a server or the network does, and no secret stands in any text made here. Passwords never
travel without TLS, except to this machine itself. One deadline covers the whole conversation.

How answers are judged: 2xx delivered; 4xx and lost connections are tried again; 535 and its like are a wrong password, final
until somebody corrects it; other 5xx are final. When some recipients are refused and others accepted, the mail is delivered, and
the detail says so.
"""

import asyncio
import base64
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiosmtplib

from rulesd.model.notification import Delivery
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.http import failed, mask, retry
from rulesd.notify.resolve import PatientResolver
from rulesd.notify.text import cut, one_line

_AUTH_CODES = frozenset({454, 530, 534, 535, 538})


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where mail is handed in, and how."""

    host: str
    port: int
    hello: str = ""
    "What we call ourselves; empty: this machine's name."

    username: str = ""
    password: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    "For CRAM-MD5."

    identity: str = ""
    implicit_tls: bool = False
    require_tls: bool = True
    tls: ssl.SSLContext | None = None
    "``None``: the system's trust store."


class Unusable(Exception):
    """The conversation cannot go on; the text says why, for the operator."""

    def __init__(self, reason: DeliveryReason, words: str) -> None:
        """``words`` hold no secret."""
        super().__init__(words)
        self.reason, self.words = reason, words


async def hand_in(
    server: Server, resolver: PatientResolver, sender: str, to: Sequence[str], mail: bytes,
    deadline_s: float,
) -> Delivery:  # fmt: skip
    """Send once."""
    hidden = tuple(s for s in (server.password, server.secret) if s)
    if not all(one.isprintable() and one.count("@") == 1 for one in (sender, *to)):
        return failed(DeliveryReason.CONFIG, "an address holds forbidden characters")
    try:
        async with asyncio.timeout(deadline_s):
            refused = await _converse(server, resolver, sender, to, mail)
    except (TimeoutError, aiosmtplib.SMTPTimeoutError):
        return retry(DeliveryReason.TIMEOUT, f"no answer within {deadline_s:g} s")
    except Unusable as error:
        return retry(error.reason, error.words)
    except aiosmtplib.SMTPAuthenticationError as error:
        return _judged(error.code, error.message, hidden, auth=True)
    except aiosmtplib.SMTPRecipientsRefused as error:
        worst = min(error.recipients, key=lambda one: one.code)
        return _judged(worst.code, f"all recipients refused: {worst.message}", hidden)
    except aiosmtplib.SMTPConnectError as error:
        tls = isinstance(error.__cause__, ssl.SSLError)
        reason = DeliveryReason.TLS if tls else DeliveryReason.CONNECT
        return retry(reason, f"no connection ({type(error.__cause__ or error).__name__})")
    except aiosmtplib.SMTPResponseException as error:
        return _judged(error.code, error.message, hidden)
    except ssl.SSLError as error:
        return retry(DeliveryReason.TLS, f"TLS failed ({error.reason or type(error).__name__})")
    except (aiosmtplib.SMTPException, OSError) as error:
        return retry(DeliveryReason.CONNECT, f"the connection broke ({type(error).__name__})")
    except ValueError:
        return failed(DeliveryReason.CONFIG, "an address holds forbidden characters")
    words = f"accepted; {refused} of {len(to)} recipients refused" if refused else "accepted"
    return Delivery(outcome=DeliveryOutcome.DELIVERED, reason=DeliveryReason.OK, detail=words)


async def _converse(
    server: Server, resolver: PatientResolver, sender: str, to: Sequence[str], mail: bytes
) -> int:
    """How many recipients were refused, of several."""
    # With TLS from the start the name is needed for the certificate; else a name server that hangs must not cost the deadline.
    host = server.host if server.implicit_tls else await _address(resolver, server)
    client = aiosmtplib.SMTP(
        hostname=host,
        port=server.port,
        local_hostname=server.hello or None,
        use_tls=server.implicit_tls,
        start_tls=False,
        tls_context=server.tls if server.implicit_tls else None,
        timeout=None,
    )
    try:
        await client.connect()
        await _secure(client, server)
        if server.username:
            await _log_in(client, server)
        refused, _ = await client.sendmail(sender, list(to), mail)
        return len(refused)
    finally:
        client.close()


async def _address(resolver: PatientResolver, server: Server) -> str:
    return str((await resolver.resolve(server.host, server.port))[0]["host"])


async def _secure(client: aiosmtplib.SMTP, server: Server) -> None:
    """STARTTLS where the server offers it; where it does not, only if TLS is not required."""
    if server.implicit_tls:
        return
    await client.ehlo()
    if client.supports_extension("starttls"):
        context = server.tls or ssl.create_default_context()
        await client.starttls(server_hostname=server.host, tls_context=context)
    elif server.require_tls:
        raise Unusable(
            DeliveryReason.TLS,
            "the server offers no STARTTLS, and require_tls is true. Use a server that does, or set it to false",
        )
    elif server.username and not _here(server.host):
        raise Unusable(
            DeliveryReason.TLS,
            "the server offers no STARTTLS: the password is not sent in the clear. Use a server that does",
        )


async def _log_in(client: aiosmtplib.SMTP, server: Server) -> None:
    """The first of CRAM-MD5, PLAIN and LOGIN that the server offers and we have a secret for (Alertmanager's way)."""
    if client.is_ehlo_or_helo_needed:
        await client.ehlo()
    for method in client.supported_auth_methods:
        name = method.upper().replace("_", "-")
        if name == "CRAM-MD5" and server.secret:
            await client.auth_crammd5(server.username, server.secret)
            return
        if name == "PLAIN" and server.password:
            await _plain(client, server)
            return
        if name == "LOGIN" and server.password:
            await client.auth_login(server.username, server.password)
            return
    raise Unusable(
        DeliveryReason.AUTH,
        "the server offers no way to log in that this channel has a secret for "
        f"({', '.join(client.supported_auth_methods) or 'none'})",
    )


async def _plain(client: aiosmtplib.SMTP, server: Server) -> None:
    said = f"{server.identity}\0{server.username}\0{server.password}".encode()
    answer = await client.execute_command(b"AUTH", b"PLAIN", base64.b64encode(said))
    if answer.code != 235:
        raise aiosmtplib.SMTPAuthenticationError(answer.code, answer.message)


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _judged(code: int, message: str, secrets: Sequence[str], *, auth: bool = False) -> Delivery:
    detail = mask(f"SMTP {code}: {cut(one_line(message), 200)}", secrets)
    if 400 <= code < 500:
        return retry(DeliveryReason.SERVER_ERROR, detail)
    if auth or code in _AUTH_CODES:
        return failed(DeliveryReason.AUTH, detail)
    if code >= 500:
        return failed(DeliveryReason.REFUSED, detail)
    return retry(DeliveryReason.SERVER_ERROR, detail)

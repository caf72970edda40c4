"""Turn a delivery into events: one event or many, however they are framed.

Law: whatever the bytes, every event in them ends in ``events`` or in ``rejected``, at its position; only a delivery that
cannot be taken at all (unknown media type, too large) raises, and only ``EventError``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec
import orjson

from rulesd.ingest.event import EventDecoder
from rulesd.ingest.faults import Fault, json_fault, refusal
from rulesd.ingest.http import Framing, binary_event, framing_of
from rulesd.ingest.inflate import too_large
from rulesd.ingest.limits import MIB, Decoded
from rulesd.model.errors import EventError
from rulesd.model.event import Event, Rejected
from rulesd.model.instant import Instant
from rulesd.model.reasons import ErrorCode

PART = 1_000
"Events in one part: what a loop decodes before others get their turn."


class Decoder(EventDecoder):
    """Decodes deliveries of every framing. Not for several threads at once."""

    @property
    def _lone(self) -> int:
        return min(MIB, self.limits.body)

    def http(
        self,
        content_type: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        now: Instant,
        tenant: str = "",
    ) -> Decoded:
        """Decode the body of a request, content encoding already undone (``ingest.inflate.open_body``).

        Raises:
            EventError: ``unsupported_media_type`` (415) or ``too_large`` (413); nothing was decoded.
        """
        return _merge(self.http_parts(content_type, headers, body, now=now, tenant=tenant))

    def http_parts(
        self,
        content_type: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        now: Instant,
        tenant: str = "",
    ) -> Iterator[Decoded]:
        """The same in parts of 1,000 events, so that a large body does not hold up the loop.

        Raises:
            EventError: as ``http``, at the first part; later only when too many events of the batch are unreadable.
        """
        framing = framing_of(content_type, headers)
        if len(body) > self.limits.inflated:
            raise too_large(self.limits.inflated)
        if framing is Framing.BINARY:
            return iter((self._binary(content_type, headers, body, now, tenant),))
        if not body.strip():
            return iter((_unreadable(body),))
        if framing is Framing.JSON:
            framing = Framing.BATCH if _begins(body) == b"[" else Framing.EVENT
        return self._parts(framing, body, now, tenant)

    def mqtt(self, payload: bytes, *, now: Instant, tenant: str = "") -> Decoded:
        """Decode one message: an event, an array or lines of them. Never raises."""
        return _merge(self.mqtt_parts(payload, now=now, tenant=tenant))

    def mqtt_parts(self, payload: bytes, *, now: Instant, tenant: str = "") -> Iterator[Decoded]:
        """The same in parts of 1,000 events, so that a large message does not hold up the loop."""
        if len(payload) > self.limits.body:
            return iter((_too_much(too_large(self.limits.body), len(payload)),))
        return self.many_parts(payload, now=now, tenant=tenant)

    def lone(
        self, payload: bytes, now: Instant, tenant: str, notices: Counter[str]
    ) -> Event | Rejected | None:
        """Decode a message that plainly is one event; ``None`` asks for ``mqtt`` (hot path: positional arguments)."""
        if payload[:1] != b"{" or b"\n" in payload or len(payload) > self._lone:
            return None
        return self._text(payload, now, tenant, 0, notices)

    def many(self, text: bytes, *, now: Instant, tenant: str = "") -> Decoded:
        """Decode a text that is one event, a JSON array or NDJSON, whichever it is. Never raises."""
        return _merge(self.many_parts(text, now=now, tenant=tenant))

    def many_parts(self, text: bytes, *, now: Instant, tenant: str = "") -> Iterator[Decoded]:
        """The same in parts of 1,000 events."""
        try:
            yield from self._parts(_sniff(text), text, now, tenant)
        except EventError as error:
            yield _too_much(error, len(text))

    def _parts(self, framing: Framing, text: bytes, now: Instant, tenant: str) -> Iterator[Decoded]:
        match framing:
            case Framing.BATCH:
                return self._batch(text, now, tenant)
            case Framing.LINES:
                return self._lines(text, now, tenant)
            case _:
                return iter((self._single(text, now, tenant),))

    def _single(self, text: bytes, now: Instant, tenant: str) -> Decoded:
        out = Decoded(single=True)
        out.add(self._text(text, now, tenant, 0, out.notices))
        return out

    def _text(
        self, text: bytes, now: Instant, tenant: str, position: int, notices: Counter[str]
    ) -> Event | Rejected:
        if self._heavy(text):
            return refusal((self._too_heavy(),), position, len(text))
        try:
            doc = orjson.loads(text)
        except orjson.JSONDecodeError:
            return refusal((json_fault(text),), position, len(text))
        return self.take(doc, now, tenant, position, len(text), notices, text)

    def _batch(self, text: bytes, now: Instant, tenant: str) -> Iterator[Decoded]:
        if self._heavy(text):
            yield Decoded(rejected=[refusal((self._too_heavy(),), 0, len(text))], single=True)
            return
        try:
            docs = orjson.loads(text)
        except orjson.JSONDecodeError:
            yield _unreadable(text)
            return
        if type(docs) is not list:
            fault = Fault(
                ErrorCode.TYPE, "", "the batch is not an array. Send a JSON array of events"
            )
            yield Decoded(rejected=[refusal((fault,), 0, len(text))], single=True)
            return
        element = _Element(text)
        part, refused = Decoded(), 0
        for position, doc in enumerate(docs):
            element.position = position
            part.add(self.take(doc, now, tenant, position, 0, part.notices, element))
            if position % PART == PART - 1:
                refused = self._bounded(refused, part)
                yield part
                part = Decoded()
        self._bounded(refused, part)
        yield part

    def _lines(self, text: bytes, now: Instant, tenant: str) -> Iterator[Decoded]:
        part, refused = Decoded(), 0
        for position, line in enumerate(_split(text)):
            part.add(self._text(line, now, tenant, position, part.notices))
            if position % PART == PART - 1:
                refused = self._bounded(refused, part)
                yield part
                part = Decoded()
        self._bounded(refused, part)
        yield part

    def _binary(
        self,
        content_type: str,
        headers: Mapping[str, str],
        body: bytes,
        now: Instant,
        tenant: str,
    ) -> Decoded:
        out = Decoded(single=True)
        if self._heavy(body):
            out.add(refusal((self._too_heavy(),), 0, len(body)))
            return out
        doc, faults = binary_event(content_type, headers, body)
        if faults:
            out.add(refusal(faults, 0, len(body)))
        else:
            whole = b'{"data":' + (body if "data" in doc else b"null") + b"}"
            out.add(self.take(doc, now, tenant, 0, len(body), out.notices, whole))
        return out

    def _heavy(self, text: bytes) -> bool:
        """Whether a text would fill the memory once decoded."""
        if len(text) <= MIB:
            return False
        return text.count(b",") + text.count(b"{") + text.count(b"[") > self.limits.tokens

    def _too_heavy(self) -> Fault:
        return Fault(
            ErrorCode.SIZE,
            "",
            f"the JSON text holds more than {self.limits.tokens} values. Send smaller batches",
        )

    def _bounded(self, refused: int, part: Decoded) -> int:
        """Count the unreadable events of a batch, and stop when there are too many to answer."""
        refused += len(part.rejected)
        if refused > self.limits.refused:
            raise EventError(
                ErrorCode.SIZE,
                f"more than {self.limits.refused} events of the batch cannot be read."
                " Send smaller batches, of valid events",
            )
        return refused


class _Element:
    """Fetches the text of one element of a JSON array, which is needed once in a blue moon."""

    __slots__ = ("_text", "position")

    def __init__(self, text: bytes) -> None:
        self._text = text
        self.position = 0

    def __call__(self) -> bytes:
        return bytes(msgspec.json.decode(self._text, type=list[msgspec.Raw])[self.position])


def _merge(parts: Iterable[Decoded]) -> Decoded:
    out = Decoded()
    for part in parts:
        out.extend(part)
    return out


def _unreadable(text: bytes) -> Decoded:
    return Decoded(rejected=[refusal((json_fault(text),), 0, len(text))], single=True)


def _too_much(error: EventError, size: int) -> Decoded:
    return Decoded(rejected=[Rejected(0, error.code, error.message, error.pointer, size)])


def _begins(text: bytes) -> bytes:
    return text[:1] if text[:1] in b"[{" else text.lstrip()[:1]


def _split(text: bytes) -> Iterator[bytes]:
    """The lines that hold something, one at a time."""
    start = 0
    while start < len(text):
        end = text.find(b"\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end].strip()
        if line:
            yield line
        start = end + 1


def _sniff(text: bytes) -> Framing:
    """Which framing a message has that does not say."""
    if _begins(text) == b"[":
        return Framing.BATCH
    if b"\n" not in text:
        return Framing.EVENT
    lines = _split(text)
    first = next(lines, b"")
    if next(lines, None) is None:
        return Framing.EVENT
    if _parses(first):
        return Framing.LINES
    if _parses(text):
        return Framing.EVENT
    objects = (line.startswith(b"{") and line.endswith(b"}") for line in _split(text))
    return Framing.LINES if any(objects) else Framing.EVENT


def _parses(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True

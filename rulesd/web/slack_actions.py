"""``POST /integrations/slack``: clicks on the buttons under a page.

Law: first that it is Slack who calls, then whether it was done before, and only then what it says. The act is durable before the
answer; where that takes longer than Slack waits, the answer goes first and the act is finished behind it. What came of it is told
to the person who clicked, through the address Slack gives for that and no other.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

import aiohttp
import orjson
from aiohttp import web

from rulesd.model.event import Json
from rulesd.web import body
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.hook_replay import Replays
from rulesd.web.hook_signature import Verdict
from rulesd.web.hooks import UNPROVEN_BYTES
from rulesd.web.integration_keys import IntegrationKeys
from rulesd.web.room import Room
from rulesd.web.slack_clicks import Click, clicks, perform
from rulesd.web.slack_signature import SIGNATURE, verify

log = logging.getLogger("rulesd.web")

NAME = "slack integration"
"Under this name calls are remembered; no hook of hooks.yaml can have it (a space)."

ANSWER_S = 2.0
"Slack gives up after 3 s: from here on the act goes on behind the answer."

FOLLOW_UP_S = 10.0
ONE_WORD = "The daemon cannot make this durable right now. It will be done as soon as it can."


class SlackActions:
    """The endpoint of one daemon."""

    def __init__(self, door: Door, *, answer_s: float = ANSWER_S) -> None:
        """Secrets are opened when the first click comes."""
        self._door = door
        self._keys = IntegrationKeys(door.settings, "slack")
        self._replays = Replays(door.daemon)
        self._room = Room(UNPROVEN_BYTES)
        self._answer_s = answer_s
        self._running: set[asyncio.Task[None]] = set()

    async def call(self, request: web.Request) -> web.Response:
        """Answer one call of Slack."""
        limits = self._door.settings.limits
        with self._room.place() as place:
            raw = await body.read(request, limits, place, limits.hook_bytes)
        keys = self._keys.keys(self._door.daemon.plan)
        self._prove(keys, request.headers, raw)
        payload = _payload(raw)
        if payload.get("type") == "url_verification":
            return answer({"challenge": str(payload.get("challenge", ""))[:500]})
        found = clicks(payload)
        call = request.headers[SIGNATURE]
        if found and not self._replays.done(NAME, call) and self._replays.begin(NAME, call):
            work = asyncio.get_running_loop().create_task(self._do(found, call), name="slack click")
            self._running.add(work)
            work.add_done_callback(self._running.discard)
            await asyncio.wait({work}, timeout=self._answer_s)
        return answer({})

    async def close(self, _app: object = None) -> None:
        """Finish what was begun, for a moment; what a disk does not take now was never answered for."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=self._answer_s)
            for work in late:
                work.cancel()

    def _prove(self, keys: Sequence[bytes], headers: Mapping[str, str], raw: bytes) -> None:
        verdict = verify(keys, headers, raw, self._door.daemon.now())
        if verdict is Verdict.STALE:
            hint = "the signature is right but its time is more than 5 minutes from ours. Check our clock"
            raise Refused(401, str(verdict), hint)
        if verdict is not Verdict.GOOD:
            hint = (
                "this call is not proven to come from Slack. Compare signing_secret with the app's"
            )
            raise Refused(401, "bad_signature", hint)

    async def _do(self, found: Sequence[Click], call: str) -> None:
        """The acts, the memory of the call, then the words to the person."""
        loop = asyncio.get_running_loop()
        late = loop.call_later(self._answer_s, lambda: self._tell(found[0].response_url, ONE_WORD))
        try:
            said = [await perform(self._door, click) for click in found]
            await self._replays.remember(NAME, call, self._door.daemon.now())
        except Exception as error:  # noqa: BLE001 - nobody waits for this task: the person must be told
            log.error("a click in Slack failed: %s", type(error).__name__)  # noqa: TRY400
            said = ["That did not work; the daemon's log says why. Please try again."]
        finally:
            late.cancel()
            self._replays.end(NAME, call)
        self._tell(found[0].response_url, " ".join(said))

    def _tell(self, url: str, words: str) -> None:
        """Say something to the person who clicked, and to nobody else, without waiting for it."""
        if not _allowed(url, self._door.settings.slack_answers):
            return
        work = asyncio.get_running_loop().create_task(_post(url, words), name="slack follow-up")
        self._running.add(work)
        work.add_done_callback(self._running.discard)


def _allowed(url: str, hosts: Sequence[str]) -> bool:
    """Only Slack's own address, over TLS: a forged one would make us call anybody."""
    try:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        return False
    return origin in hosts


async def _post(url: str, words: str) -> None:
    said = {"response_type": "ephemeral", "replace_original": False, "text": words[:3_000]}
    try:
        timeout = aiohttp.ClientTimeout(total=FOLLOW_UP_S)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.post(
                url,
                data=orjson.dumps(said),
                headers={"Content-Type": "application/json; charset=utf-8"},
                allow_redirects=False,
            ) as response,
        ):
            if response.status >= 300:
                log.warning("slack did not take the answer to a click: HTTP %d", response.status)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        log.warning("slack could not be told what came of a click: %s", type(error).__name__)


def _payload(raw: bytes) -> Mapping[str, Json]:
    """The JSON of a form's ``payload``, or the body itself; what is neither is an empty one."""
    try:
        text = raw.decode("utf-8")
        if not text.lstrip().startswith("{"):
            form = parse_qs(text, max_num_fields=10)
            text = form.get("payload", [""])[0]
        out = orjson.loads(text)
    except ValueError:
        return {}
    return out if isinstance(out, dict) else {}

"""What every handler of the HTTP door is given."""

from dataclasses import dataclass

from rulesd.ingest.decode import Decoder
from rulesd.ports.daemon import Daemon
from rulesd.ports.meter import Meter
from rulesd.web.room import Room
from rulesd.web.sessions import Sessions
from rulesd.web.settings import WebSettings
from rulesd.web.tokens import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The daemon and what stands around it, as handlers see them."""

    daemon: Daemon
    decoder: Decoder
    tokens: Tokens
    meter: Meter
    settings: WebSettings
    sessions: Sessions
    room: Room

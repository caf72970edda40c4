"""Time intervals of a route: when it may tell anybody at all.

Law: Alertmanager's. With ``active_time_intervals`` a route tells only inside one of them; inside one of its ``mute_time_intervals`` it
tells nobody. Neither is inherited by child routes. An interval is asked about an instant; nothing here reads a clock.
"""

from rulesd.core.plan import Route
from rulesd.model.instant import Instant


def muting(route: Route, now: Instant) -> tuple[str, ...]:
    """Names of the intervals that keep a route quiet now; empty: it may speak."""
    if route.active and not any(interval.covers(now) for interval in route.active):
        return tuple(interval.name for interval in route.active)
    return tuple(interval.name for interval in route.mute if interval.covers(now))

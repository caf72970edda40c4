"""Identity of alerts and episodes: stable over restarts, machines and Python versions.

Law: never the builtin ``hash()``. An alert's fingerprint is Alertmanager's: FNV-1a, 64 bit, over the sorted labels as
name 0xff value 0xff (prometheus/common model.LabelSet.Fingerprint). An episode id is a BLAKE2b digest of what opened it.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b, sha256

_OFFSET, _PRIME, _MASK = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF


def fingerprint(labels: Mapping[str, str]) -> str:
    """The 16 hex digits Alertmanager gives this label set; labels with empty values do not count."""
    value = _OFFSET
    for name in sorted(labels):
        text = labels[name]
        if text:
            key = (value & 0xFF, name, text)
            step = _STEPS.get(key)
            if step is None:
                step = _step(*key)
                if len(text) <= LONGEST:
                    if len(_STEPS) >= MOST_STEPS:
                        _STEPS.clear()
                    _STEPS[key] = step
            value = (value * step[0] + step[1]) & _MASK
    return f"{value:016x}"


MOST_STEPS = 4_096
"Steps that are remembered: most labels of most alerts are those of many others, of late."

LONGEST = 128
"Characters of a text that is worth remembering."

_STEPS: dict[tuple[int, str, str], tuple[int, int]] = {}

_POWERS = [pow(_PRIME, n, _MASK + 1) for n in range(256)]
"Of the prime, by exponent."


def _step(low: int, name: str, text: str) -> tuple[int, int]:
    """What one label does to a value that ends in the byte ``low``: multiply by the first, add the second.

    Only the last byte of a value meets the next byte of the text; what stands above it is merely multiplied.
    """
    read, end = name.encode() + b"\xff" + text.encode() + b"\xff", low
    for byte in read:
        end = ((end ^ byte) * _PRIME) & _MASK
    count = len(read)
    power = _POWERS[count] if count < 256 else pow(_PRIME, count, _MASK + 1)
    return power, (end - low * power) & _MASK


def episode_id(rule: str, key: Sequence[str], opening_event: str, at: int) -> str:
    """The id of an episode, fixed when it opens: 16 hex digits of (rule, ``by`` values, opening event, its time)."""
    text = "\x1f".join((rule, *key, opening_event, str(at)))
    return blake2b(text.encode(), digest_size=8, person=b"episode").hexdigest()


def digest64(*parts: str) -> int:
    """A signed 64-bit digest of some texts, fit for an integer column."""
    text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


def group_dedup_key(group_key: str) -> str:
    """Alertmanager's PagerDuty dedup key: the SHA-256 of the group key in hex."""
    return sha256(group_key.encode()).hexdigest()

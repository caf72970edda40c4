"""Key states on disk: what changed since the last checkpoint is appended, not written into place.

Law: after any number of checkpoints the live states are exactly the last ones given; the work of a checkpoint is in proportion
to what changed, never to what there is.

Why not a row for each key. Ten thousand changed keys out of a million lie on ten thousand pages: measured, such a checkpoint
held up the writer for 340 ms, and a restart read the million rows in more than two seconds. Appended, the same checkpoint
is one write of a megabyte.

How. Keys are spread over ``PARTS`` parts by a stable digest. A checkpoint appends to each part it touches one run: rules to
forget, then (rule, key, state). Reading a part is laying its runs over each other, oldest first. When the younger runs of a part
outweigh its oldest, the part is rewritten as one run; each checkpoint rewrites about twice as many bytes as it appends, so the
work is spread evenly and dead states never outweigh live ones for long.
"""

from collections.abc import Iterable, Iterator, Sequence
from sqlite3 import Cursor
from typing import NamedTuple, TypeAlias
from zlib import crc32

import msgspec

from rulesd.ports.store import Checkpoint, KeyRow
from rulesd.stores.checksums import Damaged, row_sum
from rulesd.stores.statements import SQL, execute_many

PARTS = 128
MOST_RUNS = 64
"A part of more runs is rewritten, however small they are."

SMALL = 16_384
"Bytes of younger runs that are never worth rewriting an even smaller oldest one."

_States: TypeAlias = dict[str, dict[bytes, bytes]]


class Run(NamedTuple):
    """What one checkpoint says about one part."""

    forget: list[str]
    "Rules of which all older states go."

    states: dict[str, tuple[list[bytes], list[bytes]]]
    "By rule: keys, and beside them their states; an empty state goes."


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Run).decode


class KeyRuns:
    """Writes checkpoints; knows how much each part holds."""

    def __init__(self) -> None:
        self._sizes: dict[int, list[int]] | None = None
        "By part the sizes of its runs, oldest first; ``None``: look at the database again."

        self._after: dict[int, list[int]] = {}

    def write(self, cursor: Cursor, checkpoint: Checkpoint) -> tuple[int, int]:
        """Append what changed and rewrite what is due, inside the caller's transaction; then ``settle``, if it was committed.

        Returns how many runs there are then and how many bytes they hold, for the checkpoint to remember.
        """
        sizes = self._sizes if self._sizes is not None else _load(cursor)
        self._sizes = None
        runs = _split(checkpoint, sizes)
        rows = [(part, row_sum(part, body), body) for part, body in runs.items()]
        execute_many(cursor, "add_runs", rows)
        appended = 0
        for part, body in runs.items():
            sizes.setdefault(part, []).append(len(body))
            appended += len(body)
        allowance = 2 * appended
        for part in _overdue(sizes):
            if allowance <= 0:
                break
            allowance -= _rewrite(cursor, part, sizes)
        self._after = sizes
        return sum(map(len, sizes.values())), sum(map(sum, sizes.values()))

    def settle(self) -> None:
        """The transaction of the last ``write`` was committed."""
        self._sizes = self._after


def lay(part: int, rows: Iterable[tuple[int, bytes]]) -> _States:
    """The live states of a part, from its runs as (checksum, bytes), oldest first.

    Raises:
        Damaged: a run is not as it was written.
    """
    live: _States = {}
    for expected, body in rows:
        if row_sum(part, body) != expected:
            raise Damaged("key states")
        try:
            run = _decode(body)
        except msgspec.MsgspecError as error:
            raise Damaged("key states") from error
        for rule in run.forget:
            live.pop(rule, None)
        for rule, (keys, states) in run.states.items():
            live.setdefault(rule, {}).update(zip(keys, states, strict=True))
    return live


def key_rows(live: _States) -> Iterator[KeyRow]:
    """The states as rows, made without ``__init__``: a restart reads a million of them."""
    for rule, states in live.items():
        for key, state in states.items():
            if state:
                row = _new(KeyRow)
                _set_rule(row, rule)
                _set_key(row, key)
                _set_state(row, state)
                yield row


_new = KeyRow.__new__
_set_rule, _set_key, _set_state = (
    KeyRow.__dict__[name].__set__ for name in ("rule", "key", "state")
)


def _split(checkpoint: Checkpoint, existing: Iterable[int]) -> dict[int, bytes]:
    """One run for each part the checkpoint touches."""
    forget = list(checkpoint.forget_rules)
    parts: dict[int, Run] = {}
    if forget:
        parts = {part: Run(forget, {}) for part in existing}
    seeds: dict[str, int] = {}
    for row in checkpoint.keys:
        seed = seeds.get(row.rule)
        if seed is None:
            seed = seeds[row.rule] = crc32(row.rule.encode())
        part = crc32(row.key, seed) % PARTS
        run = parts.get(part)
        if run is None:
            run = parts[part] = Run([], {})
        columns = run.states.get(row.rule)
        if columns is None:
            columns = run.states[row.rule] = ([], [])
        columns[0].append(row.key)
        columns[1].append(row.state)
    return {part: _encode(run) for part, run in sorted(parts.items())}


def _overdue(sizes: dict[int, list[int]]) -> Sequence[int]:
    """Parts to rewrite, those with the most to gain first."""
    gains = {part: sum(runs[1:]) for part, runs in sizes.items() if len(runs) > 1}
    due = [
        part
        for part, gain in gains.items()
        if gain > max(sizes[part][0], SMALL) or len(sizes[part]) > MOST_RUNS
    ]
    return sorted(due, key=lambda part: -gains[part])


def _rewrite(cursor: Cursor, part: int, sizes: dict[int, list[int]]) -> int:
    live = lay(part, cursor.execute(SQL["runs_of_part"], {"part": part}).fetchall())
    kept = {rule: {k: s for k, s in states.items() if s} for rule, states in live.items()}
    body = _encode(
        Run(
            [],
            {
                rule: (list(states), list(states.values()))
                for rule, states in kept.items()
                if states
            },
        )
    )
    cursor.execute(SQL["drop_runs"], {"part": part})
    execute_many(cursor, "add_runs", [(part, row_sum(part, body), body)])
    sizes[part] = [len(body)]
    return len(body)


def _load(cursor: Cursor) -> dict[int, list[int]]:
    sizes: dict[int, list[int]] = {}
    for part, size in cursor.execute(SQL["run_sizes"]).fetchall():
        sizes.setdefault(part, []).append(size)
    return sizes

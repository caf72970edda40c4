"""Key states: appended runs laid over each other are the last states given, for little work."""

import random
import sqlite3

import pytest

from rulesd.ports.store import Checkpoint, KeyRow
from rulesd.stores import keyruns
from rulesd.stores.checksums import Damaged
from rulesd.stores.keyruns import PARTS, KeyRuns, key_rows, lay
from rulesd.stores.migrations import migrate
from rulesd.stores.statements import SQL


@pytest.fixture
def cursor():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    yield connection.cursor()
    connection.close()


def checkpoint(states, forget=()):
    rows = [KeyRow(rule=rule, key=key, state=state) for (rule, key), state in states.items()]
    return Checkpoint(
        engine=b"", plan_digest="", decision_seq=0, keys=rows, forget_rules=list(forget)
    )


def stored(cursor):
    found = {}
    for part in range(PARTS):
        runs = cursor.execute(SQL["runs_of_part"], {"part": part}).fetchall()
        for row in key_rows(lay(part, runs)):
            assert (row.rule, row.key) not in found
            found[row.rule, row.key] = row.state
    return found


def runs_and_bytes(cursor):
    return cursor.execute("SELECT count(*), coalesce(sum(length(body)), 0) FROM key_run").fetchone()


@pytest.mark.parametrize("seed", range(3))
def test_any_number_of_checkpoints_is_the_last_states(cursor, seed):
    """Against a dictionary, with rules forgotten, keys deleted and back, and the writer restarted."""
    chance = random.Random(seed)
    runs, expected = KeyRuns(), {}
    for _ in range(200):
        changed = {
            (f"rule{chance.randrange(3)}", b"%d" % chance.randrange(800)): chance.choice(
                (b"", b"s" * chance.randrange(1, 300))
            )
            for _ in range(chance.choice((0, 1, 30)))
        }
        forget = [f"rule{chance.randrange(3)}"] if chance.random() < 0.04 else []
        expected = {place: s for place, s in expected.items() if place[0] not in forget}
        expected |= changed
        runs.write(cursor, checkpoint(changed, forget))
        runs.settle()
        if chance.random() < 0.1:
            runs = KeyRuns()
    assert stored(cursor) == {place: state for place, state in expected.items() if state}


def test_dead_states_do_not_outweigh_live_ones(cursor):
    runs = KeyRuns()
    for round_ in range(200):
        states = {("r", b"%d" % key): b"%03d" % round_ + b"s" * 200 for key in range(2_000)}
        if round_:
            keys = random.Random(round_).sample(range(2_000), 100)
            states = {("r", b"%d" % key): b"%03d" % round_ + b"s" * 200 for key in keys}
        runs.write(cursor, checkpoint(states))
        runs.settle()
    live = sum(len(key) + len(state) for (_, key), state in stored(cursor).items())
    count, size = runs_and_bytes(cursor)
    assert size < live * 5 + PARTS * keyruns.SMALL
    assert count <= PARTS * (keyruns.MOST_RUNS + 3)


def test_many_small_checkpoints_do_not_pile_up(cursor):
    runs = KeyRuns()
    for round_ in range(1_000):
        runs.write(cursor, checkpoint({("r", b"key"): b"%d" % round_}))
        runs.settle()
    assert stored(cursor) == {("r", b"key"): b"999"}
    count, _ = runs_and_bytes(cursor)
    assert count <= keyruns.MOST_RUNS + 2


def test_work_is_in_proportion_to_what_changed(cursor):
    """A checkpoint of 100 keys among 20,000 writes a few times the bytes of 100 keys, not of 20,000."""
    runs = KeyRuns()
    states = {("r", b"%d" % key): b"s" * 100 for key in range(20_000)}
    runs.write(cursor, checkpoint(states))
    runs.settle()
    worst = 0
    for round_ in range(250):
        before = cursor.execute("SELECT max(number) FROM key_run").fetchone()[0]
        keys = random.Random(round_).sample(range(20_000), 100)
        runs.write(cursor, checkpoint({("r", b"%d" % key): b"t" * 100 for key in keys}))
        runs.settle()
        written = cursor.execute(
            "SELECT sum(length(body)) FROM key_run WHERE number > ?", [before]
        ).fetchone()[0]
        worst = max(worst, written)
    assert worst < 20_000 * 105 / 20


def test_a_transaction_that_was_rolled_back_is_looked_up_again(cursor):
    runs = KeyRuns()
    runs.write(cursor, checkpoint({("r", b"1"): b"a"}))
    runs.settle()
    cursor.execute("BEGIN")
    runs.write(cursor, checkpoint({("r", b"%d" % n): b"b" for n in range(500)}))
    cursor.execute("ROLLBACK")
    assert len(keyruns._load(cursor)) == 1
    runs.write(cursor, checkpoint({}))
    runs.settle()
    assert runs._sizes == keyruns._load(cursor)
    for round_ in range(80):
        runs.write(cursor, checkpoint({("r", b"1"): b"c%d" % round_}, ["r"] if round_ == 5 else []))
        runs.settle()
    assert stored(cursor) == {("r", b"1"): b"c79"}


def test_damage_is_found(cursor):
    runs = KeyRuns()
    runs.write(cursor, checkpoint({("r", b"1"): b"a"}))
    part, expected, body = cursor.execute("SELECT part, body_sum, body FROM key_run").fetchone()
    assert lay(part, [(expected, body)]) == {"r": {b"1": b"a"}}
    with pytest.raises(Damaged):
        lay(part, [(expected, body[:-1] + b"z")])
    with pytest.raises(Damaged):
        lay(part + 1, [(expected, body)])
    with pytest.raises(Damaged):
        lay(part, [(keyruns.row_sum(part, b"junk"), b"junk")])

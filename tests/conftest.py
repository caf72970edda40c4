"""What every test starts from: a known environment, and real peers on request."""

import gc
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.law.own_coverage import LAYERS, Recorder, own_tests
from tests.law.tree import TESTS, modules
from tests.mosquitto import Mosquitto

# The same examples in every run, so that a change is judged by what it changed; RULESD_EXPLORE=1 draws new ones. No
# wall-clock deadline: a busy machine is no counter-example.
settings.register_profile(
    "rulesd",
    derandomize=os.environ.get("RULESD_EXPLORE") != "1",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("rulesd")

KEPT = {
    "RULESD_REQUIRE_PEERS", "RULESD_SHARED", "RULESD_FUZZ_PAIRS", "RULESD_FUZZ_SEED", "RULESD_EXPLORE",
}  # fmt: skip
"Variables of the suite itself; every other RULESD_ variable of the caller is a setting and must not reach a test."

for _name in [n for n in os.environ if n.startswith("RULESD_") and n not in KEPT]:
    del os.environ[_name]
for _name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "CREDENTIALS_DIRECTORY"):
    os.environ.pop(_name, None)


RECORDER = pytest.StashKey[Recorder]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """When all tests of the engine run anyway, note what each reaches; the test that asks for it comes last."""
    asking = [i for i in items if i.path == TESTS / "law" / "test_own_coverage.py"]
    items[:] = [i for i in items if i not in set(asking)] + asking
    chosen = modules(*LAYERS)
    whole = not config.option.keyword and not config.option.markexpr
    if asking and whole and own_tests(chosen) <= {i.path for i in items}:
        config.stash[RECORDER] = Recorder(chosen)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Under the recorder, when there is one and the test is of the engine."""
    recorder = item.config.stash.get(RECORDER, None)
    if recorder is None or item.path.relative_to(TESTS).parts[0] not in LAYERS:
        return (yield)
    with recorder.during(item.path):
        return (yield)


@pytest.fixture
def recorder(request: pytest.FixtureRequest) -> Recorder | None:
    """What the tests of the engine reached in this session, if all of them ran."""
    return request.config.stash.get(RECORDER, None)


@pytest.fixture(autouse=True)
def the_process_is_left_as_it_was() -> Iterator[None]:
    """Commands and daemons that run in this process set it up for themselves alone; here other tests come after them."""
    root = logging.getLogger()
    level, interval = root.level, sys.getswitchinterval()
    yield
    root.setLevel(level)
    sys.setswitchinterval(interval)
    gc.unfreeze()
    gc.enable()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A fresh broker with persistent sessions; ``mosquitto.url`` says where."""
    with Mosquitto(tmp_path) as broker:
        yield broker

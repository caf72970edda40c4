from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.contracts.source import STORIES, Bench, Open, Story, play
from tests.sources.bench import mqtt_bench


@asynccontextmanager
async def mqtt() -> AsyncIterator[Bench]:
    async with mqtt_bench() as bench:
        yield bench


SOURCES: dict[str, Open] = {"mqtt": mqtt}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_source(source: str, story: Story) -> None:
    play(SOURCES[source], story)

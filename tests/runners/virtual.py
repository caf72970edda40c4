"""Time that moves only when a test says so: ``now`` and ``sleep`` for runners."""

import asyncio
from heapq import heappop, heappush


class Virtual:
    """A clock in milliseconds; ``advance`` wakes sleepers in order."""

    def __init__(self, at: int = 1_000_000) -> None:
        self.at = at
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> int:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (self.at + round(seconds * 1_000), self._count, future))
        await future

    async def advance(self, ms: int) -> None:
        """Move on, letting everything that is due happen on the way."""
        end = self.at + ms
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, future = heappop(self._sleepers)
            if future.done():
                continue
            self.at = max(self.at, at)
            future.set_result(None)
            await settle()
        self.at = end
        await settle()


async def settle() -> None:
    """Let every task run until it waits for something."""
    for _ in range(30):
        await asyncio.sleep(0)

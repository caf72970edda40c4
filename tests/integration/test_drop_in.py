"""An existing alertmanager.yml, its templates and its alerts, first at a real Alertmanager and then at the real daemon: the same requests."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.integration.daemon import Daemon, until
from tests.integration.test_channels import stand_ins
from tests.notify.real_alertmanager import BINARY, EXTERNAL, sent_by
from tests.notify.test_alertmanager_twin import ALERTS, CONFIG, TEMPLATE, bodies

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(BINARY is None, reason="needs prometheus-alertmanager"),
]


class Waiting:
    """As much of the stand-ins as ``sent_by`` needs, from another thread."""

    def __init__(self, fakes: Any) -> None:
        self.fakes = fakes

    async def wait(self, count: int, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while len(self.fakes.received) < count:
                await asyncio.sleep(0.05)


def test_the_same_requests_for_the_same_file_and_the_same_alerts(tmp_path: Path) -> None:
    with stand_ins() as fakes:
        config = CONFIG.format(
            slack=fakes.slack_webhook, pagerduty=fakes.pagerduty, hook=fakes.webhook("w")
        )
        (tmp_path / "templates").mkdir()
        (tmp_path / "templates" / "own.tmpl").write_text(TEMPLATE)
        asyncio.run(sent_by(tmp_path, config, ALERTS, Waiting(fakes), 6))
        theirs = bodies(fakes)
        fakes.received.clear()
        files = {
            "routing.yaml": config,
            "templates/own.tmpl": TEMPLATE,
            "owners.yaml": "owners: {safety: {contact: the safety team}}\n",
        }
        settings = f"external_url: {EXTERNAL}\n"
        with Daemon(tmp_path / "own", notifiers=files, settings=settings) as daemon:
            posted = daemon.request(
                "POST",
                "/api/v2/alerts",
                orjson.dumps(ALERTS),
                {"Content-Type": "application/json"},
            )
            assert posted.status == 200
            until(lambda: len(fakes.received) >= 6, what=daemon.log()[-2_000:])
        ours = bodies(fakes)
    assert set(ours) == set(theirs)
    for key, said in theirs.items():
        assert ours[key] == said, key

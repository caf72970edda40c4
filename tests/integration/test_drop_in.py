"""An existing alertmanager.yml, its templates and its alerts, first at a real Alertmanager and then at the real daemon: the same requests."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.integration.daemon import Daemon, until
from tests.integration.test_channels import stand_ins
from tests.notify.real_alertmanager import BINARY, EXTERNAL, sent_by
from tests.notify.test_alertmanager_twin import ALERTS, CONFIG, OVER, TEMPLATE, bodies

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(BINARY is None, reason="needs prometheus-alertmanager"),
]


BATCHES = ((ALERTS, 6), (OVER, 5))
"What is posted, and how many requests follow: one of the Slack receivers tells no ends."


def taken(fakes: Any, count: int) -> dict[str, Any]:
    """The next requests, by what tells them apart."""
    until(lambda: len(fakes.received) >= count, 20)
    said = bodies(fakes)
    fakes.received.clear()
    return said


def test_the_same_requests_for_the_same_file_and_the_same_alerts(tmp_path: Path) -> None:
    with stand_ins() as fakes:
        config = CONFIG.format(
            slack=fakes.slack_webhook, pagerduty=fakes.pagerduty, hook=fakes.webhook("w")
        )
        (tmp_path / "templates").mkdir()
        (tmp_path / "templates" / "own.tmpl").write_text(TEMPLATE)
        theirs: list[dict[str, Any]] = []

        async def note(count: int) -> None:
            theirs.append(await asyncio.to_thread(taken, fakes, count))

        posts = [(batch, partial(note, count)) for batch, count in BATCHES]
        asyncio.run(sent_by(tmp_path, config, *posts))
        files = {
            "routing.yaml": config,
            "templates/own.tmpl": TEMPLATE,
            "owners.yaml": "owners: {safety: {contact: the safety team}}\n",
        }
        settings = f"external_url: {EXTERNAL}\n"
        with Daemon(tmp_path / "own", notifiers=files, settings=settings) as daemon:
            json = {"Content-Type": "application/json"}
            for (batch, count), wanted in zip(BATCHES, theirs, strict=True):
                posted = daemon.request("POST", "/api/v2/alerts", orjson.dumps(batch), json)
                assert posted.status == 200
                ours = taken(fakes, count)
                assert set(ours) == set(wanted)
                for key, said in wanted.items():
                    assert ours[key] == said, key

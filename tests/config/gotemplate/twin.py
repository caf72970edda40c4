"""The real thing beside ours: ``amtool template render`` runs a template exactly as Alertmanager does."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

AMTOOL = shutil.which("amtool")
DATA: dict[str, Any] = {
    "receiver": "team/X & co",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "Down", "job": "api", "instance": "a:1", "severity": "page"},
            "annotations": {"summary": "it <b>is</b> down & out", "description": "two\nlines"},
            "startsAt": "2026-01-05T09:00:11.250Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
            "fingerprint": "aa",
        },
        {
            "status": "resolved",
            "labels": {"alertname": "Down", "job": "api", "instance": "b:1", "severity": "page"},
            "annotations": {"summary": "b"},
            "startsAt": "2026-01-05T08:00:11Z",
            "endsAt": "2026-01-05T09:13:14Z",
            "generatorURL": "",
            "fingerprint": "bb",
        },
    ],
    "groupLabels": {"alertname": "Down", "job": "api"},
    "commonLabels": {"alertname": "Down", "job": "api", "severity": "page"},
    "commonAnnotations": {},
    "externalURL": "https://am.example:9093",
    "version": "4",
    "groupKey": "{}:{}",
    "truncatedAlerts": 0,
}
RESOLVED = {
    **DATA,
    "status": "resolved",
    "alerts": DATA["alerts"][1:],
    "groupLabels": {},
    "commonLabels": DATA["alerts"][1]["labels"],
    "commonAnnotations": {"summary": "b"},
}


def real(folder: Path, text: str, data: Any, files: str = "", html: bool = False) -> str | None:
    """What Alertmanager gives; ``None`` when it refuses."""
    assert AMTOOL is not None
    given, own = folder / "data.json", folder / "own.tmpl"
    given.write_text(json.dumps(data))
    own.write_text(files)
    done = subprocess.run(
        [
            *(AMTOOL, "template", "render", f"--template.glob={own}"),
            f"--template.data={given}",
            f"--template.type={'html' if html else 'text'}",
            f"--template.text={text}",
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
    )
    if done.returncode:
        return None
    return done.stdout.removesuffix("\n")

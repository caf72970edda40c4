"""kill -9 at random moments, the long run: >= 200 kills over >= 200,000 events, through HTTP and through MQTT QoS 1.

Run ``make proof NAME=kill`` (``ARGS="--kills 1000 --events 1000000"``; ``--http`` or ``--mqtt`` alone). Exit 1 when a promise broke.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.integration.killing import Report, Trial, describe


def main() -> int:
    """Run and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--http", action="store_true", help="HTTP alone")
    parser.add_argument("--mqtt", action="store_true", help="MQTT alone")
    args = parser.parse_args()
    both = args.http == args.mqtt
    bad = 0
    for name, wanted in (("HTTP", args.http or both), ("MQTT QoS 1", args.mqtt or both)):
        if not wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name}: {args.kills} kills over {args.events} events", flush=True)
            run = http if name == "HTTP" else mqtt
            report = run(Path(folder), args)
            print(report.text(), flush=True)
            print(
                "every promise held" if report.clean else f"BROKEN: {describe(report)}", flush=True
            )
            bad += not report.clean
    return 1 if bad else 0


def http(folder: Path, args: argparse.Namespace) -> Report:
    """Three producers post batches of 1 to 120 events."""
    trial = Trial(folder, seed=args.seed)
    return trial.run(
        kills=args.kills, events=args.events, share=0.01, progress=_tell, patience=3600
    )


def mqtt(folder: Path, args: argparse.Namespace) -> Report:
    """Three producers publish over a real mosquitto."""
    from tests.integration.killing_mqtt import MqttTrial

    with MqttTrial(folder, seed=args.seed) as trial:
        return trial.run(
            kills=args.kills, events=args.events, share=0.01, progress=_tell, patience=3600
        )


def _tell(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

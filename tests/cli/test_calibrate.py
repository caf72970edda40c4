import json
from pathlib import Path

from rulesd.model.instant import format_instant
from tests.cli.conftest import Run
from tests.cli.files import RULE, make
from tests.runners.traffic import World

BURST = (
    RULE.split("tests:")[0]
    .replace("detect: never", "detect: {burst: {count: 6, within: 5m}}  # six")
    .replace('"out"', '"shell"')
    .replace("data.scope", "data.tool")
)


def prepared(folder: Path, world: World) -> tuple[Path, tuple[object, ...]]:
    rules, notifiers = make(folder, BURST)
    lines = [
        {
            "specversion": "1.0",
            "id": e.id,
            "source": e.source,
            "type": e.type,
            "time": format_instant(at),
            "tenant": e.tenant,
            "data": e.document["data"],
        }
        for e, at in world.events(2, 1)
    ]
    path = folder / "e.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path, ("--rules", rules, "--notifiers", notifiers)


def test_a_proposal_is_written_into_the_file_on_request(run: Run, tmp_path: Path) -> None:
    path, flags = prepared(tmp_path, World())
    file = tmp_path / "rules" / "tool" / "scope.yaml"
    said = run(
        "calibrate", "tool.scope", path, *flags, "--budget", "1 page/week", "--format", "json"
    )
    assert said.code == 0
    proposed = next(o["value"] for o in said.json["options"] if o["label"] == "proposed")
    assert file.read_text() == BURST
    written = run("calibrate", file, path, *flags[2:], "--budget", "1", "--write")
    assert f"count is {proposed:.0f} now" in written.out
    assert file.read_text() == BURST.replace("count: 6", f"count: {proposed:.0f}")


def test_what_is_refused_is_not_written(run: Run, tmp_path: Path) -> None:
    path, flags = prepared(tmp_path, World(clump=3.0))
    said = run("calibrate", "tool.scope", path, *flags, "--write")
    assert said.code == 1
    assert "refused: dispersion" in said.out
    assert "nothing is written: no threshold is proposed" in said.out
    assert (tmp_path / "rules" / "tool" / "scope.yaml").read_text() == BURST


def test_wrong_usage(run: Run, tmp_path: Path) -> None:
    path, flags = prepared(tmp_path, World(per_hour=(0.1,)))
    assert run("calibrate", "tool.none", path, *flags).code == 2
    assert run("calibrate", "tool.scope", path, *flags, "--budget", "0").code == 2
    assert run("calibrate", "tool.scope", path, *flags).code == 1


def test_a_rule_that_is_not_there_is_answered_with_the_nearest(run: Run, tmp_path: Path) -> None:
    path, flags = prepared(tmp_path, World())
    said = run("calibrate", "tools.scope", path, *flags)
    assert said.code == 2
    assert 'Did you mean "tool.scope"?' in " ".join(said.err.replace("│", " ").split())

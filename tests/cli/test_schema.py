import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize("name", ["rule", "receivers", "owners", "switches", "hooks", "event"])
def test_a_schema_is_a_schema(run: Run, name: str) -> None:
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(run("schema", name).json)


def test_an_unknown_one_is_wrong_usage(run: Run) -> None:
    assert run("schema", "nothing").code == 2

import pytest

from tests.config.testing import loaded, rule


@pytest.mark.parametrize(
    ("summary", "codes"),
    [
        ("plain words", []),
        ("{{ labels.tool }} of {{ labels.tenant }} {{ alert.value }}", []),
        ("{% if labels.tool %}x{% endif %}", []),
        ("{{ labels.user }}", ["unknown_label"]),
        ("{{ data.tool }}", ["unknown_label"]),
        ("{% if x %}", ["invalid_template"]),
    ],
)
def test_summaries(summary: str, codes: list[str]) -> None:
    result = loaded({"rules/tool/mistake.yaml": rule(summary=f"'{summary}'", by="[tool]")})
    assert [p.code for p in result.problems] == codes

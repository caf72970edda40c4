import pytest

from rulesd.core.backoff import wait
from rulesd.model.instant import DAY, HOUR


@pytest.mark.parametrize(
    ("repeats", "most", "hours"),
    [(0, DAY, 4), (1, DAY, 8), (2, DAY, 16), (3, DAY, 24), (500, DAY, 24), (3, 0, 4), (3, HOUR, 4)],
)
def test_each_reminder_in_vain_doubles_the_wait_up_to_the_limit(
    repeats: int, most: int, hours: int
) -> None:
    assert wait(4 * HOUR, repeats, most) == hours * HOUR

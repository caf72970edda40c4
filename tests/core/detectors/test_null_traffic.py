from tests.proofs.null_traffic import WEEK, fired, shares, shift


def test_a_shift_rule_gives_about_the_false_pages_it_was_allowed() -> None:
    found = fired(shift(budget=4.0), shares(4, 1), WEEK)
    assert 3 <= found <= 24  # 12 allowed; the long version tells more

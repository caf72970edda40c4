from rulesd.core.throttle import OwnerPages


def test_ten_pages_go_out_and_the_eleventh_is_folded() -> None:
    pages = OwnerPages()
    assert all(pages.admit(at) for at in range(10))
    assert not pages.admit(10)
    assert (pages.folded, pages.started) == (1, 10)
    assert not pages.admit(11)
    assert pages.folded == 2


def test_when_the_window_has_passed_pages_go_out_again() -> None:
    pages = OwnerPages(limit=1, window=1_000)
    assert pages.admit(0)
    assert not pages.admit(999)
    assert pages.admit(2_500)
    assert pages.folded == 0


def test_a_long_storm_is_remembered_in_bounded_memory() -> None:
    pages = OwnerPages(limit=2, window=10**9)
    for at in range(1_000):
        pages.admit(at)
    assert pages.folded == 998
    assert len(str(pages.dump())) < 400


def test_it_is_written_and_read_back() -> None:
    pages = OwnerPages(limit=1)
    pages.admit(0)
    pages.admit(1)
    pages.refresh, pages.latest = 10, ("g", "r")
    again = OwnerPages(limit=1)
    again.load(pages.dump())
    assert again.dump() == pages.dump()
    pages.refresh = None
    again.load(pages.dump())
    assert again.refresh is None

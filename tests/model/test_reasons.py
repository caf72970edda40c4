from rulesd.model import reasons


def test_every_word_is_a_label_and_says_one_thing() -> None:
    words = [str(m) for m in reasons.Reason]
    assert len(words) == len(set(words))
    assert all(w == w.lower() and w.replace("_", "").isalpha() for w in words)
    assert {str(o) for o in reasons.Outcome} == {"matched", "unmatched", "duplicate", "rejected"}

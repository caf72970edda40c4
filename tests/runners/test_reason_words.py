from rulesd.model.reasons import Reason
from rulesd.runners.reason_words import in_words


def test_a_reason_is_told_in_a_sentence_and_an_unknown_one_by_its_word() -> None:
    assert in_words("must_never_happen") == "it must never happen: paged at once"
    assert in_words(str(Reason.KEY_LIMIT)) == "key limit"
    assert in_words("of_a_later_version") == "of a later version"

from rulesd.config.document import Document, Node, at_pointer


def test_a_pointer_is_a_path() -> None:
    assert at_pointer("") == ()
    assert at_pointer("/and/0/===/1") == ("and", 0, "===", 1)
    assert at_pointer("/a~1b/c~0d") == ("a/b", "c~d")


def test_what_is_not_there_is_shown_at_the_nearest_thing_around_it() -> None:
    inner = Node(place=(2, 3), data=1)
    root = Node(place=(1, 1), data={"a": 1}, fields={"a": ((2, 1), inner)})
    document = Document(name="x", shown="x", root=root, text="")
    assert document.place(("a", "b")) == (2, 3)
    assert document.place(("a", "b"), key=True) == (2, 1)
    assert document.place(("c",)) == (1, 1)
    assert document.node(("a",)) is inner
    assert document.node(("a", 0)) is None

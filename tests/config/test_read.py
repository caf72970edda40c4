from rulesd.config.document import MAX_BYTES
from rulesd.config.problems import Code, Problems
from rulesd.config.read import read, text_of


def one(name: str, raw: bytes) -> tuple[int, int, str, str]:
    problems = Problems()
    assert read(name, raw, name, problems) is None
    (found,) = problems.sorted()
    return found.line, found.column, found.code, found.problem


def test_bytes_that_are_not_utf8_are_shown_where_they_stand() -> None:
    assert one("a.yaml", "title: ä\nowner: ".encode() + b"\xff\xfe x") == (
        2,
        8,
        Code.UTF8,
        "byte 0xff is not UTF-8",
    )


def test_a_huge_file_is_refused_before_it_is_parsed() -> None:
    assert one("a.yaml", b"a" * (MAX_BYTES + 1))[2] == Code.TOO_LARGE


def test_empty_files() -> None:
    for name, raw in [
        ("a.yaml", b""),
        ("a.yaml", b"\n# x\n"),
        ("a.yaml", b"~"),
        ("a.json", b" "),
        ("a.toml", b"\n"),
    ]:
        assert one(name, raw)[2] == Code.EMPTY


def test_a_file_that_is_no_mapping() -> None:
    assert one("a.yaml", b"- 1")[2:] == (Code.NOT_A_MAPPING, "the file is a list")
    assert one("a.json", b"5")[2:] == (Code.NOT_A_MAPPING, "the file is a single value")


def test_line_ends_and_byte_order_mark_do_not_matter() -> None:
    problems = Problems()
    document = read("a.yaml", b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "a.yaml", problems)
    assert document is not None
    assert document.data == {"a": 1, "b": 2}
    assert document.place(("b",)) == (2, 4)
    assert text_of(b"a\rb\r\nc", "x", problems) == "a\nb\nc"


def test_the_same_rule_in_three_languages_is_the_same_data() -> None:
    yaml = b'id: a.b\nby: [tenant, tool]\nwhen: {"===": [{var: "data.scope"}, out]}\nmax_keys: 5\n'
    json = b'{"id": "a.b", "by": ["tenant", "tool"], "when": {"===": [{"var": "data.scope"}, "out"]}, "max_keys": 5}'
    toml = b'id = "a.b"\nby = ["tenant", "tool"]\nmax_keys = 5\n[when]\n"===" = [{var = "data.scope"}, "out"]\n'
    problems = Problems()
    found = [
        read(n, r, n, problems) for n, r in (("a.yaml", yaml), ("a.json", json), ("a.toml", toml))
    ]
    first, second, third = [d.data if d is not None else None for d in found]
    assert problems.sorted() == ()
    assert first == second == third


def test_reading_twice_gives_the_same_problems() -> None:
    assert one("a.yaml", b"a: 1\na: 2\n") == one("a.yaml", b"a: 1\na: 2\n")

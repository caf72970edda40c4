"""Random Go templates that mostly work, for holding two engines to each other."""

import random

_TEXTS = (
    ".Status", ".Receiver", ".CommonLabels.job", ".CommonLabels.nope", '"a b"', "`x<y`", '"é☃"', '""',
    "(index .Alerts 0).Labels.instance", "(index .Alerts 1).Annotations.summary",
)  # fmt: skip
_PATTERNS = ("`[a-c]`", "`(.)(.)`", "`x*`", "`^|$`", "`(?P<n>[a-z]+)`")
_INSTEAD = ("`<$1>`", "`-`", "`${n}!`", "`$$`", "`$0`")


class Grammar:
    """The same seed makes the same templates."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)

    def text(self, depth: int) -> str:
        """Something that gives a text."""
        one = lambda: self.text(depth - 1)  # noqa: E731
        if depth <= 0 or self.r.random() < 0.35:
            return self.r.choice(_TEXTS)
        return self.r.choice(
            [
                lambda: f"(toUpper {one()})",
                lambda: f"(title {one()})",
                lambda: f'(printf "%s-%q|%5s|%-4s.%.2s" {one()} {one()} {one()} {one()} {one()})',
                lambda: f"(join {one()} {self.many(depth - 1)})",
                lambda: (
                    f"(reReplaceAll {self.r.choice(_PATTERNS)} {self.r.choice(_INSTEAD)} {one()})"
                ),
                lambda: f"({self.r.choice(('urlquery', 'html', 'js', 'toLower'))} {one()})",
                lambda: f"(print {self.value(depth - 1)} {self.value(depth - 1)})",
                lambda: f"({self.r.choice(('or', 'and'))} {one()} {one()})",
            ]
        )()

    def number(self, depth: int) -> str:
        """Something that gives a whole number."""
        plain = ("0", "1", "42", "-7", "1000000", "(len .Alerts)")
        if depth <= 0 or self.r.random() < 0.5:
            return self.r.choice(plain)
        return f"(len {self.r.choice((self.text, self.many))(depth - 1)})"

    def truth(self, depth: int) -> str:
        """Something that gives true or false."""
        if depth <= 0:
            return self.r.choice(("true", "false"))
        one, number = self.text(depth - 1), self.number(depth - 1)
        return self.r.choice(
            (
                f"(eq {one} {self.text(depth - 1)})",
                f"({self.r.choice(('lt', 'ne', 'ge'))} {number} {self.number(depth - 1)})",
                f"(not {self.value(depth - 1)})",
                f"(match {self.r.choice(_PATTERNS)} {one})",
                f"(and {self.truth(depth - 1)} {self.truth(depth - 1)})",
            )
        )

    def many(self, depth: int) -> str:
        """Something that gives a list of texts."""
        return self.r.choice(
            (
                ".CommonLabels.Names",
                ".CommonLabels.SortedPairs.Values",
                f"(stringSlice {self.text(depth - 1)} {self.text(depth - 1)})",
                "(.CommonLabels.Remove .GroupLabels.Names).Values",
            )
        )

    def value(self, depth: int) -> str:
        """Anything."""
        floats = ("1.5", "0.1", "1e9", "123456.789", "1e-7", "-2.0", "99999.0")
        makers = (self.text, self.number, self.truth, self.many)
        plain = (".CommonLabels", ".CommonLabels.SortedPairs", self.r.choice(floats))
        return self.r.choice((*(make(depth) for make in makers), *plain))

    def template(self, depth: int = 3) -> str:
        """A piece of a template."""
        space = self.r.choice(("", " ", "\n", "  x ", "."))
        if depth <= 0 or self.r.random() < 0.4:
            return space + self._action(self.value(2)) + space
        inner = lambda: self.template(depth - 1)  # noqa: E731
        block = self.r.choice(("if", "with", "range", "set", "pipe"))
        if block == "set":
            return self._action(f"$x := {self.value(2)}") + self._action("$x") + inner()
        if block == "pipe":
            return self._action(f'{self.text(1)} | printf "%v:%s" {self.value(1)} | toLower')
        over = self.value(1)
        if block == "range":
            over = self.r.choice((".Alerts", "$i, $a := .Alerts", "$k, $v := .CommonLabels"))
        body = inner() if block == "if" else self._action("$.Status") + space
        return (
            self._action(f"{block} {over}")
            + body
            + self._action("else")
            + inner()
            + self._action("end")
        )

    def _action(self, inside: str) -> str:
        before = self.r.choice(("", "", "- "))
        return f"{{{{{before}{inside}{self.r.choice(('', '', ' -'))}}}}}"

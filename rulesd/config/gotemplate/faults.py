"""What can be wrong with a Go template.

Law: the text is for whoever wrote the template: what is wrong, and where. It never repeats a value of an alert.
"""


class Fault(Exception):
    """A template cannot be read or run."""

    def __init__(self, said: str, line: int = 0, name: str = "", hint: str = "") -> None:
        """``line``: in the template's own text, from 1; 0 where there is none."""
        super().__init__(said)
        self.said, self.line, self.name, self.hint = said, line, name, hint

    def __str__(self) -> str:
        """``line 3: there is no function "foo"``."""
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.said}"

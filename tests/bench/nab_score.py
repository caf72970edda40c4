"""NAB's scoring rule (numenta/NAB v1.1, Lavin and Ahmad 2015), written from its description.

A detection inside a labelled window earns most at the window's start and nothing at its end; only the best one of a window counts. A window without one costs
``fn``. A detection outside costs ``fp``, less just after a window. The first 15 % of a file (at most 750 rows) count nothing. 0 is a detector that says
nothing, 100 one that finds every window at its first row and says nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, floor

PROFILES = {"standard": (0.11, 1.0), "reward_low_FP": (0.22, 1.0), "reward_low_FN": (0.11, 2.0)}
"Cost of a false detection and of a missed window, by profile; a find is worth 1."


def sigmoid(y: float) -> float:
    """From near 1 (y = -1) through 0 (y = 0) to -1; beyond 3 it is -1."""
    return 2.0 / (1.0 + exp(5.0 * y)) - 1.0 if y <= 3.0 else -1.0


_BEST = sigmoid(-1.0)


@dataclass(frozen=True, slots=True)
class Labelled:
    """One file: its number of rows and the labelled windows as first and last row."""

    rows: int
    windows: tuple[tuple[int, int], ...]

    @property
    def probation(self) -> int:
        """The first row that counts."""
        return floor(min(0.15 * self.rows, 750.0))

    def backwards(self) -> "Labelled":
        """The same file read from its end."""
        last = self.rows - 1
        return Labelled(self.rows, tuple((last - b, last - a) for a, b in reversed(self.windows)))


def raw(file: Labelled, detections: Iterable[int], fp: float, fn: float) -> float:
    """The score of the rows at which a detector spoke."""
    best: dict[int, float] = {}
    out = 0.0
    for row in detections:
        if row < file.probation:
            continue
        inside = next((w for w, (a, b) in enumerate(file.windows) if a <= row <= b), None)
        if inside is not None:
            first, last = file.windows[inside]
            worth = sigmoid(-(last - row + 1) / (last - first + 1)) / _BEST
            best[inside] = max(best.get(inside, -fn), worth)
            continue
        before = [w for w in file.windows if w[1] < row]
        if before:
            first, last = before[-1]
            out += fp * sigmoid((row - last) / (last - first))
        else:
            out -= fp
    seen = [w for w, (_, last) in enumerate(file.windows) if last >= file.probation]
    return out + sum(best.get(w, -fn) for w in seen)


def normalised(total: float, windows: int, fn: float) -> float:
    """A sum of raw scores over files with so many windows, as 0 to 100."""
    return 100.0 * (total + fn * windows) / (windows + fn * windows)


def score(
    files: Sequence[tuple[Labelled, Sequence[int]]], profile: str
) -> tuple[float, int, int, int]:
    """(score, windows found, windows, false detections) of a detector over files."""
    fp, fn = PROFILES[profile]
    windows = sum(len(file.windows) for file, _ in files)
    total = sum(raw(file, said, fp, fn) for file, said in files)
    found = false = 0
    for file, said in files:
        counted = [row for row in said if row >= file.probation]
        hit = {w for row in counted for w, (a, b) in enumerate(file.windows) if a <= row <= b}
        found += len(hit)
        false += sum(not any(a <= row <= b for a, b in file.windows) for row in counted)
    return normalised(total, windows, fn), found, windows, false

"""What a lesson is made of: blocks of words and numbers, without a word on how they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from attnexplain.arithmetic import Array

READABLE = 30
"""The longest side of a grid of numbers that a reader can take in; beyond it a grid becomes a picture."""

WIDE = 48
"""The most columns of numbers; a wider grid becomes a picture too."""

WRITTEN_OUT = 8
"""How many terms of a long sum are written out before the rest is put together."""

ROWS_ASK = "rows ask, columns answer"


@dataclass(frozen=True)
class View:
    """What the reader chose to look at."""

    query: int
    """The row that is worked out by hand."""
    key: int
    """The column that is worked out by hand."""
    digits: int = 2
    """Digits after the point."""
    whole_row: bool = False
    """Work out the whole row of the query, not one score alone."""


@dataclass(frozen=True)
class Prose:
    """A paragraph. It stays out of a brief lesson, unless it is a note on what was done to the input."""

    text: str
    is_note: bool = False


@dataclass(frozen=True)
class Formula:
    """Lines of a formula, each with the same line in the shapes of this sentence."""

    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Equation:
    """Something worked out: the symbols, the numbers put in, the result, each on a line after a sign of equality."""

    left: str
    right: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Column:
    """A column beside a grid that does not belong to the matrix."""

    heading: str
    numbers: Sequence[float]


@dataclass(frozen=True, eq=False)
class Grid:
    """A matrix with names on its rows and columns."""

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    numbers: Array  # [rows, columns]
    colours: Literal["signed", "share", "none"] = "signed"
    """Signed numbers are coloured around zero, shares from zero up."""
    note: str = ""
    """How to read it, beside the title."""
    mark: tuple[int, int] | None = None
    """The cell that is worked out by hand."""
    before: Column | None = None
    after: Column | None = None
    footer: tuple[str, Sequence[float | None]] | None = None
    """A last row under the grid, such as the sums of its columns."""

    @property
    def is_large(self) -> bool:
        """Whether it has too many numbers to read, and becomes a picture."""
        return len(self.rows) > READABLE or len(self.columns) > WIDE


@dataclass(frozen=True)
class Links:
    """For each word the few that it is linked to most."""

    title: str
    rows: Sequence[tuple[str, Sequence[tuple[str, float]]]]


@dataclass(frozen=True)
class Company:
    """For each word the words it is near to before attention and after, and how nearly it stayed where it was."""

    title: str
    rows: Sequence[tuple[str, float, Sequence[str], Sequence[str]]]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two grids to be compared, side by side where the page is wide enough."""

    left: Grid
    right: Grid


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A small picture of a matrix of shares, with a word and a number below it."""

    picture: Array  # [n, n]
    word: str
    number: float


@dataclass(frozen=True, eq=False)
class Gallery:
    """Small pictures in rows and columns that are counted from 0."""

    row_name: str
    column_name: str
    rows: Sequence[Sequence[Thumbnail]]


@dataclass(frozen=True)
class Table:
    """Rows of words and shares. A cell that is a number is a share, and coloured as one."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str | float]]


@dataclass(frozen=True)
class Command:
    """A command for the reader to type next."""

    text: str


Block = Prose | Formula | Equation | Grid | Links | Company | Pair | Gallery | Table | Command


@dataclass(frozen=True)
class Step:
    """One of the four steps; or another piece of a lesson, with the number 0."""

    number: int
    title: str
    blocks: tuple[Block, ...]

    @property
    def heading(self) -> str:
        """What stands above it."""
        return f"Step {self.number}: {self.title}" if self.number else self.title


@dataclass(frozen=True)
class Lesson:
    """A sentence, and the steps that explain it."""

    sentence: str
    notes: tuple[Prose, ...]
    steps: tuple[Step, ...]

    def parts(self) -> list[Lesson]:
        """Cut it before each step but the first, for a reader who wants to pause there."""
        first = Lesson(self.sentence, self.notes, self.steps[:1])
        return [first, *(Lesson("", (), (step,)) for step in self.steps[1:])]


def places(count: int) -> tuple[str, ...]:
    """Name the places of a vector: 1, 2, 3 and so on."""
    return tuple(str(place + 1) for place in range(count))

"""What a lesson is made of: blocks of words and numbers, without a word on how they are drawn.

A block says in its fields what a renderer must know: which matrix a grid is, how strongly its cells are coloured, which
number stands where in an equation. No renderer reads meaning out of a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from attnexplain.arithmetic import FEWEST, digits_of, strongest_of_tiles
from attnexplain.facts import WIDE

if TYPE_CHECKING:
    from attnexplain.arithmetic import Array

READABLE = 30
"""The longest side of a grid of numbers that a reader can take in; beyond it a grid becomes a picture."""

WRITTEN_OUT = 8
"""How many terms of a long sum are written out before the rest is put together."""

Role = Literal[
    "embeddings", "w_q", "w_k", "w_v", "queries", "keys", "values", "scores", "scaled_scores", "weights", "context",
    "bias", "stages", "worked", "other",
]  # fmt: skip
"""Which matrix a grid is; "worked" is an arithmetic on paper, "stages" a vector on its way."""
Colours = Literal["signed", "share", "none"]
"""Signed numbers are coloured around zero, shares from zero up."""


Vectors = Literal["queries", "keys", "values"]
"""What step 1 makes of each word."""


class Place(NamedTuple):
    """One place of a vector."""

    number: int
    """Counted from 0."""
    vectors: Vectors = "queries"


class View(NamedTuple):
    """What the reader chose to look at."""

    query: int
    """The row that is worked out by hand."""
    key: int
    """The column that is worked out by hand."""
    digits: int = 2
    """Digits after the point."""
    full: bool = False
    """Whether every matrix and every number is shown."""
    is_asked: bool = False
    """Whether the reader named the query or the key."""
    place: int = 0
    """The place of a vector that is worked out by hand in the steps 1 and 4."""
    vectors: Vectors = "queries"
    """The vectors of which step 1 works one number out: of the word that asks, or of the one that answers."""

    @property
    def fine(self) -> int:
        """Digits of shares, divisors and cosines: never fewer than two."""
        return max(self.digits, FEWEST)


class Number(NamedTuple):
    """A number in an equation, with the digits that it is printed with; None for a whole number."""

    value: Decimal
    digits: int | None


BLANK = "______"
"""What stands where a number is left out, for the reader to write."""

Entry = str | int | float | Number
"""A cell of a table."""
Term = str | Number
"""A piece of an equation: a symbol, a sign or a number."""


class Prose(NamedTuple):
    """A paragraph. It stays out of a brief lesson, unless it is a note on what was done to the input."""

    text: str
    is_note: bool = False
    id: str = "says"
    """What it is for, the same for every sentence."""
    is_on_screen_only: bool = False
    """Whether it speaks of what can be typed next, which no page has a place for."""


class Symbol(NamedTuple):
    """A letter of a formula, with what stands low and high beside it: W_q, Kᵀ, √d_k."""

    base: str
    low: str = ""
    is_transposed: bool = False
    is_under_root: bool = False


class FormulaLine(NamedTuple):
    """One formula, and the same in the shapes of this sentence."""

    parts: tuple[str | Symbol, ...]
    shapes: str = ""


class Formula(NamedTuple):
    """Formulas, one a line."""

    lines: tuple[FormulaLine, ...]
    id: str = "formula"


class EquationLine(NamedTuple):
    """What an equation goes on with: "=" or "≈", and its terms."""

    sign: str
    terms: tuple[Term, ...]


class Equation(NamedTuple):
    """Something worked out: the symbols, the numbers put in, the result, each on a line after its sign."""

    left: str
    lines: tuple[EquationLine, ...]
    note: str = ""
    """What the table has, where that is another number."""
    id: str = "equation"


class Column(NamedTuple):
    """A column beside a grid that does not belong to the matrix."""

    heading: str
    numbers: Sequence[float]
    is_total: bool = False
    """Whether it is the sum of each row, which a picture does without."""


class Cell(NamedTuple):
    """One cell of a grid as it is laid out: a number or nothing, and how strongly it is coloured."""

    number: float | None
    digits: int | None = None
    """Those of the page unless given."""
    strength: float | None = None
    """From -1 to 1, or from 0 to 1 for shares; None for a cell without a colour."""
    is_marked: bool = False
    is_share: bool = False
    """Whether it is a share of attention, or a sum of shares."""
    is_blank: bool = False
    """Whether its number is left out, for the reader to write."""


class LaidColumn(NamedTuple):
    """A column of a grid as it is laid out, with its heading and its footer."""

    heading: str
    cells: tuple[Cell, ...]
    footer: Cell | None
    place: Literal["before", "matrix", "after"]


@dataclass(frozen=True, eq=False)
class Grid:
    """A matrix with names on its rows and columns."""

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    numbers: Array  # [rows, columns]
    colours: Colours = "signed"
    rows_ask: bool = False
    """Whether rows are queries and columns are keys."""
    mark: tuple[int, int] | None = None
    """The cell that is worked out by hand."""
    before: Column | None = None
    after: tuple[Column, ...] = ()
    footer: tuple[str, Sequence[float | None]] | None = None
    """A last row under the grid, such as the sums of its columns."""
    role: Role = "other"
    column_digits: Sequence[int | None] | None = None
    """Digits of each column, where they are not those of the page."""
    in_one_block: bool = False
    """Whether it becomes a picture where its columns do not fit the page side by side."""
    blanks: frozenset[tuple[int, int]] = frozenset()
    """Cells whose numbers are left out; the footer is the row behind the last."""
    is_followed: bool = False
    """Whether another of its kind follows, below which both are explained."""

    @property
    def id(self) -> str:
        """Its role, which stays the same between runs."""
        return self.role

    @property
    def note(self) -> str:
        """How to read it, beside the title."""
        return "rows ask, columns answer" if self.rows_ask else ""

    @property
    def is_large(self) -> bool:
        """Whether it has too many numbers to read, and becomes a picture."""
        return len(self.rows) > READABLE or len(self.columns) > WIDE

    @property
    def largest(self) -> float:
        """The largest of its numbers without their signs; 0 where it has none."""
        return float(np.abs(self.numbers[np.isfinite(self.numbers)]).max(initial=0.0))

    @cached_property
    def strengths(self) -> Array:
        """How strongly each cell is coloured, for the largest of all, (rows, columns); nan where there is no number."""
        return np.where(np.isfinite(self.numbers), self.numbers / (self.largest or 1.0), np.nan)

    def tiles(self, tall: int, wide: int) -> Array:
        """Make it smaller: of every `tall` × `wide` strengths the strongest; 0 where there is no number."""
        return strongest_of_tiles(np.nan_to_num(self.strengths), tall, wide)

    def laid_out(self) -> list[LaidColumn]:
        """Put the columns of the matrix and those beside it in order, each with its heading, cells and footer."""
        whole = self._whole
        columns = [self._matrix_column(j, heading, whole) for j, heading in enumerate(self.columns)]
        before = [] if self.before is None else [self._beside(self.before, "before")]
        return [*before, *columns, *(self._beside(column, "after") for column in self.after)]

    def _beside(self, column: Column, place: Literal["before", "after"]) -> LaidColumn:
        """Lay out a column that does not belong to the matrix."""
        is_share = self.colours == "share"
        cells = tuple(Cell(_number(number), self._whole, is_share=is_share) for number in column.numbers)
        return LaidColumn(column.heading, cells, None if self.footer is None else Cell(None), place)

    @property
    def _whole(self) -> int | None:
        """The digits of numbers that are all whole: none."""
        is_matrix = self.column_digits is None and self.colours != "share"
        beside = [np.array(column.numbers) for column in (self.before, *self.after) if column is not None]
        whole = is_matrix and not any(digits_of(numbers, 1) for numbers in (self.numbers, *beside))
        return 0 if whole else None

    def cell(self, row: int, column: int) -> Cell:
        """Lay out one cell of the matrix."""
        digits = self._whole if self.column_digits is None else self.column_digits[column]
        number, strength = float(self.numbers[row, column]), float(self.strengths[row, column])
        return Cell(_number(number), digits, _number(strength), self.mark == (row, column), self.colours == "share")

    def _matrix_column(self, j: int, heading: str, whole: int | None) -> LaidColumn:
        digits = whole if self.column_digits is None else self.column_digits[j]
        is_coloured, is_share = self.colours != "none", self.colours == "share"
        marked = self.mark[0] if self.mark and self.mark[1] == j else None
        column = zip(self.numbers[:, j].tolist(), self.strengths[:, j].tolist(), strict=True)
        cells = tuple(
            Cell(
                _number(number),
                digits,
                _number(strength) if is_coloured else None,
                i == marked,
                is_share,
                (i, j) in self.blanks,
            )
            for i, (number, strength) in enumerate(column)
        )
        footer = None
        if self.footer is not None:
            footer = Cell(self.footer[1][j], digits, is_blank=(len(self.rows), j) in self.blanks)
        return LaidColumn(heading, cells, footer, "matrix")


def _number(number: float) -> float | None:
    return None if number != number else float(number)


class Links(NamedTuple):
    """For each word the few that it is linked to most."""

    title: str
    rows: Sequence[tuple[str, Sequence[tuple[str, float]]]]
    id: str = "links"


class CompanyRow(NamedTuple):
    """The company of one word."""

    name: str
    cosine: float | None
    """How nearly it stayed where it was; None where no company is shown."""
    before: Sequence[str]
    after: Sequence[str]
    why_none: str = ""
    """Why none is shown."""


class Company(NamedTuple):
    """For each word the words it is near to before attention and after."""

    title: str
    rows: Sequence[CompanyRow]
    id: str = "company"


class Pair(NamedTuple):
    """Two grids to be compared, side by side where the page is wide enough."""

    left: Grid
    right: Grid
    id: str = "pair"


class Thumbnail(NamedTuple):
    """A small picture of a matrix of shares, with a word and a number below it."""

    picture: Array  # [n, n]
    word: str
    number: float

    def resized(self, rows: int, columns: int) -> Array:
        """Draw it larger or smaller: each place shows the largest of the shares that fall on it.

        >>> Thumbnail(np.array([[1.0, 2.0, 3.0]]), "", 0.0).resized(1, 2)
        array([[1., 3.]])
        """
        small = self.picture
        for axis, size in ((0, rows), (1, columns)):
            length = small.shape[axis]
            starts = np.arange(size) * length // size
            small = np.maximum.reduceat(small, starts, axis) if size <= length else np.take(small, starts, axis)
        return small


class Gallery(NamedTuple):
    """Small pictures in rows and columns, each of which has a number, or is a mean."""

    row_name: str
    column_name: str
    rows: Sequence[Sequence[Thumbnail]]
    row_labels: Sequence[str]
    column_labels: Sequence[str]
    windowed: frozenset[int] = frozenset()
    """Rows of heads that see through a window, counted from 0."""
    id: str = "overview"


class Table(NamedTuple):
    """Rows of words and numbers; a float is a share, and coloured as one."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Entry]]
    id: str = "table"


class Stage(NamedTuple):
    """One stage of a diagram."""

    text: str
    is_added: bool = False
    """Whether the model has it, and plain attention has not."""


class DiagramRow(NamedTuple):
    """What becomes of something on its way through one of the four steps."""

    step: int
    title: str
    """That of the step; "" on the further rows of one."""
    stages: tuple[Stage, ...]


class Diagram(NamedTuple):
    """The four steps as rows of stages that follow each other."""

    rows: tuple[DiagramRow, ...]
    note: str
    id: str = "diagram"


class Command(NamedTuple):
    """A command for the reader to type next."""

    text: str
    id: str = "command"


class Bar(NamedTuple):
    """One bar of the answer: a word (or the same word several times), and the share that each gets."""

    name: str
    share: float
    is_each: bool
    """Whether several words get this share each."""
    length: float
    """That of the bar, as a part of the longest."""


class AnswerLine(NamedTuple):
    """One of the four steps in one line."""

    step: int
    title: str
    text: str


class Answer(NamedTuple):
    """What the sentence does to one word, before any arithmetic."""

    company: tuple[tuple[str, str], ...]
    """What stands on the left ("bank" on its own), and the company; empty where the model has none."""
    because: str
    bars: tuple[Bar, ...]
    rest: str
    """What the words without a bar get together; "" where all have one."""
    lines: tuple[AnswerLine, ...]
    note: str = ""
    """What this head does, where no company shows it; or which words the model knows nothing of; "" where neither."""
    id: str = "answer"


Block = Prose | Formula | Equation | Grid | Links | Company | Pair | Gallery | Table | Diagram | Command | Answer


class Step(NamedTuple):
    """One of the four steps; or another piece of a lesson, with the number 0."""

    number: int
    title: str
    blocks: tuple[Block, ...]

    @property
    def heading(self) -> str:
        """What stands above it."""
        return f"Step {self.number}: {self.title}" if self.number else self.title

    @property
    def ids(self) -> tuple[str, ...]:
        """A name for each block that no other block of the lesson has, the same in every run: "3/weights"."""
        seen: dict[str, int] = {}
        names = []
        for block in self.blocks:
            seen[block.id] = seen.get(block.id, 0) + 1
            names.append(f"{self.number}/{block.id}" + (f"-{seen[block.id]}" if seen[block.id] > 1 else ""))
        return tuple(names)


class Lesson(NamedTuple):
    """A sentence, what it does to one word, and the steps that explain it."""

    sentence: str
    steps: tuple[Step, ...]
    notes: tuple[Prose, ...] = ()
    """At the end: which model it was, what it cannot do, what was done to the input."""
    answer: Answer | None = None
    ways_on: tuple[Command | Prose, ...] = ()
    """How to go on, where a reader can type: on the screen, and not in a page."""

    def on_paper(self) -> Lesson:
        """Leave out what speaks of commands, for a picture or a page, where nothing can be typed."""
        steps = tuple(step._replace(blocks=tuple(filter(_is_on_paper, step.blocks))) for step in self.steps)
        return self._replace(steps=steps, notes=tuple(filter(_is_on_paper, self.notes)), ways_on=())

    def parts(self) -> list[Lesson]:
        """Cut it between the answer and the steps, for a reader who wants to pause there."""
        parts = [] if self.answer is None else [Lesson(self.sentence, (), answer=self.answer)]
        for step in self.steps:
            parts.append(Lesson("" if parts else self.sentence, (step,)))
        last = parts.pop() if parts else Lesson(self.sentence, ())
        return [*parts, Lesson(last.sentence, last.steps, self.notes, last.answer, self.ways_on)]


def _is_on_paper(block: Block) -> bool:
    return not (isinstance(block, Command) or (isinstance(block, Prose) and block.is_on_screen_only))


def places(count: int) -> tuple[str, ...]:
    """Name the places of a vector: 1, 2, 3 and so on."""
    return tuple(str(place + 1) for place in range(count))

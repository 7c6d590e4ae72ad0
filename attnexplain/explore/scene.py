"""What is looked at: one cell of one matrix of a sentence, as the lesson shows it. Nothing here draws or computes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import get_args

from attnexplain.errors import WordError
from attnexplain.explanation import Explanation
from attnexplain.naming import find_token, plain
from attnexplain.steps.answer import answer
from attnexplain.steps.blocks import Answer, Block, Command, Grid, Prose, Role, Step, Vectors, View
from attnexplain.steps.choice import worked_pair
from attnexplain.steps.command import command
from attnexplain.steps.compose import COMPOSERS, of_no_known_word, options_of
from attnexplain.steps.labels import knows_no_word, names_of

DIGITS = 2
"""Unless the reader wants others."""
ANSWER = 0
"""The number of the answer, before the four steps."""
TABS: Mapping[int, str] = {ANSWER: "answer", 1: "vectors", 2: "scores", 3: "weights", 4: "context"}
FIRST: Mapping[int, Role] = {1: "queries", 2: "scores", 3: "weights", 4: "context"}
"""The matrix of a step that is shown first."""
MATRICES: frozenset[Role] = frozenset(
    {
        "embeddings", "w_q", "w_k", "w_v", "queries", "keys", "values", "scores", "bias", "scaled_scores", "weights",
        "context",
    }
)  # fmt: skip
"""Grids that can be walked in; others are arithmetic on paper."""


@dataclass(frozen=True, eq=False)
class Scene:
    """One cell of one matrix, and all that the lesson says of it."""

    trace: Explanation
    view: View
    step: int = ANSWER
    role: Role | None = None
    """The matrix that is shown; None for the first of the step."""

    @classmethod
    def of(cls, trace: Explanation, *, digits: int = DIGITS, query: str | None = None, key: str | None = None) -> Scene:
        """Begin with the answer, and the cell that the lesson works out.

        Raises:
            WordError: the query or the key is not a word of the sentence.
        """
        asked = query is not None or key is not None
        return cls(trace, View(*worked_pair(trace, query, key), digits, is_asked=asked))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The words, those that occur more than once with their positions."""
        return names_of(self.trace)

    @cached_property
    def answer(self) -> Answer:
        """What the sentence does to the asking word."""
        return answer(self.trace, self.names, self.view)

    @cached_property
    def lesson_step(self) -> Step:
        """The step as the lesson has it, with this cell worked out."""
        return COMPOSERS[self.step](self.trace, self.names, self.view)

    @cached_property
    def grids(self) -> tuple[Grid, ...]:
        """The matrices of the step, in the order of the lesson."""
        if self.step == ANSWER:
            return ()
        return tuple(block for block in self.lesson_step.blocks if isinstance(block, Grid) and block.role in MATRICES)

    @property
    def grid(self) -> Grid | None:
        """The matrix that is shown; None beside the answer."""
        wanted = self.role or FIRST.get(self.step)
        return next((grid for grid in self.grids if grid.role == wanted), self.grids[0] if self.grids else None)

    @property
    def cell(self) -> tuple[int, int]:
        """The row and the column of the cell in the matrix that is shown."""
        grid, view = self.grid, self.view
        if grid is None:
            return view.query, view.key
        if grid.rows_ask:
            return view.query, view.key
        row = view.key if grid.role in ("keys", "values") else view.query
        place = view.place
        if grid.role in ("w_q", "w_k", "w_v", "embeddings"):  # one number of them is a part of many sums
            return (row if grid.role == "embeddings" else 0), min(place, len(grid.columns) - 1)
        return row, min(place, len(grid.columns) - 1)

    @cached_property
    def panel(self) -> tuple[Block, ...]:
        """What the lesson says of this cell, in its order: the arithmetic by hand, and what follows it."""
        if self.step == ANSWER:
            is_unknown = knows_no_word(self.trace) and not self.view.full
            return of_no_known_word(self.trace).notes if is_unknown else (self.answer,)
        blocks = self.lesson_step.blocks
        if self.step == 1 and self.trace.head is None:
            return tuple(block for block in blocks if isinstance(block, Prose) and block.id != "says")
        starts = [place for place, block in enumerate(blocks) if block.id == "by-hand"]
        last = max((place for place, block in enumerate(blocks) if block in self.grids), default=-1)
        start = starts[0] if starts else last + 1
        return blocks[start:]

    @cached_property
    def about(self) -> tuple[Block, ...]:
        """What the lesson says of the step as a whole: what happens, and the formula."""
        if self.step == ANSWER:
            return ()
        return tuple(block for block in self.lesson_step.blocks if block.id in ("says", "formula"))

    def at(self, row: int, column: int) -> Scene:
        """Go to another cell of the matrix that is shown; past its edge to the cell at the edge."""
        grid, view = self.grid, self.view
        if grid is None:
            row = max(0, min(row, len(self.names) - 1))
            return replace(self, view=self._asking(row))
        row, column = max(0, min(row, len(grid.rows) - 1)), max(0, min(column, len(grid.columns) - 1))
        if grid.rows_ask:
            view = view._replace(query=row, key=column, is_asked=True)
        elif grid.role in ("keys", "values"):
            view = view._replace(key=row, place=column, is_asked=True)
        elif grid.role in ("queries", "context"):
            view = view._replace(query=row, place=column, is_asked=True)
        elif grid.role == "embeddings":
            view = view._replace(query=row, is_asked=True)
        else:
            view = view._replace(place=column)
        return replace(self, view=view)

    def _asking(self, query: int) -> View:
        """Let another word ask, and the word that it attends to most answer."""
        _, key = worked_pair(self.trace, str(query + 1), None)
        return self.view._replace(query=query, key=key, is_asked=True)

    def on(self, step: int, role: Role | None = None) -> Scene:
        """Go to another step, or to another matrix of it; the place of a vector stays within its length."""
        there = replace(self, step=step, role=role)
        grid = there.grid
        shown = grid.role if grid is not None else None
        vectors: Vectors = shown if shown in get_args(Vectors) else "queries"  # type: ignore[assignment]
        letter = {"w_k": "keys", "w_v": "values"}.get(shown or "")
        vectors = letter or vectors  # type: ignore[assignment]
        widest = self.trace.d_v if vectors == "values" or step == 4 else self.trace.d_k
        view = self.view._replace(vectors=vectors, place=min(self.view.place, widest - 1))
        return replace(self, step=step, role=shown, view=view)

    def in_full(self, full: bool) -> Scene:
        """Show everything that the step has, or what the default lesson has."""
        there = replace(self, view=self.view._replace(full=full))
        return there.on(self.step, self.role)

    def with_trace(self, trace: Explanation) -> Scene:
        """Look at another run in the same way: of the same words at the same cell, else of the cell of the lesson."""
        if trace.tokens == self.trace.tokens:
            there = Scene(trace, self.view, self.step, self.role)
        else:
            fresh = Scene.of(trace, digits=self.view.digits)
            there = replace(fresh, view=fresh.view._replace(full=self.view.full), step=self.step, role=self.role)
        return there.on(self.step, self.role)

    @property
    def command(self) -> Command:
        """The command that shows this very cell as a lesson."""
        view, options = self.view, [word for pair in options_of(self.trace) for word in pair if word]
        if self.step != ANSWER:
            options += ["--step", str(self.step)]
        if view.is_asked:
            options += ["--query", self._typed(view.query), "--key", self._typed(view.key)]
        if self.step in (1, 4) and (view.place or (self.step == 1 and view.vectors != "queries")):
            letter = "" if self.step == 4 or view.vectors == "queries" else view.vectors[0]
            options += ["--place", f"{letter}{view.place + 1}"]
        options += ["--digits", str(view.digits)] * (view.digits != DIGITS)
        options += ["--full"] * view.full
        return command(options, self.trace.sentence, self.trace.found)

    def _typed(self, place: int) -> str:
        """Write a word so that the command finds it: by its text, its name on the screen, or its position."""
        tokens = self.trace.found
        for typed in (plain(tokens.shown)[place] if tokens.are_pieces else tokens.texts[place], self.names[place]):
            with suppress(WordError):
                if find_token(tokens, typed, "--query") == place:
                    return typed
        return str(place + 1)


def magnified(grid: Grid, cell: tuple[int, int], size: int) -> Grid:
    """Take the numbers around a cell, `size` rows and columns of them, with their names."""
    starts = [first_seen(at, size, count) for at, count in zip(cell, (len(grid.rows), len(grid.columns)), strict=True)]
    rows, columns = (slice(start, start + size) for start in starts)
    return replace(
        grid,
        rows=grid.rows[rows],
        columns=grid.columns[columns],
        numbers=grid.numbers[rows, columns],
        mark=(cell[0] - starts[0], cell[1] - starts[1]),
        before=None,
        after=(),
        footer=None,
        is_followed=False,
        blanks=frozenset(),
        column_digits=None,
    )


def first_seen(at: int, seen: int, count: int) -> int:
    """Choose the first of those that are seen, so that one is among them, in the middle where it can be.

    >>> first_seen(5, 4, 10), first_seen(0, 4, 10), first_seen(9, 4, 10), first_seen(2, 10, 10)
    (3, 0, 6, 0)
    """
    return max(min(at - seen // 2, count - seen), 0)

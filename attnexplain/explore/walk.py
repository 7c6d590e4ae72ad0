"""A walk through a lesson, as a teacher would step through it: one thing worth saying after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from attnexplain.explore.scene import ANSWER, Scene
from attnexplain.steps.blocks import Block, Company, Equation, Grid, Prose, Role

MOST_TERMS = 12
"""How many columns of a table come one after the other; of longer ones several at once."""


class Stop(NamedTuple):
    """One stop of the walk: what is looked at, and how much of what the lesson says of it."""

    scene: Scene
    panel: tuple[Block, ...]
    is_row: bool = False
    """Whether the whole row is meant, and not the cell alone."""


def walk(start: Scene) -> list[Stop]:
    """Lay out the walk for a cell: the answer, a query, a key, their products, the row, the mixture, the company.

    Each stop shows blocks of the lesson, or the first columns of one of its tables.
    """
    trace = start.trace
    at = replace(start, view=start.view._replace(place=0, vectors="queries"))
    first = at.on(ANSWER)
    stops = [Stop(first, first.panel)]
    stops.append(_about(at.on(1)))
    if trace.head is not None:
        for role in ("queries", "keys"):
            vectors = at.on(1, role)
            stops.append(Stop(vectors, _until_equation(vectors.panel), is_row=True))
    stops += _products(at.on(2))
    stops += _softmax(at.on(3))
    values: Role = "values"
    if trace.head is not None:
        given = at.on(1, values)
        stops.append(Stop(given, _until_equation(given.panel), is_row=True))
    stops += _mixture(at.on(4))
    return stops


def _about(scene: Scene) -> Stop:
    """Say what the step does."""
    return Stop(scene, scene.about, is_row=True)


def _products(scene: Scene) -> Iterator[Stop]:
    """Multiply place by place, and add up."""
    yield _about(scene)
    yield from _growing(scene, is_row=False)
    yield Stop(scene, _until_equation(scene.panel))
    if rest := tuple(block for block in scene.panel if block.id == "in-order"):
        yield Stop(scene, rest, is_row=True)


def _softmax(scene: Scene) -> Iterator[Stop]:
    """Take the row of scores column by column: divided, raised, shared out."""
    yield _about(scene)
    yield from _growing(scene, is_row=True)
    panel = scene.panel
    yield Stop(scene, tuple(block for block in panel if isinstance(block, Equation) or block.id == "masked") or panel)
    if why := tuple(block for block in panel if block.id == "why-scale"):
        yield Stop(scene, why, is_row=True)


def _mixture(scene: Scene) -> Iterator[Stop]:
    """Multiply each value by its share, and add up; then see which company the word keeps now."""
    yield _about(scene)
    yield from _growing(scene, is_row=True)
    panel = scene.panel
    yield Stop(scene, _until_equation(panel))
    company = next((place for place, block in enumerate(panel) if isinstance(block, Company)), None)
    if company is not None:
        starts = company - isinstance(panel[company - 1], Prose)
        yield Stop(scene, panel[starts:], is_row=True)


def _growing(scene: Scene, *, is_row: bool) -> Iterator[Stop]:
    """Let the table of what is worked out by hand grow, column by column."""
    panel = scene.panel
    for place, table in enumerate(panel):
        if isinstance(table, Grid) and table.role == "worked":
            for count in _counts(len(table.columns)):
                yield Stop(scene, (*panel[:place], first_columns(table, count)), is_row=is_row)
            return


def first_columns(table: Grid, count: int) -> Grid:
    """Keep the first columns of a table; what is in its last row, and what is marked, as far as it is among them."""
    if count >= len(table.columns):
        return table
    footer = None if table.footer is None else (table.footer[0], list(table.footer[1])[:count])
    has_footer = footer is not None and any(number is not None for number in footer[1])
    return replace(
        table,
        columns=table.columns[:count],
        numbers=table.numbers[:, :count],
        column_digits=None if table.column_digits is None else table.column_digits[:count],
        footer=footer if has_footer else None,
        mark=table.mark if table.mark is not None and table.mark[1] < count else None,
    )


def _counts(columns: int) -> list[int]:
    """Say after which columns to stop: each of a few, and of many as many stops.

    >>> _counts(3), _counts(24)[:3]
    ([1, 2, 3], [2, 4, 6])
    """
    stops = min(columns, MOST_TERMS)
    return [-(-columns * number // stops) for number in range(1, stops + 1)]


def _until_equation(panel: tuple[Block, ...]) -> tuple[Block, ...]:
    """Keep what stands up to the first equation, and that."""
    ends = [place for place, block in enumerate(panel) if isinstance(block, Equation)]
    return panel[: ends[0] + 1] if ends else panel

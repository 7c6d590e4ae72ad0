"""Figures for slides and papers: one matrix, or the links between words, with a title and what it shows in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from attnexplain.arithmetic import FEWEST, ranked, write_number
from attnexplain.errors import CommandError
from attnexplain.explanation import Explanation
from attnexplain.models.model import ModelInfo
from attnexplain.models.weights_file import AttentionWeights
from attnexplain.naming import find_token, labels
from attnexplain.overview import Overview
from attnexplain.steps.blocks import Colours, Gallery, Grid, places
from attnexplain.steps.heads import gallery_of, means_of, windows_of
from attnexplain.steps.labels import about_input, names_of
from attnexplain.steps.sight import sees_only

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from attnexplain.arithmetic import Array

Subject = Literal["weights", "scores", "queries", "keys", "values", "context", "links", "overview"]
SUBJECTS: tuple[Subject, ...] = get_args(Subject)
OF_WEIGHTS: tuple[Subject, ...] = ("weights", "links")
"""What can be drawn of attention weights alone."""
MOST_DESCRIBED = 12
"""Rows that are put into words; of more the first."""
FAINTEST, FAINTEST_OF_ONE = 0.05, 0.02
"""The smallest shares that have a line: among those of all words, and of one alone."""
WORTH_SAYING = 0.1
"""The smallest share that is put into words, unless it is the largest of its row."""

TITLES: dict[Subject, str] = {
    "weights": "Attention weights",
    "scores": "Attention scores",
    "queries": "Query vectors",
    "keys": "Key vectors",
    "values": "Value vectors",
    "context": "Context vectors",
    "links": "What each word attends to",
    "overview": "Every head",
}
CAPTIONS: dict[Subject, str] = {
    "weights": "Rows ask, columns answer: each row shares out the attention of its word, and adds up to 1.",
    "scores": "Rows ask, columns answer: the dot product of the query of the row and the key of the column.",
    "queries": "A row a word: what it asks for, in numbers.",
    "keys": "A row a word: what it answers to, in numbers.",
    "values": "A row a word: what it gives to those that attend to it, in numbers.",
    "context": "A row a word: the values of all words, mixed by its attention weights.",
    "links": "Left asks, right answers; the thicker the line, the larger the share of attention.",
    "overview": "Each picture is one head: rows ask, columns answer, the strongest colour is 1.",
}


class Fan(NamedTuple):
    """Two columns of words, and how strongly each on the left attends to each on the right."""

    asking: Sequence[str]
    answering: Sequence[str]
    weights: Array
    """(asking, answering)."""
    query: int | None
    """The word whose links alone are drawn; None for all."""

    @property
    def drawn(self) -> Array:
        """The shares that have a line, the others 0: few words have a share worth a line of each."""
        least = FAINTEST_OF_ONE if self.query is not None else FAINTEST
        rows = np.arange(len(self.asking))[:, None]
        is_drawn = (self.weights >= least) & ((self.query is None) | (rows == self.query))
        return np.where(is_drawn, self.weights, 0.0)


class Figure(NamedTuple):
    """One picture with its title, its caption, and what it shows in words, for those who do not see it."""

    title: str
    sentence: str
    caption: str
    description: str
    drawing: Grid | Fan | Gallery


def figure(
    of: Explanation | AttentionWeights, subject: Subject, *, query: str | None = None, digits: int = 2
) -> Figure:
    """Make the figure of a matrix, or of the links between words.

    Args:
        of: what was computed for a sentence, or attention weights from elsewhere.
        subject: which matrix, or "links".
        query: the word whose row is marked, or whose links alone are drawn.
        digits: digits after the point, in what is said in words.

    Raises:
        CommandError: the query is not a word of the sentence, or there are attention weights alone.
    """
    if isinstance(of, AttentionWeights):
        if subject not in OF_WEIGHTS:
            raise of.refusal(f"there are no {subject} to be drawn")
        tokens, names, weights, info = of.tokens, labels(of.tokens.texts), of.weights, of.info
    else:
        tokens, names, weights, info = of.found, names_of(of), of.weights, of.model
    chosen = None if query is None else find_token(tokens, query, "--query")
    mask, taken = (None, None) if isinstance(of, AttentionWeights) else (of.mask, of.sink_shares)
    seen = "all" if mask is None or isinstance(of, AttentionWeights) else sees_only(of)
    sentence, caption = of.sentence, f"{_caption(of, subject, seen, is_of_one=chosen is not None)} {_which(info)}"
    caption = " ".join([caption, *about_input(tokens)])
    title = TITLES[subject] if subject != "links" or chosen is None else f'What "{names[chosen]}" attends to'
    if subject in OF_WEIGHTS:
        columns = labels(of.key_tokens.texts) if isinstance(of, AttentionWeights) else names
        if taken is not None:
            columns, weights = (*columns, "(sink)"), np.column_stack([weights, taken])
            mask = None if mask is None else np.column_stack([mask, np.ones(len(mask), bool)])
        is_of_itself = not isinstance(of, AttentionWeights) or of.answering is None
        description = _of_shares(
            names, columns, weights, chosen, max(digits, FEWEST), seen=seen, is_of_itself=is_of_itself
        )
        drawing: Grid | Fan = Fan(names, columns, weights, chosen)
        if subject == "weights":
            mark = None if chosen is None else (chosen, int(ranked(weights[chosen])[0]))
            drawing = Grid("", names, columns, _seen(weights, mask), "share", rows_ask=True, mark=mark, role="weights")
        return Figure(title, sentence, caption, description, drawing)
    if isinstance(of, AttentionWeights) or subject == "overview":  # the first was refused above
        raise CommandError(f"no figure of {subject} can be made of one head")
    matrix: Array = getattr(of, subject)
    is_square = subject == "scores"
    columns = names if is_square else places(matrix.shape[1])
    colours: Colours = "signed"
    numbers = _seen(matrix, mask) if is_square else matrix
    mark = None if chosen is None else (chosen, int(np.nanargmax(np.abs(numbers[chosen]))))
    grid = Grid("", names, columns, numbers, colours, rows_ask=is_square, mark=mark, role=subject)  # type: ignore[arg-type]
    return Figure(title, sentence, caption, _of_numbers(subject, names, numbers, digits), grid)


def _caption(of: Explanation | AttentionWeights, subject: Subject, seen: str, *, is_of_one: bool) -> str:
    """Say what is drawn, and what is not."""
    says = CAPTIONS[subject]
    if isinstance(of, AttentionWeights):
        if of.rows_that_are_off:
            says = says.replace(", and adds up to 1", "")
    elif of.sink_shares is not None and subject in OF_WEIGHTS:
        says += " The sink, which is no word, takes a share of each row."
    if subject == "links":
        says += f" Shares under {FAINTEST_OF_ONE if is_of_one else FAINTEST} have no line."
    if seen != "all" and subject in ("weights", "scores", "links"):
        left = "has no line" if subject == "links" else "is left empty"
        says += f" A word sees only {seen}; what it does not see {left}."
    return says


def _seen(matrix: Array, mask: NDArray[np.bool_] | None) -> Array:
    """Leave out what a mask hides, as numbers that are none."""
    return matrix if mask is None else np.where(mask, matrix, np.nan)


def figure_of_heads(found: Overview) -> Figure:
    """Make the figure of all heads of a model."""
    layers = len({head.layer for head in found.heads})
    often: dict[str, int] = {}
    for head in found.heads:
        often[head.does] = often.get(head.does, 0) + 1
    counts = ", ".join(f"{does} {count}" for does, count in sorted(often.items(), key=lambda item: -item[1]))
    description = (
        f"The attention weights of {len(found.heads)} heads in {layers} layer{'s' if layers > 1 else ''}. "
        f"How many heads put more than half of their attention where: {counts}."
    )
    legend = (
        "Below: where more than half of the attention goes (prev, next, same: the token before, the one after, itself; "
        "sink: special tokens or the first; wide: nearly even; else other), and, where all have room for it, the "
        "entropy of the rows."
    )
    windows = f" Layers with {said}" if (said := windows_of(found)) else ""
    means = f" {said}" if (said := means_of(found)) else ""
    caption = f"{CAPTIONS['overview']} {legend}{windows}{means} Model: {found.model.name}."
    caption = " ".join([caption, *about_input(found.tokens)])
    gallery = gallery_of(found)
    rows = [
        [picture._replace(word="other" if picture.word == "-" else picture.word) for picture in row]
        for row in gallery.rows
    ]
    return Figure(TITLES["overview"], found.sentence, caption, description, gallery._replace(rows=rows))


def _which(info: ModelInfo) -> str:
    """Say which head of which model it is."""
    if info.label:
        return f"Model: {info.name}, {info.label}."
    several = info.layers > 1 or info.kind == "checkpoint"
    where = f", layer {info.layer}, head {info.head}" if several else f", head {info.head}" if info.heads > 1 else ""
    return f"Model: {info.name}{where}."


def _of_shares(
    names: Sequence[str],
    columns: Sequence[str],
    weights: Array,
    chosen: int | None,
    digits: int,
    *,
    seen: str,
    is_of_itself: bool,
) -> str:
    """Say of each row, or of the chosen one, which words get most; of itself where the words that answer ask."""
    rows = range(len(names)) if chosen is None else [chosen]
    said = []
    for i in list(rows)[:MOST_DESCRIBED]:
        order = [j for j in ranked(weights[i]).tolist() if weights[i, j] >= WORTH_SAYING] or [int(weights[i].argmax())]
        whom = {j: "itself" if i == j and is_of_itself else f'"{columns[j]}"' for j in order[:4]}
        shares = ", ".join(f"{write_number(float(weights[i, j]), digits)} to {whom[j]}" for j in whom)
        said.append(f'"{names[i]}" gives {shares}.')
    more = len(names) - MOST_DESCRIBED
    rest = f" And {more} more rows." if chosen is None and more > 0 else ""
    if chosen is not None:
        return said[0]
    return f"{len(names)} words ask, and each shares its attention out among {seen}. {' '.join(said)}{rest}"


def _of_numbers(subject: Subject, names: Sequence[str], matrix: Array, digits: int) -> str:
    """Say how large the matrix is, and where its largest and its smallest number stand."""
    ends = []
    for what, place in (("largest", int(np.nanargmax(matrix))), ("smallest", int(np.nanargmin(matrix)))):
        i, j = divmod(place, matrix.shape[1])
        column = f'"{names[j]}"' if subject == "scores" else f"place {j + 1}"
        number = write_number(float(matrix[i, j]), digits)
        ends.append(f'The {what} number is {number}, of "{names[i]}" and {column}.')
    return f"{matrix.shape[0]} rows of {matrix.shape[1]} numbers. {' '.join(ends)}"

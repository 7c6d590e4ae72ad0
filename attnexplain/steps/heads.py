"""All heads of a model: an overview of what each does, or a ranking of how strongly they link two words."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from itertools import groupby

from attnexplain.arithmetic import write_number
from attnexplain.errors import WordError
from attnexplain.naming import find_token
from attnexplain.overview import Habit, HeadSummary, Overview
from attnexplain.steps.blocks import Block, Command, Entry, Gallery, Lesson, Number, Prose, Step, Table, Thumbnail
from attnexplain.steps.command import command
from attnexplain.steps.labels import about_input

MOST_RANKED = 10
SHORT: dict[Habit, str] = {
    "previous token": "prev",
    "next token": "next",
    "same token": "same",
    "sink": "sink",
    "duplicate token": "dup",
    "induction": "ind",
    "broad": "wide",
    "window": "win",
    "other": "-",
}


ABOUT_REPEATS = (
    " On {} random tokens, four times over: dup, the same token elsewhere; ind (induction), the one behind it (Olsson "
    "et al. 2022)."
)


def legend_of(found: Overview) -> Prose:
    """Say how the pictures of heads are read, and what the words below them mean."""
    return Prose(
        "Rows ask, columns answer. Below: where more than half of the attention goes (prev, next, same: the token "
        "before, the one after, itself; sink: special tokens or the first; wide: nearly even; -: other), and entropy."
        + (ABOUT_REPEATS.format(found.repeated) if found.repeated else ""),
        is_note=True,
    )


def overview_lesson(found: Overview) -> Lesson:
    """Show every head as a small picture, with a word for what it does and its entropy."""
    telling = next((head for head in found.heads if head.does == "other"), found.heads[0])
    said = windows_of(found)
    blocks: tuple[Block, ...] = (
        legend_of(found),
        *([Prose(f"w: {said}", is_note=True)] if said else []),
        *([Prose(means_of(found), is_note=True, id="means")] if means_of(found) else []),
        gallery_of(found),
        *_join_note(found),
        *opening(found, telling),
    )
    notes = (_model(found), *_of_means(found), *_without_repeats(found))
    return Lesson(found.sentence, (Step(0, "Every layer and head", blocks),), notes)


def means_of(found: Overview) -> str:
    """Say what are means over several sentences, and what is of the first alone; "" of one sentence."""
    if found.sentences == 1:
        return ""
    return (
        f"Words and numbers are means over {found.sentences} sentences of {found.token_count} tokens; the pictures are "
        "of the first."
        + (f" Cut, because they are too long: {found.cut_count} of them (--truncate)." if found.cut_count else "")
    )


def windows_of(found: Overview) -> str:
    """Say which layers have a window, and how far they see; "" where none has."""
    layers: dict[int, list[str]] = {}
    for layer, window in zip(found.layers, found.windows, strict=True):
        if window is not None:
            layers.setdefault(window - 1, []).append(str(layer))
    side = "before it" if found.causal else "away"
    said = []
    for reach, numbers in layers.items():
        which = f"layer {numbers[0]}" if len(numbers) == 1 else f"layers {', '.join(numbers[:-1])} and {numbers[-1]}"
        said.append(f"in {which} a token sees at most {reach} position{'s' * (reach != 1)} {side}")
    has_even = any(head.does == "window" for head in found.heads)
    return f"a window; {'; '.join(said)}.{' win: nearly even within it.' * has_even}" if said else ""


def gallery_of(found: Overview) -> Gallery:
    """Put the pictures of all heads in order, a row a layer."""
    rows = [
        [Thumbnail(head.picture, SHORT[head.does], head.entropy) for head in layer]
        for _, layer in groupby(found.heads, key=lambda head: head.layer)
    ]
    return Gallery(
        "layer",
        "head",
        rows,
        [label_of(layer) for layer in found.layers],
        [label_of(head.head) for head in found.heads[: len(rows[0])]],
        frozenset(row for row, window in enumerate(found.windows) if window is not None),
    )


def label_of(number: int | None) -> str:
    """Write the number of a layer or head, or that it is the mean over all."""
    return "mean" if number is None else str(number)


def ranking_lesson(found: Overview, digits: int) -> Lesson:
    """Rank the heads by the weight that the first word puts on the second."""
    assert found.pair is not None  # noqa: S101 - the caller asked for a pair
    asking, answering = found.pair
    ranked = found.ranked()
    rows: list[tuple[Entry, ...]] = [
        (
            place,
            _entry(head.layer),
            _entry(head.head),
            head.weight or 0.0,
            head.does,
            Number(Decimal(head.entropy), digits),
        )
        for place, head in enumerate(ranked[:MOST_RANKED], start=1)
    ]
    best = ranked[0]
    every = f"all {len(ranked)} {'head' if opening(found, best) else 'mean'}{'s' * (len(ranked) > 1)}"
    average = sum(head.weight or 0.0 for head in ranked) / len(ranked)
    says = Prose(
        f'{where_of(best)} "{asking}" puts {write_number(best.weight or 0.0, digits)} of its '
        f'attention on "{answering}"; on average over {every} it is {write_number(average, digits)}. A large '
        "weight shows where a head looks, not why: only the layers together decide what the model makes of it."
    )
    table = Table(
        f'"{asking}" asks, "{answering}" answers: the strongest heads',
        ("rank", "layer", "head", "weight", "what the head does", "entropy"),
        rows,
    )
    opened = Prose("To see all four steps of the best:", is_note=True, is_on_screen_only=True)
    opens = opening(found, best)
    blocks: tuple[Block, ...] = (table, says, *([opened] if opens else []), *opens)
    step = Step(0, f'Where does "{asking}" look at "{answering}"?', blocks)
    return Lesson(found.sentence, (step,), (_model(found),))


def where_of(head: HeadSummary) -> str:
    """Say which head it is, or of which heads it is the mean."""
    if head.layer is None and head.head is None:
        return "In the mean over all layers and heads,"
    if head.layer is None:
        return f"In the mean over all layers of head {head.head},"
    return (
        f"In layer {head.layer}, head {head.head},"
        if head.head is not None
        else f"In the mean over all heads of layer {head.layer},"
    )


def _entry(number: int | None) -> int | str:
    return "mean" if number is None else number


def opening(found: Overview, head: HeadSummary) -> tuple[Command, ...]:
    """Write the command that opens a head; none opens a mean, which has weights alone."""
    return () if head.layer is None or head.head is None else (command_of(found, head),)


def command_of(found: Overview, head: HeadSummary) -> Command:
    """Write the command that opens a head."""
    parts = ["--model", found.model.source or found.model.name]
    parts += [*(["--layer", str(head.layer)] if found.model.kind == "checkpoint" else []), "--head", str(head.head)]
    if found.pair is not None:
        for option, word in zip(("--query", "--key"), found.pair, strict=True):
            with suppress(WordError):  # a word of several pieces has no row of its own
                find_token(found.tokens, word, option)
                parts += [option, word]
    if found.words is not None:
        parts.append("--merge-words")
    return command(parts, found.sentence, found.tokens)


def _model(found: Overview) -> Prose:
    count = len(found.tokens.texts)
    return Prose(
        f"Model: {found.model.name} ({found.model.kind}). {found.model.overall} {count} {found.tokens.noun}s. "
        f"{' '.join(about_input(found.tokens))}".rstrip(),
        is_note=True,
    )


def _of_means(found: Overview) -> tuple[Prose, ...]:
    """Say of what the weights are means, where they are."""
    first = found.heads[0]
    what = " and ".join(name for name, number in (("layers", first.layer), ("heads", first.head)) if number is None)
    return (Prose(f"mean: of the weights of all {what}, not of what is told of each.", is_note=True),) if what else ()


def _without_repeats(found: Overview) -> tuple[Prose, ...]:
    """Say where a model was not tried on repeated tokens."""
    if found.model.kind != "checkpoint" or found.heads[0].on_repeats is not None:
        return ()
    says = (
        "Not looked for: duplicate token and induction heads, which take long in a large model (--repeats) and more "
        "positions than some small ones have."
    )
    return (Prose(says, is_note=True, is_on_screen_only=True),)


def _join_note(found: Overview) -> tuple[Prose, ...]:
    if found.words is None:
        return ()
    return (Prose("Pieces are joined into words: columns sum, rows average.", is_note=True),)

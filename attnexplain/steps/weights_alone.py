"""Attention weights from elsewhere: step 3 alone, with what cannot be shown said plainly."""

from __future__ import annotations

from attnexplain.arithmetic import entropy, write_number
from attnexplain.models.weights_file import AttentionWeights
from attnexplain.naming import find_token, labels
from attnexplain.steps.blocks import READABLE, Block, Column, Grid, Lesson, Prose, Step
from attnexplain.steps.weights import TITLE, links_of


def lesson_of_weights(
    alone: AttentionWeights, *, query: str | None = None, key: str | None = None, digits: int = 2
) -> Lesson:
    """Draw the weights with the sum of each row.

    Args:
        alone: tokens and weights.
        query: the word whose row is named first; the one with the largest weight where none is named.
        key: the word that answers it.
        digits: digits after the point.

    Raises:
        CommandError: the query or the key is not a word of the sentence.
    """
    weights, names, columns_names = alone.weights, labels(alone.tokens.texts), labels(alone.key_tokens.texts)
    n = len(names)
    asking = None if query is None else find_token(alone.tokens, query, "--query")
    answering = None if key is None else find_token(alone.key_tokens, key, "--key")
    rows = range(n) if asking is None else [asking]
    columns = range(len(columns_names)) if answering is None else [answering]
    mark = max(((i, j) for i in rows for j in columns), key=lambda place: float(weights[place]))
    value = write_number(float(weights[mark]), digits)
    other = "" if alone.answering is None else "the other "
    whole = "1 with what the sink takes" if alone.sinks is not None else "1"
    says = Prose(
        f"Each row says how one word shares its attention out among all {other}words: numbers from 0 to 1 that add up "
        f'to {whole}. "{names[mark[0]]}" puts {value} on "{columns_names[mark[1]]}". The steps 1, 2 and 4 cannot be '
        "shown: they need the queries, keys and values that these weights were made of."
    )
    taken = alone.taken
    totals = weights.sum(axis=1) + (0.0 if taken is None else taken)
    beside = [] if taken is None else [Column("sink", [float(share) for share in taken])]
    beside.append(Column("sum", [float(total) for total in totals], is_total=True))
    grid = Grid(
        "W, the attention weights",
        names,
        columns_names,
        weights,
        "share",
        rows_ask=True,
        mark=mark,
        after=tuple(beside),
        role="weights",
    )
    blocks: list[Block] = [says, grid]
    if off := alone.rows_that_are_off:
        blocks.append(Prose(f"{off} of {n} rows do not add up to 1.", is_note=True))
    if n > READABLE:
        blocks.append(links_of(weights, names, columns_names))
    even = write_number(float(entropy(weights).mean()), digits)
    blocks.append(Prose(f"The entropy of a row, -Σ w·ln w, is {even} on average: 0 if it is all on one word."))
    notes = (Prose(f"Model: {alone.info.name} (trace). {alone.info.note}", is_note=True),)
    return Lesson(alone.sentence, (Step(3, TITLE, tuple(blocks)),), notes)

"""Step 1, what newer models do to a query and a key behind the projection: norm them, rotate them, share them."""

from __future__ import annotations

from decimal import Decimal
from math import cos, degrees, sin

import numpy as np

from attnexplain.arithmetic import as_printed, digits_of, result, write_number
from attnexplain.explanation import Explanation
from attnexplain.steps.blocks import Block, Equation, EquationLine, Grid, Number, Prose, Table, Term, View
from attnexplain.steps.worked import LONG, table_note
from attnexplain.variants import Norm, Rotation

MOST_NAMED = 7
"""How many heads that share one are named."""
FIRST_PAIRS = 3
"""How many pairs of a long vector are shown on their way."""
LATER = 5
"""By how many positions both words are moved, to show that their score stays."""


def between_blocks(trace: Explanation, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    """Work out what happens to the asking word's query between its projection and the dot product."""
    return (*_sharing(trace), *_on_its_way(trace, names, view), *_by_distance(trace, names, view))


def _sharing(trace: Explanation) -> tuple[Block, ...]:
    """Say which heads share one of keys and values."""
    model = trace.model
    if model.sharing == 1:
        return ()
    first = model.kv_head * model.sharing
    others = [str(head) for head in range(first, first + model.sharing) if head != model.head]
    few = f"{', '.join(others[:-1])} and {others[-1]}" if len(others) > 1 else others[0]
    listed = few if len(others) <= MOST_NAMED else f"all from {first} to {first + model.sharing - 1}"
    heads = "one head" if model.kv_heads == 1 else f"{model.kv_heads} heads"
    return (
        Prose(
            f"{model.heads} heads of queries share {heads} of keys and values (grouped-query attention). This head, "
            f"{model.head}, reads the keys and values {model.kv_head}, counted from 0, as "
            f"do{'es head' if len(others) == 1 else ' heads'} {listed}.",
            id="sharing",
        ),
    )


def stages_of(trace: Explanation, word: int) -> dict[str, np.ndarray]:
    """Return a word's query at each stage between its projection and the dot product, by name."""
    if trace.projected_queries is None:
        return {}
    variant, stages = trace.variant, {"projected": trace.projected_queries}
    if variant.query_norm is not None:
        stages["normed"] = variant.query_norm(trace.projected_queries)
    if variant.rotation is not None:
        stages["rotated"] = trace.queries
    return {name: vectors[word] for name, vectors in stages.items()}


def _on_its_way(trace: Explanation, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    stages = stages_of(trace, view.query)
    if not stages:
        return ()
    word, variant = names[view.query], trace.variant
    done = " and ".join(
        text
        for text, is_done in (("normed (RMSNorm)", variant.query_norm), ("rotated (RoPE)", variant.rotation))
        if is_done is not None
    )
    says = Prose(
        f"In this model that is not the query yet: each query and each key is then {done}. Q and K above are what "
        f'enters the dot product of step 2. The query of "{word}", stage by stage:',
        id="on-its-way",
    )
    shown = _telling_places(trace)
    part = "" if len(shown) == trace.d_k else f" ({len(shown)} of {trace.d_k} places)"
    table = Grid(
        f'The query of "{word}" on its way{part}',
        tuple(stages),
        tuple(str(place + 1) for place in shown),
        np.array([vector[shown] for vector in stages.values()]),
        role="stages",
    )
    blocks: list[Block] = [says, table]
    if variant.query_norm is not None:
        blocks += _normed(trace, word, view, stages, variant.query_norm)
    if variant.rotation is not None:
        blocks += _rotated(trace, word, view, stages, variant.rotation)
    return tuple(blocks)


def _telling_places(trace: Explanation) -> list[int]:
    """Choose the places to show: all of a short vector, of a long one those of the first pairs."""
    if trace.d_k <= LONG:
        return list(range(trace.d_k))
    rotation = trace.variant.rotation
    if rotation is None:
        return list(range(2 * FIRST_PAIRS))
    pairs = [rotation.pair(number) for number in range(min(FIRST_PAIRS, len(rotation.frequencies)))]
    return sorted(place for pair in pairs for place in pair)


def _normed(trace: Explanation, word: str, view: View, stages: dict[str, np.ndarray], norm: Norm) -> tuple[Block, ...]:
    """Work out the first place of the normed query."""
    digits, fine = view.digits, view.fine
    projected = trace.projected_queries
    assert projected is not None  # noqa: S101 - there is a norm of it
    root, gain = float(norm.roots(projected)[view.query]), float(norm.gain[0])
    whose = f"the places of all {trace.model.heads} heads' queries" if norm.over_all_heads else "its places"
    says = Prose(
        f"By hand, the norm: divide by the root of the mean of the squares of {whose}, here "
        f"{write_number(root, fine)}, and multiply each place by its learned gain, "
        f"{write_number(gain, fine)} for place 1.",
        id="norm",
    )
    old, divisor, times = (
        as_printed(float(stages["projected"][0]), digits),
        as_printed(root, fine),
        as_printed(gain, fine),
    )
    if not divisor:
        return (says,)
    new = result(old / divisor * times, digits)
    return (
        says,
        Equation(
            f'place 1 of normed q("{word}")',
            (
                EquationLine("=", (Number(old, digits), " / ", Number(divisor, fine), " × ", *_factor(times, fine))),
                EquationLine(new.sign, (Number(new.value, digits),)),
            ),
            table_note(new.value, float(stages["normed"][0]), digits),
        ),
    )


def _rotated(
    trace: Explanation, word: str, view: View, stages: dict[str, np.ndarray], rotation: Rotation
) -> tuple[Block, ...]:
    """Work out one pair of places of the rotated query."""
    digits, fine, position = view.digits, view.fine, view.query
    before = stages.get("normed", stages["projected"])
    pair = rotation.pair(0)
    frequency = float(rotation.frequencies[0])
    speed = as_printed(frequency, digits_of([frequency], max(fine, 4)))
    angle = result(position * speed, fine)
    says = Prose(
        f'By hand, the rotation. Places {pair.first + 1} and {pair.second + 1} are a pair; for "{word}", at position '
        f"{position} counted from 0, it turns by {position} × {_plain(speed)} {angle.sign} {_plain(angle.value)} "
        f"radian{'s' * (angle.value != 1)} ({degrees(float(angle.value)):.0f}°). "
        f"{_speeds(trace, rotation, speed)} A place becomes itself times the cosine, minus (first of a pair) or plus "
        f"(second) its partner times the sine{_stretched(rotation, fine)}.",
        id="rotation",
    )
    c, s = (as_printed(function(float(angle.value)), fine) for function in (cos, sin))
    old, partner = (as_printed(float(before[place]), digits) for place in pair)
    after, written = stages["rotated"], _plain(angle.value)
    stretch = as_printed(rotation.stretch, fine)

    def turned(place: int, own: Decimal, sign: str, other: Decimal) -> Equation:
        """Write one place of the pair: old × cos - partner × sin."""
        value = (own * c + (other * s if sign == "+" else -other * s)) * stretch
        new = result(value, digits)
        terms: tuple[Term, ...] = (
            Number(own, digits), " × ", *_factor(c, fine),
            f" {sign} ", *_factor(other, digits), " × ", *_factor(s, fine),
        )  # fmt: skip
        symbols = f"old × cos({written}) {sign} partner × sin({written})"
        if stretch != 1:
            terms, symbols = ("(", *terms, ") × ", Number(stretch, fine)), f"({symbols}) × stretch"
        return Equation(
            f'place {place + 1} of rotated q("{word}")',
            (
                EquationLine("=", (symbols,)),
                EquationLine("≈", terms),
                EquationLine(new.sign, (Number(new.value, digits),)),
            ),
            table_note(new.value, float(after[place]), digits),
        )

    pair_by_hand = turned(pair.first, old, "-", partner), turned(pair.second, partner, "+", old)
    return says, *pair_by_hand, *_second_pair(rotation)


def _factor(number: Decimal, digits: int) -> tuple[Term, ...]:
    """Write a factor; a negative one in brackets."""
    return ("(", Number(number, digits), ")") if number < 0 else (Number(number, digits),)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}" if number else "0"


def _speeds(trace: Explanation, rotation: Rotation, speed: Decimal) -> str:
    """Say how fast the pairs turn, and which places are none."""
    partly = ""
    if rotation.places < trace.d_k:
        partly = f" Only the first {rotation.places} of {trace.d_k} places are rotated."
    text = f"Pair i turns by base^(-2i/d) a position: by 1 where i = 0, as here, and ever more slowly after.{partly}"
    if rotation.scaling:
        now = f", here to {_plain(speed)}" if speed != 1 else ""
        text += f" For long texts this model slows pairs ({rotation.scaling}){now}."
    return text


def _second_pair(rotation: Rotation) -> tuple[Equation, ...]:
    """Work out how fast the second pair turns, which the base decides."""
    if len(rotation.frequencies) < 2:
        return ()
    digits = 4
    unscaled = result(Decimal(rotation.base ** (-2 / rotation.places)), digits)
    scaled = as_printed(float(rotation.frequencies[1]), digits)
    note = f"this model slows it to {scaled:f}: {rotation.scaling}" if scaled != unscaled.value else ""
    base = write_number(rotation.base, 0) if float(rotation.base).is_integer() else write_number(rotation.base, 2)
    return (
        Equation(
            "speed of pair i = 1, a position",
            (
                EquationLine("=", (f"base^(-2·1/d) = {base}^(-2/{rotation.places})",)),
                EquationLine("≈", (Number(unscaled.value, digits),)),
            ),
            note,
        ),
    )


def _stretched(rotation: Rotation, fine: int) -> str:
    """Say that rotated places are stretched, where they are."""
    if as_printed(rotation.stretch, fine) == 1:
        return ""
    return f"; this model stretches both, by {write_number(rotation.stretch, fine)}"


def _by_distance(trace: Explanation, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    """Show that moving both words leaves their score as it is, and moving one does not."""
    rotation = trace.variant.rotation
    if rotation is None or trace.projected_queries is None or trace.projected_keys is None:
        return ()
    norms = trace.variant.query_norm, trace.variant.key_norm
    unrotated = [
        vectors if norm is None else norm(vectors)
        for norm, vectors in zip(norms, (trace.projected_queries, trace.projected_keys), strict=True)
    ]
    query, key = unrotated[0][view.query : view.query + 1], unrotated[1][view.key : view.key + 1]

    def score(i: int, j: int) -> Number:
        value = float((rotation(query, [i]) @ rotation(key, [j]).T)[0, 0])
        return Number(as_printed(value, view.digits), view.digits)

    i, j = view.query, view.key
    farther = (i + 1, j) if i >= j else (i, j + 1)
    rows = [
        ("where they stand", i, j, abs(i - j), score(i, j)),
        (f"both {LATER} positions later", i + LATER, j + LATER, abs(i - j), score(i + LATER, j + LATER)),
        ("one position farther apart", *farther, abs(i - j) + 1, score(*farther)),
    ]
    says = Prose(
        "Why rotate? Turned by the positions of their words, a query and a key have a score that depends on the "
        "distance of the two words alone: how far apart they stand, and in which order.",
        id="distance",
    )
    headings = (f'"{names[i]}" asks "{names[j]}"', "query at", "key at", "distance", "score")
    return says, Table("The same two vectors at other positions", headings, rows, id="distances")

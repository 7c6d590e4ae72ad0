"""Step 1, what newer models do to a query and a key behind the projection: norm them, rotate them, share them."""

from __future__ import annotations

from decimal import Decimal
from math import cos, degrees, sin

import numpy as np

from attnexplain.arithmetic import as_printed, digits_of, result, write_number
from attnexplain.explanation import Explanation
from attnexplain.steps.blocks import Block, Equation, EquationLine, Grid, Number, Prose, Table, Term, View, places
from attnexplain.steps.worked import sum_line, table_note
from attnexplain.variants import Norm, Rotation

LATER = 5
"""By how many places both words are moved, to show that their score stays."""


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
    listed = others[0] if len(others) == 1 else f"{others[0]} to {others[-1]}" if len(others) > 3 else ", ".join(others)
    heads = "one head" if model.kv_heads == 1 else f"{model.kv_heads} heads"
    return (
        Prose(
            f"{model.heads} heads of queries share {heads} of keys and values. This head, {model.head}, reads K and V "
            f"of head {model.kv_head} of these, and so do{'es' * (len(others) == 1)} "
            f"head{'s' * (len(others) > 1)} {listed}.",
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
        text for text, is_done in (("normed", variant.query_norm), ("rotated", variant.rotation)) if is_done is not None
    )
    says = Prose(
        f"In this model that is not the query yet: each query and each key is then {done}. Q and K above are what "
        f'enters the dot product of step 2. The query of "{word}", stage by stage:',
        id="on-its-way",
    )
    table = Grid(
        f'The query of "{word}" on its way',
        tuple(stages),
        places(trace.d_k),
        np.array(list(stages.values())),
        role="stages",
        in_one_block=not view.full,
    )
    blocks: list[Block] = [says, table]
    if variant.query_norm is not None:
        blocks += _normed(trace, word, view, stages, variant.query_norm)
    if variant.rotation is not None:
        blocks += _rotated(trace, word, view, stages, variant.rotation)
    return tuple(blocks)


def _normed(trace: Explanation, word: str, view: View, stages: dict[str, np.ndarray], norm: Norm) -> tuple[Block, ...]:
    """Work out the first place of the normed query."""
    digits, fine = view.digits, view.fine
    projected = trace.projected_queries
    assert projected is not None  # noqa: S101 - there is a norm of it
    root, gain = float(norm.roots(projected)[view.query]), float(norm.gain[0])
    whose = f"the places of all {trace.model.heads} heads' queries" if norm.over_all_heads else "its places"
    says = Prose(
        f"By hand, the norm: divide by the root of the mean of the squares of {whose}, here "
        f"{write_number(root, fine)}, and multiply each place by its learned gain, for place 1 "
        f"{write_number(gain, fine)}.",
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
        f"By hand, the rotation: pair i of the places turns by position × base^(-2i/d), with the base "
        f"{rotation.base:,.10g} and d = {rotation.places}{_partly(trace, rotation)}. "
        f'"{word}" stands at position {position}, counted from 0. For i = 0, places {pair.first + 1} and '
        f"{pair.second + 1}{_slowed(rotation, speed)}, the angle is {position} × {_plain(speed)} {angle.sign} "
        f"{_plain(angle.value)}, in radians ({degrees(float(angle.value)) % 360:.0f}°). A place becomes itself times "
        f"the cosine and its partner times the sine: minus for the first of a pair, plus for the second.",
        id="rotation",
    )
    c, s = (as_printed(function(float(angle.value)), fine) for function in (cos, sin))
    old, partner = (as_printed(float(before[place]), digits) for place in pair)
    after = stages["rotated"]
    stretch = as_printed(rotation.stretch, fine)
    return (
        says,
        _turned(pair.first, word, (old, c), (partner, -s), stretch, float(after[pair.first]), digits, fine, "-"),
        _turned(pair.second, word, (partner, c), (old, s), stretch, float(after[pair.second]), digits, fine, "+"),
    )


def _turned(
    place: int, word: str, own: tuple[Decimal, Decimal], other: tuple[Decimal, Decimal], stretch: Decimal,
    table: float, digits: int, fine: int, sign: str,
) -> Equation:  # fmt: skip
    """Write one place of a rotated pair: old × cos - partner × sin."""
    (old, c), (partner, signed_sine) = own, other
    sine = -signed_sine if sign == "-" else signed_sine
    products = [result(old * c, digits), result(partner * signed_sine, digits)]
    total = sum((product.value for product in products), Decimal(0))
    lines = [
        EquationLine(
            "=",
            (Number(old, digits), " × ", *_factor(c, fine), f" {sign} ", *_factor(partner, digits), " × ",
             *_factor(sine, fine)),
        ),
        sum_line([product.value for product in products], digits, is_exact=all(p.is_exact for p in products)),
        EquationLine("=", (Number(total, digits),)),
    ]  # fmt: skip
    if stretch != 1:
        stretched = result(total * stretch, digits)
        lines[-1] = EquationLine("=", (Number(total, digits), ", times this model's ", Number(stretch, fine)))
        lines.append(EquationLine(stretched.sign, (Number(stretched.value, digits),)))
        total = stretched.value
    return Equation(f'place {place + 1} of rotated q("{word}")', tuple(lines), table_note(total, table, digits))


def _factor(number: Decimal, digits: int) -> tuple[Term, ...]:
    """Write a factor; a negative one in brackets."""
    return ("(", Number(number, digits), ")") if number < 0 else (Number(number, digits),)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}" if number else "0"


def _partly(trace: Explanation, rotation: Rotation) -> str:
    """Say how many places are rotated, where not all are."""
    if rotation.places == trace.d_k:
        return ""
    return f" (the first {rotation.places} of {trace.d_k} places; the others stay)"


def _slowed(rotation: Rotation, speed: Decimal) -> str:
    """Say that the frequencies were changed for longer texts, where they were."""
    if not rotation.scaling:
        return ""
    return f", which this model turns by {_plain(speed)} a position (scaling for long texts: {rotation.scaling})"


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
        (f"both {LATER} places later", i + LATER, j + LATER, abs(i - j), score(i + LATER, j + LATER)),
        ("one place farther apart", *farther, abs(i - j) + 1, score(*farther)),
    ]
    says = Prose(
        "Why rotate? A query and a key that are turned by their positions have a score that depends on the distance of "
        "the two words alone: how far apart they stand, and in which order.",
        id="distance",
    )
    headings = (f'"{names[i]}" asks "{names[j]}"', "query at", "key at", "distance", "score")
    return says, Table("The same two vectors at other positions", headings, rows, id="distances")

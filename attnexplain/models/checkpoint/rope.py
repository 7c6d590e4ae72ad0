"""How a model rotates queries and keys, as its config.json says it: transformers 4 and 5 write it differently.

transformers 5 has one object, rope_parameters, flat or with an object for each kind of layer. transformers 4 has
rope_theta, rope_scaling and keys of the families beside one another.

Reference: transformers 5, `modeling_rope_utils.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil, floor, log, pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.errors import CheckpointError
from attnexplain.models.checkpoint.config import LARGEST_NUMBER, Config
from attnexplain.variants import Rotation

if TYPE_CHECKING:
    from attnexplain.attention import Array

LARGEST_BASE = 1e10
_NOTHING = Config({})


def read_rotation(
    config: Config, d_k: int, *, base: float = 10_000.0, part: float = 1.0, base_key: str = "rope_theta",
    part_key: str = "", layer_type: str = "", is_interleaved: bool = False,
) -> Rotation:  # fmt: skip
    """Read how queries and keys of so many places are rotated.

    Args:
        config: of the whole model.
        d_k: the width of a head.
        base: of the frequencies, where none is given.
        part: of the places that are rotated, where none is given.
        base_key: what transformers 4 calls the base.
        part_key: what transformers 4 calls the part; "" where the model has no such key.
        layer_type: the kind of layer, where each kind has its own.
        is_interleaved: whether a place's partner is its neighbour.

    Raises:
        CheckpointError: it cannot be, or is not computed here.
    """
    given = config.part("rope_parameters")
    if given is not None and layer_type:
        given = given.part(layer_type)
    older = config.part("rope_scaling") if given is None and layer_type != "sliding_attention" else None
    scaling = given or older or _NOTHING
    base = scaling.number("rope_theta", config.number(base_key, base, least=1, most=LARGEST_BASE), 1, LARGEST_BASE)
    if part_key:
        part = config.number(part_key, part, most=1.000001)
        part = scaling.number("partial_rotary_factor", part, most=1.000001)
    kind = scaling.text("rope_type", scaling.text("type", "default"))
    kind = {"su": "longrope"}.get(kind, kind)
    if kind not in SCALINGS:
        raise CheckpointError(f"config.json: rope_type = {kind!r} is not known; these are: {', '.join(SCALINGS)}")
    places = int(d_k * part)
    if places < 2 or places % 2:
        raise CheckpointError(f"config.json: {places} of {d_k} places are to be rotated, which is no number of pairs")
    unscaled = base ** (-np.arange(0, places, 2) / places)  # [pairs]
    frequencies, stretch = SCALINGS[kind](unscaled, base, scaling, config)
    scaling.refuse_unread(_WITHOUT_EFFECT)
    if not (np.isfinite(frequencies).all() and (frequencies > 0).all()):
        raise CheckpointError("config.json: the frequencies of the rotation are not numbers above 0")
    return Rotation(frequencies, base, stretch, is_interleaved, "" if kind == "default" else kind)


_WITHOUT_EFFECT = frozenset(("partial_rotary_factor", "original_max_position_embeddings", "attention_factor"))


def _default(unscaled: Array, base: float, scaling: Config, config: Config) -> tuple[Array, float]:
    return unscaled, 1.0


def _linear(unscaled: Array, base: float, scaling: Config, config: Config) -> tuple[Array, float]:
    """Positions as if they were closer together (Chen et al. 2023, arXiv:2306.15595)."""
    return unscaled / scaling.number("factor", most=LARGEST_NUMBER), 1.0


def _llama3(unscaled: Array, base: float, scaling: Config, config: Config) -> tuple[Array, float]:
    """Slow the pairs that turn slowly, leave the fast ones, and pass from one to the other between (Llama 3.1)."""
    factor = scaling.number("factor", most=LARGEST_NUMBER)
    low = scaling.number("low_freq_factor", most=LARGEST_NUMBER)
    high = scaling.number("high_freq_factor", most=LARGEST_NUMBER)
    if high <= low:
        raise CheckpointError(f"config.json: high_freq_factor = {high:g} must be above low_freq_factor = {low:g}")
    turns = _original(scaling, config) * unscaled / (2 * pi)  # of each pair in a text of the length it was made for
    share = np.clip((turns - low) / (high - low), 0, 1)  # 1 for the fast
    return (1 - share) * unscaled / factor + share * unscaled, 1.0


def _yarn(unscaled: Array, base: float, scaling: Config, config: Config) -> tuple[Array, float]:
    """Slow the pairs that turn less than once, leave the fast ones, and stretch (Peng et al. 2023, 2309.00071)."""
    original, places = _original(scaling, config), 2 * len(unscaled)
    longest = config.size("max_position_embeddings", "rows", default=original)
    factor = scaling.number("factor", longest / original, most=LARGEST_NUMBER)
    fast, slow = (scaling.number(f"beta_{end}", default, most=LARGEST_NUMBER) for end, default in _BETAS)

    def pair_that_turns(times: float) -> float:
        return places * log(original / (times * 2 * pi)) / (2 * log(base))

    first, last = pair_that_turns(fast), pair_that_turns(slow)
    if scaling.flag("truncate", default=True):
        first, last = floor(first), ceil(last)
    first, last = max(first, 0), min(last, places - 1)
    slowed = np.clip((np.arange(len(unscaled)) - first) / (last - first or 0.001), 0, 1)
    whole, all_places = (scaling.number(key, 0.0, least=-1, most=100) for key in ("mscale", "mscale_all_dim"))
    stretch = _mscale(factor, 1.0)
    if whole and all_places:
        stretch = _mscale(factor, whole) / _mscale(factor, all_places)
    stretch = scaling.number("attention_factor", stretch, most=100)
    return unscaled / factor * slowed + unscaled * (1 - slowed), stretch


_BETAS = (("fast", 32.0), ("slow", 1.0))


def _mscale(factor: float, times: float) -> float:
    return 0.1 * times * log(factor) + 1 if factor > 1 else 1.0


def _longrope(unscaled: Array, base: float, scaling: Config, config: Config) -> tuple[Array, float]:
    """A factor for each pair, for texts no longer than those that the model was made for.

    Longer ones have other factors; they are refused. Source: Ding et al. 2024, arXiv:2402.13753.
    """
    short = np.array(scaling.numbers("short_factor", len(unscaled)))
    scaling.numbers("long_factor", len(unscaled))
    original = original_positions(config) or _original(scaling, config)
    longest = config.size("max_position_embeddings", "rows", default=original)
    factor = scaling.number("factor", longest / original, most=LARGEST_NUMBER)
    stretch = sqrt(1 + log(factor) / log(original)) if factor > 1 and original > 1 else 1.0
    return unscaled / short, scaling.number("attention_factor", stretch, most=100)


def original_positions(config: Config) -> int | None:
    """Return the length of text that a model was made for, before it was stretched."""
    given = config.get("original_max_position_embeddings")
    return None if given is None else config.size("original_max_position_embeddings", "rows")


def _original(scaling: Config, config: Config) -> int:
    """Return the length of text that the frequencies were made for."""
    beside = original_positions(config)
    if beside is not None:
        return beside
    longest = config.size("max_position_embeddings", "rows")
    return scaling.size("original_max_position_embeddings", "rows", default=longest)


SCALINGS: Mapping[str, Callable[[Array, float, Config, Config], tuple[Array, float]]] = {
    "default": _default,
    "linear": _linear,
    "llama3": _llama3,
    "yarn": _yarn,
    "longrope": _longrope,
}

"""How a model rotates queries and keys, as its config.json says it: transformers 4 and 5 write it differently.

transformers 5 has one object, rope_parameters, flat or with an object for each kind of layer. transformers 4 has
rope_theta, rope_scaling and keys of the families beside one another.

Reference: transformers 5, `modeling_rope_utils.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil, floor, log, pi, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from attnexplain.models.checkpoint.config import LARGEST_NUMBER, Config
from attnexplain.variants import Rotation

if TYPE_CHECKING:
    from attnexplain.attention import Array

LARGEST_BASE = 1e10
RENAMED: Mapping[str, str] = {"su": "longrope"}
UNSCALED = ("default", "dynamic")
"""Kinds that leave the frequencies as they are, in texts no longer than those that the model was made for."""
_NOTHING = Config({})
_WITHOUT_EFFECT = frozenset(("original_max_position_embeddings", "attention_factor"))


def read_rotation(
    config: Config,
    d_k: int,
    *,
    base: float = 10_000.0,
    part: float = 1.0,
    base_key: str = "rope_theta",
    part_key: str = "",
    layer_type: str = "",
    is_scaled: bool = True,
    original: int | None = None,
    renamed: Mapping[str, str] = RENAMED,
) -> Rotation:
    """Read how queries and keys of so many places are rotated.

    Args:
        config: of the whole model.
        d_k: the width of a head.
        base: of the frequencies, where none is given.
        part: of the places that are rotated, where none is given.
        base_key: what transformers 4 calls the base.
        part_key: what transformers 4 calls the part; "" where the model has no such key.
        layer_type: the kind of layer, where each kind has its own.
        is_scaled: whether rope_scaling, which transformers 4 had, is meant for this kind of layer, too.
        original: the length of text that the frequencies were made for, where scaling has no say in it.
        renamed: kinds of scaling that are others under a name of their own.

    Raises:
        CheckpointError: it cannot be, or is not computed here.
    """
    scaling = _of_kind(config, layer_type, is_scaled=is_scaled) if layer_type else _of_all(config)
    base = scaling.number("rope_theta", config.number(base_key, base, least=1, most=LARGEST_BASE), 1, LARGEST_BASE)
    kind = scaling.text("rope_type", scaling.text("type", "default"))
    kind = renamed.get(kind, kind)
    if kind not in SCALINGS:
        raise config.error(f"rope_type = {kind!r} is not known; these are: {', '.join(SCALINGS)}")
    places = _rotated_places(config, scaling, d_k, part, part_key)
    unscaled = base ** (-np.arange(0, places, 2) / places)  # [pairs]
    longest = config.size("max_position_embeddings", "rows", default=None if _needs_length(kind, scaling) else LENGTH)
    beside = None if layer_type else original_positions(config)
    within = scaling.size("original_max_position_embeddings", "rows", default=longest)
    if layer_type and not _truncates(scaling):
        raise scaling.error("truncate = false has no effect in transformers where each kind of layer has a rotation")
    text = _Text(original or beside or within, longest)
    frequencies, stretch = SCALINGS[kind](_Unscaled(unscaled, base), scaling, text)
    scaling.refuse_unread(_WITHOUT_EFFECT)
    if not (np.isfinite(frequencies).all() and (frequencies > 0).all()):
        raise config.error("the frequencies of the rotation are not numbers above 0")
    limit = {"longrope": text.made_for, "dynamic": text.longest}.get(kind)
    return Rotation(frequencies, base, stretch, scaling="" if kind in UNSCALED else kind, longest=limit)


def _of_all(config: Config) -> Config:
    """Find the object that is for all layers; where there are two, transformers takes the older key."""
    older, newer = config.part("rope_scaling"), config.part("rope_parameters")
    return older or newer or _NOTHING


def _of_kind(config: Config, layer_type: str, *, is_scaled: bool) -> Config:
    """Find the object that is for one kind of layer; keys of rope_scaling, where it is meant, are put over its own."""
    older, newer = config.part("rope_scaling"), config.part("rope_parameters")
    if newer is not None and (strange := [key for key in newer.keys if key not in KINDS_OF_LAYERS]):
        raise newer.error(f"{strange[0]!r} stands where only {' and '.join(KINDS_OF_LAYERS)} can")
    own = newer and newer.part(layer_type)
    if not older or not is_scaled:
        return own or _NOTHING
    if older.get("rope_type") is None and older.get("type") is not None:
        raise older.error(
            "type has no effect in transformers here, where each kind of layer has a rotation", hint="call it rope_type"
        )
    return older.over(own or _NOTHING)


FULL, SLIDING = KINDS_OF_LAYERS = ("full_attention", "sliding_attention")
LENGTH = 2048
"""Of the longest text, where config.json does not say and nothing depends on it."""


def _needs_length(kind: str, scaling: Config) -> bool:
    """Whether frequencies depend on the length of the longest text; without it each family has a length of its own."""
    if kind in ("default", "linear"):
        return False
    return kind == "dynamic" or not {"factor", "original_max_position_embeddings"} <= set(scaling.keys)


class _Unscaled(NamedTuple):
    frequencies: Array  # [pairs]
    base: float


class _Text(NamedTuple):
    """How long texts are, in tokens."""

    made_for: int
    """Those that the frequencies were made for."""
    longest: int
    """The longest that the scaling is for."""


def _rotated_places(config: Config, scaling: Config, d_k: int, part: float, part_key: str) -> int:
    """Read how many places of a vector are rotated."""
    if part_key:
        part = config.number(part_key, part, most=1.000001)
        part = scaling.number("partial_rotary_factor", part, most=1.000001)
    elif (other := config.get("partial_rotary_factor", scaling.get("partial_rotary_factor", 1))) != 1:
        raise config.error(f"partial_rotary_factor = {str(other)[:40]!r} is not known for this kind of model")
    places = int(d_k * part)
    if places < 2 or places % 2:
        raise config.error(f"{places} of {d_k} places are to be rotated, which is no number of pairs")
    return places


def original_positions(config: Config) -> int | None:
    """Return the length of text that a model was made for, before it was stretched."""
    if config.get("original_max_position_embeddings") is None:
        return None
    return config.size("original_max_position_embeddings", "rows")


def _default(unscaled: _Unscaled, scaling: Config, text: _Text) -> tuple[Array, float]:
    return unscaled.frequencies, 1.0


def _dynamic(unscaled: _Unscaled, scaling: Config, text: _Text) -> tuple[Array, float]:
    """Another base for texts longer than the model was made for; those are refused."""
    scaling.number("factor", most=LARGEST_NUMBER)
    return unscaled.frequencies, 1.0


def _linear(unscaled: _Unscaled, scaling: Config, text: _Text) -> tuple[Array, float]:
    """Positions as if they were closer together (Chen et al. 2023, arXiv:2306.15595)."""
    return unscaled.frequencies / scaling.number("factor", most=LARGEST_NUMBER), 1.0


def _llama3(unscaled: _Unscaled, scaling: Config, text: _Text) -> tuple[Array, float]:
    """Slow the pairs that turn slowly, leave the fast ones, and pass from one to the other between (Llama 3.1)."""
    factor = scaling.number("factor", most=LARGEST_NUMBER)
    low = scaling.number("low_freq_factor", most=LARGEST_NUMBER)
    high = scaling.number("high_freq_factor", most=LARGEST_NUMBER)
    if high <= low:
        raise scaling.error(f"high_freq_factor = {high:g} must be above low_freq_factor = {low:g}")
    turns = text.made_for * unscaled.frequencies / (2 * pi)  # of each pair, in a text of that length
    fast = np.clip((turns - low) / (high - low), 0, 1)
    return (1 - fast) * unscaled.frequencies / factor + fast * unscaled.frequencies, 1.0


def _yarn(unscaled: _Unscaled, scaling: Config, text: _Text) -> tuple[Array, float]:
    """Slow the pairs that turn less than once, leave the fast ones, and stretch.

    Source: Peng et al. 2023, "YaRN", arXiv:2309.00071, sections 3.2 and 3.4.
    """
    places = 2 * len(unscaled.frequencies)
    factor = scaling.number("factor", text.longest / text.made_for, most=LARGEST_NUMBER)
    fast = scaling.number("beta_fast", 32.0, most=LARGEST_NUMBER)
    slow = scaling.number("beta_slow", 1.0, most=LARGEST_NUMBER)

    def pair_that_turns(times: float) -> float:
        return places * log(text.made_for / (times * 2 * pi)) / (2 * log(unscaled.base))

    first, last = pair_that_turns(fast), pair_that_turns(slow)
    if _truncates(scaling):
        first, last = floor(first), ceil(last)
    first, last = max(first, 0), min(last, places - 1)
    slowed = np.clip((np.arange(places // 2) - first) / (last - first or 0.001), 0, 1)
    whole, all_places = (scaling.number(key, 0.0, least=-1, most=100) for key in ("mscale", "mscale_all_dim"))
    stretch = _stretch(factor, 1.0)
    if whole and all_places:
        stretch = _stretch(factor, whole) / _stretch(factor, all_places)
    mixed = unscaled.frequencies / factor * slowed + unscaled.frequencies * (1 - slowed)
    return mixed, scaling.number("attention_factor", stretch, most=100)


def _truncates(scaling: Config) -> bool:
    """Whether the pairs between which frequencies change are whole ones; null stands for no, as in transformers."""
    return scaling.flag("truncate", default=True) and not scaling.is_null("truncate")


def _stretch(factor: float, times: float) -> float:
    return 0.1 * times * log(factor) + 1 if factor > 1 else 1.0


def _longrope(unscaled: _Unscaled, scaling: Config, text: _Text) -> tuple[Array, float]:
    """A factor for each pair, for texts no longer than those that the model was made for.

    Longer ones have other factors; they are refused. Source: Ding et al. 2024, arXiv:2402.13753.
    """
    pairs = len(unscaled.frequencies)
    short = np.array(scaling.numbers("short_factor", pairs))
    scaling.numbers("long_factor", pairs)
    factor = scaling.number("factor", text.longest / text.made_for, most=LARGEST_NUMBER)
    stretch = sqrt(1 + log(factor) / log(text.made_for)) if factor > 1 and text.made_for > 1 else 1.0
    return unscaled.frequencies / short, scaling.number("attention_factor", stretch, most=100)


SCALINGS: Mapping[str, Callable[[_Unscaled, Config, _Text], tuple[Array, float]]] = {
    "default": _default,
    "dynamic": _dynamic,
    "linear": _linear,
    "llama3": _llama3,
    "yarn": _yarn,
    "longrope": _longrope,
}

"""What a model adds to the four steps, as settings that are stored with a run, and read back.

A norm is stored by its gain and by the root that each vector was divided by, which say it whatever they were made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.errors import NumbersError
from attnexplain.models.checks import read_flag, read_matrix, read_number, read_vector
from attnexplain.variants import Norm, Rotation, Variant, VariantTrace

if TYPE_CHECKING:
    from attnexplain.attention import Array

LARGEST = 1e12
"""Of a setting."""
KINDS_OF_SCALING = ("", "linear", "llama3", "yarn", "longrope")
NORMS = ("query_norm", "key_norm")
PARTS = ("rotated", *NORMS)
"""Settings that are objects in JSON; in .npz their keys stand beside the arrays, as rotated_base."""


def variant_settings(trace: VariantTrace) -> dict[str, Any]:
    """Put what a model adds into plain Python; an empty object where it adds nothing."""
    variant, settings = trace.variant, dict[str, Any]()
    if variant.window is not None:
        settings["window"] = variant.window
    if variant.softcap is not None:
        settings["softcap"] = variant.softcap
    if (rotation := variant.rotation) is not None:
        settings["rotated"] = {
            "places": rotation.places,
            "base": rotation.base,
            "frequencies": rotation.frequencies.tolist(),
            "stretch": rotation.stretch,
            "interleaved": rotation.is_interleaved,
            "scaling": rotation.scaling,
        }
    for key, norm, vectors in zip(
        NORMS, (variant.query_norm, variant.key_norm), (trace.projected_queries, trace.projected_keys), strict=True
    ):
        if norm is not None and vectors is not None:
            over = "all heads" if norm.over_all_heads else "head"
            settings[key] = {"gain": norm.gain.tolist(), "roots": norm.roots(vectors).tolist(), "over": over}
    if variant.sink is not None and (shares := trace.sink_shares) is not None:
        settings |= {"sink": shares.tolist(), "sink_score": variant.sink}
    return settings


def flattened(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Write settings as .npz has them: the keys of an object behind its own name."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= {f"{key}_{part}": entry for part, entry in value.items()} if isinstance(value, dict) else {key: value}
    return flat


def read_variant(settings: Mapping[str, Any], content: Mapping[str, Any], count: int) -> Variant:
    """Read what a model adds to the four steps.

    Args:
        settings: of the run.
        content: the whole of what was stored.
        count: of its tokens.

    Raises:
        NumbersError: it is not what a stored run has.
    """
    window = settings.get("window")
    if window is not None and (isinstance(window, bool) or not isinstance(window, int) or window < 1):
        raise NumbersError("window must be a whole number of at least 1")
    softcap = settings.get("softcap")
    bias = read_matrix("bias", content["bias"]) if "bias" in content else None
    if bias is not None and bias.shape != (count, count):
        raise NumbersError(f"bias has the shape {bias.shape}; expected {(count, count)}")
    sink = settings.get("sink_score")
    return Variant(
        query_norm=_norm("query_norm", settings, count),
        key_norm=_norm("key_norm", settings, count),
        rotation=_rotation(settings),
        softcap=None if softcap is None else _bounded("softcap", softcap, 0.0),
        bias=bias,
        window=window,
        sink=None if sink is None else _bounded("sink_score", sink, -LARGEST),
    )


def _part(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Gather the keys of one object, as JSON or .npz has it."""
    part = settings.get(name)
    if part is None:
        return {key.removeprefix(f"{name}_"): value for key, value in settings.items() if key.startswith(f"{name}_")}
    if not isinstance(part, dict):
        raise NumbersError(f"{name} is not what a stored run has")
    return part


def _norm(name: str, settings: Mapping[str, Any], count: int) -> Norm | None:
    part = _part(name, settings)
    if not part:
        return None
    gain, roots = (read_vector(f"{name}, {key}", part.get(key)) for key in ("gain", "roots"))
    if len(roots) != count or not ((roots > 0) & (roots < LARGEST)).all():
        raise NumbersError(f"{name}, roots: one number above 0 for each token is wanted")
    over = part.get("over", "head")
    if over not in ("head", "all heads"):
        raise NumbersError(f'{name}, over: "head" or "all heads" is wanted')
    return Norm(gain, 0.0, roots * roots, over_all_heads=over != "head")


def _rotation(settings: Mapping[str, Any]) -> Rotation | None:
    part = _part("rotated", settings)
    if not part:
        return None
    frequencies: Array = read_vector("rotated, frequencies", part.get("frequencies"))
    places = part.get("places", 2 * len(frequencies))
    if np.ndim(places) or places != 2 * len(frequencies):
        raise NumbersError(f"rotated, places: there are {len(frequencies)} frequencies, one for each pair")
    scaling = part.get("scaling", "")
    if scaling not in KINDS_OF_SCALING:
        raise NumbersError(f"rotated, scaling: one of {', '.join(filter(None, KINDS_OF_SCALING))} is wanted")
    return Rotation(
        np.asarray(frequencies),
        _bounded("rotated, base", part.get("base"), 0.0),
        _bounded("rotated, stretch", part.get("stretch", 1.0), 0.0),
        read_flag("interleaved", part, default=False),
        scaling,
    )


def _bounded(where: str, number: Any, least: float) -> float:
    """Read a number above another, and not too large to go on with."""
    value = read_number(where, number)
    if not least < value < LARGEST:
        raise NumbersError(f"{where} must be a number between {least:g} and {LARGEST:g}")
    return value

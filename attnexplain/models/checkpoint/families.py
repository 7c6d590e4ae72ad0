"""The families whose layout is known, by what config.json calls them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from attnexplain.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Family

FAMILIES: Mapping[str, str] = {
    "bert": "bert.FAMILY",
    "distilbert": "distilbert.FAMILY",
    "roberta": "roberta.FAMILY",
    "xlm-roberta": "roberta.XLM",
    "camembert": "roberta.CAMEMBERT",
    "roberta-prelayernorm": "roberta.PRE_NORM",
    "xlm-roberta-xl": "roberta.XL",
    "electra": "electra.FAMILY",
    "albert": "albert.FAMILY",
    "mpnet": "mpnet.FAMILY",
    "ernie": "bert.ERNIE",
    "roformer": "roformer.FAMILY",
    "modernbert": "modernbert.FAMILY",
    "gpt2": "gpt2.FAMILY",
    "gpt_neo": "gpt_neo.FAMILY",
    "opt": "opt.FAMILY",
    "gpt_neox": "gpt_neox.FAMILY",
    "llama": "llama.FAMILY",
    "mistral": "mistral.FAMILY",
    "qwen2": "qwen.QWEN_2",
    "qwen3": "qwen.QWEN_3",
    "gemma": "gemma.GEMMA_1",
    "gemma2": "gemma.GEMMA_2",
    "gemma3_text": "gemma.GEMMA_3",
    "phi3": "phi.FAMILY",
    "olmo2": "olmo.FAMILY",
    "smollm3": "smollm.FAMILY",
    "gpt_oss": "gpt_oss.FAMILY",
}
"""By model_type the file beside this one that describes it, and the name in it; only the one that is used is read."""


def family(kind: str) -> Family:
    """Return the family that goes by a model_type of the table."""
    module, name = FAMILIES[kind].split(".")
    found: Family = getattr(import_module(f"{__package__}.{module}"), name)
    return found


def family_of(config: Config) -> Family:
    """Return the family of a model.

    Raises:
        CheckpointError: it is not known; the message says which are, and what is known of this one.
    """
    kind = config.model_type
    if kind in FAMILIES:
        return family(kind)
    why = WHY_NOT.get(kind, "")
    raise CheckpointError(
        f"config.json: model_type = {kind[:40]!r} is not one of those that are read here{why and f': {why}'}",
        hint="these are: " + ", ".join(dict.fromkeys(family(known).title for known in FAMILIES)),
    )


_BESIDE = "its scores are not Q·Kᵀ alone"
WHY_NOT: Mapping[str, str] = {
    "bloom": "a bias by distance is added to its scores (ALiBi)",
    "mpt": "a bias by distance is added to its scores (ALiBi)",
    "deberta": f"{_BESIDE}: words and positions have queries and keys of their own (disentangled attention)",
    "deberta-v2": f"{_BESIDE}: words and positions have queries and keys of their own (disentangled attention)",
    "deepseek_v2": f"{_BESIDE}: a part without positions and a rotated part are added (multi-head latent attention)",
    "deepseek_v3": f"{_BESIDE}: a part without positions and a rotated part are added (multi-head latent attention)",
    "mamba": "it has no attention",
    "mamba2": "it has no attention",
    "t5": "it has an encoder and a decoder, and a bias by distance",
    "bart": "it has an encoder and a decoder",
    "llama4": "it also sees pictures, and has experts",
    "qwen2_vl": "it also sees pictures",
    "qwen2_5_vl": "it also sees pictures",
    "gemma3n": "it also sees pictures and hears",
    "gemma3": "it also sees pictures; its text model alone (gemma3_text) is read",
    "qwen3_moe": "its second half is made of experts, of which a few answer",
    "mixtral": "its second half is made of experts, of which a few answer",
}
"""What there is to say of some that are not."""

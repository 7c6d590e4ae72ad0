"""Where embeddings and parameter matrices come from: one file per source, and the one function that chooses."""

from __future__ import annotations

from functools import cache
from os import PathLike

from attnexplain.arguments import check_flag, check_source, check_whole
from attnexplain.errors import CommandError
from attnexplain.facts import DEFAULT_MODEL, NUMBERS_FILES
from attnexplain.models.model import FROM_LETTERS, UNKNOWN, Embedded, Kind, Model, ModelInfo, numbered
from attnexplain.models.weights_file import AttentionWeights

__all__ = [
    "DEFAULT_MODEL",
    "FROM_LETTERS",
    "UNKNOWN",
    "Embedded",
    "Kind",
    "Model",
    "ModelInfo",
    "load_model",
    "numbered",
]

OWN = (DEFAULT_MODEL, "untrained")
"""The models that need no file."""


def load_model(
    source: str | PathLike[str] = DEFAULT_MODEL,
    *,
    seed: int = 0,
    layer: int = 0,
    head: int = 0,
    download: bool = False,
) -> Model | AttentionWeights:
    """Find a model by its name.

    Args:
        source: a name or a path: "tiny", the learned model inside the package; "untrained"; a .json or .npz file of
            your own numbers; the folder or .safetensors file of a Hugging Face checkpoint; "minilm"; or the name of a
            model in the local Hugging Face cache.
        seed: for the untrained model.
        layer: of a checkpoint, counted from 0.
        head: of that layer, counted from 0.
        download: fetch the checkpoint from the Hugging Face hub first. Without it nothing touches the network.

    Returns:
        A model; or, where a file holds nothing else, the attention weights in it.

    Raises:
        CommandError: there is no such model, layer or head, or an optional library is missing.
        NumbersError: the numbers in the file don't work.
        CheckpointError: the checkpoint doesn't.
        TypeError: an argument of the wrong type.
    """
    source = check_source(source)
    check_whole("seed", seed, 0, 10**15)
    check_whole("layer", layer)
    check_whole("head", head)
    check_flag("download", download)
    if seed and source != "untrained":
        raise CommandError(f"a seed makes the numbers of the untrained model, and {source} is another")
    if source in OWN or source.endswith(NUMBERS_FILES):
        if download:
            raise CommandError("--download fetches checkpoints", hint="name one: --model openai-community/gpt2")
        if (layer or head) and source == "untrained":
            raise CommandError(f"--layer and --head choose from a checkpoint; {source} has one layer")
    if source == DEFAULT_MODEL:
        if layer:
            raise CommandError("--layer and --head choose from a checkpoint; tiny has one layer")
        return _tiny(head)
    if source == "untrained":
        from attnexplain.models.untrained import Untrained

        return Untrained(seed)
    if source.endswith(NUMBERS_FILES):
        from attnexplain.models.own_numbers import read_numbers

        return read_numbers(source, head, layer)
    from attnexplain.models.checkpoint import open_checkpoint

    return open_checkpoint(source, layer=layer, head=head, download=download)


@cache
def _tiny(head: int) -> Model:
    """Read the learned model once: a process may explain many sentences."""
    from attnexplain.models.tiny import HEADS, Tiny

    return Tiny(numbered("head", head, len(HEADS), DEFAULT_MODEL))

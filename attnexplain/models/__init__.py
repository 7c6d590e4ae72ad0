"""Where embeddings and parameter matrices come from: one file per source, and the one function that chooses."""

from __future__ import annotations

from attnexplain.errors import CommandError
from attnexplain.models.model import FROM_LETTERS, UNKNOWN, Embedded, Kind, Model, ModelInfo

__all__ = ["DEFAULT_MODEL", "FROM_LETTERS", "UNKNOWN", "Embedded", "Kind", "Model", "ModelInfo", "load_model"]

DEFAULT_MODEL = "tiny"


def load_model(source: str = DEFAULT_MODEL, *, seed: int = 0) -> Model:
    """Find a model by its name.

    Args:
        source: "tiny", the learned model inside the package; "untrained"; or a .json or .npz file of your own numbers.
        seed: for the untrained model.

    Raises:
        CommandError: there is no such model.
        NumbersError: the numbers in the file don't work.
    """
    if source == "tiny":
        from attnexplain.models.tiny import Tiny

        return Tiny()
    if source == "untrained":
        from attnexplain.models.untrained import Untrained

        return Untrained(seed)
    if source.endswith((".json", ".npz")):
        from attnexplain.models.numbers import read_numbers

        return read_numbers(source)
    from attnexplain.tokens import visible

    raise CommandError(
        f"there is no model {visible(source)!r}",
        hint="the models are: tiny, untrained, and .json or .npz files of your own numbers",
    )

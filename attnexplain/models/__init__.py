"""Where embeddings and parameter matrices come from: one file per source, and the one function that chooses."""

from __future__ import annotations

from attnexplain.errors import CommandError
from attnexplain.models.model import Kind, Model, ModelInfo

__all__ = ["DEFAULT_MODEL", "Kind", "Model", "ModelInfo", "load_model"]

DEFAULT_MODEL = "untrained"


def load_model(source: str = DEFAULT_MODEL, *, seed: int = 0) -> Model:
    """Find a model by its name.

    Args:
        source: "untrained".
        seed: for the untrained model.

    Raises:
        CommandError: there is no such model.
    """
    if source == "untrained":
        from attnexplain.models.untrained import Untrained

        return Untrained(seed)
    from attnexplain.tokens import visible

    raise CommandError(f"there is no model {visible(source)!r}", hint="attnexplain --model untrained 'your sentence'")

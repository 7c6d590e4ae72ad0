"""What several rooms of the house have to agree on."""

from __future__ import annotations

SCHEMA = "attnexplain/1"
"""The name of our JSON. It changes when a key is removed or changes its meaning; new keys may appear at any time."""

STEPS = (1, 2, 3, 4)
"""The four steps: vectors, scores, weights, context."""

WIDE = 48
"""The most columns of numbers that are written; what is wider becomes a picture, and its matrices are left out."""

NUMBERS_FILES = (".json", ".npz")
"""How the names of files end that hold somebody's own numbers."""

DEFAULT_MODEL = "tiny"
"""The model that is used where none is named."""

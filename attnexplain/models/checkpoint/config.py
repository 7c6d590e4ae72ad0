"""The config.json of a checkpoint: which family it is, and its sizes, each of them checked."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from attnexplain.errors import CheckpointError, CommandError, DataError
from attnexplain.models.files import parse_json, read_file

NAME = "config.json"
LARGEST = 1 << 20
LARGEST_SIZE = {"layers": 256, "heads": 1024, "width": 1 << 14, "inner width": 1 << 16, "rows": 1 << 22}
"""Larger than any model of these families; a lying file is not followed further."""


class Config:
    """The keys of config.json, with the kinds that they must have.

    Raises:
        CheckpointError: a key is missing, is of another kind, or asks for code to be run.
    """

    def __init__(self, keys: Mapping[str, Any]) -> None:
        self._keys = keys
        if "auto_map" in keys:
            raise CheckpointError(f"{NAME} asks to run code that comes with the checkpoint (auto_map); nothing is run")

    @property
    def model_type(self) -> str:
        """The family's name, as Hugging Face calls it."""
        return self.text("model_type")

    def size(self, key: str, what: str, default: int | None = None) -> int:
        """Return a whole number of at least 1; `what` it counts decides how large it may be."""
        value = self._keys.get(key)
        if value is None:
            if default is None:
                raise CheckpointError(f"{NAME} has no {key}")
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_SIZE[what]:
            raise CheckpointError(f"{NAME}: {key} must be a whole number from 1 to {LARGEST_SIZE[what]}")
        return value

    def heads(self, key: str, width_key: str, default: int | None = None, default_width: int | None = None) -> int:
        """Return the number of heads, which the width must be a multiple of."""
        heads, width = self.size(key, "heads", default), self.size(width_key, "width", default_width)
        if width % heads:
            raise CheckpointError(f"{NAME}: {width_key} = {width} is not a multiple of {key} = {heads}")
        return heads

    def only(self, key: str, value: str) -> None:
        """Refuse what is not computed here."""
        if (found := self.text(key, value)) != value:
            raise CheckpointError(f"{NAME}: {key} = {found!r} is not supported; only {value!r} is")

    def number(self, key: str, default: float) -> float:
        """Return a small positive number."""
        value = self._keys.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not (isfinite(value) and 0 < value < 1):
            raise CheckpointError(f"{NAME}: {key} must be a number between 0 and 1")
        return float(value)

    def count(self, key: str, default: int) -> int:
        """Return a whole number of at least 0."""
        value = self._keys.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_SIZE["rows"]:
            raise CheckpointError(f"{NAME}: {key} must be a whole number from 0 to {LARGEST_SIZE['rows']}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._keys.get(key, default)
        if not isinstance(value, bool):
            raise CheckpointError(f"{NAME}: {key} must be true or false")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        value = self._keys.get(key, default)
        if value is None:
            raise CheckpointError(f"{NAME} has no {key}")
        if not isinstance(value, str) or len(value) > 200:
            raise CheckpointError(f"{NAME}: {key} must be a short text")
        return value


def read_config(folder: Path) -> Config:
    """Read the config.json of a folder."""
    try:
        return Config(parse_json(read_file(folder / NAME, LARGEST)))
    except CheckpointError:
        raise
    except (DataError, CommandError) as error:
        raise CheckpointError(f"{NAME}: {error.message}" if isinstance(error, DataError) else error.message) from error

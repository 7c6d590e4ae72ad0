"""The config.json of a checkpoint: which family it is, and its sizes, each of them checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from attnexplain.errors import CheckpointError, CommandError, DataError
from attnexplain.models.files import parse_json, read_file

NAME = "config.json"
LARGEST = 1 << 20
LARGEST_SIZE = {"layers": 256, "heads": 1024, "width": 1 << 14, "inner width": 1 << 16, "rows": 1 << 22}
"""Larger than any model of these families; a lying file is not followed further."""
LARGEST_NUMBER = 1e12

SPEAKS_OF_ATTENTION = re.compile(
    "att|rope|rotary|window|sliding|cap|sink|alibi|qk|kv|head|query|key|value|scal|norm|position|bias|theta|parallel"
    "|mask|causal|clip|layer_types|per_layer|multiplier|pattern|quant|expert|sparse|lora|adapter|residual|embedding_size"
)
"""Words in the keys of config.json that may change what attention computes."""
HARMLESS = frozenset(
    (
        "architectures", "attention_dropout", "attention_probs_dropout_prob", "attn_pdrop", "attn_implementation",
        "_attn_implementation", "_attn_implementation_autoset", "output_attentions", "tie_word_embeddings",
        "summary_proj_to_labels", "summary_activation", "summary_first_dropout", "summary_type", "summary_use_proj",
        "reorder_and_upcast_attn", "keys_to_ignore_at_inference", "initializer_range", "head_dropout",
        "max_position_embeddings", "n_positions", "final_logit_softcapping", "pad_token_id", "problem_type",
        "classifier_bias", "use_cache", "gradient_checkpointing", "cross_attention_hidden_size",
    )
)  # fmt: skip
"""Keys that change no number of attention: what is left out while training, and what stands behind the layers."""


class Config:
    """The keys of config.json, with the kinds that they must have.

    Raises:
        CheckpointError: a key is missing, is of another kind, or asks for code to be run.
    """

    def __init__(self, keys: Mapping[str, Any], where: str = NAME) -> None:
        self._keys = keys
        self._where = where
        self._read: set[str] = set()

    @property
    def model_type(self) -> str:
        """The family's name, as Hugging Face calls it."""
        return self.text("model_type")

    def get(self, key: str, default: Any = None) -> Any:
        """Return what stands at a key, and remember that it was read; null is the same as nothing."""
        self._read.add(key)
        value = self._keys.get(key)
        return default if value is None else value

    def __bool__(self) -> bool:
        return bool(self._keys)

    def part(self, key: str) -> Config | None:
        """Return an object inside of this one."""
        value = self.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.error(f"{key} must be an object")
        return Config(value, f"{self._where}, {key}")

    def refuse_unread(self, harmless: frozenset[str] = frozenset()) -> None:
        """Refuse what speaks of attention, is not off, and was not read: it would be passed over without a word.

        Args:
            harmless: keys that change no number that is computed here.
        """
        if "auto_map" in self._keys and "auto_map" not in harmless:
            raise self.error("asks to run code that comes with the checkpoint (auto_map); nothing is run", sign="")
        for key, value in self._keys.items():
            unread = key not in self._read | harmless | HARMLESS and not key.startswith("_")
            if key == "quantization_config" and isinstance(value, dict):
                raise self.error(
                    f"the checkpoint is quantized ({key}: {str(value.get('quant_method', 'no method'))[:40]!r})",
                    hint="take one in bfloat16, float16 or float32",
                )
            if unread and value not in (None, False, "", [], {}) and SPEAKS_OF_ATTENTION.search(key):
                raise self.error(f"{key} = {str(value)[:40]!r} is not known for this kind of model, and may change it")

    def size(self, key: str, what: str, default: int | None = None) -> int:
        """Return a whole number of at least 1; `what` it counts decides how large it may be."""
        value = self.get(key, default)
        if value is None:
            raise self.error(f"has no {key}", sign="")
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_SIZE[what]:
            raise self.error(f"{key} must be a whole number from 1 to {LARGEST_SIZE[what]}")
        return value

    def heads(self, key: str, width_key: str, default: int | None = None, default_width: int | None = None) -> int:
        """Return the number of heads, which the width must be a multiple of."""
        heads, width = self.size(key, "heads", default), self.size(width_key, "width", default_width)
        if width % heads:
            raise self.error(f"{width_key} = {width} is not a multiple of {key} = {heads}")
        return heads

    def only(self, key: str, value: str) -> None:
        """Refuse what is not computed here."""
        if (found := self.text(key, value)) != value:
            raise self.error(f"{key} = {found!r} is not supported; only {value!r} is")

    def number(self, key: str, default: float | None = None, least: float = 0, most: float = 1) -> float:
        """Return a number between two others."""
        value = self.get(key, default)
        if value is None:
            raise self.error(f"has no {key}", sign="")
        is_number = not isinstance(value, bool) and isinstance(value, int | float)
        if not is_number or not (isfinite(value) and least < value < most):
            raise self.error(f"{key} must be a number between {least:g} and {most:g}")
        return float(value)

    def numbers(self, key: str, count: int) -> list[float]:
        """Return a list of so many positive numbers."""
        values = self.get(key)
        if not isinstance(values, list) or len(values) != count:
            raise self.error(f"{key} must be a list of {count} numbers")
        return [Config({key: value}, self._where).number(key, most=LARGEST_NUMBER) for value in values]

    def choices(self, key: str, count: int, known: Sequence[Any]) -> list[Any] | None:
        """Return a list of so many entries, each of them known; None where there is none."""
        values = self.get(key)
        if values is None:
            return None
        if not isinstance(values, list) or len(values) < count or any(value not in known for value in values):
            raise self.error(f"{key} must be a list of {count}, each of {', '.join(map(str, known))}")
        return values[:count]

    def count(self, key: str, default: int) -> int:
        """Return a whole number of at least 0."""
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_SIZE["rows"]:
            raise self.error(f"{key} must be a whole number from 0 to {LARGEST_SIZE['rows']}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.get(key, default)
        if not isinstance(value, bool):
            raise self.error(f"{key} must be true or false")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        value = self.get(key, default)
        if value is None:
            raise self.error(f"has no {key}", sign="")
        if not isinstance(value, str) or len(value) > 200:
            raise self.error(f"{key} must be a short text")
        return value

    @property
    def keys(self) -> Sequence[str]:
        """All keys, read or not."""
        return list(self._keys)

    def over(self, other: Config) -> Config:
        """Put the keys of this object over those of another."""
        return Config({**other._keys, **self._keys}, self._where)

    def with_default(self, key: str, value: Any) -> Config:
        """Take a value where a key is missing or null; what is read of the copy is read of this one."""
        copy = Config({**self._keys, key: value} if self.get(key) is None else self._keys, self._where)
        copy._read = self._read
        return copy

    def is_null(self, key: str) -> bool:
        """Whether a key is there and says null."""
        self._read.add(key)
        return key in self._keys and self._keys[key] is None

    def error(self, message: str, sign: str = ":", hint: str = "") -> CheckpointError:
        """Make an error that names the file, and the object in it."""
        return CheckpointError(f"{self._where}{sign} {message}", hint=hint)


def read_config(folder: Path) -> Config:
    """Read the config.json of a folder."""
    try:
        return Config(parse_json(read_file(folder / NAME, LARGEST)))
    except CheckpointError:
        raise
    except (DataError, CommandError) as error:
        raise CheckpointError(f"{NAME}: {error.message}" if isinstance(error, DataError) else error.message) from error

"""What of a checkpoint is in a GGUF file, or in several that a model was split into."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.errors import CheckpointError, CommandError
from attnexplain.models.checkpoint.config import Config
from attnexplain.models.checkpoint.gguf.architectures import architecture_of, config_of, renamed
from attnexplain.models.checkpoint.gguf.header import Header, read_header
from attnexplain.models.checkpoint.gguf.tensors import GgufFile, GgufTensor, GgufTensors
from attnexplain.models.checkpoint.gguf.vocabulary import make_tokenizer
from attnexplain.text import visible

if TYPE_CHECKING:
    from attnexplain.models.checkpoint.layout import Sizes

SPLIT = re.compile(r"(.*)-([0-9]{5})-of-([0-9]{5})\.gguf")
"""How the files of a model are called that was split: the first one is named."""
MOST_FILES = 512


class Gguf:
    """What a model in GGUF files is made of.

    Raises:
        CheckpointError: a file is not what the format says, or of a model that is not read here.
        CommandError: there is no such file, or a library is missing.
    """

    def __init__(self, path: Path) -> None:
        headers = [read_header(part) for part in parts_of(path)]
        self._header = headers[0]
        self._files = [GgufFile(header) for header in headers]
        found: dict[str, GgufTensor] = {}
        for file in self._files:
            for name, tensor in file.tensors.items():
                if name in found:
                    raise CheckpointError(f"the tensor {name} stands in two of its files")
                found[name] = tensor
        _count_parts(headers, len(found))
        self.found: Mapping[str, GgufTensor] = found
        self.config: Config = config_of(self._header, found)

    def tensors(self) -> GgufTensors:
        """Return the tensors by the names of the family."""
        by_name, called = renamed(architecture_of(self._header), self.found, self.config)
        return GgufTensors(self._files, by_name, called)

    def tokenizer(self) -> Any:
        """Make the tokenizer."""
        return make_tokenizer(self._header)

    def rotated(self, sizes: Sizes) -> Sizes:
        """Divide the frequencies of rotations by the factors that the file has for them (Llama 3.1 and later)."""
        factors = self.found.get("rope_freqs.weight")
        if factors is None:
            return sizes
        numbers = factors.numbers().ravel().astype(np.float64)
        if not (np.isfinite(numbers).all() and (numbers > 0).all()):
            raise CheckpointError("the tensor rope_freqs.weight holds what is no number above 0")
        rotations = []
        for rotation in sizes.rotations:
            if rotation is not None and len(rotation.frequencies) != len(numbers):
                raise CheckpointError(
                    f"the tensor rope_freqs.weight has {len(numbers)} numbers, not {len(rotation.frequencies)}"
                )
            rotations.append(
                rotation
                and replace(rotation, frequencies=rotation.frequencies / numbers, scaling="factors in the file")
            )
        return replace(sizes, rotations=tuple(rotations))


def open_gguf(path: Path) -> Gguf:
    """Open a file, or the first of several that a model was split into."""
    return Gguf(path)


def parts_of(path: Path) -> list[Path]:
    """List the files of a model, of which the first is named.

    Raises:
        CommandError: another than the first is named.
    """
    match = SPLIT.fullmatch(path.name)
    if match is None:
        return [path]
    start, number, count = match[1], int(match[2]), int(match[3])
    if number != 1:
        raise CommandError(
            f"{visible(path.name)} is one of {count} files", hint=f"name the first: {start}-00001-of-{match[3]}.gguf"
        )
    if not 1 <= count <= MOST_FILES:
        raise CheckpointError(f"{count} files; {MOST_FILES} are allowed")
    return [path.with_name(f"{start}-{place:05}-of-{match[3]}.gguf") for place in range(1, count + 1)]


def _count_parts(headers: Sequence[Header], tensors: int) -> None:
    """Compare what a split file says with what there is."""
    said = headers[0].metadata
    if said.get("split.count", 1) not in (0, len(headers)):
        raise CheckpointError(
            f"it is one of {said['split.count']} files, and is not called …-00001-of-{said['split.count']:05}.gguf"
        )
    if said.get("split.tensors.count", tensors) != tensors:
        raise CheckpointError(
            f"it says that there are {said['split.tensors.count']} tensors, and its files have {tensors}"
        )

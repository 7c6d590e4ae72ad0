"""The tensors of a checkpoint, mapped into memory: what is not asked for is not read.

A .safetensors file is eight bytes (the length of the header, little-endian), a header in JSON that gives each tensor's
type, shape and place, and the numbers, little-endian. The library `safetensors` checks the header; the numbers are
mapped here, because its numpy reader copies every tensor whole and knows no bfloat16.
Format: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import mmap
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.errors import CheckpointError, CommandError, DataError
from attnexplain.models.checkpoint.extras import needed
from attnexplain.models.files import parse_json, read_file, regular_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
SHARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.safetensors")
"""How a file that an index names may be called: a plain name in the same folder."""
LARGEST = 1 << 36
LARGEST_HEADER = 1 << 24
MOST_SHARDS = 512

BLOCK = 1 << 18
"""How many numbers are turned into float32 at once."""
STORED: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
}
"""How numbers may be stored, and what numpy reads them as; it has no bfloat16."""


class AnyTensor(ABC):
    """One tensor where it lies: its shape, and the numbers when they are asked for."""

    name: str
    """In the file."""
    stored: str
    """How its numbers are handed out: F32 …, or what is refused later."""
    quantized: str = ""
    """How its numbers were quantized; "" where they were not."""

    shape: tuple[int, ...]
    """As the family has it."""

    @abstractmethod
    def numbers(self, rows: Sequence[int] | None = None) -> Floats:
        """Return it as float32, whole or only some rows of it."""

    @abstractmethod
    def part(self, rows: slice, columns: slice = slice(None)) -> Floats:
        """Return some rows and columns of a matrix as float32."""

    @abstractmethod
    def item(self, number: int) -> Floats:
        """Return one of what lies one behind another in it, as float32."""

    @abstractmethod
    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """Go through its rows, as they lie in the file, in blocks of float32 that fit a processor's cache."""

    @abstractmethod
    def times(self, x: Floats) -> Floats:
        """Multiply rows (n, in) with a matrix that is shown as (in, out)."""

    @abstractmethod
    def times_transposed(self, x: Floats) -> Floats:
        """Multiply rows (n, in) with a matrix that is shown as (out, in)."""

    def is_finite(self) -> bool:
        """Whether all of its numbers are finite."""
        return all(bool(np.isfinite(block).all()) for _, block in self.blocks())


class AllTensors(Mapping[str, AnyTensor]):
    """All tensors of a checkpoint by the names that its family has for them."""

    says: str
    """What tells how large they are."""

    def called(self, name: str) -> str:
        """Return what a tensor of the family is called in the file."""
        return name

    @abstractmethod
    def let_go(self) -> None:
        """Give back the memory of what was read so far."""


@dataclass(frozen=True, eq=False)
class Tensor(AnyTensor):
    """One tensor of a .safetensors file."""

    name: str
    shape: tuple[int, ...]
    stored: str
    """F64, F32, F16, BF16; or what is refused later."""
    place: int
    """The byte of the file where it begins."""
    file: TensorFile

    def numbers(self, rows: Sequence[int] | None = None) -> Floats:
        """Return it as float32, whole or only some rows of it; a float32 file is not copied but shown in place."""
        stored = self.file.mapped(self)
        return _as_float32(stored if rows is None else stored[list(rows)], self.stored)

    def part(self, rows: slice, columns: slice = slice(None)) -> Floats:
        """Return some rows and columns of a matrix as float32."""
        return _as_float32(self.file.mapped(self)[rows, columns], self.stored)

    def item(self, number: int) -> Floats:
        """Return one of what lies one behind another in it, as float32."""
        return _as_float32(self.file.mapped(self)[number], self.stored)

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """Go through its rows in blocks of float32 that fit a processor's cache, half precision turned on the way."""
        stored = self.file.mapped(self)
        step = max(1, BLOCK * len(stored) // max(stored.size, 1))
        if self.stored == "F32":  # in place, so that there is nothing to be saved
            step = max(len(stored), 1)
        for start in range(0, len(stored), step):
            rows = slice(start, start + step)
            yield rows, _as_float32(stored[rows], self.stored)

    def times(self, x: Floats) -> Floats:
        """Multiply rows (n, in) with a matrix that is stored as (in, out)."""
        made = np.zeros((len(x), self.shape[1]), dtype=np.float32)
        for rows, block in self.blocks():
            made += x[:, rows] @ block
        return made

    def times_transposed(self, x: Floats) -> Floats:
        """Multiply rows (n, in) with a matrix that is stored as (out, in)."""
        made = np.empty((len(x), self.shape[0]), dtype=np.float32)
        for rows, block in self.blocks():
            made[:, rows] = x @ block.T
        return made


class TensorFile:
    """One .safetensors file.

    Raises:
        CheckpointError: its header is not what the format says.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        size = regular_file(path, LARGEST)
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > size - 8:
                raise CheckpointError(f"its first bytes promise a header of {length} bytes, and the file has {size}")
            if length > LARGEST_HEADER:
                raise CheckpointError(f"its header is larger than {LARGEST_HEADER >> 20} MiB")
            header = parse_json(file.read(length))
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._check_by_library(path)
        header.pop("__metadata__", None)
        self.tensors = {name: self._tensor(name, entry, 8 + length) for name, entry in header.items()}

    def mapped(self, tensor: Tensor) -> NDArray[Any]:
        """Show a tensor's numbers as they are stored."""
        count = int(np.prod(tensor.shape, dtype=np.int64))
        return np.frombuffer(self._map, STORED[tensor.stored], count, tensor.place).reshape(tensor.shape)

    def let_go(self) -> None:
        """Give back the memory of what was read so far."""
        give_back(self._map)

    @staticmethod
    def _check_by_library(path: Path) -> None:
        """Offsets that overlap or leave the file, types, shapes: the format's own library knows the rules."""
        try:
            with needed("safetensors").safe_open(path, framework="numpy"):
                pass
        except Exception as error:
            raise CheckpointError(f"not a valid .safetensors file: {error}") from error

    def _tensor(self, name: str, entry: Mapping[str, Any], start: int) -> Tensor:
        return Tensor(name, tuple(entry["shape"]), entry["dtype"], start + entry["data_offsets"][0], self)


class Tensors(AllTensors):
    """All tensors of .safetensors files by their names, from one or from several."""

    says = "config.json says"

    def __init__(self, files: Sequence[TensorFile]) -> None:
        self._files = files
        self._by_name: dict[str, Tensor] = {}
        for file in files:
            for name, tensor in file.tensors.items():
                if name in self._by_name:
                    other = self._by_name[name].file.path.name
                    raise CheckpointError(f"the tensor {name} stands in {other} and in {file.path.name}")
                self._by_name[name] = tensor

    def __getitem__(self, name: str) -> Tensor:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def let_go(self) -> None:
        """Give back the memory of what was read so far."""
        for file in self._files:
            file.let_go()


def open_tensors(folder: Path, file: Path | None = None) -> Tensors:
    """Open the tensors of a folder: one .safetensors file, or the several that an index names.

    Args:
        folder: of the checkpoint.
        file: this one file of it, where the user named one.

    Raises:
        CheckpointError: there is none, or what is there does not work.
    """
    needed("safetensors")
    if file is not None:
        return Tensors([_opened(file)])
    if (folder / SINGLE).exists():
        return Tensors([_opened(folder / SINGLE)])
    if (folder / INDEX).exists():
        return _sharded(folder)
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pth", ".ckpt"))
    if pickles:
        raise pickled(pickles[0])
    others = sorted(path.name for path in folder.glob("*.safetensors") if SHARD.fullmatch(path.name))
    raise CheckpointError(
        f"there is no {SINGLE} in the folder", hint=f"name the file: --model …/{others[0]}" if others else ""
    )


def give_back(data: mmap.mmap) -> None:
    """Give back the memory of what was read of a mapped file so far; it is read again when needed."""
    if hasattr(mmap, "MADV_DONTNEED"):
        data.madvise(mmap.MADV_DONTNEED)


def pickled(name: str) -> CheckpointError:
    """Refuse a pickle, and say how to make a .safetensors file of it."""
    return CheckpointError(
        f"{name} is a pickle, which can run any program when it is opened, so it is never opened here",
        hint='if you trust it, convert it where PyTorch and transformers are installed: python3 -c "from transformers '
        "import AutoModel; AutoModel.from_pretrained('FOLDER').save_pretrained('NEW-FOLDER')\"",
    )


def _opened(path: Path) -> TensorFile:
    try:
        return TensorFile(path)
    except OSError as error:
        raise CheckpointError(f"{path.name}: {error.strerror or error}") from error
    except (DataError, CommandError) as error:
        raise CheckpointError(f"{path.name}: {error.message}", hint=error.hint) from error


def _sharded(folder: Path) -> Tensors:
    try:
        names = parse_json(read_file(folder / INDEX, LARGEST_HEADER)).get("weight_map")
    except (DataError, CommandError) as error:
        raise CheckpointError(f"{INDEX}: {error.message}") from error
    if not isinstance(names, dict) or not names:
        raise CheckpointError(f"{INDEX} has no weight_map")
    shards = list(dict.fromkeys(map(str, names.values())))
    for shard in shards:
        if not SHARD.fullmatch(shard):
            raise CheckpointError(f"{INDEX} names the file {shard!r}; a plain name in the same folder is wanted")
    if len(shards) > MOST_SHARDS:
        raise CheckpointError(f"{INDEX} names {len(shards)} files; {MOST_SHARDS} are allowed")
    tensors = Tensors([_opened(folder / shard) for shard in shards])
    for name, shard in names.items():
        if name not in tensors or tensors[name].file.path.name != shard:
            raise CheckpointError(f"{INDEX} says that {name} is in {shard}, and it is not there")
    return tensors


def _as_float32(array: NDArray[Any], stored: str) -> Floats:
    """Convert what is not float32 already. A bfloat16 is the upper half of a float32."""
    if stored == "BF16":
        shifted: NDArray[np.uint32] = np.left_shift(array, np.uint32(16), dtype=np.uint32)
        return shifted.view(np.float32)
    return array.astype(np.float32, copy=False)

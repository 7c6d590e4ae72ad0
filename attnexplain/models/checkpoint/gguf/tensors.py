"""Tensors of a GGUF file: quantized numbers, turned into float32 in blocks of rows by functions of the gguf package.

A quantized row is cut into blocks of 32 or 256 numbers, and each block has a scale of its own (some a smallest number,
too) and a few bits for each number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.errors import CheckpointError
from attnexplain.models.checkpoint.extras import needed
from attnexplain.models.checkpoint.gguf.header import Header, TensorInfo
from attnexplain.models.checkpoint.tensors import BLOCK, AllTensors, AnyTensor, give_back

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

READ = (
    "F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL",
    "IQ4_XS",
)  # fmt: skip
"""The types that are read, as ggml calls them."""
PLAIN = frozenset({"F32", "F16", "BF16"})
"""Those that are not quantized."""
LARGEST_DIMENSION = 1 << 31


@dataclass(frozen=True, eq=False)
class GgufTensor(AnyTensor):
    """One tensor where it lies, read as `Tensor` is: its shape, and the numbers when they are asked for."""

    name: str
    info: TensorInfo
    type: Any
    """A `gguf.GGMLQuantizationType`."""
    file: GgufFile
    order: NDArray[np.intp] | None = None
    """Which row of the file stands for each row, where a converter has moved them."""
    added: float = 0.0
    """What a converter has added to each number."""
    is_turned: bool = False
    """Whether it is shown with rows and columns changed, as the family's own files have it."""

    stored = "F32"
    """What its numbers are handed out as."""

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override] # it is worked out
        """Rows and columns."""
        return self.info.shape[::-1] if self.is_turned else self.info.shape

    @property
    def quantized(self) -> str:  # type: ignore[override] # it is worked out
        """How its numbers were quantized: "Q4_K, about 4.5 bits a number"; "" where they were not."""
        size, length = self.file.sizes[self.type]  # with what each block has for all of its numbers
        return "" if self.type.name in PLAIN else f"{self.type.name}, about {8 * length / size:.3g} bits a number"

    def _rows(self) -> NDArray[np.uint8]:
        """Show the bytes of each row as they are stored, (rows, bytes)."""
        rows, columns = prod(self.info.shape[:-1]), self.info.shape[-1]
        size, length = self.file.sizes[self.type]
        width = columns // size * length
        start = self.file.header.start + self.info.offset
        return np.frombuffer(self.file.header.data, np.uint8, rows * width, start).reshape(rows, width)

    def _taken(self, rows: Any) -> Floats:
        """Turn some rows, as the family counts them, into float32."""
        stored, is_vector = self._rows(), len(self.info.shape) == 1
        which = rows if self.order is None or is_vector else self.order[rows]
        numbers: Floats = self.file.dequantize(np.ascontiguousarray(stored[which]), self.type)
        if is_vector and self.order is not None:
            numbers = numbers[:, self.order]
        return numbers - np.float32(self.added) if self.added else numbers

    def numbers(self, rows: Sequence[int] | None = None) -> Floats:
        """Return it as float32, whole or only some rows of it."""
        if self.is_turned:
            whole = self._taken(slice(None)).T
            return whole if rows is None else whole[list(rows)]
        found = self._taken(slice(None) if rows is None else list(rows))
        return found.reshape(self.info.shape) if rows is None else found

    def part(self, rows: slice, columns: slice = slice(None)) -> Floats:
        """Return some rows and columns of a matrix as float32."""
        return self._taken(columns)[:, rows].T if self.is_turned else self._taken(rows)[:, columns]

    def item(self, number: int) -> Floats:
        """Return one of what lies one behind another in it, as float32."""
        inner = prod(self.info.shape[1:-1])
        return self._taken(slice(number * inner, (number + 1) * inner)).reshape(self.info.shape[1:])

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """Go through its rows, as they lie in the file, in blocks of float32 that fit a processor's cache."""
        count, width = prod(self.info.shape[:-1]), self.info.shape[-1]
        step = max(1, BLOCK // max(width, 1))
        for start in range(0, count, step):
            rows = slice(start, start + step)
            yield rows, self._taken(rows)

    def times(self, x: Floats) -> Floats:
        """Multiply rows (n, in) with a matrix that is shown as (in, out)."""
        if self.is_turned:
            return self._along_rows(x)
        made = np.zeros((len(x), self.shape[1]), dtype=np.float32)
        for rows, block in self.blocks():
            made += x[:, rows] @ block
        return made

    def times_transposed(self, x: Floats) -> Floats:
        """Multiply rows (n, in) with a matrix that is shown as (out, in)."""
        return self._along_rows(x)

    def _along_rows(self, x: Floats) -> Floats:
        made = np.empty((len(x), self.info.shape[0]), dtype=np.float32)
        for rows, block in self.blocks():
            made[:, rows] = x @ block.T
        return made


class GgufFile:
    """The tensors of one file, each checked to lie in it.

    Raises:
        CheckpointError: a tensor is of a type that is not read here, does not fit the file, or lies in another.
    """

    def __init__(self, header: Header) -> None:
        library = needed("gguf")
        self.header = header
        self.sizes: Mapping[Any, tuple[int, int]] = library.GGML_QUANT_SIZES
        self.dequantize = needed("gguf.quants").dequantize
        self.tensors: dict[str, GgufTensor] = {}
        ends: list[tuple[int, int, str]] = []
        if not header.tensors:
            raise CheckpointError("it has no tensors")
        for name, info in header.tensors.items():
            kind = self._type(library, name, info)
            self.tensors[name] = GgufTensor(name, info, kind, self)
            ends.append((info.offset, info.offset + self._length(name, info, kind), name))
        room = len(header.data) - header.start
        ends.sort()
        for (start, end, name), following in zip(ends, [*ends[1:], None], strict=True):
            if end > room:
                raise CheckpointError(
                    f"the tensor {name} would end at byte {header.start + end:,}, behind the file's end"
                )
            if following is not None and end > following[0]:
                raise CheckpointError(f"the tensors {name} and {following[2]} overlap (at byte {start:,})")

    def _type(self, library: Any, name: str, info: TensorInfo) -> Any:
        try:
            kind = library.GGMLQuantizationType(info.kind)
        except ValueError as error:
            raise CheckpointError(f"the tensor {name} is of the type {info.kind}, which is not known") from error
        if kind.name not in READ:
            raise CheckpointError(f"the tensor {name} is stored as {kind.name}; these are read: {', '.join(READ)}")
        return kind

    def _length(self, name: str, info: TensorInfo, kind: Any) -> int:
        """Count the bytes of a tensor."""
        size, length = self.sizes[kind]
        if any(not 1 <= dimension < LARGEST_DIMENSION for dimension in info.shape) or prod(info.shape) > 1 << 44:
            raise CheckpointError(f"the tensor {name} has the shape {info.shape}, which no model has")
        if info.shape[-1] % size:
            raise CheckpointError(f"the tensor {name} has rows of {info.shape[-1]} numbers, no multiple of {size}")
        return prod(info.shape) // size * length

    def let_go(self) -> None:
        """Give back the memory of what was read so far."""
        give_back(self.header.data)


class GgufTensors(AllTensors):
    """The tensors of one model by the names that its family has for them, from one file or from several."""

    says = "its metadata say"

    def __init__(self, files: Sequence[GgufFile], by_name: Mapping[str, GgufTensor], called: Mapping[str, str]) -> None:
        self._files = files
        self._by_name = by_name
        self._called = called

    def __getitem__(self, name: str) -> GgufTensor:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def called(self, name: str) -> str:
        """Return what a tensor of the family is called in the file."""
        return self._called.get(name, name)

    def let_go(self) -> None:
        """Give back the memory of what was read so far."""
        for file in self._files:
            file.let_go()

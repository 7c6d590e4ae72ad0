"""The header of a GGUF file, read as it is laid out: every number little-endian, nothing aligned, nothing compressed.

    "GGUF"  version  count of tensors  count of metadata
    metadata:  key  kind  value                             as often as counted
    tensors:   name  count of dimensions  dimensions  type  offset
    (up to the next multiple of the alignment)
    the numbers of the tensors, each at its offset from here

A text is its length in bytes (8 bytes) and UTF-8. An array is the kind of its entries (4 bytes), their count (8), and
the entries. Nothing is believed that does not fit the file: a count that lies is found before memory is taken for it.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any, NamedTuple

import numpy as np

from attnexplain.errors import CheckpointError
from attnexplain.models.files import regular_file

MAGIC = b"GGUF"
VERSIONS = (2, 3)
LARGEST = 1 << 42
MOST_METADATA, MOST_TENSORS, MOST_DIMENSIONS = 1 << 12, 1 << 16, 4
LONGEST_KEY, LONGEST_TEXT, LONGEST_ARRAY = 1 << 12, 1 << 22, 1 << 23
"""Larger than in any file of these models: bytes of a key, bytes of a text, entries of an array."""
ALIGNMENT = 32
"""Unless the metadata say otherwise."""
_BOOL, _TEXT, _ARRAY = 7, 8, 9
_NUMBERS: Mapping[int, np.dtype[Any]] = {
    number: np.dtype(name)
    for number, name in {
        0: "u1", 1: "i1", 2: "<u2", 3: "<i2", 4: "<u4", 5: "<i4", 6: "<f4", 7: "u1", 10: "<u8", 11: "<i8", 12: "<f8",
    }.items()
}  # fmt: skip
"""The kinds of numbers, by what the format calls them; 7 is true or false."""
_U32, _U64 = Struct("<I"), Struct("<Q")


class TensorInfo(NamedTuple):
    """Where a tensor lies."""

    shape: tuple[int, ...]
    """(rows, columns): the file counts dimensions from the innermost, numpy from the outermost."""
    kind: int
    """How its numbers are stored, as ggml counts the ways."""
    offset: int
    """The byte behind the header where it begins."""


@dataclass(frozen=True, eq=False)
class Header:
    """What a GGUF file says of itself, and the file, mapped."""

    path: Path
    version: int
    metadata: Mapping[str, Any]
    """Numbers, texts, arrays of numbers as numpy arrays, arrays of texts as lists of bytes."""
    tensors: Mapping[str, TensorInfo]
    start: int
    """The byte at which the tensors begin."""
    data: mmap.mmap


class _Reader:
    """Walks through the bytes of a file, and never past its end."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self.at = 0
        self.size = len(data)

    def room(self, count: int, what: str) -> None:
        """Refuse what is longer than the rest of the file."""
        if count > self.size - self.at:
            raise CheckpointError(f"{what} would take {count:,} bytes, and the file has {self.size - self.at:,} more")

    def u32(self, what: str) -> int:
        self.room(4, what)
        value: int = _U32.unpack_from(self._data, self.at)[0]
        self.at += 4
        return value

    def u64(self, what: str) -> int:
        self.room(8, what)
        value: int = _U64.unpack_from(self._data, self.at)[0]
        self.at += 8
        return value

    def count(self, what: str, most: int) -> int:
        """Read a count that must not be larger than any honest one."""
        value = self.u64(what)
        if value > most:
            raise CheckpointError(f"{what}: {value:,}; {most:,} are allowed")
        return value

    def raw(self, what: str, longest: int) -> bytes:
        length = self.count(f"the length of {what}", longest)
        self.room(length, what)
        self.at += length
        return self._data[self.at - length : self.at]

    def text(self, what: str, longest: int = LONGEST_TEXT) -> str:
        data = self.raw(what, longest)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise CheckpointError(f"{what} is not UTF-8") from error

    def value(self, key: str) -> Any:
        """Read the value of a key: its kind, and then what is of this kind."""
        kind = self.u32(f"the kind of {key}")
        if kind == _TEXT:
            return self.text(key)
        if kind == _ARRAY:
            return self._array(key)
        return self._numbers(key, kind, 1)[0].item() if kind != _BOOL else bool(self._numbers(key, kind, 1)[0])

    def _numbers(self, key: str, kind: int, count: int) -> np.ndarray[Any, Any]:
        if kind not in _NUMBERS:
            raise CheckpointError(f"{key} is of the kind {kind}, which the format does not have")
        dtype = _NUMBERS[kind]
        self.room(count * dtype.itemsize, key)
        found = np.frombuffer(self._data, dtype, count, self.at)
        self.at += found.nbytes
        return found

    def _array(self, key: str) -> Any:
        kind = self.u32(f"the kind of {key}")
        count = self.count(f"the entries of {key}", LONGEST_ARRAY)
        if kind == _ARRAY:
            raise CheckpointError(f"{key} is an array of arrays, which no model has")
        if kind != _TEXT:
            return self._numbers(key, kind, count).copy()
        self.room(8 * count, key)
        return self._texts(key, count)

    def _texts(self, key: str, count: int) -> list[bytes]:
        """Read many texts: of a vocabulary, which is most of the header, and so the one loop that has to be quick."""
        data, at, unpack, end = self._data, self.at, _U64.unpack_from, self.size - 8
        found = []
        for _ in range(count):
            if at > end:
                raise CheckpointError(f"{key} goes on behind the end of the file")
            length = unpack(data, at)[0]
            at += 8
            if length > end + 8 - at:
                raise CheckpointError(f"{key} has a text of {length:,} bytes, and the file has {end + 8 - at:,} more")
            found.append(data[at : at + length])
            at += length
        self.at = at
        return found


def read_header(path: Path) -> Header:
    """Read the header of a file, and map the rest of it.

    Raises:
        CommandError: there is no such file.
        CheckpointError: it is no GGUF file of a version that is read here, or it contradicts itself.
    """
    regular_file(path, LARGEST)
    with path.open("rb") as file:
        if (magic := file.read(4)) != MAGIC:
            raise CheckpointError("not a GGUF file" if magic != MAGIC[::-1] else "a big-endian file, which is not read")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    reader = _Reader(data)
    reader.at = len(MAGIC)
    version = reader.u32("the version")
    if version not in VERSIONS:
        is_swapped = version.to_bytes(4, "little") == (version >> 24).to_bytes(4, "little") or version > 1 << 16
        raise CheckpointError(
            "a big-endian file, which is not read"
            if is_swapped
            else f"GGUF version {version}; {' and '.join(map(str, VERSIONS))} are read"
        )
    tensor_count = reader.count("the count of tensors", MOST_TENSORS)
    metadata = _read_all(
        reader, reader.count("the count of metadata", MOST_METADATA), "key", lambda key: reader.value(key)
    )
    tensors = _read_all(reader, tensor_count, "tensor", lambda name: _read_tensor(reader, name))
    alignment = metadata.get("general.alignment", ALIGNMENT)
    if not isinstance(alignment, int) or not 8 <= alignment <= 1 << 16 or alignment % 8:
        raise CheckpointError(f"general.alignment = {str(alignment)[:20]} is not a multiple of 8 up to 65,536")
    start = -(-reader.at // alignment) * alignment
    for name, info in tensors.items():
        if info.offset % alignment:
            raise CheckpointError(f"the tensor {name} begins at {info.offset}, which is no multiple of {alignment}")
    return Header(path, version, metadata, tensors, start, data)


def _read_all(reader: _Reader, count: int, what: str, read: Callable[[str], Any]) -> dict[str, Any]:
    """Read so many named things, no name twice."""
    found: dict[str, Any] = {}
    for _ in range(count):
        name = reader.text(f"the name of a {what}", LONGEST_KEY)
        if name in found:
            raise CheckpointError(f"the {what} {name} stands there twice")
        found[name] = read(name)
    return found


def _read_tensor(reader: _Reader, name: str) -> TensorInfo:
    dimensions = reader.u32(f"the dimensions of {name}")
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise CheckpointError(f"the tensor {name} has {dimensions:,} dimensions; 1 to {MOST_DIMENSIONS} are allowed")
    shape = tuple(reader.u64(f"a dimension of {name}") for _ in range(dimensions))[::-1]
    return TensorInfo(shape, reader.u32(f"the type of {name}"), reader.u64(f"the offset of {name}"))

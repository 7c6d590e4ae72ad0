"""Arrays in an .npz file from anyone: sizes are checked before anything is unpacked, and no pickle is opened."""

from __future__ import annotations

import zipfile
from io import BytesIO
from math import prod
from typing import Any

import numpy as np

from attnexplain.errors import NumbersError
from attnexplain.models.checks import BIASES, MATRICES

MOST_NUMBERS = 1 << 22
"""Of one array: 4,096 words of 1,024 places."""
MOST_WEIGHTS = 1 << 24
"""Of attention weights, which may be those of many heads."""
MOST_TEXTS = 1 << 18
_HEADERS: dict[tuple[int, int], Any] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""How the versions of .npy are read; 3.0 is for names of columns beyond Latin-1, which no array here has."""


def parse_npz(data: bytes, largest: int) -> dict[str, Any]:
    """Read the arrays of an .npz file; texts and single values come as a JSON file would have them.

    Args:
        data: the file.
        largest: how many bytes it may unpack to.

    Raises:
        NumbersError: it is no such file, too large, or holds something else than numbers and texts.
    """
    content: dict[str, Any] = {}
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > largest:
                raise NumbersError(f"it unpacks to more than {largest >> 20} MiB")
            for member in members:
                key = member.filename.removesuffix(".npy")
                if key in content:
                    raise NumbersError(f"the key {key!r} occurs twice")
                with archive.open(member) as file:
                    content[key] = _array(key, file.read(largest + 1))
    except NumbersError:
        raise
    except Exception as error:  # those of zipfile, zlib and numpy have no common base
        raise NumbersError(f"not a readable .npz file: {error}") from error
    return {key: _plain(key, array) for key, array in content.items()}


def _array(key: str, data: bytes) -> np.ndarray[Any, np.dtype[Any]]:
    """Read one .npy without trusting its header: what it claims must be there, and not be too much."""
    file = BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise NumbersError(f"{key} is written in version {version[0]}.{version[1]} of .npy, which is not known")
    shape, by_columns, dtype = _HEADERS[version](file)
    if dtype.kind not in "iufUb":
        raise NumbersError(f"{key} is an array of {dtype}; numbers or texts are wanted")
    if any(not 0 < size <= MOST_NUMBERS for size in shape):
        raise NumbersError(f"{key} has the shape {shape}; each side has from 1 to {MOST_NUMBERS:,} places")
    count = prod(shape)
    if count * dtype.itemsize > len(data) - file.tell():
        raise NumbersError(f"{key} is cut short: its header says {shape}")
    if count > (MOST_WEIGHTS if key == "weights" else MOST_NUMBERS):
        raise NumbersError(f"{key} has {count:,} numbers, which is more than can be explained")
    array = np.frombuffer(data, dtype, count, file.tell())
    return array.reshape(shape, order="F" if by_columns else "C")


def _plain(key: str, array: np.ndarray[Any, np.dtype[Any]]) -> Any:
    """Give texts and single values as Python has them; rows of numbers stay an array, which takes less memory."""
    if key in (*MATRICES, *BIASES) and array.dtype.kind not in "iuf":
        raise NumbersError(f"{key} is an array of {array.dtype}; numbers are wanted")
    if array.dtype.kind in "iuf" and array.ndim:
        return array
    if array.size > MOST_TEXTS:
        raise NumbersError(f"{key} has {array.size:,} texts, which is more than can be explained")
    try:
        return array.tolist()
    except SystemError as error:  # numpy's word for a number beyond the last character
        raise NumbersError(f"{key} holds a number that is no character") from error

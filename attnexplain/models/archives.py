"""Arrays in an .npz file from anyone: sizes are checked before anything is unpacked, and no pickle is opened."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Any

import numpy as np

from attnexplain.errors import NumbersError
from attnexplain.models.values import BIASES, MATRICES


def parse_npz(data: bytes, largest: int) -> dict[str, Any]:
    """Turn the arrays of an .npz file into lists, as a JSON file would have them.

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
    """Read one .npy without trusting its header: what it claims must be there."""
    file = BytesIO(data)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(file)
    if dtype.kind not in "iufUb":
        raise NumbersError(f"{key} is an array of {dtype}; numbers or texts are wanted")
    count = 1
    for size in shape:
        count *= size
    if count * dtype.itemsize > len(data) - file.tell():
        raise NumbersError(f"{key} is cut short: its header says {shape}")
    array = np.frombuffer(data, dtype, count, file.tell())
    return array.reshape(shape, order="F" if by_columns else "C")


def _plain(key: str, array: np.ndarray[Any, np.dtype[Any]]) -> Any:
    if key in (*MATRICES, *BIASES) and array.dtype.kind not in "iuf":
        raise NumbersError(f"{key} is an array of {array.dtype}; numbers are wanted")
    try:
        return array.tolist()
    except SystemError as error:  # numpy's word for a number beyond the last character
        raise NumbersError(f"{key} holds a number that is no character") from error

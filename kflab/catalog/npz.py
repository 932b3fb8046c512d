"""What an `.npz` file holds, read from the headers of its arrays with the standard library alone."""

from __future__ import annotations

import array
import ast
import functools
import math
import struct
import sys
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TypeAlias

import msgspec

from kflab.errors import UnusableInputError

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000
_MOST_VALUES = 4_000_000

_NAMES = {"b": "bool", "i": "int", "u": "uint", "f": "float"}
_REFUSED = {
    "O": "Python objects, which only pickle could read and pickle runs code",
    "U": "text",
    "S": "bytes",
    "c": "complex numbers",
    "V": "records",
    "M": "dates",
    "m": "time spans",
}
_CODES = {
    "bool": "B",
    "int8": "b",
    "uint8": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}

ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    EOFError,
    RuntimeError,
    OSError,
    UnicodeDecodeError,
)
"""What reading a damaged or encrypted zip file raises."""


Values: TypeAlias = "array.array[int] | array.array[float]"
"""The values of an array, flat."""


class Header(msgspec.Struct, frozen=True):
    """The header of one stored array.

    Attributes:
        key: its name in the file.
        shape: its shape, samples first.
        dtype: its NumPy dtype without byte order: `uint8`.
        swapped: its bytes are in the other order than this machine's.
        fortran: its first axis runs fastest.
        offset: where its values begin.
        file: the `.npy` file that holds it; "" where it is in an `.npz` file.
    """

    key: str
    shape: tuple[int, ...]
    dtype: str
    swapped: bool = False
    fortran: bool = False
    offset: int = 0
    file: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers or booleans."""
        return not self.dtype.startswith("float")


def read_headers(path: Path) -> Mapping[str, Header]:
    """The header of each array of an `.npz` file, by the array's name; no array is loaded and no code runs.

    Raises:
        UnusableInputError: there is no such file, it is damaged, or it holds what kflab does not read.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise UnusableInputError(f"cannot be read: {error.strerror}", file=str(path)) from None
    if not path.is_file():
        raise UnusableInputError("a folder; expected an .npz file", file=str(path))
    return _read_headers(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=64)
def _read_headers(path: Path, _changed: int, _size: int) -> Mapping[str, Header]:
    headers: dict[str, Header] = {}
    try:
        with zipfile.ZipFile(path) as stored:
            for member in stored.infolist():
                if member.filename.endswith(".npy"):
                    key = member.filename.removesuffix(".npy")
                    with stored.open(member) as stream:
                        headers[key] = _read_header(stream, key, member.file_size)
    except _HeaderError as error:
        raise UnusableInputError(str(error), file=str(path)) from None
    except ZIP_ERRORS as error:
        raise UnusableInputError(
            f"not an .npz file, or a damaged one: {error or type(error).__name__}", file=str(path)
        ) from None
    if not headers:
        raise UnusableInputError("holds no arrays; expected a file written by numpy.savez", file=str(path))
    return headers


def read_npy_header(path: Path, key: str) -> Header:
    """The header of an `.npy` file; `key` is what its array is called.

    Raises:
        UnusableInputError: it cannot be read, is damaged, or holds what kflab does not read.
    """
    try:
        if not path.is_file():
            raise UnusableInputError("no file; expected an .npy file", file=str(path))
        with path.open("rb") as stream:
            header = _read_header(stream, key, path.stat().st_size)
            return msgspec.structs.replace(header, file=str(path))
    except OSError as error:
        raise UnusableInputError(f"cannot be read: {error.strerror}", file=str(path)) from None
    except _HeaderError as error:
        raise UnusableInputError(str(error), file=str(path)) from None


class _HeaderError(ValueError):
    """An array whose header cannot be used."""


def _read_header(stream: IO[bytes], key: str, size: int) -> Header:
    start = stream.read(8)
    if len(start) < 8 or not start.startswith(_MAGIC) or start[6] not in (1, 2, 3):
        raise _HeaderError(f"array {key!r} is damaged: it does not begin as a NumPy array does")
    width, layout = (2, "<H") if start[6] == 1 else (4, "<I")
    prefix = stream.read(width)
    length = struct.unpack(layout, prefix)[0] if len(prefix) == width else _LONGEST_HEADER + 1
    if length > _LONGEST_HEADER:
        raise _HeaderError(f"array {key!r} is damaged: its header does not end")
    try:
        fields = ast.literal_eval(stream.read(length).decode("utf-8" if start[6] == 3 else "latin-1").strip())
        descr, fortran, shape = fields["descr"], fields["fortran_order"], tuple(fields["shape"])
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        raise _HeaderError(f"array {key!r} is damaged: its header cannot be read") from None
    if not all(type(axis) is int and axis >= 0 for axis in shape):
        raise _HeaderError(f"array {key!r} is damaged: its shape is {shape}")
    kind = descr[1:2] if isinstance(descr, str) else "V"
    if kind not in _NAMES or not str(descr)[2:].isdigit():
        held = _REFUSED.get(kind, f"values of type {descr!r}")
        raise _HeaderError(f"array {key!r} holds {held}; expected numbers or booleans")
    item = int(descr[2:])
    offset = 8 + width + length
    if offset + math.prod(shape) * item > size:
        raise _HeaderError(f"array {key!r} is damaged: it ends before its {math.prod(shape):,} values do")
    return Header(
        key=key,
        shape=shape,
        dtype="bool" if kind == "b" else f"{_NAMES[kind]}{item * 8}",
        swapped=descr[0] == (">" if sys.byteorder == "little" else "<"),
        fortran=bool(fortran),
        offset=offset,
    )


def read_values(path: Path, header: Header) -> Values | None:
    """The values of one array, flat and in stored order; nothing for a large array or an unusual dtype.

    Raises:
        UnusableInputError: the file is damaged.
    """
    code = _CODES.get(header.dtype)
    count = math.prod(header.shape)
    if code is None or count > _MOST_VALUES:
        return None
    values: Values = array.array(code)
    try:
        if header.file:
            with Path(header.file).open("rb") as alone:
                alone.seek(header.offset)
                values.frombytes(alone.read(count * values.itemsize))
        else:
            with zipfile.ZipFile(path) as stored, stored.open(f"{header.key}.npy") as stream:
                stream.read(header.offset)
                values.frombytes(stream.read(count * values.itemsize))
    except (*ZIP_ERRORS, KeyError, ValueError) as error:
        raise UnusableInputError(
            f"array {header.key!r} is damaged: {error or type(error).__name__}", file=str(path)
        ) from None
    if header.swapped:
        values.byteswap()
    return values

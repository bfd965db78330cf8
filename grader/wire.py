"""The encoding between examiner and worker: a JSON header with lengths, then raw C-order buffers.

Frame: header length (4 bytes), body length (8 bytes), header, body. Every number in a frame may have been written by
student code, so each is checked against a cap before anything is allocated for it. No pickle, in either direction.
"""

import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.plans import Foreign, Tree, clean

PREFIX = struct.Struct(">IQ")
_DTYPES = {
    np.dtype(code).str: np.dtype(code)
    for code in ("?", "i1", "u1", "<i2", "<i4", "<i8", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8")
}
_PLAIN = (bool, int, str)
_MAX_DIMENSIONS = 64  # NumPy's own limit
_MAX_BITS = 3072


class WireError(ValueError):
    """A frame that is no frame, or one larger than its reader admits."""


@dataclass(frozen=True)
class Caps:
    """The largest frame that a reader admits: bytes of header and of body, depth of the tree."""

    header: int = 4 << 20
    body: int = 256 << 20
    depth: int = 24


def encode(tree: Tree) -> bytes:
    """Encode a tree as one frame.

    Raises
    ------
    WireError
        If the tree holds something that may not travel, or is larger than any reader admits.
    """
    caps, buffers = Caps(), list[npt.NDArray[Any]]()
    packed = _pack(tree, buffers, caps.depth)
    head = json.dumps({"tree": packed, "arrays": [[a.dtype.str, list(a.shape)] for a in buffers]}).encode()
    size = sum(a.nbytes for a in buffers)
    if len(head) > caps.header or size > caps.body:
        raise WireError(f"a frame of {len(head)} + {size} bytes is larger than allowed")
    return b"".join([PREFIX.pack(len(head), size), head, *(a.tobytes() for a in buffers)])


def _pack(tree: Tree, buffers: list[npt.NDArray[Any]], depth: int) -> Any:
    if depth < 0:
        raise WireError("the tree is too deep")
    if tree is None or isinstance(tree, bool | str):
        return tree
    if isinstance(tree, np.bool_ | np.integer | np.float64):
        tree = tree.item()
        if isinstance(tree, bool):
            return tree
    if isinstance(tree, int):
        if tree.bit_length() > _MAX_BITS:
            raise WireError("a whole number too long to travel")
        return int(tree) if abs(tree) < 2**53 else {"int": hex(tree)}
    if isinstance(tree, float):
        return {"float": tree.hex()}
    if isinstance(tree, list):
        return [_pack(t, buffers, depth - 1) for t in tree]
    if isinstance(tree, tuple):
        return {"tuple": [_pack(t, buffers, depth - 1) for t in tree]}
    if isinstance(tree, dict):
        if not all(isinstance(key, str) for key in tree):
            raise WireError("a dict travels only if its keys are text")
        return {"dict": [[key, _pack(value, buffers, depth - 1)] for key, value in tree.items()]}
    if isinstance(tree, Foreign):
        array = None if tree.array is None else _pack(np.asarray(tree.array), buffers, depth)
        return {"foreign": tree.kind[:200], "array": array}
    if isinstance(tree, np.ndarray | np.generic):
        array = np.asarray(tree)
        if array.dtype.str not in _DTYPES:
            array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if array.dtype.str not in _DTYPES:
            raise WireError(f"arrays of dtype {array.dtype} do not travel")
        buffers.append(array)
        return {"array": len(buffers) - 1}
    raise WireError(f"objects of type {type(tree).__name__} do not travel")


def read_frame(read: Callable[[int], bytes], caps: Caps | None = None) -> Tree:
    """Read one frame with ``read(n)``, which returns exactly n bytes or raises."""
    caps = caps or Caps()
    header_length, body_length = PREFIX.unpack(read(PREFIX.size))
    if header_length > caps.header or body_length > caps.body:
        raise WireError(f"a frame of {header_length} + {body_length} bytes is larger than allowed")
    return decode(read(header_length), read(body_length), caps)


def loads(data: bytes, caps: Caps | None = None) -> Tree:
    """Decode one frame that lies in memory or came from a file."""
    position = 0

    def read(size: int) -> bytes:
        nonlocal position
        position += size
        if position > len(data):
            raise WireError("the frame ends early")
        return data[position - size : position]

    tree = read_frame(read, caps)
    if position != len(data):
        raise WireError("more bytes than one frame")
    return tree


def decode(header: bytes, body: bytes, caps: Caps) -> Tree:
    """Decode a frame's header and body; a WireError for whatever does not fit."""
    try:
        parsed = json.loads(header, parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise WireError("the header is not JSON of ours") from error
    match parsed:
        case {"tree": packed, "arrays": list(specifications)}:
            return _unpack(packed, _arrays(specifications, body), caps.depth)
    raise WireError("the header is not one of ours")


def _refuse(text: str) -> Any:
    raise WireError(f"a bare {text[:20]} does not travel in JSON")


def _arrays(specifications: list[Any], body: bytes) -> list[npt.NDArray[Any] | None]:
    arrays: list[npt.NDArray[Any] | None] = []
    offset = 0
    for specification in specifications:
        match specification:
            case [str(code), list(shape)] if code in _DTYPES and len(shape) <= _MAX_DIMENSIONS:
                dtype = _DTYPES[code]
            case _:
                raise WireError("an array of unknown dtype or too many dimensions")
        if not all(type(n) is int and 0 <= n < 2**48 for n in shape):
            raise WireError("an array with an impossible shape")
        size = math.prod(shape) * dtype.itemsize
        if offset + size > len(body):
            raise WireError("an array larger than the bytes that came")
        try:
            # A copy owns aligned, writable memory, as an array that the student made would.
            array = np.frombuffer(body, dtype, math.prod(shape), offset).reshape(shape).copy()
            # Truth values of bytes that are neither 0 nor 1 confuse NumPy.
            arrays.append(array if dtype.kind != "b" else array.view(np.uint8).astype(np.bool_))
        except ValueError as error:  # an empty array whose other sizes overflow
            raise WireError("an array with an impossible shape") from error
        offset += size
    if offset != len(body):
        raise WireError("more bytes than arrays")
    return arrays


def _take(arrays: list[npt.NDArray[Any] | None], index: int) -> npt.NDArray[Any]:
    array = arrays[index] if 0 <= index < len(arrays) else None
    if array is None:
        raise WireError("an array that is not there, or named twice: what is small here could be huge when copied")
    arrays[index] = None
    return array


def _unpack(packed: Any, arrays: list[npt.NDArray[Any] | None], depth: int) -> Tree:
    if depth < 0:
        raise WireError("the tree is too deep")
    if packed is None or isinstance(packed, _PLAIN):
        return packed
    if isinstance(packed, list):
        return [_unpack(p, arrays, depth - 1) for p in packed]
    # What JSON gives is left: a dict. A pattern for each kind would be plainer, and takes three times as long.
    kind, content = next(iter(packed.items()), ("", None))
    if kind == "array" and isinstance(content, int):
        return _take(arrays, content)
    if kind == "dict" and isinstance(content, list):
        if all(isinstance(i, list) and len(i) == 2 and isinstance(i[0], str) for i in content):
            return {key: _unpack(p, arrays, depth - 1) for key, p in content}
    elif kind == "tuple" and isinstance(content, list):
        return tuple([_unpack(p, arrays, depth - 1) for p in content])
    elif kind == "float" and isinstance(content, str) and len(content) < 64:
        return _number(float.fromhex, content)
    elif kind == "int" and isinstance(content, str) and len(content) < 1000:
        return _number(int, content, 16)
    elif kind == "foreign" and isinstance(content, str):
        match packed.get("array", ""):
            case None:
                return Foreign(clean(content, 80))
            case {"array": int(index)}:
                return Foreign(clean(content, 80), _take(arrays, index))
    raise WireError("a node that is none of ours")


def _number(convert: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return convert(*arguments)
    except (ValueError, OverflowError) as error:
        raise WireError("a number that is none") from error

"""Real images as arrays: scikit-learn's digits, MNIST's idx files, CIFAR-10's python version. Knows no training.

Images come as (N, C, H, W) float32 in [0, 1] (PyTorch's default type; all of CIFAR-10 in float64 would take 1.2 GB),
labels as (N,) int64. Files are data, never programs: a pickle is read without running anything that it names.
"""

import gzip
import io
import math
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# MNIST's largest file holds 47 MB and a CIFAR-10 batch 31 MB; a header that claims more than this is not believed.
LARGEST_FILE = 1 << 28
CHUNK = 1 << 20


def load_digits() -> tuple[Images, Labels]:
    """Return the 1,797 handwritten digits that ship inside scikit-learn.

    Returns
    -------
    (images, labels) : (1797, 1, 8, 8) float32 in [0, 1] and (1797,) int64 in [0, 10)

    Examples
    --------
    >>> images, labels = load_digits()
    >>> images.shape, float(images.min()), float(images.max()), sorted(set(labels.tolist()))
    ((1797, 1, 8, 8), 0.0, 1.0, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    from sklearn.datasets import load_digits as load

    digits = load()
    return (digits.images[:, None] / 16).astype(np.float32), digits.target.astype(np.int64)


def read_idx(path: str | Path) -> npt.NDArray[Any]:
    """Read one array from an idx file, the format of MNIST, plain or gzipped (told by its first bytes).

    The file is: two zero bytes, a type code, the number of axes, each size as a big-endian 32-bit integer, then the
    numbers in C order, big-endian.

    Returns
    -------
    The array, in the machine's byte order.

    Raises
    ------
    ValueError
        If the file is not idx, is damaged, holds more or fewer bytes than its header says, or claims more than 256 MB.
        The message names the file.
    OSError
        If it cannot be opened.
    """
    path = Path(path)
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if zipped else file
        try:
            return _parse_idx(stream)
        except (ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path}: not a readable idx file: {error}") from error


def _parse_idx(stream: Any) -> npt.NDArray[Any]:
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in IDX_TYPES:
        raise ValueError(f"starts with {head.hex(' ') or 'nothing'}, not with 00 00, a type code and the axes")
    dtype, axes = np.dtype(IDX_TYPES[head[2]]), head[3]
    sizes = stream.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise ValueError("ends inside its header")
    shape = struct.unpack(f">{axes}I", sizes)
    expected = math.prod(shape) * dtype.itemsize
    if expected > LARGEST_FILE:
        raise ValueError(f"claims {expected:,} bytes of data, more than the {LARGEST_FILE:,} that are read")
    # In chunks: asking for all at once would set aside what the header claims, there or not.
    data = bytearray()
    while len(data) <= expected and (chunk := stream.read(min(CHUNK, expected + 1 - len(data)))):
        data += chunk
    if len(data) != expected:
        found = "more" if len(data) > expected else f"{len(data):,}"
        raise ValueError(f"holds {found} bytes of data, its header says {expected:,}")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def read_mnist(images_path: str | Path, labels_path: str | Path) -> tuple[Images, Labels]:
    """Read a pair of MNIST files (also Fashion-MNIST, KMNIST), for example ``train-images-idx3-ubyte.gz``.

    Returns
    -------
    (images, labels) : (N, 1, H, W) float32 in [0, 1] and (N,) int64

    Raises
    ------
    ValueError
        If a file is not what its place asks for, or the two differ in length. The message names the file.
    OSError
        If one cannot be opened.
    """
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != 3 or images.dtype != np.uint8:
        raise ValueError(f"{images_path}: expected images, (N, H, W) of bytes, got {images.dtype} {images.shape}")
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise ValueError(f"{labels_path}: expected labels, (N,) of bytes, got {labels.dtype} {labels.shape}")
    if len(images) != len(labels):
        raise ValueError(f"{labels_path}: {len(labels)} labels for the {len(images)} images of {images_path}")
    return _scaled(images[:, None]), labels.astype(np.int64)


def read_cifar10(*paths: str | Path) -> tuple[Images, Labels]:
    """Read batches of CIFAR-10's python version (``data_batch_1`` ... ``test_batch``) one after the other.

    Such a batch is a pickle, and a pickle can name any function to be called. This reader admits numbers, bytes, text,
    lists, dicts and the three names by which NumPy spells an array; for those it puts stand-ins that only keep what
    they are given, so that nothing from the file runs, not even NumPy's own reconstruction.

    Returns
    -------
    (images, labels) : (N, 3, 32, 32) float32 in [0, 1], red, green, blue, and (N,) int64 in [0, 10)

    Raises
    ------
    ValueError
        If no path is given, or a file is no such batch or names anything else. The message names the file.
    OSError
        If one cannot be opened.
    """
    if not paths:
        raise ValueError("paths must name at least one batch file")
    batches = [_read_batch(Path(path)) for path in paths]
    images = np.concatenate([pixels for pixels, _ in batches])
    return _scaled(images), np.concatenate([labels for _, labels in batches])


def _read_batch(path: Path) -> tuple[npt.NDArray[np.uint8], Labels]:
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError(f"{path}: holds more than {LARGEST_FILE:,} bytes, a CIFAR-10 batch has 31 million")
    try:
        batch = _BatchUnpickler(io.BytesIO(path.read_bytes()), encoding="bytes").load()
    except Exception as error:  # a damaged pickle can raise anything
        raise ValueError(f"{path}: not a readable CIFAR-10 batch: {error}") from error
    entries = batch if isinstance(batch, dict) else {}
    # Written by Python 2 the keys are bytes, by Python 3 text.
    data, labels = (entries.get(key.encode(), entries.get(key)) for key in ("data", "labels"))
    pixels = _pixels(data)
    if pixels is None:
        raise ValueError(f"{path}: expected a dict whose 'data' is an (N, 3072) array of bytes")
    if not isinstance(labels, list) or not all(type(label) is int and 0 <= label < 10 for label in labels):
        raise ValueError(f"{path}: expected 'labels' to be a list of integers from 0 to 9")
    if len(labels) != len(pixels):
        raise ValueError(f"{path}: {len(labels)} labels for {len(pixels)} images")
    return pixels, np.array(labels, dtype=np.int64)


class _Kept:
    """Stands in for a NumPy name in a pickle: keeps its arguments and its state as plain data."""

    # A pickle can also make one without calling __init__ or __setstate__.
    arguments: tuple[object, ...] = ()
    state: object = None

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments

    def __setstate__(self, state: object) -> None:
        self.state = state


def _pixels(data: object) -> npt.NDArray[np.uint8] | None:
    """Return (N, 3, 32, 32) bytes from a kept array, or None if it is anything else."""
    # NumPy's own state: version, shape, type, Fortran order, the bytes.
    if not isinstance(data, _Kept) or not isinstance(data.state, tuple) or len(data.state) != 5:
        return None
    _, shape, dtype, fortran_order, raw = data.state
    if not isinstance(dtype, _Kept) or dtype.arguments[:1] not in ((b"u1",), ("u1",)):
        return None
    if not isinstance(raw, bytes) or len(raw) % 3072 or shape != (len(raw) // 3072, 3072):
        return None
    rows = np.frombuffer(raw, np.uint8).reshape((-1, 3072), order="F" if fortran_order else "C")
    return rows.reshape(-1, 3, 32, 32)


class _BatchUnpickler(pickle.Unpickler):
    admitted = frozenset(
        {
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
        }
    )

    def find_class(self, module: str, name: str) -> Callable[..., _Kept]:
        if (module, name) not in self.admitted:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which an array of images does not need")
        return _Kept


def _scaled(pixels: npt.NDArray[np.uint8]) -> Images:
    return pixels.astype(np.float32) / np.float32(255)

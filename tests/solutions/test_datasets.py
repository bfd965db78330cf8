"""The files are made here, byte by byte: no data set is needed."""

import gzip
import io
import os
import pickle
import pickletools
import struct
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from solutions import datasets

IDX_CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array):
    head = struct.pack(">BBBB", 0, 0, IDX_CODES[array.dtype.str[1:]], array.ndim)
    return head + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(array.dtype.newbyteorder(">")).tobytes()


class Python2Pickler(pickle._Pickler):
    """Writes bytes and text as Python 2's ``str``, as the pickles that CIFAR-10 is published in."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_str(self, obj):
        raw = obj.encode() if isinstance(obj, str) else obj
        self.write(b"T" + struct.pack("<i", len(raw)) + raw)
        self.memoize(obj)

    dispatch[bytes] = dispatch[str] = save_str


def python2_pickle(content):
    stream = io.BytesIO()
    Python2Pickler(stream, protocol=2).dump(content)
    return stream.getvalue().replace(b"numpy._core", b"numpy.core")


def cifar_content(rng, count):
    return {
        b"batch_label": b"training batch 1 of 5",
        b"labels": rng.integers(0, 10, count).tolist(),
        b"data": rng.integers(0, 256, (count, 3072), dtype=np.uint8),
        b"filenames": [b"frog_%d.png" % i for i in range(count)],
    }


def write(path, content):
    path.write_bytes(content)
    return path


def test_the_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    images, labels = datasets.load_digits()
    source = load_digits()
    assert (images.dtype, labels.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(images.reshape(1797, 64) * 16, source.data)
    np.testing.assert_array_equal(labels, source.target)


@pytest.mark.parametrize("dtype", IDX_CODES)
@pytest.mark.parametrize("shape", [(), (5,), (0, 3), (2, 3, 4), (1, 2, 1, 3)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_idx_file_reads_as_it_was_written(tmp_path, dtype, shape, pack):
    rng = np.random.default_rng(0)
    array = np.asarray(rng.normal(size=shape) * 100).astype(dtype)
    read = datasets.read_idx(write(tmp_path / "some-idx", pack(idx_bytes(array))))
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, array)


def test_mnist_files_become_scaled_images_and_labels(tmp_path):
    rng = np.random.default_rng(1)
    pixels, labels = rng.integers(0, 256, (3, 28, 28), dtype=np.uint8), np.array([7, 0, 9], dtype=np.uint8)
    images_path = write(tmp_path / "images-idx3-ubyte.gz", gzip.compress(idx_bytes(pixels)))
    labels_path = write(tmp_path / "labels-idx1-ubyte", idx_bytes(labels))
    images, read = datasets.read_mnist(str(images_path), labels_path)
    assert (images.dtype, images.shape, read.dtype) == (np.float32, (3, 1, 28, 28), np.int64)
    np.testing.assert_allclose(images[:, 0] * 255, pixels, rtol=1e-6)
    np.testing.assert_array_equal(read, labels)


IDX = idx_bytes(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
TERABYTES = struct.pack(">BBBB4I", 0, 0, 8, 4, *[1 << 10] * 4)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "starts with nothing"),
        (b"PNG is not idx", "starts with 50 4e 47"),
        (b"\0\0\x07\1" + IDX[4:], "starts with"),
        (IDX[:9], "ends inside its header"),
        (IDX[:-1], "holds 23 bytes of data, its header says 24"),
        (IDX + b"!", "holds more bytes"),
        (gzip.compress(IDX, mtime=0)[:-9], "end-of-stream|ended"),
        (b"\x1f\x8bnot gzip at all", "not a readable idx"),
        (gzip.compress(IDX + bytes(1 << 26), mtime=0), "holds more bytes"),
        (TERABYTES, "claims 1,099,511,627,776 bytes"),
        (gzip.compress(TERABYTES + bytes(1000), mtime=0), "claims 1,099,511,627,776 bytes"),
        (b"\0\0\x08\xff" + struct.pack(">255I", *[1] * 255) + b"!", "not a readable idx"),
    ],
)
def test_a_damaged_idx_file_is_named_with_the_reason(tmp_path, content, reason):
    path = write(tmp_path / "broken-idx", content)
    with pytest.raises(ValueError, match=reason) as raised:
        datasets.read_idx(path)
    assert str(path) in str(raised.value)


def test_exchanged_or_unequal_mnist_files_are_named(tmp_path):
    images = write(tmp_path / "images", idx_bytes(np.zeros((2, 4, 4), dtype=np.uint8)))
    labels = write(tmp_path / "labels", idx_bytes(np.zeros(2, dtype=np.uint8)))
    three = write(tmp_path / "three", idx_bytes(np.zeros(3, dtype=np.uint8)))
    for arguments, culprit in [((labels, images), labels), ((images, images), images), ((images, three), three)]:
        with pytest.raises(ValueError, match=f"^{culprit}: "):
            datasets.read_mnist(*arguments)


@pytest.mark.parametrize("written_by", ["python 2", "python 3", "python 3, text keys", "python 3, Fortran order"])
def test_cifar_batches_read_one_after_the_other(tmp_path, written_by):
    rng = np.random.default_rng(2)
    contents = [cifar_content(rng, count) for count in (4, 3)]
    paths = []
    for i, content in enumerate(contents):
        stored = {key.decode(): value for key, value in content.items()} if "text" in written_by else dict(content)
        if "Fortran" in written_by:
            stored[b"data"] = np.asfortranarray(content[b"data"])
        raw = python2_pickle(stored) if written_by == "python 2" else pickle.dumps(stored, protocol=4)
        paths.append(write(tmp_path / f"data_batch_{i}", raw))
    images, labels = datasets.read_cifar10(*paths)
    assert (images.dtype, images.shape, labels.dtype) == (np.float32, (7, 3, 32, 32), np.int64)
    pixels = np.concatenate([content[b"data"] for content in contents])
    np.testing.assert_allclose(images.reshape(7, 3072) * 255, pixels, rtol=1e-6)
    assert labels.tolist() == contents[0][b"labels"] + contents[1][b"labels"]


def test_the_made_up_python_2_batch_is_one_that_plain_pickle_reads():
    content = cifar_content(np.random.default_rng(3), 2)
    stored = python2_pickle(content)
    assert b"numpy.core.multiarray" in stored
    assert not any("UNICODE" in opcode.name for opcode, _, _ in pickletools.genops(stored))
    read = pickle.loads(stored, encoding="bytes")
    np.testing.assert_array_equal(read[b"data"], content[b"data"])


class Calls:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def hostile(tmp_path):
    mark = str(tmp_path / "mark")
    return {
        "os.system": Calls(os.system, f"touch {mark}"),
        "eval": Calls(eval, f"open({mark!r}, 'w')"),
        "open": Calls(open, mark, "w"),
        "getattr": Calls(getattr, "", "join"),
        "np.fromfile": Calls(np.fromfile, mark),
        "another ndarray subclass": np.ma.masked_array([1, 2]),
    }


@pytest.mark.parametrize("name", hostile(Path()))
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_batch_that_names_a_function_is_refused_and_nothing_runs(tmp_path, name, protocol):
    content = cifar_content(np.random.default_rng(4), 1) | {b"filenames": hostile(tmp_path)[name]}
    path = write(tmp_path / "data_batch_1", pickle.dumps(content, protocol=protocol))
    with pytest.raises(ValueError, match=r"names .* not need") as raised:
        datasets.read_cifar10(path)
    assert str(path) in str(raised.value)
    assert not (tmp_path / "mark").exists()


def test_no_array_of_the_file_is_rebuilt_by_numpy(tmp_path):
    """A pickled array may claim any shape: its bytes decide, and NumPy's own reconstruction is never asked."""
    content = cifar_content(np.random.default_rng(5), 1)
    claims = pickle.dumps(content, protocol=4).replace(b"K\x01M\x00\x0c\x86", b"J\xff\xff\xff\x7fM\x00\x0c\x86")
    with pytest.raises(ValueError, match="data_batch: expected a dict whose 'data'"):
        datasets.read_cifar10(write(tmp_path / "data_batch", claims))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({b"data": np.zeros((2, 3071), dtype=np.uint8)}, "'data'"),
        ({b"data": np.zeros((2, 3072), dtype=np.int8)}, "'data'"),
        ({b"data": np.zeros(2 * 3072, dtype=np.uint8)}, "'data'"),
        ({b"data": np.array([[{}]], dtype=object)}, "'data'"),
        ({b"data": [1, 2, 3]}, "'data'"),
        ({b"data": np.zeros((3, 3072), dtype=np.uint8)}, "2 labels for 3 images"),
        ({b"labels": [3, 10]}, "'labels'"),
        ({b"labels": [3, -1]}, "'labels'"),
        ({b"labels": [3, True]}, "'labels'"),
        ({b"labels": None}, "'labels'"),
    ],
)
def test_a_batch_with_the_wrong_content_is_named(tmp_path, change, reason):
    content = cifar_content(np.random.default_rng(6), 2) | change
    path = write(tmp_path / "test_batch", pickle.dumps(content, protocol=4))
    with pytest.raises(ValueError, match=f"^{path}: .*{reason}"):
        datasets.read_cifar10(path)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not a pickle",
        pickle.dumps([1, 2]),
        pickle.dumps(cifar_content(np.random.default_rng(7), 1), protocol=4)[:-100],
        b"cnumpy\nndarray\n(tb.",  # sets the state of the stand-in's class
        b"\x80\x02cnumpy\nndarray\n)\x81.",  # makes a stand-in without calling it
        b"\x80\x02}(X\x04\x00\x00\x00datacnumpy\nndarray\n)\x81u.",
    ],
)
def test_a_damaged_batch_is_named(tmp_path, raw):
    path = write(tmp_path / "data_batch_5", raw)
    with pytest.raises(ValueError, match=f"^{path}: "):
        datasets.read_cifar10(path)


def test_a_missing_file_keeps_its_own_error_and_no_file_is_an_error(tmp_path):
    for read in (datasets.read_idx, datasets.read_cifar10):
        with pytest.raises(FileNotFoundError, match="nowhere"):
            read(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="paths must name"):
        datasets.read_cifar10()

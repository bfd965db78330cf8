"""What is encoded comes back the same; what student code may have forged is refused before it costs anything."""

import contextlib
import json
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader import wire
from grader.plans import Foreign
from grader.wire import PREFIX, Caps, WireError, encode, loads

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

DTYPES = ["?", "i1", "u1", "i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8"]
dtypes = st.sampled_from(DTYPES).flatmap(
    lambda code: st.sampled_from([np.dtype(code), np.dtype(code).newbyteorder(">")])
)
arrays = dtypes.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
).flatmap(
    lambda a: st.sampled_from(
        [a, a.T, np.asfortranarray(a) if a.ndim else a, a[..., ::-1] if a.ndim else a, a[::2] if a.ndim else a]
    )
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**3000), max_value=2**3000)
    | st.floats()
    | st.sampled_from(
        [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308, 2**53, 2**53 + 1, 2**63]
    )
    | st.text(st.characters(exclude_categories=()))
)
kinds = st.text(st.characters(categories=["L", "N"]), max_size=40)
foreigns = st.builds(Foreign, kinds, st.none() | arrays)
trees = st.recursive(
    scalars | arrays | foreigns,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def same(a, b):
    if isinstance(a, np.ndarray):
        native = a.astype(a.dtype.newbyteorder("="))
        return (
            type(b) is np.ndarray
            and b.dtype == native.dtype
            and b.shape == a.shape
            and np.ascontiguousarray(native).tobytes() == b.tobytes()
            and b.flags.owndata | (b.base is not None)
            and b.flags.writeable
            and b.flags.aligned
        )
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, Foreign):
        return a.kind == b.kind and (b.array is None if a.array is None else same(a.array, b.array))
    if isinstance(a, float):
        return math.isnan(b) if math.isnan(a) else (a, math.copysign(1, a)) == (b, math.copysign(1, b))
    return a == b


@quick
@given(trees)
def test_every_tree_comes_back_the_same(tree):
    assert same(tree, loads(encode(tree)))


@pytest.mark.parametrize("code", DTYPES)
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_dtype_in_either_byte_order_and_any_layout(code, order):
    base = np.arange(24).reshape(2, 3, 4).astype(np.dtype(code).newbyteorder(order))
    for view in (
        base,
        base.T,
        base[:, ::-1, ::2],
        np.asfortranarray(base),
        base[:0],
        base[0, 0, 0],
        base[1, 1, 1, None],
    ):
        array = np.asarray(view)
        assert same(array, loads(encode(array)))


def test_numpy_scalars_come_back_as_what_a_function_expects():
    assert loads(encode([np.int64(3), np.bool_(True), np.float64(0.5)])) == [3, True, 0.5]
    assert type(loads(encode(np.int64(3)))) is int
    assert loads(encode(np.float32(0.5))).dtype == np.float32


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1: 2},
        1j,
        b"bytes",
        {1, 2},
        np.array([1j]),
        np.array(["a"]),
        np.array([None]),
        np.zeros(1, "M8[s]"),
        np.zeros(2, [("a", float)]),
        np.zeros(1, np.longdouble) if np.dtype(np.longdouble).itemsize > 8 else 1j,
        2**4000,
        Foreign("x", np.array([None])),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_may_not_travel_is_refused_where_it_starts(value):
    with pytest.raises(WireError):
        encode({"deep": [value]})


def test_depth_and_size_are_refused_where_they_start():
    tree = []
    for _ in range(5000):
        tree = [tree]
    with pytest.raises(WireError, match="too deep"):
        encode(tree)
    with pytest.raises(WireError, match="larger than allowed"):
        encode("x" * (Caps().header + 1))
    with pytest.raises(WireError, match="larger than allowed"):
        encode([np.zeros(Caps().body // 2, np.int8)] * 2 + [np.zeros(1)])


def test_the_reader_gets_memory_of_its_own():
    array = np.arange(3.0)
    data = encode([array, array])
    first, second = loads(data)
    first[0] = 7
    assert second[0] == 0
    assert array[0] == 0


# Forged frames


def frame(header, body=b"", *, head=None, size=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return PREFIX.pack(len(text) if head is None else head, len(body) if size is None else size) + text + body


def refused(data, caps=None):
    with pytest.raises(WireError):
        loads(data, caps)


@quick
@given(st.binary(max_size=200))
def test_random_bytes_are_no_frame(data):
    refused(data)


@quick
@given(st.binary(max_size=100), st.binary(max_size=100))
def test_random_headers_and_bodies_are_refused(header, body):
    refused(frame(header, body))


@settings(max_examples=400, deadline=None)
@given(trees, st.data())
def test_a_mutated_frame_is_refused_or_read_as_another_tree(tree, data):
    valid = bytearray(encode(tree))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(valid) - 1))
        match data.draw(st.sampled_from(["set", "cut", "insert", "swap"])):
            case "set":
                valid[at] = data.draw(st.integers(0, 255))
            case "cut":
                del valid[at : at + data.draw(st.integers(1, 8))]
            case "insert":
                valid[at:at] = data.draw(st.binary(max_size=8))
            case "swap":
                other = data.draw(st.integers(0, len(valid) - 1))
                valid[at], valid[other] = valid[other], valid[at]
        if not valid:
            break
    with contextlib.suppress(WireError):
        loads(bytes(valid))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([2**48, 2**63, 10**30]) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["tree", "arrays", "array", "foreign", "tuple", "dict", "int", "float", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@quick
@given(
    json_values, st.lists(st.tuples(st.sampled_from(["<f8", "|i1", "|O", "x"]), json_values), max_size=3), st.binary()
)
def test_headers_of_our_vocabulary_are_refused_or_read(tree, specifications, body):
    with contextlib.suppress(WireError):
        loads(frame({"tree": tree, "arrays": specifications}, body))


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ({"tree": None}, b""),
        ([], b""),
        ({"tree": None, "arrays": {}}, b""),
        ({"tree": 1.5, "arrays": []}, b""),
        (b'{"tree": NaN, "arrays": []}', b""),
        (b'{"tree": 1e999, "arrays": []}', b""),
        (b'{"tree": ' + b"9" * 5000 + b', "arrays": []}', b""),
        ({"tree": {"int": "0x" + "f" * 2000}, "arrays": []}, b""),
        ({"tree": {"int": "nine"}, "arrays": []}, b""),
        ({"tree": {"float": "x"}, "arrays": []}, b""),
        ({"tree": {"float": "0x1p99999"}, "arrays": []}, b""),
        ({"tree": {"dict": [["a"]]}, "arrays": []}, b""),
        ({"tree": {"dict": [[1, 2]]}, "arrays": []}, b""),
        ({"tree": {"array": 0}, "arrays": []}, b""),
        ({"tree": {"array": -1}, "arrays": [["|i1", [1]]]}, b"\0"),
        ({"tree": {"array": 0.0}, "arrays": [["|i1", [1]]]}, b"\0"),
        ({"tree": [{"array": 0}, {"array": 0}], "arrays": [["|i1", [1]]]}, b"\0"),
        ({"tree": {"foreign": "x", "array": {"array": 1}}, "arrays": [["|i1", [1]]]}, b"\0"),
        ({"tree": None, "arrays": [["|O", [1]]]}, bytes(8)),
        ({"tree": None, "arrays": [["<c16", [1]]]}, bytes(16)),
        ({"tree": None, "arrays": [["|V8", [1]]]}, bytes(8)),
        ({"tree": None, "arrays": [["<f8", [True]]]}, bytes(8)),
        ({"tree": None, "arrays": [["<f8", [-1]]]}, b""),
        ({"tree": None, "arrays": [["<f8", [1.0]]]}, bytes(8)),
        ({"tree": None, "arrays": [["<f8", [2]]]}, bytes(8)),
        ({"tree": None, "arrays": [["<f8", [1]]]}, bytes(9)),
        ({"tree": None, "arrays": [["<f8", [2**47, 2**47]]]}, bytes(8)),
        ({"tree": None, "arrays": [["<f8", [0, 2**47, 2**47]]]}, b""),
        ({"tree": None, "arrays": [["<f8", [1] * 65]]}, bytes(8)),
        ({"tree": None, "arrays": [["<f8", [10**400]]]}, b""),
        (b"\xff\xfe", b""),
        (b"[" * 100_000, b""),
        (b'{"tree": ' + b"[" * 900 + b"]" * 900 + b', "arrays": []}', b""),
        (b'{"tree": "a', b""),
        (b"", b""),
    ],
)
def test_forgeries_are_refused(header, body):
    refused(frame(header, body))


def test_duplicate_keys_and_lone_surrogates_do_no_harm():
    assert loads(frame(b'{"tree": 1, "tree": 2, "arrays": []}')) == 2
    assert loads(frame({"tree": {"dict": [["a", 1], ["a", 2]]}, "arrays": []})) == {"a": 2}
    assert loads(frame(b'{"tree": "\\ud800", "arrays": []}')) == "\ud800"
    assert loads(frame({"tree": {"foreign": "a\ud800\x1b[31mb\n", "array": None}, "arrays": []})).kind == "a b"


def test_truth_values_of_strange_bytes_are_mended():
    array = loads(frame({"tree": {"array": 0}, "arrays": [["|b1", [4]]]}, b"\x00\x01\x02\xff"))
    assert array.tobytes() == b"\x00\x01\x01\x01"


def test_bytes_after_the_frame_are_refused():
    refused(encode(1) + b"\0")


@pytest.mark.parametrize(("head", "size"), [(2**32 - 1, 0), (0, 2**64 - 1), (2**31, 2**63), ((4 << 20) + 1, 0)])
def test_a_claimed_length_alone_allocates_nothing(head, size):
    def read(n):
        assert n == PREFIX.size, "more was read than the lengths"
        return PREFIX.pack(head, size)

    with pytest.raises(WireError, match="larger than allowed"):
        wire.read_frame(read)


@pytest.mark.parametrize(
    "header",
    [
        {"tree": {"array": 0}, "arrays": [["<f8", [2**40]]]},
        {"tree": {"array": 0}, "arrays": [["|i1", [2**47]]]},
        {"tree": None, "arrays": [["|i1", [0, 2**47]]] * 1000},
        {"tree": {"int": "0x" + "f" * 10**6}, "arrays": []},
        {"tree": ["x"] * 10**5, "arrays": []},
    ],
    ids=["terabytes", "more", "empty but wide", "a long number", "a long list"],
)
def test_memory_stays_near_the_size_of_the_frame(header):
    data = frame(header)
    tracemalloc.start()
    try:
        loads(data)
    except WireError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 30 * len(data) + (1 << 20)


def test_smaller_caps_hold():
    caps = Caps(header=100, body=8, depth=2)
    assert loads(encode([[np.zeros(1)]]), caps) == [[0.0]]
    refused(encode([[[[0]]]]), caps)
    refused(encode(np.zeros(2)), caps)
    refused(encode("x" * 100), caps)


def test_a_frame_ends_where_it_says():
    data = encode({"a": np.arange(5.0)})
    for cut in range(len(data)):
        refused(data[:cut])

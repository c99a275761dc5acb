"""Files of feature maps: every format and floating type, some samples at a time, and everything that is refused."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equinorm.inputs.array_files import given_arrays, opened_arrays
from tests.effort import at_least
from theory.spec.errors import SpecificationError

SHAPE = (3, 2, 4, 5)


def values(dtype="<f4", shape=SHAPE):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def safetensors(tensors):
    """The bytes of a file with (name, dtype, shape, bytes), stated anew."""
    header, data = {}, b""
    for name, dtype, shape, content in tensors:
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def npy(array, **options):
    sink = io.BytesIO()
    np.lib.format.write_array(sink, array, **options)
    return sink.getvalue()


def read(path, count=2):
    """Each array of the file by name, from pieces of ``count`` samples, beside what is said of it."""
    with opened_arrays(path) as arrays:
        return {each.name: (each, np.concatenate(list(each.samples(count)))) for each in arrays}


def refusal(path, content=None):
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SpecificationError) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("input=")
    return str(caught.value)


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "g"])
def test_npy_and_npz_of_every_floating_type(tmp_path, dtype, order, count):
    working = "float64" if np.dtype(dtype).itemsize > 4 else "float32"
    array = np.asarray(values(dtype), order=order)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "b.npz", maps=array, other=array[0])
    np.savez_compressed(tmp_path / "c.npz", maps=array)
    for file, name in (("a.npy", "x"), ("b.npz", "maps"), ("c.npz", "maps")):
        said, found = read(tmp_path / file, count)[name]
        assert (said.shape, said.working, found.dtype) == (SHAPE, working, np.dtype(working))
        assert np.array_equal(found, array.astype(working))
    said, found = read(tmp_path / "b.npz", count)["other"]
    assert (said.shape, said.note) == ((1, *SHAPE[1:]), "taken as C x H x W, one sample")
    assert np.array_equal(found[0], array[0].astype(working))


def test_bfloat16_and_eight_bits_are_widened_exactly(tmp_path):
    codes16, codes8 = np.arange(2**16, dtype="<u2"), np.arange(256, dtype="u1")
    content = safetensors(
        [
            ("bf", "BF16", (16, 4, 32, 32), codes16.tobytes()),
            ("e4", "F8_E4M3", (1, 16, 16), codes8.tobytes()),
            ("e5", "F8_E5M2", (1, 16, 16), codes8.tobytes()),
            ("half", "F16", (16, 4, 32, 32), codes16.tobytes()),
        ]
    )
    (tmp_path / "a.safetensors").write_bytes(content)
    found = {name: (said.dtype, array.ravel()) for name, (said, array) in read(tmp_path / "a.safetensors").items()}
    assert {name: said for name, (said, _) in found.items()} == {
        "bf": "bfloat16", "e4": "float8_e4m3", "e5": "float8_e5m2", "half": "float16"
    }  # fmt: skip
    assert {array.dtype for _, array in found.values()} == {np.dtype("float32")}
    bits = found["bf"][1].view(np.uint32)
    assert np.array_equal(bits >> 16, codes16)
    assert not np.any(bits & 0xFFFF)
    assert np.array_equal(found["half"][1], codes16.view("<f2").astype("f4"), equal_nan=True)
    e4, e5 = found["e4"][1], found["e5"][1]
    # One, the largest, the smallest, and NaN of each type: tables 1 and 2 of arXiv 2209.05433.
    assert [e4[0x38], e4[0x7E], e4[0x01], e4[0xC0]] == [1, 448, 2.0**-9, -2]
    assert np.flatnonzero(np.isnan(e4)).tolist() == [0x7F, 0xFF]
    assert [e5[0x3C], e5[0x7B], e5[0x01], e5[0xC0]] == [1, 57344, 2.0**-16, -2]
    assert np.flatnonzero(np.isinf(e5)).tolist() == [0x7C, 0xFC]
    for table, count in ((e4, 0x7F), (e5, 0x7C)):
        assert np.all(np.diff(table[:count]) > 0)
        assert np.array_equal(table[128 : 128 + count], -table[:count])


def test_the_library_writes_what_is_read(tmp_path):
    from safetensors.numpy import save_file

    save_file({"b": values("f8"), "a": values("f2", (2, 3, 3))}, tmp_path / "a.safetensors", metadata={"by": "us"})
    found = read(tmp_path / "a.safetensors")
    assert list(found) == ["a", "b"]
    assert np.array_equal(found["b"][1], values("f8"))
    assert np.array_equal(found["a"][1][0], values("f2", (2, 3, 3)).astype("f4"))


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (values("i4"), "floating numbers, not int32"),
        (values("u1"), "floating numbers, not uint8"),
        (values() > 0, "floating numbers, not bool"),
        (values().astype("c8"), "floating numbers, not complex64"),
        (values().astype("U5"), "floating numbers, not <U5"),
        (np.zeros((2, 3, 4), "V2"), "floating numbers, not |V2"),
        (values("f4", (3, 4)), "it has 2 axes"),
        (values("f4", (1, 2, 3, 4, 5)), "it has 5 axes"),
        (np.float32(3), "it has 0 axes"),
        (values("f4", (0, 2, 3, 4)), "at least one entry along each axis"),
        (values("f4", (2, 3, 0, 4)), "at least one entry along each axis"),
    ],
)
def test_what_is_no_feature_map_is_refused_by_name(tmp_path, array, expected):
    array = np.asarray(array)
    assert expected in refusal(tmp_path / "a.npy", npy(array))
    np.savez(tmp_path / "a.npz", good=values(), bad=array)
    message = refusal(tmp_path / "a.npz")
    assert expected in message
    assert "array=bad" in message
    with pytest.raises(SpecificationError, match="maps, array=bad"):
        given_arrays({"bad": array})


class Bomb:
    def __reduce__(self):
        return (print, ("THE CODE RAN",))


def test_code_is_refused_and_does_not_run(tmp_path, capsys):
    objects = np.empty((1, 1, 1, 1), dtype=object)
    objects[0, 0, 0, 0] = Bomb()
    for name in ("a.npy", "a.npz"):
        (np.save if name.endswith("y") else np.savez)(tmp_path / name, objects, allow_pickle=True)
        assert "Python objects, which are code" in refusal(tmp_path / name)
    refusal(tmp_path / "b.npy", pickle.dumps(Bomb()))
    refusal(tmp_path / "b.npz", pickle.dumps(Bomb()))
    refusal(tmp_path / "b.safetensors", pickle.dumps(Bomb()))
    assert capsys.readouterr().out == ""


def test_files_that_are_none_are_refused(tmp_path):
    assert "there is no such file" in refusal(tmp_path / "none.npy")
    (tmp_path / "folder.npy").mkdir()
    assert "expected a file" in refusal(tmp_path / "folder.npy")
    assert "ending in .npy, .npz, .safetensors" in refusal(tmp_path / "a.pt", b"x")
    assert "at least one array" in refusal(tmp_path / "a.npz", b"PK\x05\x06" + bytes(18))
    assert "at least one array" in refusal(tmp_path / "a.safetensors", safetensors([]))
    for suffix in (".npy", ".npz", ".safetensors"):
        refusal(tmp_path / f"empty{suffix}", b"")
        refusal(tmp_path / f"text{suffix}", b"not an array, whatever its name says")
    with pytest.raises(SpecificationError, match="no arrays"):
        given_arrays({})


def header_only(shape, dtype="<f4"):
    sink = io.BytesIO()
    np.lib.format.write_array_header_1_0(sink, {"descr": dtype, "fortran_order": False, "shape": shape})
    return sink.getvalue()


def test_sizes_that_are_claimed_and_not_there_cost_no_memory(tmp_path):
    claims = [(10**6, 10**6, 100, 100), (1, 1, 2**31, 2**31), (2**62, 2, 2, 2)]
    for shape in claims:
        assert "bytes" in refusal(tmp_path / "a.npy", header_only(shape))
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("x.npy", header_only(shape) + bytes(100))
        assert "bytes" in refusal(tmp_path / "a.npz")
        assert "bytes" in refusal(tmp_path / "a.safetensors", safetensors([("x", "F32", shape, bytes(64))]))
    huge = struct.pack("<Q", 2**63) + b"{}"
    assert "no complete safetensors file" in refusal(tmp_path / "b.safetensors", huge)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [1, 1, 1]},
        {"dtype": "F32", "shape": [1, 1, 1], "data_offsets": [0, 4, 8]},
        {"dtype": "F32", "shape": [1, 1, 1], "data_offsets": [4, 0]},
        {"dtype": "F32", "shape": [1, 1, 1], "data_offsets": [-4, 0]},
        {"dtype": "F32", "shape": [1, 1, True], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": "111", "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1, 1, 1], "data_offsets": [4, 8]},
        {"dtype": ["F32"], "shape": [1, 1, 1], "data_offsets": [0, 4]},
        [1],
        None,
    ],
)
def test_headers_that_contradict_themselves_are_refused(tmp_path, entry):
    text = json.dumps({"x": entry}).encode()
    refusal(tmp_path / "a.safetensors", struct.pack("<Q", len(text)) + text + bytes(4))


def whole_files():
    array = values()
    sink = io.BytesIO()
    np.savez_compressed(sink, x=array, y=array[0])
    return {
        "a.npy": npy(array),
        "b.npz": sink.getvalue(),
        "c.safetensors": safetensors([("x", "F32", SHAPE, array.tobytes())]),
    }


@given(data=st.data(), name=st.sampled_from(sorted(whole_files())))
@at_least(60)
def test_damage_is_refused_on_one_line_or_changes_values_only(tmp_path_factory, data, name):
    content = bytearray(whole_files()[name])
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
        cut = True
    else:
        cut = False
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("damage") / name
    path.write_bytes(bytes(content))
    try:
        found = read(path)
    except SpecificationError as error:
        refused = str(error)
    else:
        refused = ""
        assert all(said.shape == array.shape for said, array in found.values())
    assert "\n" not in refused
    assert refused or not cut


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors"])
def test_a_file_that_is_cut_while_it_is_read_is_bad_input(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    array = values(shape=(8, 4, 128, 128))
    if suffix == ".npz":
        np.savez(path, x=array)
    else:
        path.write_bytes(npy(array) if suffix == ".npy" else safetensors([("x", "F32", array.shape, array.tobytes())]))
    with opened_arrays(path) as (given_array,):
        pieces = given_array.samples(1)
        next(pieces)
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)
        with pytest.raises(SpecificationError, match=r"ends too early|damaged or cut"):
            list(pieces)


def test_arrays_in_memory_are_taken_as_they_are():
    (one,) = given_arrays(values("f2", (2, 3, 4)))
    assert (one.name, one.shape, one.dtype) == ("x", (1, 2, 3, 4), "float16")
    first, second = given_arrays({"a": values(), "b": values(">f8")})
    assert np.array_equal(np.concatenate(list(first.samples(2))), values())
    assert next(iter(second.samples(3))).dtype == np.float64

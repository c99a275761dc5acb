"""State dicts in every form that is read, and each reason for refusing a file, on one line."""

from __future__ import annotations

import collections
import io
import os
import pickle
import shutil
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from equinorm.inputs.inert_pickle import read_pickle
from equinorm.inputs.stored_tensors import Unreadable
from equinorm.inputs.weights import load_weights
from numerics.resnet.architecture import PARAMETERS
from numerics.resnet.initialization import he_state
from theory.spec.errors import SpecificationError

STATE = {name: value.astype(np.float32) for name, value in he_state(1).items()}


@pytest.fixture
def tmp_path(tmp_path):
    """The usual folder, emptied at once: a file of weights has 45 MB, and pytest would keep three runs of them."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="torch is not installed: it writes the .pth files of this test")


def refusal(path):
    with pytest.raises(SpecificationError) as caught:
        load_weights(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("weights=")
    return message


def assert_same_state(found, dtype=np.float32, expected=STATE):
    assert list(found) == list(PARAMETERS)
    for name, values in found.items():
        assert values.dtype == dtype
        assert values.flags.writeable
        assert np.array_equal(values, expected[name]), name


def tensors(torch, dtype="float32"):
    named = collections.OrderedDict(
        (name, torch.tensor(value).to(getattr(torch, dtype))) for name, value in STATE.items()
    )
    # Attributes of the dictionary and counters are what torchvision's own files carry besides the tensors.
    named._metadata = collections.OrderedDict({"": {"version": 1}})
    named["bn1.num_batches_tracked"] = torch.tensor(7)
    named["fc.weight"] = torch.zeros(1000, 512)
    return named


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old"])
@pytest.mark.parametrize("protocol", [2, 4])
def test_both_forms_of_torch_save_are_read(torch, tmp_path, zipped, protocol):
    path = tmp_path / "resnet.pth"
    torch.save(tensors(torch), path, _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
    loaded = load_weights(path)
    assert_same_state(loaded.state)
    assert loaded.ignored == ("bn1.num_batches_tracked", "fc.weight")
    assert len(loaded.digest) == 64


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_half_precision_becomes_float32_exactly_and_double_stays(torch, tmp_path, zipped, dtype):
    path = tmp_path / "resnet.pt"
    written = tensors(torch, dtype)
    torch.save(written, path, _use_new_zipfile_serialization=zipped)
    wide = torch.float64 if dtype == "float64" else torch.float32
    expected = {name: written[name].to(wide).numpy() for name in PARAMETERS}
    assert_same_state(load_weights(path).state, np.dtype(str(wide).removeprefix("torch.")), expected)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old"])
def test_a_training_checkpoint_of_parallel_parameters_is_unwrapped(torch, tmp_path, zipped):
    path = tmp_path / "checkpoint.pth"
    parameters = {
        f"module.{name}": torch.nn.Parameter(value) if value.is_floating_point() else value
        for name, value in tensors(torch).items()
    }
    moments = {index: {"momentum_buffer": torch.ones(3 + index)} for index in range(3)}
    torch.save(
        {"epoch": 90, "best": 69.8, "optimizer": {"state": moments}, "state_dict": parameters},
        path,
        _use_new_zipfile_serialization=zipped,
    )
    assert_same_state(load_weights(path).state)


def test_windows_of_a_shared_storage_are_cut_out(torch, tmp_path):
    path = tmp_path / "flat.pth"
    flat = torch.cat([torch.tensor(STATE[name]).ravel() for name in PARAMETERS])
    views, start = {}, 0
    for name, shape in PARAMETERS.items():
        views[name] = flat[start : start + STATE[name].size].view(shape)
        start += STATE[name].size
    # Stored with the axes swapped, so that the strides are not those of a contiguous array.
    views["conv1.weight"] = torch.tensor(STATE["conv1.weight"]).transpose(0, 3).contiguous().transpose(0, 3)
    torch.save(views, path)
    assert_same_state(load_weights(path).state)


def test_safetensors_and_npz_are_read(tmp_path):
    extra = {"fc.bias": np.zeros(1000, np.float32), "bn1.num_batches_tracked": np.array(3)}
    save_file({**STATE, **extra}, tmp_path / "resnet.safetensors")
    np.savez(tmp_path / "resnet.npz", **{f"module.{name}": value for name, value in {**STATE, **extra}.items()})
    for name in ("resnet.safetensors", "resnet.npz"):
        assert_same_state(load_weights(tmp_path / name).state)
    rounded = {name: np.round(value, 1) for name, value in STATE.items()}
    np.savez_compressed(tmp_path / "small.npz", **rounded)
    assert_same_state(load_weights(tmp_path / "small.npz").state, expected=rounded)
    half = {name: value.astype(np.float16) for name, value in STATE.items()}
    save_file(half, tmp_path / "half.safetensors")
    assert_same_state(load_weights(str(tmp_path / "half.safetensors")).state, expected=half)
    turned = {name: np.asfortranarray(value.astype(">f8")) for name, value in STATE.items()}
    np.savez(tmp_path / "turned.npz", **turned)
    assert_same_state(load_weights(tmp_path / "turned.npz").state, np.float64)


def test_bfloat16_in_safetensors(torch, tmp_path):
    save = pytest.importorskip("safetensors.torch").save_file
    written = {name: torch.tensor(value).to(torch.bfloat16) for name, value in STATE.items()}
    save(written, tmp_path / "resnet.safetensors")
    expected = {name: value.float().numpy() for name, value in written.items()}
    assert_same_state(load_weights(tmp_path / "resnet.safetensors").state, expected=expected)


def npz(tmp_path, **changes):
    path = tmp_path / "changed.npz"
    np.savez(path, **{name: value for name, value in {**STATE, **changes}.items() if value is not None})
    return path


def test_a_tensor_that_cannot_be_used_is_named(tmp_path):
    spoiled = STATE["layer1.0.conv1.weight"].copy()
    spoiled[0, 0, 0, :2] = np.nan, np.inf
    cases = [
        ({"conv1.weight": None}, "conv1.weight is missing (shape (64, 3, 7, 7))"),
        ({"bn1.bias": np.zeros(65, np.float32)}, "bn1.bias of shape (64,); it has shape (65,)"),
        ({"layer1.0.conv1.weight": spoiled}, "finite numbers in layer1.0.conv1.weight; 2 of 36864 are NaN"),
        ({"bn1.running_var": np.full(64, -1.0)}, "variances >= 0 in bn1.running_var; the smallest is -1.0"),
        ({"bn1.weight": np.ones(64, np.int64)}, "bn1.weight has dtype int64, which is not floating"),
        ({"bn1.weight": np.array([print] * 64)}, "bn1.weight has dtype object, which is code and is not run"),
        ({"layer1.2.bn1.bias": np.zeros(64)}, "it also has layer1.2.bn1.bias, so it belongs to a deeper network"),
        ({"module.bn1.bias": np.zeros(64)}, "twice, with and without the prefix module."),
    ]
    for changes, expected in cases:
        assert expected in refusal(npz(tmp_path, **changes))


class Attack:
    """Unpickling an instance creates a folder: the sign that code was run."""

    def __init__(self, sign):
        self.sign = str(sign)

    def __reduce__(self):
        return os.mkdir, (self.sign,)


def zip_of(path, content, members=()):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        for name, value in members:
            archive.writestr(f"archive/{name}", value)
    return path


def old_form(path, content, tail=b""):
    head = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
    path.write_bytes(head + content + tail)
    return path


@pytest.mark.parametrize("protocol", [2, 4])
def test_code_in_a_pickle_is_named_and_not_run(tmp_path, protocol):
    sign = tmp_path / "was-run"
    content = pickle.dumps({"state_dict": STATE["bn1.bias"].tolist(), "x": Attack(sign)}, protocol)
    expected = f"asks for {os.name if os.name == 'nt' else 'posix'}.mkdir, which is code and is not run"
    assert expected in refusal(zip_of(tmp_path / "evil.pth", content))
    assert expected in refusal(old_form(tmp_path / "old.pth", content))
    assert not sign.exists()
    pickle.loads(content)
    assert sign.exists(), "the attack itself works, so the test above says something"


def test_instructions_that_build_objects_are_refused():
    cases = {
        b"\x80\x02ccollections\nOrderedDict\n)\x81.": "the instruction NEWOBJ",
        b"\x80\x02(i__builtin__\neval\n.": "the instruction INST",
        b"\x80\x02\x82\x01.": "the instruction EXT1",
        b"\x80\x02c__builtin__\neval\n.": "asks for __builtin__.eval",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00aK\x01sb.": "damaged",
        b"\x80\x02ctorch\nFloatStorage\n)R.": "damaged",
        b"\x80\x02K\x01K\x02a.": "damaged",
        b"\x80\x02.": "damaged",
        b"\x80\x02K\x01": "damaged",
        b"\x80\x02X\xff\xff\xff\x7fabc.": "damaged",
    }
    for content, expected in cases.items():
        with pytest.raises(Unreadable, match=expected):
            read_pickle(io.BytesIO(content))


def test_plain_values_are_read_as_the_standard_library_reads_them():
    value = {"a": [1, -2, 1 << 70, 2.5, None, True, False], "b": ("x", ("y",), (), "é", b"z"), "c": {"d": {}}}
    value["e"] = value["a"]
    for protocol in (3, 4, 5):
        assert read_pickle(io.BytesIO(pickle.dumps(value, protocol))) == value


def test_a_pickle_nested_too_deep_for_the_stack_is_refused_not_crashed(tmp_path):
    deep = b"\x80\x02}" + b")" + b"\x85" * 200_000 + b"K\x01s."
    assert read_pickle(io.BytesIO(deep)) == {}
    assert "no dictionary of tensors" in refusal(zip_of(tmp_path / "deep.pth", deep))


def test_a_program_is_refused(tmp_path):
    path = zip_of(tmp_path / "script.pth", b"\x80\x02}.", [("code/__torch__.py", "x = 1")])
    assert "TorchScript program" in refusal(path)


def test_cut_files_are_refused_wherever_they_are_cut(torch, tmp_path):
    save_file(STATE, tmp_path / "a.safetensors")
    np.savez(tmp_path / "a.npz", **STATE)
    torch.save(tensors(torch), tmp_path / "a.pth")
    torch.save(tensors(torch), tmp_path / "b.pth", _use_new_zipfile_serialization=False)
    for name in ("a.safetensors", "a.npz", "a.pth", "b.pth"):
        data = (tmp_path / name).read_bytes()
        for length in (0, 1, 7, 100, 5000, len(data) // 2):
            cut = tmp_path / f"cut-{name}"
            cut.write_bytes(data[:length])
            refusal(cut)


def test_a_flipped_bit_in_an_archive_is_noticed(torch, tmp_path):
    torch.save(tensors(torch), tmp_path / "a.pth")
    np.savez(tmp_path / "a.npz", **STATE)
    for name in ("a.pth", "a.npz"):
        data = bytearray((tmp_path / name).read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / name).write_bytes(data)
        assert "damaged part of the archive" in refusal(tmp_path / name)


def tensor_pickle(count, shape, strides, offset=0):
    """A pickle of {"conv1.weight": tensor} and fitting numbers of nothing, with chosen storage size and strides."""

    def number(value):
        return b"\x8a\x08" + struct.pack("<q", value)

    def tuple_of(values):
        return b"(" + b"".join(map(number, values)) + b"t"

    def text(value):
        return b"X" + struct.pack("<I", len(value)) + value

    storage = b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"0") + text(b"cpu") + number(count) + b"tQ"
    entries = b""
    for name, size in PARAMETERS.items():
        window = (shape, strides) if name == "conv1.weight" else (size, [0] * len(size))
        entries += text(name.encode()) + b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset)
        entries += tuple_of(window[0]) + tuple_of(window[1]) + b"\x89}tR"
    return b"\x80\x02}(" + entries + b"u."


def test_sizes_that_a_header_only_claims_are_refused(tmp_path):
    shape, huge = PARAMETERS["conv1.weight"], 1 << 40
    cases = [
        (tensor_pickle(huge, shape, (0, 0, 0, huge - 1)), "conv1.weight reaches beyond its storage"),
        (tensor_pickle(huge, shape, (0, 0, 0, 1 << 36)), "conv1.weight lies outside the bytes"),
        (tensor_pickle(8, shape, (0, 0, 0, 1), offset=2), "conv1.weight reaches beyond its storage"),
        (tensor_pickle(8, (huge, huge), (1, 1)), f"it has shape ({huge}, {huge})"),
        (tensor_pickle(8, shape, (0, 0, 0, -1)), "damaged"),
        (tensor_pickle(8, shape, (0, 0, 1)), "damaged"),
    ]
    for content, expected in cases:
        assert expected in refusal(zip_of(tmp_path / "claims.pth", content, [("data/0", b"\0" * 32)]))
        keys = pickle.dumps(["0"], 2) + struct.pack("<q", 8) + b"\0" * 32
        assert expected in refusal(old_form(tmp_path / "old.pth", content, keys))
    header = b'{"conv1.weight":{"dtype":"F32","shape":[64,3,7,7],"data_offsets":[0,37632]}}'
    for claimed in (len(header), 1 << 40):
        (tmp_path / "claims.safetensors").write_bytes(struct.pack("<Q", claimed) + header)
        assert "no complete safetensors file" in refusal(tmp_path / "claims.safetensors")


def test_handmade_tensors_are_read_when_they_are_sound(tmp_path):
    content = tensor_pickle(8, PARAMETERS["conv1.weight"], (0, 0, 0, 1), offset=1)
    path = zip_of(tmp_path / "sound.pth", content, [("data/0", np.arange(8, dtype="<f4").tobytes())])
    assert np.array_equal(load_weights(path).state["conv1.weight"][5, 2, 4], np.arange(1, 8))


def test_files_from_before_version_two_of_tensors_are_read(tmp_path):
    content = tensor_pickle(8, PARAMETERS["conv1.weight"], (0, 0, 0, 1), offset=1)
    content = content.replace(b"_rebuild_tensor_v2", b"_rebuild_tensor")
    tail = pickle.dumps(["0"], 2) + struct.pack("<q", 8) + np.arange(8, dtype="<f4").tobytes()
    path = old_form(tmp_path / "early.pth", content, tail)
    assert np.array_equal(load_weights(path).state["conv1.weight"][5, 2, 4], np.arange(1, 8))


def test_files_with_changed_bytes_are_read_or_refused_but_raise_nothing_else(tmp_path):
    small = {"conv1.weight": np.zeros((2, 3), np.float32), "a": np.ones(3)}
    content = tensor_pickle(8, PARAMETERS["conv1.weight"], (0, 0, 0, 1))
    paths = [
        zip_of(tmp_path / "a.pth", content, [("data/0", b"\0" * 32)]),
        old_form(tmp_path / "b.pth", content, pickle.dumps(["0"], 2) + struct.pack("<q", 8) + b"\0" * 32),
        tmp_path / "c.npz",
        tmp_path / "d.safetensors",
    ]
    np.savez(paths[2], **small)
    save_file(small, paths[3])
    random = np.random.default_rng(0)
    for path in paths:
        data = path.read_bytes()
        refused = []
        for _ in range(300):
            start = int(random.integers(len(data)))
            replaced = random.bytes(int(random.integers(0, 4)))
            path.write_bytes(data[:start] + replaced + data[start + int(random.integers(1, 4)) :])
            try:
                load_weights(path)
            except SpecificationError as error:
                refused.append(str(error))
        assert len(refused) > 150
        assert not any("\n" in message for message in refused)


def test_what_is_no_weight_file_is_refused(tmp_path):
    assert "there is no such file" in refusal(tmp_path / "none.pth")
    assert "a file ending in .pth, .pt, .safetensors, .npz" in refusal(tmp_path / "resnet.ckpt")
    (tmp_path / "folder.pth").mkdir()
    assert "it is a folder" in refusal(tmp_path / "folder.pth")
    refusal(tmp_path / "two\nlines.pth")
    for name, expected in {"a.pth": "not written by torch.save", "a.npz": "no complete .npz archive"}.items():
        (tmp_path / name).write_bytes(b"hello, I am no archive")
        assert expected in refusal(tmp_path / name)
    large = tmp_path / "large.pth"
    with large.open("wb") as stream:
        stream.truncate((512 << 20) + 1)
    assert "at most 536870912 bytes" in refusal(large)


def test_loading_needs_no_torch(tmp_path):
    path = npz(tmp_path)
    code = (
        "import sys; sys.modules['torch'] = None; from equinorm.inputs.weights import load_weights; "
        f"print(len(load_weights({str(path)!r}).state))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == str(len(PARAMETERS))

"""Pictures: torchvision's resize and crop, every kind of file, what is skipped and why, and the batches."""

from __future__ import annotations

import struct
import warnings
import zlib
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from equinorm.inputs.batches import AHEAD, Report, batch_count, read_batches, read_crops
from equinorm.inputs.images import BUNDLED, PHOTOGRAPH, SCIENTIFIC, find_pictures
from equinorm.inputs.preprocessing import UnusablePicture, center_box, load_crop, normalize, read_rgb, resized_size
from theory.spec.errors import SpecificationError


def noise(height, width, channels=3, seed=0):
    shape = (height, width, channels) if channels else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def reason(path, crop=224):
    with pytest.raises(UnusablePicture) as caught:
        load_crop(path, crop)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def triangle_resize(signal, size):
    """Pillow's bilinear filter along the first axis, stated anew: triangles of half-width max(1, scale), normalized.

    Pillow's passes round to 8 bits, here nothing is rounded.
    """
    scale = signal.shape[0] / size
    support = max(scale, 1.0)
    result = np.empty((size, *signal.shape[1:]))
    for target in range(size):
        center = (target + 0.5) * scale
        sources = np.arange(max(0, int(center - support + 0.5)), min(signal.shape[0], int(center + support + 0.5)))
        weights = np.maximum(0.0, 1 - abs((sources + 0.5 - center) / support))
        result[target] = np.tensordot(weights / weights.sum(), signal[sources], 1)
    return result


@pytest.mark.parametrize(("height", "width"), [(300, 451), (451, 300), (256, 256), (227, 600)])
@pytest.mark.parametrize("crop", [224, 193])
def test_crops_are_torchvisions(tmp_path, height, width, crop):
    array = noise(height, width)
    found = load_crop(save(tmp_path / "a.png", array), crop)
    # Smaller edge 256, larger edge int(256 * larger / smaller): torchvision's documentation of Resize.
    smaller, larger = min(height, width), max(height, width)
    long_side = Fraction(256 * larger, smaller)
    rows, columns = (256, int(long_side)) if height <= width else (int(long_side), 256)
    assert resized_size(width, height) == (columns, rows)
    resized = triangle_resize(triangle_resize(array.astype(float), rows).swapaxes(0, 1), columns).swapaxes(0, 1)
    top, left = round((rows - crop) / 2), round((columns - crop) / 2)
    expected = resized[top : top + crop, left : left + crop]
    assert found.shape == (crop, crop, 3)
    assert found.dtype == np.uint8
    # Two passes, each rounded to the nearest integer: half a level each.
    assert abs(found - expected).max() <= 1 + 2**-8


def test_the_center_of_odd_margins_is_rounded_to_even():
    assert center_box(225, 227, 224) == (0, 2, 224, 226)
    assert center_box(256, 256, 193) == (32, 32, 225, 225)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_normalized_with_imagenets_statistics(dtype):
    crops = noise(5, 4)[None]
    found = normalize(crops, dtype)
    assert found.dtype == dtype
    assert found.shape == (1, 3, 5, 4)
    assert found.flags.c_contiguous
    for channel, (mean, deviation) in enumerate(zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)):
        expected = (crops[0, :, :, channel] / 255 - mean) / deviation
        # Three roundings of numbers up to 1/deviation, and the rounded constants.
        assert abs(found[0, channel] - expected).max() <= 5 * np.finfo(dtype).eps / deviation


def test_grey_alpha_and_palettes_become_rgb(tmp_path):
    grey, alpha = noise(230, 240, 0), noise(230, 240, 4)
    assert np.array_equal(read_rgb(save(tmp_path / "grey.png", grey)), np.repeat(grey[..., None], 3, axis=2))
    assert np.array_equal(read_rgb(save(tmp_path / "alpha.png", alpha)), alpha[..., :3])
    two = noise(230, 240, 2)
    assert np.array_equal(read_rgb(save(tmp_path / "la.png", two)), np.repeat(two[..., :1], 3, axis=2))
    palette = Image.fromarray(noise(230, 240)).quantize(200)
    palette.save(tmp_path / "palette.png", transparency=bytes(range(200)))
    assert np.array_equal(read_rgb(tmp_path / "palette.png"), palette.convert("RGB"))
    Image.fromarray(grey > 128).save(tmp_path / "bits.png")
    assert set(np.unique(read_rgb(tmp_path / "bits.png"))) == {0, 255}
    Image.fromarray(noise(230, 240)).convert("CMYK").save(tmp_path / "print.tiff")
    assert read_rgb(tmp_path / "print.tiff").mode == "RGB"


def test_sixteen_bits_and_floats_are_scaled_to_eight(tmp_path):
    wide = np.random.default_rng(1).integers(0, 65536, (230, 240)).astype(np.uint16)
    wide[0, :2] = 0, 65535
    for name in ("wide.png", "wide.tiff"):
        found = np.asarray(read_rgb(save(tmp_path / name, wide)))
        assert np.array_equal(found[..., 1], np.rint(wide / 257))
    floats = np.random.default_rng(2).random((230, 240)).astype(np.float32)
    found = np.asarray(read_rgb(save(tmp_path / "unit.tiff", floats)))
    assert np.array_equal(found[..., 0], np.rint(floats.astype(float) * 255))
    found = np.asarray(read_rgb(save(tmp_path / "byte.tiff", floats * 200)))
    assert np.array_equal(found[..., 2], np.rint((floats * 200).astype(float)))
    integers = np.arange(230 * 240, dtype=np.int32).reshape(230, 240)
    assert np.array_equal(np.asarray(read_rgb(save(tmp_path / "int.tiff", integers)))[..., 0], np.rint(integers / 257))


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
@pytest.mark.parametrize("kind", ["rgb", "wide"])
def test_the_cameras_orientation_is_applied(tmp_path, orientation, turns, kind):
    array = noise(230, 300) if kind == "rgb" else noise(230, 300, 0).astype(np.uint16) * 257
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(tmp_path / "turned.png", array, exif=exif)
    expected = np.rot90(array, turns) if kind == "rgb" else np.repeat(np.rot90(array, turns)[..., None] // 257, 3, 2)
    assert np.array_equal(read_rgb(tmp_path / "turned.png"), expected)


def test_what_cannot_be_used_is_named_with_its_reason(tmp_path):
    hole = noise(230, 230, 0).astype(np.float32)
    hole[3, 4] = np.nan
    assert reason(save(tmp_path / "nan.tiff", hole)) == "1 pixels are NaN or infinite"
    assert "outside 0 to 255" in reason(save(tmp_path / "negative.tiff", -noise(230, 230, 0).astype(np.float32)))
    assert "outside 0 to 65535" in reason(save(tmp_path / "deep.tiff", noise(230, 230, 0).astype(np.int32) << 20))
    assert "constant" in reason(save(tmp_path / "red.png", np.full((230, 230, 3), (255, 0, 0), np.uint8)))
    (tmp_path / "notes.png").write_text("not a picture")
    assert reason(tmp_path / "notes.png") == "no picture in a format that is read"
    (tmp_path / "empty.jpg").write_bytes(b"")
    assert "no picture" in reason(tmp_path / "empty.jpg")
    for name in ("whole.png", "whole.jpg", "whole.tiff"):
        data = save(tmp_path / name, noise(300, 300)).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        assert "damaged or cut" in reason(tmp_path / name), name
    assert reason(tmp_path / "gone.png") == "there is no such file any more"
    (tmp_path / "folder.png").mkdir()
    assert reason(tmp_path / "folder.png") == "no regular file"


def test_pictures_smaller_than_the_crop_are_left_out(tmp_path):
    path = save(tmp_path / "small.png", noise(200, 500))
    assert reason(path) == "500x200 pixels, smaller than the crop of 224"
    assert load_crop(path, 193).shape == (193, 193, 3)
    assert load_crop(path, 200).shape == (200, 200, 3)


def claiming_png(width, height):
    """A PNG whose header claims a size that its few bytes do not hold."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(11_000, 11_000), (100_000, 100_000)])
def test_a_picture_that_claims_too_many_pixels_is_not_decoded(tmp_path, size):
    (tmp_path / "bomb.png").write_bytes(claiming_png(*size))
    assert "more than 100000000" in reason(tmp_path / "bomb.png")


def test_a_picture_that_resizing_would_blow_up_is_refused(tmp_path):
    path = save(tmp_path / "thread.png", noise(2, 20_000, 0))
    assert resized_size(20_000, 2) == (2_560_000, 256)
    assert "too long for its width" in reason(path, crop=2)


def test_bundled_pictures_need_no_network_and_come_in_two_groups(monkeypatch):
    import socket

    def refuse_connection(*_):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse_connection)
    pictures = find_pictures()
    assert [picture.name for picture in pictures] == sorted(BUNDLED)
    assert len(pictures) == 17
    assert {picture.group for picture in pictures} == {PHOTOGRAPH, SCIENTIFIC}
    report = Report()
    batches = list(read_batches(pictures, report=report))
    assert [len(batch.pictures) for batch in batches] == [16, 1]
    assert report.used == list(pictures)
    assert report.lines() == []


def folder_of(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    for index, name in enumerate(["b.png", "a.png", "sub/c.png", "d.png", ".hidden/x.png", ".y.png"]):
        save(tmp_path / name, noise(40, 40, seed=index))
    return tmp_path


def test_folders_are_read_in_sorted_order_and_files_come_once(tmp_path):
    folder = folder_of(tmp_path)
    expected = [folder / name for name in ("a.png", "b.png", "d.png", "sub/c.png")]
    assert [picture.path for picture in find_pictures([folder])] == expected
    both = find_pictures([folder / "sub", folder / "d.png", folder, str(folder / "a.png")])
    assert [picture.path for picture in both] == expected


def test_bad_files_among_good_ones_are_counted_and_change_no_other_batch(tmp_path):
    folder = folder_of(tmp_path)
    (folder / "aa.txt").write_text("labels")
    (folder / "c.png").write_bytes((folder / "b.png").read_bytes()[:300])
    report = Report()
    pictures = find_pictures([folder])
    batches = list(read_batches(pictures, crop=33, batch_size=2, report=report))
    names = [[picture.path.relative_to(folder).as_posix() for picture in batch.pictures] for batch in batches]
    assert names == [["a.png"], ["b.png"], ["d.png", "sub/c.png"]]
    assert [batch.number for batch in batches] == [0, 1, 2]
    assert report.lines()[0] == "2 of 6 pictures skipped"
    assert report.lines()[1] == f"{folder / 'aa.txt'}: no picture in a format that is read"
    assert [picture.path.name for batch in batches for picture, _ in batch.skipped] == ["aa.txt", "c.png"]
    for batch in batches:
        count = len(batch.pictures)
        assert batch.crops.shape == (count, 33, 33, 3)
        assert batch.images(np.float64).shape == (count, 3, 33, 33)
        for picture, pixels in zip(batch.pictures, batch.crops, strict=True):
            assert np.array_equal(pixels, load_crop(picture.path, 33))


def test_a_batch_is_read_without_those_before_it(tmp_path):
    folder = folder_of(tmp_path)
    (folder / "a.png").write_text("labels")
    (folder / "b.png").write_text("labels")
    pictures = find_pictures([folder])
    report = Report()
    (last,) = read_batches(pictures, 33, 2, report, numbers=[1])
    assert (last.number, [picture.path.name for picture in last.pictures]) == (1, ["d.png", "c.png"])
    assert (len(report.used), report.skipped) == (2, [])
    empty, again = read_batches(pictures, 33, 2, report, numbers=[0, 1])
    assert (empty.number, empty.pictures, len(empty.skipped)) == (0, (), 2)
    assert empty.crops.shape == (0, 33, 33, 3)
    assert np.array_equal(again.crops, last.crops)
    # A batch of which nothing is left is no batch, and the others keep their numbers.
    assert [batch.number for batch in read_batches(pictures, 33, 2)] == [1]
    assert batch_count(pictures, 2) == 2
    assert batch_count(pictures, 3) == 2


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_changes_no_byte(tmp_path, threads):
    for index in range(9):
        save(tmp_path / f"{index}.png", noise(40, 41 + index, seed=index))
    (tmp_path / "4.png").write_text("not a picture")
    report = Report()
    pictures = find_pictures([tmp_path])
    batches = list(read_batches(pictures, 33, 4, report, threads=threads))
    assert [picture.name for picture in report.used] == [p.name for p in pictures if p.path.name != "4.png"]
    assert [len(batch.pictures) for batch in batches] == [4, 3, 1]
    found = np.concatenate([batch.crops for batch in batches])
    assert np.array_equal(found, np.stack([load_crop(picture.path, 33) for picture in report.used]))


@pytest.mark.parametrize("threads", [1, 3])
def test_what_is_decoded_ahead_is_bounded(tmp_path, monkeypatch, threads):
    for index in range(40):
        (tmp_path / f"{index:02}.png").write_text("")
    started = []

    def counted(picture, crop):
        started.append(picture)
        return np.zeros((crop, crop, 3), np.uint8)

    monkeypatch.setattr("equinorm.inputs.batches.read_picture", counted)
    crops = read_crops(find_pictures([tmp_path]), 4, threads)
    for asked in range(1, 11):
        next(crops)
        assert len(started) <= asked + AHEAD * threads
    crops.close()
    assert len(started) < 40


def test_what_the_machine_lacks_is_not_held_against_a_picture(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", noise(40, 40))
    for lack in (MemoryError(), OSError(24, "Too many open files")):

        def fail(*_, lack=lack, **__):
            raise lack

        monkeypatch.setattr(Image, "open", fail)
        with pytest.raises(type(lack)):
            list(read_batches(find_pictures([path]), 33))


def test_odd_metadata_warns_nobody_in_any_thread(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 1
    data = save(tmp_path / "a.tiff", noise(40, 40), exif=exif).read_bytes()
    for index in range(4):
        (tmp_path / f"{index}.tiff").write_bytes(data[:-3])
    palette = Image.fromarray(noise(40, 40)).quantize(20)
    palette.save(tmp_path / "palette.png", transparency=bytes(range(20)))
    before = len(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        list(read_batches(find_pictures([tmp_path]), 33, threads=3))
        warnings.warn("others are heard", stacklevel=1)
    assert [str(each.message) for each in caught] == ["others are heard"]
    assert len(warnings.filters) <= before + 1


def test_batches_are_read_when_they_are_asked_for(tmp_path):
    pictures = find_pictures([folder_of(tmp_path)])
    report = Report()
    batches = read_batches(pictures, 33, 2, report)
    assert report.used == []
    next(batches)
    assert len(report.used) == 2


def refusal(call, *arguments, **options):
    with pytest.raises(SpecificationError) as caught:
        result = call(*arguments, **options)
        list(result)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_paths_without_pictures_are_refused(tmp_path):
    assert "there is no such file" in refusal(find_pictures, [tmp_path / "none"])
    assert "it holds no files" in refusal(find_pictures, [tmp_path])
    assert "there is no such file" in refusal(find_pictures, [tmp_path / "two\nlines"])
    (tmp_path / "a.png").write_text("no")
    (tmp_path / "b.png").write_text("no")
    message = refusal(read_batches, find_pictures([tmp_path]))
    assert message.startswith("images=2 files: expected at least one usable picture; all were skipped")
    assert "a.png: no picture" in message


def test_unusable_options_are_refused_before_anything_is_read(tmp_path):
    for crop in (0, -5, 257):
        assert f"crop={crop}: expected a number of pixels from 1 to 256" in refusal(read_batches, [], crop=crop)
    assert "batch-size=0: expected a number >= 1" in refusal(read_batches, [], batch_size=0)

"""Pictures in tar archives: the same crops as from files, by name; damage, links, and size bombs."""

from __future__ import annotations

import gzip
import io
import pickle
import shutil
import tarfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import equinorm
from equinorm.inputs.archives import UnusableArchive, list_archive, names_archive
from equinorm.inputs.batches import Report, read_batches
from equinorm.inputs.images import find_pictures, read_picture
from equinorm.inputs.preprocessing import UnusablePicture
from tests.effort import at_least
from tests.equinorm.test_images import claiming_png, noise, refusal, save
from theory.spec.errors import SpecificationError

CROP = 33
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def tar_of(path, contents, format=tarfile.GNU_FORMAT):
    """A tar at ``path`` of (name, bytes) or of TarInfo, in this order."""
    with tarfile.open(path, "w", format=format) as archive:
        for entry in contents:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
                continue
            name, data = entry
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def link(name, kind, target="elsewhere"):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of 40 pixels in two class folders."""
    place = tmp_path_factory.mktemp("train")
    for index, name in enumerate(["b/2.png", "b/1.jpg", "a/3.png", "a/0.png"]):
        (place / name).parent.mkdir(exist_ok=True)
        save(place / name, noise(40, 41, seed=index))
    return place


def contents(folder):
    return [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in folder.rglob("*.*")]


def crops(*paths, **options):
    report = Report()
    pictures = find_pictures(paths)
    return pictures, list(read_batches(pictures, CROP, 3, report, **options)), report


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("prefix", ["", "./", "val/"])
def test_an_archive_gives_what_the_unpacked_folder_gives(tmp_path, folder, format, prefix):
    path = tar_of(tmp_path / "val.tar", [(prefix + name, data) for name, data in contents(folder)], format)
    _, expected, _ = crops(folder)
    pictures, found, report = crops(path, threads=2)
    assert report.skipped == []
    place = f"{path}/{prefix.removeprefix('./')}"
    assert [picture.name for picture in pictures] == [f"{place}{name}" for name, _ in sorted(contents(folder))]
    assert [batch.number for batch in found] == [0, 1]
    for batch, other in zip(found, expected, strict=True):
        assert np.array_equal(batch.crops, other.crops)


def test_archives_of_classes_within_an_archive_and_in_a_folder(tmp_path, folder):
    parts = {}
    for name in ("a", "b"):
        members = [(file.name, file.read_bytes()) for file in (folder / name).iterdir()]
        parts[name] = tar_of(tmp_path / f"{name}.tar", members)
    whole = tar_of(tmp_path / "whole.tar", [(f"{name}.tar", path.read_bytes()) for name, path in parts.items()])
    _, expected, _ = crops(folder)
    shutil.move(whole, whole := tmp_path.parent / "train.tar")
    for place, between in ((whole, "a.tar/0.png"), (tmp_path, "a.tar/0.png")):
        pictures, found, _ = crops(place)
        assert pictures[0].name == f"{place}/{between}"
        for batch, other in zip(found, expected, strict=True):
            assert np.array_equal(batch.crops, other.crops)
    deeper = tar_of(tmp_path.parent / "deeper.tar", [("train.tar", whole.read_bytes())])
    assert {picture.trouble for picture in find_pictures([deeper])} == {"an archive in an archive in an archive"}


def test_pictures_of_archives_go_to_other_processes(tmp_path, folder):
    path = tar_of(tmp_path / "val.tar", contents(folder))
    for picture in find_pictures([path]):
        assert pickle.loads(pickle.dumps(picture)) == picture
        assert read_picture(picture, CROP).shape == (CROP, CROP, 3)


def test_links_devices_and_hidden_names_are_not_followed(tmp_path, folder):
    data = (folder / "a/0.png").read_bytes()
    members = [
        ("good.png", data),
        link("soft.png", tarfile.SYMTYPE, "/etc/passwd"),
        link("hard.png", tarfile.LNKTYPE, "good.png"),
        link("null.png", tarfile.CHRTYPE),
        link("pipe.png", tarfile.FIFOTYPE),
        link("folder", tarfile.DIRTYPE),
        ("._good.png", b"resource fork"),
        (".hidden/x.png", data),
        ("../../up.png", data),
        ("/abs.png", data),
    ]
    _, _, report = crops(tar_of(tmp_path / "x.tar", members))
    place = str(tmp_path / "x.tar")
    assert [picture.name for picture in report.used] == [
        f"{place}/{n}" for n in ("../../up.png", "abs.png", "good.png")
    ]
    assert {picture.name.rpartition("/")[2]: reason for picture, reason in report.skipped} == {
        "hard.png": "a hard link in an archive",
        "null.png": "a device in an archive",
        "pipe.png": "a pipe in an archive",
        "soft.png": "a symbolic link in an archive",
    }


def test_a_name_that_is_there_twice_stands_for_its_last_member(tmp_path, folder):
    first, second = ((folder / name).read_bytes() for name in ("a/0.png", "a/3.png"))
    pictures = find_pictures([tar_of(tmp_path / "x.tar", [("a.png", first), ("./a.png", second)])])
    assert len(pictures) == 1
    (expected,) = find_pictures([folder / "a/3.png"])
    assert np.array_equal(read_picture(pictures[0], CROP), read_picture(expected, CROP))


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_letters_of_all_kinds(tmp_path, folder, format):
    data = (folder / "a/0.png").read_bytes()
    long = "d" * 90 + "/" + "n" * 150 + ".png"
    pictures, _, report = crops(tar_of(tmp_path / "x.tar", [(long, data), ("größe\n.png", data)], format))
    assert pictures[0].name == f"{tmp_path / 'x.tar'}/{long}"
    assert pictures[1].name.endswith("gr\\xf6\\xdfe\\n.png'")
    assert len(report.used) == 2
    raw = tmp_path / "raw.tar"
    raw.write_bytes(tar_of(tmp_path / "y.tar", [("aaaa.png", data)], tarfile.USTAR_FORMAT).read_bytes())
    with tarfile.open(raw, "w", encoding="latin-1", format=format if format != tarfile.PAX_FORMAT else 1) as archive:
        info = tarfile.TarInfo("\xe9.png")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    _, _, report = crops(raw)
    assert len(report.used) == 1
    assert report.used[0].name.isprintable()


def test_damaged_pictures_and_size_bombs_in_an_archive_are_skipped(tmp_path, folder):
    data = (folder / "a/0.png").read_bytes()
    members = [
        ("bomb.png", claiming_png(100_000, 100_000)),
        ("cut.png", data[:300]),
        ("empty.png", b""),
        ("g.png", data),
    ]
    _, _, report = crops(tar_of(tmp_path / "x.tar", members))
    reasons = [reason for _, reason in report.skipped]
    assert "more than 100000000" in reasons[0]
    assert "damaged or cut" in reasons[1]
    assert "no picture" in reasons[2]
    assert len(report.used) == 1


@given(share=st.floats(0.01, 0.99))
@at_least(20)
def test_a_cut_archive_is_refused_wherever_it_is_cut(tmp_path_factory, folder, share):
    place = tmp_path_factory.mktemp("cut")
    path = tar_of(place / "x.tar", contents(folder)[:2])
    data = path.read_bytes()
    with tarfile.open(path) as archive:
        end = max(info.offset_data + info.size for info in archive)
    path.write_bytes(data[: int(share * end)])
    with pytest.raises(UnusableArchive):
        list_archive(path)
    shutil.rmtree(place)


def test_archives_that_cannot_be_listed_are_refused_or_skipped_by_name(tmp_path, folder):
    whole = tar_of(tmp_path / "x.tar", contents(folder))
    data = whole.read_bytes()
    with tarfile.open(whole) as archive:
        second = archive.getmembers()[1].offset
    cases = {
        "members.tar": (data[:second], "neither a header nor its end"),  # cut between two members
        "header.tar": (data[:second] + b"\xff" * 512 + data[second + 512 :], "neither a header nor its end"),
        "text.tar": (b"x" * 2000, "no tar archive"),
        "empty.tar": (b"", "no tar archive"),
        "nothing.tar": (tar_of(tmp_path / "n.tar", []).read_bytes(), "it holds no files"),
        "packed.tar.gz": (gzip.compress(data), "compressed (gzip)"),
        "packed.tar": (gzip.compress(data), "compressed (gzip)"),
        "packed.tgz": (gzip.compress(data), "compressed (gzip)"),
        "zip.tar": (b"PK\x03\x04" + bytes(600), "compressed (zip)"),
    }
    place = tmp_path / "several"
    place.mkdir()
    for name, (content, expected) in cases.items():
        path = place / name
        path.write_bytes(content)
        message = refusal(find_pictures, [path])
        assert message.startswith(f"images={str(path)[:60]}"), message
        assert expected in message, name
    save(place / "good.png", noise(40, 40))
    _, _, report = crops(place)
    assert {picture.path.name for picture, _ in report.skipped} == set(cases)
    for picture, reason in report.skipped:
        assert cases[picture.path.name][1] in reason
    (tmp_path / "folder.tar").mkdir()
    assert "it holds no files" in refusal(find_pictures, [tmp_path / "folder.tar"])
    save(tmp_path / "folder.tar" / "a.png", noise(40, 40))
    assert len(find_pictures([tmp_path / "folder.tar"])) == 1


def test_an_archive_that_goes_or_changes_stops_the_reading(tmp_path, folder):
    path = tar_of(tmp_path / "x.tar", contents(folder))
    batches = read_batches(find_pictures([path]), CROP, 2, threads=1)
    next(batches)
    with path.open("ab") as file:
        file.write(bytes(512))
    with pytest.raises(SpecificationError, match="the archive was changed while it was read"):
        next(batches)
    batches = read_batches(find_pictures([path]), CROP, 2, threads=1)
    next(batches)
    path.unlink()
    with pytest.raises(SpecificationError, match="the archive was removed while it was read"):
        next(batches)


def test_a_picture_that_goes_is_skipped(tmp_path):
    for index in range(3):
        save(tmp_path / f"{index}.png", noise(40, 40, seed=index))
    pictures = find_pictures([tmp_path])
    (tmp_path / "1.png").unlink()
    with pytest.raises(UnusablePicture, match="there is no such file any more"):
        read_picture(pictures[1], CROP)


def test_archives_are_known_by_their_names():
    assert names_archive("a/VAL.TAR")
    assert names_archive("a.tar.xz")
    assert not names_archive("tar")
    assert not names_archive("a.tar/b.png")


def test_a_measurement_does_not_depend_on_the_packing(tmp_path, folder):
    path = tar_of(tmp_path / "val.tar", contents(folder))
    unpacked = equinorm.measure([folder], crop=32, batch_size=3)
    packed = equinorm.measure([path], crop=32, batch_size=3)
    assert packed.table.drop_columns(["image"]).equals(unpacked.table.drop_columns(["image"]))
    names = [picture["name"] for picture in packed.facts["images"]["used"]]
    assert names == [f"{path}/{name}" for name, _ in sorted(contents(folder))]

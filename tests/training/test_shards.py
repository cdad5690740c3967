import tarfile

import numpy as np
import pytest
from data_folders import write_drawings, write_maps

from dhvt_vectorize.errors import InputError, OutputError, UsageError
from dhvt_vectorize.training import shards
from dhvt_vectorize.training.shards import ShardSource, pack
from dhvt_vectorize.training.sources import WITHOUT_LABELS, Source, check_source, open_source


@pytest.fixture
def drawings(tmp_path) -> Source:
    return open_source(write_drawings(tmp_path / "drawings"), "regions", texture=0.5)


def whole(source: Source) -> list:
    return [source.sample(index, np.random.default_rng(0), None) for index in range(len(source))]


def test_what_comes_out_is_what_the_source_gave(drawings, tmp_path):
    files = pack(drawings, tmp_path / "out", 16, 32, seed=3)
    read = whole(open_source(tmp_path / "out", "regions"))
    assert [file.name for file in files] == ["samples-00000.tar"]
    assert len(read) == 16
    for number, sample in enumerate(read):
        epoch, place = divmod(number, 3)
        index = int(np.random.default_rng((3, epoch)).permutation(3)[place])
        given = drawings.sample(index, np.random.default_rng((3, epoch, index)), 32)
        np.testing.assert_array_equal(sample.image, given.image)
        np.testing.assert_array_equal(sample.labels, given.labels)
    assert any((sample.image[..., 3] < 255).any() for sample in read)


def test_the_bytes_depend_on_the_seed_and_not_on_the_number_of_processes(drawings, tmp_path):
    one, two, other = (
        pack(drawings, tmp_path / name, 5, 24, seed, jobs)[0].read_bytes()
        for name, seed, jobs in (("one", 1, 1), ("two", 1, 2), ("other", 2, 1))
    )
    assert one == two
    assert one != other


def test_shards_stay_below_the_limit_and_hold_all_samples_in_order(drawings, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD_BYTES", 20_000)
    files = pack(drawings, tmp_path / "out", 12, 32, seed=0)
    assert [file.name for file in files] == [f"samples-{number:05d}.tar" for number in range(len(files))]
    assert len(files) > 1
    assert max(file.stat().st_size for file in files) <= 20_000
    monkeypatch.setattr(shards, "SHARD_BYTES", 10**9)
    pack(drawings, tmp_path / "at-once", 12, 32, seed=0)
    apart, at_once = (whole(open_source(tmp_path / name, "regions")) for name in ("out", "at-once"))
    assert [sample.image.tobytes() for sample in apart] == [sample.image.tobytes() for sample in at_once]


def test_every_annotator_and_what_is_ignored_survive(tmp_path):
    source = open_source(write_maps(tmp_path / "maps", annotators=3), "regions")
    plain = source.sample

    def partly_ignored(index, random, size):
        sample = plain(index, random, size)
        sample.labels[0, :4] = -1
        return sample.numbered()

    source.sample = partly_ignored
    pack(source, tmp_path / "out", 2, 16, seed=0)
    for sample in whole(open_source(tmp_path / "out", "regions")):
        assert sample.labels.shape == (3, 16, 16)
        np.testing.assert_array_equal(sample.labels[0] == -1, np.broadcast_to(np.arange(16)[:, None] < 4, (16, 16)))


@pytest.mark.parametrize("task", WITHOUT_LABELS)
def test_images_alone_are_enough_for_tasks_without_labels(task, tmp_path):
    drawn = open_source(write_drawings(tmp_path / "drawings"), task)
    pack(drawn, tmp_path / "out", 3, 24, seed=0)
    for sample in whole(open_source(tmp_path / "out", task)):
        assert sample.image.shape == (24, 24, 4)
        assert len(sample.labels) == 0
    with pytest.raises(InputError, match="holds no label map"):
        open_source(tmp_path / "out", "regions")


def test_a_shard_is_a_plain_tar_file_without_dates_and_owners(drawings, tmp_path):
    (file,) = pack(drawings, tmp_path / "out", 2, 16, seed=0)
    with tarfile.open(file) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == ["000000.png", "000000-0.png", "000001.png", "000001-0.png"]
    assert all((member.mtime, member.uid, member.gid, member.uname) == (0, 0, 0, "") for member in members)


def test_one_shard_of_several_can_be_opened_and_packed_samples_are_cut_and_turned(drawings, tmp_path):
    (file,) = pack(drawings, tmp_path / "out", 3, 32, seed=0)
    source = open_source(file, "regions")
    assert check_source(source).sides == (32, 32)
    squares = [source.sample(0, np.random.default_rng(seed), 20).image for seed in range(4)]
    assert all(square.shape == (20, 20, 4) for square in squares)
    assert len({square.tobytes() for square in squares}) > 1
    assert source.sample(0, np.random.default_rng(0), 50).labels.shape == (1, 50, 50)


def test_shards_are_not_mixed_with_those_of_another_run(drawings, tmp_path):
    pack(drawings, tmp_path / "out", 1, 16, seed=0)
    with pytest.raises(OutputError, match="holds shards already"):
        pack(drawings, tmp_path / "out", 1, 16, seed=0)


@pytest.mark.parametrize("numbers", [(0, 16, 1), (1, 0, 1), (1, 16, 0)])
def test_numbers_below_one_are_refused(numbers, drawings, tmp_path):
    samples, size, jobs = numbers
    with pytest.raises(UsageError, match="at least 1"):
        pack(drawings, tmp_path / "out", samples, size, 0, jobs)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (lambda content: content[: len(content) // 2], "is truncated|cannot|can be read"),
        (lambda content: b"no tar file" * 100, "no shard that can be read"),
        (lambda content: b"", "no shard that can be read"),
        (lambda content: bytes(1024), "holds no samples"),
    ],
)
def test_a_damaged_shard_is_refused_by_name(damage, cause, drawings, tmp_path):
    (file,) = pack(drawings, tmp_path / "out", 4, 32, seed=0)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(InputError, match=f"samples-00000.tar.*({cause})"):
        open_source(file, "regions")


def test_a_damaged_image_in_a_shard_is_named_by_the_check(drawings, tmp_path):
    (file,) = pack(drawings, tmp_path / "out", 3, 32, seed=0)
    source = ShardSource.of([file])
    content = bytearray(file.read_bytes())
    offset = source.items[1][0].offset
    content[offset + 40 : offset + 80] = bytes(40)
    file.write_bytes(content)
    report = check_source(source)
    assert [name for name, _ in report.left_out] == [f"{file}:000001.png"]
    assert len(source) == 2


def test_images_without_label_maps_are_no_shard(tmp_path):
    with tarfile.open(tmp_path / "bare.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("000000.png"))
    with pytest.raises(InputError, match=r"no label map for 000000\.png"):
        open_source(tmp_path / "bare.tar", "regions")

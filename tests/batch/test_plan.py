import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhvt_vectorize.batch.plan import Job, Selection, output_names, plan


@pytest.fixture
def folder(tmp_path):
    """A function that makes files below a new folder and returns it."""

    def make(*paths):
        for path in paths:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).touch()
        return tmp_path

    return make


def sources(*arguments):
    return [job.source for job in plan(*arguments)]


ALL = Selection()


def test_images_are_found_folder_by_folder_in_the_order_of_names(folder):
    root = folder("b.png", "a.JPG", "z/1.webp", "c/d/2.tiff", "c/3.gif", "notes.txt", "drawing.svg", "png")
    assert sources(root, ALL) == ["a.JPG", "b.png", "c/3.gif", "c/d/2.tiff", "z/1.webp"]
    assert list(plan(root, ALL))[2] == Job("c/3.gif", "c/3.svg")


def test_hidden_files_and_folders_are_skipped(folder):
    assert sources(folder(".a.png", ".git/b.png", "c.png"), ALL) == ["c.png"]


def test_subfolders_are_left_out_on_request(folder):
    assert sources(folder("a.png", "b/c.png"), Selection(recursive=False)) == ["a.png"]


def test_a_limit_takes_the_first_images(folder):
    root = folder("a.png", "b/c.png", "d.png")
    assert sources(root, Selection(limit=2)) == ["a.png", "d.png"]
    assert sources(root, Selection(limit=9)) == ["a.png", "d.png", "b/c.png"]


@pytest.mark.parametrize(
    ("patterns", "taken"),
    [
        (("*.png",), ["a.png", "b/c.png", "b/d/e.png"]),
        (("*.png", "*.dat"), ["a.png", "x.dat", "b/c.png", "b/d/e.png"]),
        (("b/*.png",), ["b/c.png", "b/d/e.png"]),
        (("?.jpg",), ["a.jpg"]),
        (("*.PNG",), []),
    ],
)
def test_patterns_replace_the_image_extensions(folder, patterns, taken):
    assert sources(folder("a.png", "a.jpg", "x.dat", "b/c.png", "b/d/e.png"), Selection(patterns)) == taken


def test_two_images_that_would_share_an_svg_keep_their_whole_names(folder):
    root = folder("a.png", "a.jpg", "b.png", "c/a.png")
    assert dict((job.source, job.output) for job in plan(root, ALL)) == {
        "a.jpg": "a.jpg.svg",
        "a.png": "a.png.svg",
        "b.png": "b.svg",
        "c/a.png": "c/a.svg",
    }


def test_an_image_has_the_same_svg_whichever_pattern_takes_it(folder):
    root = folder("a.png", "a.jpg", "a.dat")
    together = {job.source: job.output for job in plan(root, ALL)}
    for name, output in together.items():
        assert list(plan(root, Selection((name,)))) == [Job(name, output)]


NAMES = st.lists(
    st.builds(
        lambda stem, suffixes: stem + "".join(suffixes),
        st.sampled_from(["a", "A", "b", "a.png", "ß", "SS"]),
        st.lists(st.sampled_from([".png", ".jpg", ".PNG", ".svg"]), max_size=3),
    ),
    unique=True,
)


@given(NAMES)
def test_no_two_names_ever_share_an_svg(names):
    outputs = output_names(names)
    assert list(outputs) == names
    assert len(set(outputs.values())) == len(names)
    assert all(output.endswith(".svg") for output in outputs.values())
    # where inputs differ by more than case, outputs do too
    if len({name.casefold() for name in names}) == len(names):
        assert len({output.casefold() for output in outputs.values()}) == len(names)


@given(NAMES)
def test_names_do_not_depend_on_their_order(names):
    assert output_names(names) == output_names(reversed(names))


def test_loops_of_links_end_and_each_folder_is_visited_once(folder):
    root = folder("a/b/c.png")
    (root / "a" / "up").symlink_to(root)
    (root / "again").symlink_to(root / "a" / "b")
    (root / "a" / "self").symlink_to(root / "a" / "self")
    (root / "self.png").symlink_to(root / "self.png")
    assert sources(root, ALL) == ["self.png", "a/b/c.png"]


def test_linked_files_are_taken_and_so_are_links_to_nothing(folder):
    root = folder("real.png")
    (root / "link.png").symlink_to(root / "real.png")
    (root / "dangling.png").symlink_to(root / "nothing")
    (root / "folder.png").mkdir()
    (root / "link to folder.png").symlink_to(root / "folder.png")
    assert sources(root, ALL) == ["dangling.png", "link.png", "real.png"]


def test_a_pipe_is_not_an_image(folder):
    root = folder("a.png")
    os.mkfifo(root / "pipe.png")
    assert sources(root, ALL) == ["a.png"]


def test_skipped_folders_are_not_read(folder):
    root = folder("a.png", "out/b.png", "c/d.png")
    (root / "link").symlink_to(root / "out")
    assert sources(root, ALL, [root / "out", root / "not there"]) == ["a.png", "c/d.png"]


def test_a_subfolder_that_cannot_be_listed_is_a_job_with_a_problem(folder, monkeypatch):
    root = folder("a.png", "shut/b.png", "z/c.png")
    listed = os.scandir

    def scandir(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    jobs = list(plan(root, ALL))
    assert [job.source for job in jobs] == ["a.png", "shut", "z/c.png"]
    assert "Permission denied" in jobs[1].problem


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(plan(tmp_path / "missing", ALL))

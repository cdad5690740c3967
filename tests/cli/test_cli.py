import json
import os
import resource
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from fake_vectorizer import VECTORIZER
from PIL import Image

from dhvt_vectorize import __version__
from dhvt_vectorize.cli import cli, commands
from dhvt_vectorize.formats import FORMATS
from dhvt_vectorize.options import VectorizeOptions

TESTS = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
ENVIRONMENT.pop("DHVT_DEBUG", None)
# unbuffered output has nothing left to write at exit, and hides what goes wrong there
ENVIRONMENT.pop("PYTHONUNBUFFERED", None)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DHVT_DEBUG", raising=False)
    monkeypatch.setattr(commands, "VECTORIZER", VECTORIZER)


def image(path="image.png", colour=(200, 10, 10), **settings):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), colour).save(path, **settings)
    return path


def process(*arguments, **settings):
    """The command line in a process of its own, with the fake vectorizer."""
    command = [sys.executable, str(TESTS / "fake_vectorizer.py"), *arguments]
    return subprocess.run(command, capture_output=True, env=ENVIRONMENT, timeout=60, check=False, **settings)


def one_line(text):
    assert text.endswith("\n")
    assert text.count("\n") == 1, text
    assert text.startswith("error: ")
    return text


# --- what is asked


@pytest.mark.parametrize("name", FORMATS)
def test_the_extension_of_the_output_says_the_format(name, capsys):
    begins = {
        "svg": b"<svg",
        "svgz": b"\x1f\x8b",
        "png": b"\x89PNG",
        "pdf": b"%PDF-1.7",
        "eps": b"%!PS",
        "dxf": b"  0\nSEC",
    }
    assert cli.main([image(), "-o", f"out.{name}", "--json"]) == 0
    content = Path(f"out.{name}").read_bytes()
    assert content.startswith(begins[name])
    assert json.loads(capsys.readouterr().out)["bytes"] == len(content)
    result = process(image(), "-o", "-", "--format", name)
    assert (result.returncode, result.stdout, result.stderr) == (0, content, b"")
    assert cli.main([image("beside.bmp"), "--format", name]) == 0
    assert Path(f"beside.{name}").read_bytes() == content
    assert cli.main([image(), "-o", "any name.ai", "--format", name]) == 0
    assert Path("any name.ai").read_bytes() == content


def test_a_format_whose_package_is_missing_is_refused_with_what_installs_it(monkeypatch, capsys):
    monkeypatch.setattr("dhvt_vectorize.formats.find_spec", lambda name: None)
    for arguments in ([image(), "-o", "a.dxf"], [".", "--format", "dxf", "-o", "out"]):
        assert cli.main(arguments) == 5
        assert "pip install ezdxf" in one_line(capsys.readouterr().err)
    assert os.listdir() == ["image.png"]


def test_an_image_is_converted_without_naming_a_command(capsys):
    assert cli.main([image(), "-o", "out.svg"]) == 0
    assert "<svg" in Path("out.svg").read_text()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("out.svg: 1 shapes, 4 segments")


def test_without_an_output_the_svg_lies_beside_the_image():
    assert cli.main([image("some folder/a.b.jpg")]) == 0
    assert sorted(os.listdir("some folder")) == ["a.b.jpg", "a.b.svg"]


def test_every_option_of_a_drawing_can_be_given(monkeypatch):
    given = {
        "detail": 0.3,
        "criterion": "mdl",
        "max_depth": 3,
        "mode": "polygon",
        "fill": "gradient",
        "layering": "cutout",
        "trap": 0.5,
        "group": "tree",
        "strokes": "never",
        "repeat": "auto",
        "palette": ("#ff0000", "#00ff00"),
        "min_area": 7,
        "tolerance": 1.5,
        "precision": 4,
        "polish": 3,
        "preset": "logo",
        "max_pixels": 1234,
    }
    others = {"regions": 12, "colors": 5}
    assert {*given, *others} == set(VectorizeOptions.names())
    requests = []
    monkeypatch.setattr(cli, "convert", requests.append)
    for chosen in (given, others):
        arguments = []
        for name, value in chosen.items():
            text = ", ".join(value) if isinstance(value, tuple) else str(value)
            arguments += ["--" + name.replace("_", "-"), text]
        assert cli.main(["image.png", *arguments]) == 0
        assert requests.pop().options == VectorizeOptions(**chosen)


def test_the_defaults_are_those_of_python(monkeypatch):
    requests = []
    monkeypatch.setattr(cli, "convert", requests.append)
    assert cli.main(["image.png"]) == 0
    assert requests == [commands.Request("image.png", VectorizeOptions())]


def test_the_version_is_told(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"dhvt-vectorize {__version__}\n"


def test_train_is_a_command_but_a_file_of_that_name_can_be_converted(capsys):
    image("train", format="PNG")
    assert cli.main(["train"]) == 2
    assert "DATA" in capsys.readouterr().err
    assert not Path("train.svg").exists()
    assert cli.main(["./train"]) == 0
    assert cli.main(["convert", "train", "-o", "again.svg"]) == 0
    assert Path("train.svg").read_bytes() == Path("again.svg").read_bytes()


def test_a_file_called_convert_can_be_converted():
    image("convert", format="PNG")
    assert cli.main(["convert", "convert"]) == 0
    assert cli.main(["./convert", "-o", "other.svg"]) == 0


def test_standard_input_goes_to_standard_output():
    result = process("-", input=Path(image()).read_bytes())
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(b"<svg")
    assert result.stderr == b""


def test_an_image_goes_to_standard_output_on_request(capsys):
    assert cli.main([image(), "-o", "-"]) == 0
    assert capsys.readouterr().out.startswith("<svg")
    assert os.listdir() == ["image.png"]


def test_figures_are_json_on_standard_output(capsys):
    assert cli.main([image(), "--json"]) == 0
    shown = capsys.readouterr()
    figures = json.loads(shown.out)
    assert figures["input"] == "image.png"
    assert figures["output"] == "image.svg"
    assert figures["bytes"] == Path("image.svg").stat().st_size
    assert figures["notes"] == []
    assert shown.err == ""


def test_figures_move_to_standard_error_where_the_svg_takes_standard_output(capsys):
    assert cli.main([image(), "--json", "-o", "-"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("<svg")
    assert json.loads(shown.err)["shapes"] == 1


def test_notes_are_shown_unless_quiet(capsys):
    frames = [Image.new("L", (4, 4), value) for value in (0, 100, 200)]
    frames[0].save("film.gif", save_all=True, append_images=frames[1:])
    assert cli.main(["film.gif"]) == 0
    assert "note: " in capsys.readouterr().err
    assert cli.main(["film.gif", "--quiet", "--force"]) == 0
    assert capsys.readouterr().err == ""


def test_preview_and_regions_image_are_png_files():
    assert cli.main([image(), "--preview", "preview.png", "--regions-image", "regions.png"]) == 0
    with Image.open("preview.png") as preview, Image.open("regions.png") as regions:
        assert (preview.format, preview.mode, preview.size) == ("PNG", "RGBA", (6, 4))
        assert (regions.format, regions.mode, regions.size) == ("PNG", "RGB", (6, 4))
        assert np.array_equal(np.asarray(regions)[0, 0], (200, 10, 10))


# --- what is refused


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "INPUT"),
        (["a.png", "b.png"], "b.png"),
        (["a.png", "--colour", "3"], "--colour"),
        (["a.png", "--regions"], "--regions"),
        (["a.png", "--regions", "many"], "--regions"),
        (["a.png", "--regions", "0"], "--regions"),
        (["a.png", "--detail", "nan"], "--detail"),
        (["a.png", "--detail", "1.01"], "--detail"),
        (["a.png", "--regions", "3", "--detail", "0.5"], "--detail"),
        (["a.png", "--mode", "curvy"], "spline, polygon, pixel"),
        (["a.png", "--device", "tpu"], "auto, cpu, cuda, cuda:N"),
        (["a.png", "--device", "cuda:first"], "auto, cpu, cuda, cuda:N"),
        (["a.png", "--palette", "red"], "#rrggbb"),
        (["a.png", "--jobs", "0"], "--jobs"),
        (["a.png", "--limit", "-1"], "--limit"),
        (["a.png", "--jobs", "2"], "--jobs"),
        (["a.png", "--glob", "*"], "--glob"),
        (["a.png", "--resume"], "--resume"),
        (["a.png", "--no-recursive"], "--recursive"),
        (["a.png", "--recursive"], "--recursive"),
        (["a.png", "--limit", "2"], "--limit"),
        (["a.png", "--preview", "-"], "--preview"),
        (["a.png", "-o", "x", "--preview", "x"], "--preview"),
        (["a.png", "-o", "a.bmp"], ".svg, .svgz, .png, .pdf, .eps, .dxf"),
        (["a.png", "--format", "ai"], "svg, svgz, png, pdf, eps, dxf"),
        (["a.png", "-o", "a.pdf", "--format", "eps"], "a.pdf"),
        (["a.png", "--format", "png"], "--output"),
        ([".", "-o", ".", "--format", "png"], "--output"),
        (["a.png", "--preview", "a.svg"], "--preview"),
        (["a.png", "-o", "./a.png", "--force"], "--output"),
        ([".", "--preview", "p.png"], "--preview"),
        ([".", "--regions-image", "p.png"], "--regions-image"),
        ([".", "-o", "-"], "--output"),
    ],
)
def test_a_wrong_usage_is_one_line_that_names_it_and_exit_code_2(arguments, named, capsys):
    image("a.png")
    assert cli.main(arguments) == 2
    shown = capsys.readouterr()
    assert named in one_line(shown.err)
    assert shown.out == ""
    assert os.listdir() == ["a.png"]


@pytest.mark.parametrize("name", ["missing.png", "empty.png", "text.png"])
def test_a_bad_input_is_one_line_that_names_the_file_and_exit_code_3(name, capsys):
    Path("empty.png").write_bytes(b"")
    Path("text.png").write_bytes(b"not an image")
    assert cli.main([name]) == 3
    assert name in one_line(capsys.readouterr().err)
    assert sorted(os.listdir()) == ["empty.png", "text.png"]


def test_an_svg_that_is_there_is_kept_unless_forced(capsys):
    image()
    Path("image.svg").write_text("mine")
    assert cli.main(["image.png"]) == 5
    line = one_line(capsys.readouterr().err)
    assert "image.svg" in line
    assert "--force" in line
    assert Path("image.svg").read_text() == "mine"
    assert cli.main(["image.png", "--force"]) == 0
    assert "<svg" in Path("image.svg").read_text()


@pytest.mark.parametrize("flag", ["--output", "--preview", "--regions-image"])
@pytest.mark.parametrize("target", ["folder", "nowhere/out.svg", "image.png/out.svg"])
def test_an_unwritable_output_is_one_line_and_exit_code_5(flag, target, capsys):
    image()
    os.mkdir("folder")
    assert cli.main(["image.png", flag, target]) == 5
    assert target in one_line(capsys.readouterr().err)
    assert sorted(os.listdir()) == ["folder", "image.png"]
    assert os.listdir("folder") == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_output_is_one_line_and_exit_code_5(capsys):
    assert cli.main([image(), "-o", "/dev/full"]) == 5
    assert "No space left" in one_line(capsys.readouterr().err)
    with open("/dev/full", "wb") as full:
        command = [sys.executable, str(TESTS / "fake_vectorizer.py"), "image.png", "-o", "-"]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False)
    assert result.returncode == 5
    assert "No space left" in one_line(result.stderr.decode())


def test_a_device_file_is_written_to_and_not_replaced():
    assert cli.main([image(), "-o", os.devnull]) == 0
    assert not Path(os.devnull).is_file()


def test_wrong_weights_are_one_line_and_exit_code_4(capsys):
    Path("weights").write_bytes(b"wrong")
    assert cli.main([image(), "--weights", "weights"]) == 4
    assert "weights" in one_line(capsys.readouterr().err)
    assert not Path("image.svg").exists()


# --- what goes wrong inside


def test_a_defect_is_one_line_and_a_traceback_only_on_request(capsys, monkeypatch):
    image("bug.png")
    assert cli.main(["bug.png"]) == 1
    line = one_line(capsys.readouterr().err)
    assert "ZeroDivisionError: a defect on two lines" in line
    assert "DHVT_DEBUG=1" in line
    monkeypatch.setenv("DHVT_DEBUG", "1")
    assert cli.main(["bug.png"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interruption_is_one_line_and_exit_code_130(capsys):
    image("interrupt.png")
    assert cli.main(["interrupt.png"]) == 130
    one_line(capsys.readouterr().err)
    assert os.listdir() == ["interrupt.png"]


def test_a_reader_that_goes_away_ends_the_program_without_a_word():
    image()
    command = f'"{sys.executable}" "{TESTS / "fake_vectorizer.py"}" image.png -o - 2>err; echo $? >code'
    read_end, write_end = os.pipe()
    os.close(read_end)
    subprocess.run(["sh", "-c", command], stdout=write_end, env=ENVIRONMENT, check=True, timeout=60)
    os.close(write_end)
    assert Path("err").read_text() == ""
    assert Path("code").read_text() == "5\n"


def test_a_closed_standard_output_is_one_line():
    command = f'"{sys.executable}" "{TESTS / "fake_vectorizer.py"}" {image()} -o - >&-'
    result = subprocess.run(["sh", "-c", command], capture_output=True, env=ENVIRONMENT, check=False, timeout=60)
    assert result.returncode == 5
    one_line(result.stderr.decode())


# --- as a process


def test_the_module_can_be_run():
    result = subprocess.run(
        [sys.executable, "-m", "dhvt_vectorize", "--version"],
        capture_output=True,
        env=ENVIRONMENT,
        check=True,
        text=True,
    )
    assert result.stdout == f"dhvt-vectorize {__version__}\n"


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from dhvt_vectorize.cli import main; code = main(['--help']);"
        "heavy = {'torch', 'numba', 'numpy', 'PIL', 'scipy', 'shapely', 'rich.progress'} & sys.modules.keys();"
        "sys.exit(f'{code} {heavy}' if code or heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, env=ENVIRONMENT, check=False, text=True)
    assert result.returncode == 0, result.stderr
    for name in ("--regions", "--json", "--no-recursive"):
        assert name in result.stdout


def test_help_takes_less_than_three_tenths_of_a_second_of_processor_time():
    def seconds():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "dhvt_vectorize", "--help"], capture_output=True, env=ENVIRONMENT, check=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 0.3


def test_a_bad_input_is_answered_before_the_vectorizer_is_loaded(monkeypatch, tmp_path):
    loads = tmp_path / "loads"
    monkeypatch.setenv("FAKE_VECTORIZER_LOADS", str(loads))
    assert cli.main(["missing.png"]) == 3
    assert not loads.exists()
    assert cli.main([image()]) == 0
    assert len(loads.read_text().splitlines()) == 1


# --- with the vectorizer itself


@pytest.mark.slow
def test_an_image_is_vectorized_by_the_installed_command_line():
    pixels = np.full((48, 64, 3), 255, np.uint8)
    pixels[12:36, 16:48] = (200, 30, 30)
    Image.fromarray(pixels).save("flag.png")
    arguments = ["flag.png", "-o", "flag.svg", "--json", "--preview", "preview.png", "--regions-image", "regions.png"]
    command = [sys.executable, "-m", "dhvt_vectorize", *arguments]
    result = subprocess.run(command, capture_output=True, env=ENVIRONMENT, check=False, timeout=600)
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    assert (figures["width"], figures["height"], figures["regions"]) == (64, 48, 2)
    assert figures["bytes"] == Path("flag.svg").stat().st_size
    assert {"decode", "svg"} <= figures["seconds"].keys()
    drawing = ElementTree.parse("flag.svg").getroot()
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    for name, mode in (("preview.png", "RGBA"), ("regions.png", "RGB")):
        with Image.open(name) as picture:
            assert (picture.size, picture.mode) == ((64, 48), mode)
    with Image.open("preview.png") as preview:
        assert np.abs(np.asarray(preview)[..., :3].astype(int) - pixels).mean() < 2

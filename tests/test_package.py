import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import pytest

import dhvt_vectorize

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "dhvt_vectorize"
HEAVY = ("torch", "numba", "PIL", "numpy", "scipy", "skimage", "shapely", "svgwrite", "resvg_py", "jaxtyping")
HEAVY += ("pydyf", "ezdxf")


def python(*arguments, **settings):
    command = [sys.executable, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules_after(code):
    """The top-level modules that a new process has loaded after `code`."""
    return set(python("-c", f"import sys\n{code}\nprint(*sys.modules)").splitlines()[-1].split())


def module_names(folder):
    return sorted(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (PACKAGE / folder).glob("*.py"))


# --- what importing loads


def test_importing_the_package_loads_nothing_heavy():
    assert modules_after("import dhvt_vectorize").isdisjoint(HEAVY)


def test_options_and_errors_are_there_without_torch_and_numba():
    code = "from dhvt_vectorize import VectorizeOptions, DhvtError; VectorizeOptions(regions=5)"
    assert modules_after(code).isdisjoint(HEAVY)


def test_help_loads_neither_torch_nor_numba():
    code = "from dhvt_vectorize.cli import main; assert main(['--help']) == 0"
    assert modules_after(code).isdisjoint(("torch", "numba", "PIL", "shapely", "skimage"))


def test_a_tokenizer_does_load_torch_so_that_these_tests_can_fail():
    assert {"torch", "numba", "numpy"} <= modules_after("from dhvt_vectorize import DHVTokenizer")


@pytest.mark.slow
def test_help_takes_less_than_a_third_of_a_second_of_processor_time():
    # it has one thread, so this is its duration on a free machine; beside other tests it waits for its turn
    resource = pytest.importorskip("resource")

    def used():
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    seconds = []
    for _ in range(5):
        before = used()
        python("-m", "dhvt_vectorize", "--help")
        seconds.append(used() - before)
    assert 0.01 < min(seconds) < 0.3


@pytest.mark.parametrize("module", module_names("tracing") + module_names("drawing") + module_names("drawing/export"))
def test_the_stages_after_the_partition_are_imported_without_torch(module):
    python("-c", f"import sys; sys.modules['torch'] = None; import {module}")  # None: importing it raises


def test_tracing_and_drawing_work_without_torch():
    code = """
        import sys
        sys.modules['torch'] = None
        import numpy as np
        from dhvt_vectorize.drawing.paints import fit_paints
        from dhvt_vectorize.tracing.planar_map import trace_planar_map
        labels = np.repeat(np.int32([0, 1]), [4, 4])[None, :].repeat(6, axis=0).copy()
        colours = np.where(labels[..., None] == 0, np.uint8(255), np.uint8([200, 0, 0, 255])).astype(np.uint8)
        assert trace_planar_map(labels).faces == 2
        assert fit_paints(labels, colours, np.zeros((6, 8), bool), 'flat').colours.tolist()[1] == [200, 0, 0]
    """
    python("-c", "\n".join(line.strip() for line in code.splitlines()))


def test_the_tokenizer_needs_nothing_that_draws():
    block = "".join(f"sys.modules[{name!r}] = None\n" for name in ("shapely", "svgwrite", "resvg_py"))
    code = "import numpy as np\nfrom dhvt_vectorize import DHVTokenizer\n"
    code += "DHVTokenizer.load().partition(np.zeros((8, 8, 3), np.uint8))"
    assert "torch" in modules_after(block + code)


# --- public names


def test_the_public_names_are_these_and_all_of_them_are_there():
    names = {"DhvtError", "VectorizeOptions", "RasterImage", "Vectorizer", "Drawing", "DHVTokenizer", "Partition"}
    names.add("compile_kernels")
    assert set(dhvt_vectorize.__all__) == {*names, "__version__"}
    assert set(dir(dhvt_vectorize)) >= names
    for name in names:
        assert getattr(dhvt_vectorize, name).__name__ == name


def test_an_unknown_name_raises_with_the_known_ones():
    with pytest.raises(AttributeError, match=r"no attribute 'Vectoriser'; public names: .*Vectorizer"):
        dhvt_vectorize.Vectoriser  # noqa: B018


# --- what is distributed


def build(*arguments):
    return python("-m", "build", "--no-isolation", *map(str, arguments))


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """A source distribution, and the wheel made from it."""
    folder = tmp_path_factory.mktemp("distributions")
    build("--outdir", folder, ROOT)
    return folder


@pytest.mark.slow
def test_the_wheel_holds_every_module_the_page_and_the_weights_and_nothing_else(distributions):
    (wheel,) = distributions.glob("*.whl")
    packaged = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    modules = {path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.py")}
    weights = {f"dhvt_vectorize/weights/{path.name}" for path in (ROOT / "weights").iterdir()}
    assert packaged == modules | weights | {"dhvt_vectorize/batch/report_template.html"}


@pytest.mark.slow
def test_the_source_distribution_holds_what_is_needed_to_test_it(distributions):
    (archive,) = distributions.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {"README.md", "LICENSE", "CHANGELOG.md", "constraints.txt", "tests/test_package.py"} <= names
    assert {"examples/logo.png", "weights/dhvt-base.safetensors", "benchmarks/compare.py"} <= names
    assert not any("cache/" in name or name.endswith(".pyc") for name in names)


@pytest.mark.slow
def test_an_installed_wheel_draws_with_the_weights_inside_it(distributions, tmp_path):
    (wheel,) = distributions.glob("*.whl")
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False, symlinks=os.name != "nt")
    executables = environment / ("Scripts" if os.name == "nt" else "bin")
    paths = {"base": str(environment), "platbase": str(environment)}
    site_packages = Path(sysconfig.get_path("purelib", vars=paths))
    # what the wheel depends on is taken from the environment of these tests; installing it again would take minutes
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = ["-m", "pip", "--python", str(executables / "python"), "install", "--no-deps", "--no-index"]
    python(*install, "--force-reinstall", str(wheel), cwd=tmp_path)
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "NUMBA_CACHE_DIR")}

    def run(program, *arguments):
        command = [str(executables / program), *arguments]
        return subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=True)

    where = "from dhvt_vectorize.tokenizer.config import default_weights_path as where; print(where())"
    assert Path(run("python", "-c", where).stdout.strip()).parent == site_packages / "dhvt_vectorize" / "weights"
    drawn = run("dhvt-vectorize", str(ROOT / "examples" / "logo.png"), "-o", "logo.svg")
    assert drawn.stderr.count("compiling the kernels") == 1
    # all that examples need is compiled with it
    later = run("dhvt-vectorize", str(ROOT / "examples" / "photo.jpg"), "-o", "photo.svg")
    assert "compiling" not in later.stderr
    assert ElementTree.parse(tmp_path / "logo.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dhvt_vectorize.batch.manifest import Record
from dhvt_vectorize.batch.report import document, write_report

SUMMARY = {"input": "photos", "output": "svgs", "files": 2, "done": 1, "skipped": 0, "failed": 1, "seconds": 1.5}
NASTY = "</script><script>alert(1)</script><!-- & ' \" \u2028 \udcff ü"
NODE = shutil.which("node")


def done(name, **figures):
    figures = {"width": 3, "height": 2, "shapes": 1, "segments": 4, "bytes": 100, "psnr": 30.0, **figures}
    return Record(input=name, output=name + ".svg", status="done", thumbnail="t.webp", seconds=0.1, figures=figures)


def failed(name):
    return Record(input=name, output=name + ".svg", status="failed", error=NASTY, seconds=0.1)


class Page(HTMLParser):
    """Every element's name and attributes, and the text of scripts by their id."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self._script = [], {}, None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._script = dict(attributes).get("id", "page") if tag == "script" else None

    def handle_endtag(self, tag):
        self._script = None

    def handle_data(self, data):
        if self._script is not None:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data


@pytest.fixture
def page(tmp_path):
    def make(records):
        return Page(write_report(tmp_path, SUMMARY, records).read_text(encoding="utf-8"))

    return make


def node(script):
    """What JavaScript prints, with the functions of the page that touch no document."""
    template = Path(write_report.__code__.co_filename).with_name("report_template.html").read_text(encoding="utf-8")
    functions = Page(template).scripts["model"]
    result = subprocess.run([NODE, "-"], input=functions + script, capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_the_document_is_json_in_ascii_with_every_record_in_order(count):
    records = [done(f"{number} {NASTY}") for number in range(count)]
    text = "".join(document(SUMMARY, records))
    assert text.isascii()
    assert json.loads(text) == {**SUMMARY, "results": records}


def test_records_are_written_as_they_come():
    def records():
        yield done("a")
        raise AssertionError("asked for too early")

    pieces = document(SUMMARY, records())
    assert SUMMARY["input"] in next(pieces)
    assert '"a"' in next(pieces)


def test_the_page_holds_the_document_and_no_name_becomes_markup(page):
    records = [done(NASTY), failed("b")]
    plain, nasty = page([done("a"), failed("b")]), page(records)
    assert nasty.elements == plain.elements
    assert json.loads(nasty.scripts["document"])["results"] == records


def test_the_page_loads_nothing_from_elsewhere(page):
    written = page([done("a")])
    assert not [tag for tag, attributes in written.elements if {"src", "href"} & attributes.keys()]
    for name in ("model", "page"):
        assert not re.search(r"fetch|XMLHttpRequest|import|https?:", written.scripts[name])


def test_originals_are_linked_relative_to_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep" / "svgs").mkdir(parents=True)
    path = write_report(Path("deep/svgs"), SUMMARY, [])
    assert json.loads(Page(path.read_text()).scripts["document"])["originals"] == "../../photos"


@pytest.mark.skipif(NODE is None, reason="needs Node")
def test_rows_are_sorted_by_value_with_the_missing_ones_last():
    rows = [done("a10", psnr=30.5), failed("a2"), done("A1", psnr=9.25), done("ä", psnr=100)]
    script = f"""
    const rows = {json.dumps(rows)};
    const by = title => columns.find(column => column.title === title).value;
    const names = (title, descending) => sorted(rows, by(title), descending).map(row => row.input);
    console.log(JSON.stringify([
      names("PSNR (dB)", false), names("PSNR (dB)", true), names("Name", false), names("Status", true),
      rows.map(row => row.input)]))
    """
    assert node(script) == [
        ["A1", "a10", "ä", "a2"],
        ["ä", "a10", "A1", "a2"],
        ["ä", "A1", "a2", "a10"],
        ["a2", "a10", "A1", "ä"],
        ["a10", "a2", "A1", "ä"],
    ]


@pytest.mark.skipif(NODE is None, reason="needs Node")
@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("a b/c.png", "a%20b/c.png"),
        ("100%#?.png", "100%25%23%3F.png"),
        ("javascript:x.svg", "javascript%3Ax.svg"),
        ("ü😀", "%C3%BC%F0%9F%98%80"),
        ("raw \udcff", "raw%20%ff"),
        ("\ud800", "%EF%BF%BD"),
    ],
)
def test_links_are_escaped(path, link):
    assert node(f"console.log(JSON.stringify(linkTo({json.dumps(path)})))") == link

"""Which format a file's name and `--format` ask for."""

from __future__ import annotations

import pytest

from dhvt_vectorize import formats
from dhvt_vectorize.errors import OutputError, UsageError
from dhvt_vectorize.formats import FORMATS, check_format, check_installed, format_of


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("stem", ["a", "some folder/a.b", "a.pdf", ".hidden"])
def test_the_extension_says_the_format_whatever_its_case(name: str, stem: str) -> None:
    assert format_of(f"{stem}.{name}") == name
    assert format_of(f"{stem}.{name.upper()}") == name
    assert format_of(f"{stem}.{name}", name) == name


@pytest.mark.parametrize("path", ["a", "/dev/null", "", ".hidden", "folder.pdf/a"])
def test_a_name_without_an_extension_is_svg_unless_another_format_is_chosen(path: str) -> None:
    assert format_of(path) == "svg"
    assert format_of(path, "dxf") == "dxf"


def test_an_unknown_extension_is_refused_with_the_known_ones_unless_a_format_is_chosen() -> None:
    with pytest.raises(UsageError, match=r"a\.bmp: no such format '\.bmp'") as caught:
        format_of("a.bmp")
    assert all(f".{name}" in caught.value.remedy for name in FORMATS)
    assert format_of("a.bmp", "eps") == "eps"


def test_a_known_extension_of_another_format_than_the_chosen_one_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a\.pdf: is not the name of a file of format eps"):
        format_of("a.pdf", "eps")


@pytest.mark.parametrize("name", ["", "SVG", "ai", "jpg"])
def test_an_unknown_format_is_refused_with_the_known_ones(name: str) -> None:
    for refuse in (check_format, lambda name: format_of("a", name)):
        with pytest.raises(UsageError) as caught:
            refuse(name)
        assert all(known in caught.value.remedy for known in FORMATS)


def test_only_dxf_needs_a_package_that_is_not_installed_with_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    for name in FORMATS:
        if name == "dxf":
            with pytest.raises(OutputError, match=r"need the package ezdxf.*pip install ezdxf"):
                check_installed(name)
        else:
            check_installed(name)

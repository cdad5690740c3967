"""VectorizeOptions: ranges, choices, exclusions, presets."""

import json
import math
import subprocess
import sys
from dataclasses import FrozenInstanceError, asdict, fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhvt_vectorize.errors import UsageError
from dhvt_vectorize.options import (
    CRITERIA,
    FILLS,
    GROUPS,
    LAYERINGS,
    MODES,
    PRESET_NAMES,
    PRESETS,
    REPEATS,
    STROKES,
    VectorizeOptions,
    option_range,
)

WHOLE = {
    "regions": (1, 1_000_000),
    "max_depth": (1, 32),
    "colors": (1, 256),
    "min_area": (0, 1_000_000),
    "precision": (0, 6),
    "polish": (0, 100),
    "max_pixels": (1, 1_000_000_000),
}
REAL = {"detail": (0.0, 1.0), "tolerance": (0.01, 20.0), "trap": (0.01, 10.0)}
CHOICES = {
    "criterion": CRITERIA,
    "mode": MODES,
    "fill": FILLS,
    "layering": LAYERINGS,
    "group": GROUPS,
    "strokes": STROKES,
    "repeat": REPEATS,
    "preset": PRESET_NAMES,
}
NEEDED = {"trap": {"layering": "cutout"}}  # what an option is only allowed with
DECIDED_BY_PRESET = ("mode", "fill", "detail", "min_area", "tolerance", "precision")


def refusal(**options):
    with pytest.raises(UsageError) as caught:
        VectorizeOptions(**options)
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


def test_every_field_has_a_range_or_choices_or_is_the_palette():
    assert {*WHOLE, *REAL, *CHOICES, "palette"} == set(VectorizeOptions.names())


@pytest.mark.parametrize(("name", "interval"), [*WHOLE.items(), *REAL.items()])
def test_both_ends_of_a_range_are_allowed_and_told(name, interval):
    assert option_range(name) == interval
    for value in interval:
        assert getattr(VectorizeOptions(**{name: value}, **NEEDED.get(name, {})), name) == value


@given(st.data())
def test_a_number_is_accepted_exactly_when_it_lies_in_the_range(data):
    name = data.draw(st.sampled_from([*WHOLE, *REAL]))
    lowest, highest = option_range(name)
    value = data.draw(st.integers() if name in WHOLE else st.floats())
    if lowest <= value <= highest:
        assert getattr(VectorizeOptions(**{name: value}, **NEEDED.get(name, {})), name) == value
    else:
        error = refusal(**{name: value})
        assert error.subject == "--" + name.replace("_", "-")
        assert str(lowest) in error.remedy
        assert str(highest) in error.remedy


@pytest.mark.parametrize("name", [*WHOLE, *REAL])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1", b"1", [1], 1j, np.bool_(True)])
def test_what_is_no_finite_number_is_refused(name, value):
    refusal(**{name: value})


@pytest.mark.parametrize("name", WHOLE)
def test_a_fraction_is_refused_where_a_whole_number_is_meant(name):
    assert "whole number" in refusal(**{name: 1.5}).cause


@pytest.mark.parametrize(
    ("given_value", "stored"), [(np.int64(12), 12), (12.0, 12), (np.uint8(12), 12), (np.float32(12), 12)]
)
def test_a_number_of_another_type_is_stored_as_a_plain_one(given_value, stored):
    options = VectorizeOptions(regions=given_value, tolerance=given_value)
    assert type(options.regions) is int
    assert type(options.tolerance) is float
    assert options == VectorizeOptions(regions=stored, tolerance=stored)
    assert json.loads(json.dumps(asdict(options)))["regions"] == stored


@pytest.mark.parametrize(("name", "choices"), CHOICES.items())
def test_each_choice_is_allowed_and_an_unknown_one_is_refused_with_the_list(name, choices):
    for choice in choices:
        assert getattr(VectorizeOptions(**{name: choice}), name) == choice
    error = refusal(**{name: "best"})
    assert "best" in error.cause
    assert all(choice in error.remedy for choice in choices)


@pytest.mark.parametrize("field", fields(VectorizeOptions), ids=lambda field: field.name)
def test_none_is_allowed_exactly_where_it_is_the_default(field):
    if field.default is None:
        assert getattr(VectorizeOptions(**{field.name: None}), field.name) is None
    else:
        refusal(**{field.name: None})


def test_a_palette_is_lowered_and_freed_of_repeats():
    options = VectorizeOptions(palette=["#FF0000", "#00ff00", "#ff0000"])
    assert options.palette == ("#ff0000", "#00ff00")
    assert options == VectorizeOptions(palette=("#ff0000", "#00ff00"))


@pytest.mark.parametrize(
    "palette", [(), [], "#ff0000", ("red",), ("#f00",), ("#ff00001",), ("#gg0000",), (0xFF0000,), 5, ("#ff0000\n",)]
)
def test_what_is_no_palette_is_refused(palette):
    assert refusal(palette=palette).subject == "--palette"


@pytest.mark.parametrize(
    ("options", "subject"),
    [
        ({"regions": 5, "detail": 0.5}, "--detail"),
        ({"colors": 5, "palette": ("#000000",)}, "--colors"),
        ({"trap": 0.5}, "--trap"),
        ({"trap": 0.5, "layering": "stacked"}, "--trap"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, subject):
    assert refusal(**options).subject == subject


def test_options_are_immutable_hashable_and_compared_by_value():
    options = VectorizeOptions(regions=5)
    assert {options: 1}[VectorizeOptions(regions=5)] == 1
    with pytest.raises(FrozenInstanceError):
        options.regions = 6


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_decides_everything_that_is_left_open(preset):
    resolved = VectorizeOptions().resolved(preset)
    assert resolved.preset == preset
    assert all(getattr(resolved, name) is not None for name in DECIDED_BY_PRESET)
    assert {name: getattr(resolved, name) for name in PRESETS[preset]} == PRESETS[preset]
    assert resolved.resolved(preset) == resolved


@pytest.mark.parametrize("preset", PRESETS)
def test_what_the_user_chose_wins_over_the_preset(preset):
    chosen = {"mode": "polygon", "fill": "auto", "detail": 0.0, "min_area": 0, "tolerance": 7.5, "precision": 0}
    resolved = VectorizeOptions(**chosen).resolved(preset)
    assert {name: getattr(resolved, name) for name in chosen} == chosen


@pytest.mark.parametrize("preset", PRESETS)
def test_a_number_of_regions_or_colours_takes_the_place_of_what_the_preset_says(preset):
    resolved = VectorizeOptions(regions=9, colors=3).resolved(preset)
    assert (resolved.regions, resolved.detail) == (9, None)
    assert (resolved.colors, resolved.palette) == (3, None)


@pytest.mark.parametrize("name", ["auto", "poster"])
def test_resolving_with_what_is_no_preset_is_refused_with_the_list(name):
    with pytest.raises(UsageError) as caught:
        VectorizeOptions().resolved(name)
    assert all(preset in caught.value.remedy for preset in PRESETS)


def test_the_range_of_an_unknown_option_is_refused_with_the_list():
    with pytest.raises(UsageError) as caught:
        option_range("sharpness")
    assert all("--" + name.replace("_", "-") in caught.value.remedy for name in [*WHOLE, *REAL])


def test_options_need_neither_torch_nor_numba_nor_numpy():
    code = "import sys, dhvt_vectorize.options; print({'torch', 'numba', 'numpy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"

from pathlib import Path

import numpy as np
import pytest
from drawings import RED_ON_BLUE, zones
from image_files import encoded
from pictures import photograph

from dhvt_vectorize.training.textures import textured

# red beside almost the same red, on nothing
FAINT = (
    '<rect x="2" y="2" width="8" height="16" fill="#f00000"/><rect x="10" y="2" width="8" height="16" fill="#ef0000"/>'
)


def picture(body: str, seed: int, photographs: tuple[Path, ...] = (), side: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """(image, labels) of a drawing's zones in textures."""
    found = zones(body, side)
    flat = found.coverage_mean(found.colours.view(np.uint8).reshape(-1, 4).astype(np.float32)).astype(np.uint8)
    flat[..., 3] = 255
    return textured(found, flat, np.random.default_rng(seed), photographs), found.regions()


@pytest.fixture
def photographs(tmp_path) -> tuple[Path, ...]:
    path = tmp_path / "photograph.png"
    path.write_bytes(encoded(photograph(), "PNG"))
    return (path,)


def border_strength(image: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Median difference of means over 3 × 3 pixels, four pixels apart: across borders, and inside regions."""
    colour = image[..., :3].astype(float)
    smooth = sum(np.roll(colour, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)) / 9
    difference = np.abs(smooth[2:-2, 6:-2] - smooth[2:-2, 2:-6]).max(2)
    row = np.stack([labels[2:-2, 2 + x : labels.shape[1] - 6 + x] for x in range(5)])
    inside = (row == row[0]).all(0)
    across = (row[:2] == row[0]).all(0) & (row[3:] == row[4]).all(0) & ~inside
    return float(np.median(difference[across])), float(np.median(difference[inside]))


@pytest.mark.parametrize("seed", range(4))
def test_the_same_generator_gives_the_same_opaque_picture(seed, photographs):
    first, second = (picture(RED_ON_BLUE, seed, photographs)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (first[..., 3] == 255).all()
    assert (first != picture(RED_ON_BLUE, seed + 100, photographs)[0]).any()


def test_zones_are_no_longer_flat_and_yet_their_borders_are_the_strongest_structure():
    insides, strengths = [], []
    for seed in range(24):
        image, labels = picture(RED_ON_BLUE, seed)
        insides += [image[labels == region][:, :3].std(0).max() for region in range(2)]
        across, inside = border_strength(image, labels)
        strengths.append(across / max(inside, 1))
    assert np.median(insides) > 4
    assert np.median(strengths) > 3
    assert np.mean(np.array(strengths) > 1.5) > 0.9


def test_zones_too_similar_to_be_told_apart_get_colours_that_are():
    differences = []
    for seed in range(12):
        image, labels = picture(FAINT, seed)
        left, right = (image[labels == region][:, :3].astype(float).mean(0) for region in (1, 2))
        differences.append(np.abs(left - right).max())
    assert np.median(differences) > 15


def test_textures_can_be_cut_from_photographs(photographs):
    with_them, without = (picture(RED_ON_BLUE, 3, paths, 160)[0] for paths in (photographs, ()))
    assert (with_them != without).any()


def test_a_drawing_of_one_zone_can_be_textured():
    image, labels = picture('<rect width="20" height="20" fill="red"/>', 0)
    assert labels.max() == 0
    assert image[..., :3].std() > 0

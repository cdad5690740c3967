"""Zones of flat paint → the same shapes in textures, as a camera would take them.

In: the zones of a drawing (see `owners`) and its opaque image. Out: an opaque image in which every zone has a colour of
its own, a slow change of it and a fine texture: white or 1/f noise, stripes, blobs, or a crop of a photograph, put
together through the zones' anti-aliased coverage, then lit unevenly, blurred a little and shaken by noise. This is for
learning borders between things whose insides are not flat.

A zone's colour keeps a distance to those of the zones it touches, and its texture is limited by the smallest of these
distances, so that for a human too the zones' borders remain the strongest structure. All randomness comes from the
generator that is passed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int, UInt8
from scipy.fft import fftfreq, irfft2, rfft2, rfftfreq
from scipy.ndimage import gaussian_filter, zoom

from ..raster import load_raster
from .owners import Zones

FINE_FIELDS, SLOW_FIELDS = 3, 2
# a zone's colour and its neighbours' differ by this many levels in some channel, where a few tries can bring it about
LEAST_DISTANCE = 20.0
# standard deviation of a zone's texture, relative to the smallest distance to a neighbour, and at most, in levels
TEXTURE_SHARE = (0.05, 0.4)
MOST_TEXTURE = 28.0

# one channel that is for all, or three
Field = Float32[np.ndarray, "H W C"]
Picture = Float32[np.ndarray, "H W 3"]


def textured(
    zones: Zones, image: UInt8[np.ndarray, "H W 4"], random: np.random.Generator, photographs: tuple[Path, ...] = ()
) -> UInt8[np.ndarray, "H W 4"]:
    """The drawing's zones in textures.

    Args:
        zones: of the drawing.
        image: the drawing, opaque.
        random: where everything random comes from.
        photographs: files that fine textures may be cut from.
    """
    shape = zones.owner.shape
    colours = _apart(_recoloured(_mean_colours(zones, image), random), _touching(zones), random)
    strength = _texture_limits(colours, _touching(zones)) * random.uniform(*TEXTURE_SHARE, len(colours))
    fields = [_fine_field(shape, random, photographs) for _ in range(FINE_FIELDS)]
    fields += [_slow_field(shape, random) for _ in range(SLOW_FIELDS)]
    channels = max(field.shape[2] for field in fields)
    stacked = np.stack([np.broadcast_to(field, (*shape, channels)) for field in fields])
    paint = _Paint(stacked, colours, strength.astype(np.float32), random)
    picture = _composited(zones, paint)
    return _photographed(picture, random)


class _Paint:
    """The colour of any zone at any pixel."""

    def __init__(
        self,
        fields: Float32[np.ndarray, "T H W C"],
        colours: Float32[np.ndarray, "Z 3"],
        strength: Float32[np.ndarray, " Z"],
        random: np.random.Generator,
    ) -> None:
        count = len(colours)
        self._fields = fields.reshape(len(fields), -1, fields.shape[3])
        self._colours = colours
        self._fine = random.integers(FINE_FIELDS, size=count)
        self._slow = random.integers(FINE_FIELDS, FINE_FIELDS + SLOW_FIELDS, count)
        # textures change lightness most; both parts together have the strength asked for
        tint = (1 + 0.35 * random.standard_normal((count, 3), np.float32)) * strength[:, None]
        angle = random.uniform(0, np.pi / 2, (count, 1)).astype(np.float32)
        self._fine_tint, self._slow_tint = np.cos(angle) * tint, np.sin(angle) * tint

    def __call__(self, zone: Int[np.ndarray, " N"], pixel: Int[np.ndarray, " N"]) -> Float32[np.ndarray, "N 3"]:
        fine = self._fields[self._fine[zone], pixel] * self._fine_tint[zone]
        slow = self._fields[self._slow[zone], pixel] * self._slow_tint[zone]
        colour: Float32[np.ndarray, "N 3"] = self._colours[zone] + fine + slow
        return colour


def _composited(zones: Zones, paint: _Paint) -> Picture:
    """What the zones show in each pixel, weighted by coverage."""
    picture = paint(zones.owner.ravel(), np.arange(zones.owner.size))
    points = zones.points.shape[1]
    shown = paint(zones.points.ravel(), np.repeat(zones.mixed, points))
    picture[zones.mixed] = shown.reshape(-1, points, 3).mean(1)
    return picture.reshape(*zones.owner.shape, 3)


def _mean_colours(zones: Zones, image: UInt8[np.ndarray, "H W 4"]) -> Float32[np.ndarray, "Z 3"]:
    """Each zone's mean colour: over the pixels that it covers alone, else over all that it has points in."""
    count, pixels = len(zones.colours), image[..., :3].reshape(-1, 3).astype(np.float32)
    alone = np.ones(zones.owner.size, bool)
    alone[zones.mixed] = False
    shared = (zones.points.ravel(), np.repeat(pixels[zones.mixed], zones.points.shape[1], 0))
    total = np.zeros((count, 3))
    weight = np.zeros(count)
    for zone, colour in ((zones.owner.ravel()[alone], pixels[alone]), shared):
        times = np.bincount(zone, minlength=count)
        sums = np.stack([np.bincount(zone, colour[:, c], count) for c in range(3)], 1)
        missing = weight == 0
        total[missing], weight[missing] = sums[missing], times[missing]
    return (total / np.maximum(weight, 1)[:, None]).astype(np.float32)


def _recoloured(colours: Float32[np.ndarray, "Z 3"], random: np.random.Generator) -> Float32[np.ndarray, "Z 3"]:
    """The same colours with channels exchanged, less contrast, and another middle: art is more garish than nature."""
    colours = colours[:, random.permutation(3)]
    middle = random.uniform(70, 185, 3)
    return (middle + (colours - 127.5) * random.uniform(0.35, 1.0)).clip(10, 245).astype(np.float32)


def _touching(zones: Zones) -> Int[np.ndarray, "E 2"]:
    """The pairs of zones that own neighbouring pixels, the lower first, each once."""
    owner = zones.owner
    across = np.stack([owner[:, 1:].ravel(), owner[:, :-1].ravel()], 1)
    down = np.stack([owner[1:].ravel(), owner[:-1].ravel()], 1)
    pairs = np.concatenate([across, down])
    pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], 1).astype(np.int64)
    keys = np.unique(pairs[:, 0] * len(zones.colours) + pairs[:, 1])
    return np.stack(np.divmod(keys, len(zones.colours)), 1)


def _apart(
    colours: Float32[np.ndarray, "Z 3"], pairs: Int[np.ndarray, "E 2"], random: np.random.Generator
) -> Float32[np.ndarray, "Z 3"]:
    """The colours, those that touch one too similar moved at random, a few times over."""
    for _ in range(4):
        close = np.unique(pairs[_distances(colours, pairs) < LEAST_DISTANCE][:, 1])
        if not close.size:
            break
        moved = colours[close] + random.uniform(-70, 70, (close.size, 3))
        colours = colours.copy()
        colours[close] = moved.clip(10, 245)
    return colours


def _distances(colours: Float32[np.ndarray, "Z 3"], pairs: Int[np.ndarray, "E 2"]) -> Float32[np.ndarray, " E"]:
    distance: Float32[np.ndarray, " E"] = np.abs(colours[pairs[:, 0]] - colours[pairs[:, 1]]).max(1, initial=0)
    return distance


def _texture_limits(colours: Float32[np.ndarray, "Z 3"], pairs: Int[np.ndarray, "E 2"]) -> Float32[np.ndarray, " Z"]:
    """What each zone's texture is relative to: the smallest distance to a neighbour, within reason."""
    limits = np.full(len(colours), MOST_TEXTURE / TEXTURE_SHARE[1], np.float32)
    for side in (0, 1):
        np.minimum.at(limits, pairs[:, side], _distances(colours, pairs))
    return limits


def _fine_field(shape: tuple[int, ...], random: np.random.Generator, photographs: tuple[Path, ...]) -> Field:
    makers: list[Callable[[], np.ndarray]] = [
        lambda: random.standard_normal(shape, np.float32),
        lambda: _fractal(shape, random.uniform(0.5, 1.2), random),
        lambda: _stripes(shape, random),
        lambda: np.tanh(2 * _fractal(shape, 1.5, random, coarsest=random.uniform(8, 32))),
    ]
    if photographs:
        makers += [lambda: _crop(photographs[random.integers(len(photographs))], shape, random)] * len(makers)
    return _standardised(makers[random.integers(len(makers))](), shape)


def _slow_field(shape: tuple[int, ...], random: np.random.Generator) -> Field:
    if random.integers(2):
        return _standardised(_fractal(shape, 2.0, random), shape)
    y, x, angle = *_places(shape), random.uniform(0, 2 * np.pi)
    return _standardised(np.cos(angle) * x + np.sin(angle) * y, shape)


def _standardised(field: np.ndarray, shape: tuple[int, ...]) -> Field:
    """The field (H, W) or (H, W, 3) with mean 0 and standard deviation 1."""
    field = field.reshape(*shape, -1).astype(np.float32)
    field = field - field.mean((0, 1))
    return field / np.float32(max(float(field.std()), 1e-6))


def _places(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.ogrid[: shape[0], : shape[1]]
    return y.astype(np.float32), x.astype(np.float32)


def _fractal(shape: tuple[int, ...], slope: float, random: np.random.Generator, coarsest: float = np.inf) -> np.ndarray:
    """Noise whose amplitude falls with frequency^slope, none of it slower than `coarsest` pixels a wave."""
    frequency = np.hypot(rfftfreq(shape[1])[None], fftfreq(shape[0])[:, None])
    frequency[0, 0] = np.inf
    gain = np.where(frequency * coarsest >= 1, frequency**-slope, 0).astype(np.float32)
    noise: np.ndarray = irfft2(rfft2(random.standard_normal(shape, np.float32)) * gain, shape)
    return noise


def _stripes(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """A wave of 3 to 24 pixels in any direction, its fronts bent a little, its flanks soft or steep."""
    y, x, angle = *_places(shape), random.uniform(0, np.pi)
    wave = 2 * np.pi / np.exp(random.uniform(np.log(3), np.log(24)))
    bend = _fractal(shape, 2.0, random)
    phase = wave * (np.cos(angle) * x + np.sin(angle) * y) + random.uniform(0, 2) * bend / max(bend.std(), 1e-6)
    wave_form: np.ndarray = np.tanh(random.uniform(0.5, 4) * np.sin(phase))
    return wave_form


def _crop(photograph: Path, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """A random part of a photograph, without its slow changes; small photographs are continued by reflection."""
    pixels = _photograph(photograph)
    missing = [max(0, wanted - there) for wanted, there in zip(shape, pixels.shape, strict=False)]
    if any(missing):
        pixels = np.pad(pixels, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    top, left = (int(random.integers(there - wanted + 1)) for wanted, there in zip(shape, pixels.shape, strict=False))
    part = pixels[top : top + shape[0], left : left + shape[1]].astype(np.float32)
    fast: np.ndarray = part - gaussian_filter(part, (12, 12, 0))
    return fast


@lru_cache(maxsize=32)
def _photograph(path: Path) -> UInt8[np.ndarray, "H W 3"]:
    return load_raster(path).pixels[..., :3]


def _photographed(picture: Picture, random: np.random.Generator) -> UInt8[np.ndarray, "H W 4"]:
    """The scene as a camera takes it: uneven light, a soft lens, a noisy sensor."""
    if random.random() < 0.5:
        coarse = random.uniform(0.75, 1.25, (3, 3))
        height, width = picture.shape[:2]
        light = zoom(coarse, (height / 3, width / 3), order=1, grid_mode=True, mode="nearest")
        picture = picture * light[:height, :width, None].astype(np.float32)
    if random.random() < 0.7:
        picture = gaussian_filter(picture, (*[random.uniform(0.3, 1.0)] * 2, 0), truncate=3.0)
    sigma = random.uniform(0, 6) * np.sqrt(np.clip(picture, 16, 255) / 128)
    picture = picture + sigma * random.standard_normal(picture.shape, np.float32)
    colour = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return np.concatenate([colour, np.full((*colour.shape[:2], 1), 255, np.uint8)], 2)

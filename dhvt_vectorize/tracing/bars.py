"""Outlines + image → Outlines in which thin closed arcs that are bars are fitted to coverage.

Where a shape is thin few pixels or none show its colour, and an outline, which tells places by side colours, is off by
as much as these are. But a pixel of contrast a is contrast × area covered, whatever the colours; so a bar's centre,
angle, length, width and contrast are fitted all at once to the pixels about it: Gauss and Newton's method on exact
areas (a rectangle, or a stadium, clipped by each pixel) with exact slopes, begun from the moments of the arc's area.
The pixels beside the bar give the colour around it, a plane over the place. The bar is taken where no pixel is left
with more than noise, as it is measured beside the bar, and anti-aliasing explain.

An upright bar less than two pixels wide shows its width times its contrast and no more: it may be a faint wide one or
a strong narrow one. Of those that the pixels allow the first is taken that has the colour of another face, that is
opaque where nothing is behind it, that is a whole number of pixels wide; else the faintest.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from . import _bar_kernels, _primitive_kernels
from .outlines import Outlines, Primitive
from .primitives import replaced, snapped

WIDEST, LEAST_SHAPE = 6.0, 2.5  # pixels across, and widths along, of what is looked at
LEAST_LENGTH = 4.0
FULLNESS = (0.8, 1.2)  # area over that of the rectangle of the same moments
LEAST_CONTRAST = 16.0  # levels
REACH, BAND = 4.5, 1.5  # pixels about a bar that are looked at, and of them those that the bar is fitted to
ENDS, MOST_MIDDLE = 12.0, 160.0  # pixels at the ends that all count, and units of length between them that do
MOST_OTHERS = 0.3  # of the pixels about a bar, that lie at third faces
ROUNDS, SMALL_STEP = 12, 5e-4
# pixels by which a bar is begun longer at each end as well: a pixel that no side touches is not felt, so that one that
# is begun too short may not grow to what is there
LONGER = 0.75
SLACK = 0.05  # pixels beyond a pixel in which a side is felt
BROAD, STRONGER = 2.2, 1.15  # pixels across from which contrast is told from width, and a contrast that is tried below
WORSE, LEFT_ANYHOW = 1.5, 0.01  # times the cost, and contrast a pixel beyond it, that another contrast must leave
LEFT, WORST = 0.04, 0.15  # of the contrast, that anti-aliasing by quarters of a pixel leaves
NOISE, WORST_NOISE = 1.5, 6.0  # deviations of what is beside the bar that are left too
MOST_NOISE = 0.1  # of the contrast: more is no noise but other things
CLEAR = 0.05  # contrast a pixel that square ends may leave
CLEARLY = 0.7  # of what square ends leave, that round ones may
LEAST_ROUND = 1.5  # pixels across from which round ends are told from square ones
STRONGEST = 0.95  # quantile of a bar's contrasts that tells how strong it is at least
WHOLE, LEAST_WIDTH = 0.04, 0.7  # pixels from a whole width, and a width that is likely
SAME_COLOUR, ROUNDING = 6.0, 3.0  # levels
ALIKE, MOST_READINGS = 0.02, 6  # of the contrast by which two readings differ, and how many colours are tried
TRANSPARENT = 6.0  # alpha up to which nothing is there
CAP = 16  # corners of a round end


def _template(cap: int) -> Float64[np.ndarray, "V 3"]:
    """The corners of a bar whose ends are square (0) or half circles of `cap` chords, as its kernel takes them."""
    if not cap:
        return np.array([(1, 0, 1), (-1, 0, 1), (-1, 0, -1), (1, 0, -1)], float)
    turn = np.pi * (np.arange(cap) + 0.5) / cap - np.pi / 2
    # a little outside the circle, so that the chords cover as much as it does
    size = np.sqrt(np.pi / (cap * np.sin(np.pi / cap)))
    right = np.stack([np.ones(cap), size * np.cos(turn) - 1, size * np.sin(turn)], 1)
    right[[0, -1], 2] = -1, 1
    return np.concatenate([right, right * (-1, -1, -1)])


TEMPLATES = {"square": _template(0), "round": _template(CAP)}


@dataclass(frozen=True)
class _Bar:
    """A bar that was fitted: its kernel's six numbers, which ends, and what is left of the pixels' contrast."""

    numbers: Float64[np.ndarray, "6"]
    ends: str
    residuals: Float64[np.ndarray, "N"]

    @property
    def cost(self) -> float:
        return float(self.residuals @ self.residuals)

    def primitive(self) -> Primitive:
        cx, cy, angle, half_length, half_width, _ = map(float, self.numbers)
        corner = half_width if self.ends == "round" else 0.0
        return Primitive("rect", cx, cy, half_length, half_width, float(np.degrees(angle)), corner)


@dataclass(frozen=True)
class _View:
    """What is seen of a bar: pixels in its band with their contrast, the colour around, and the noise.

    Attributes:
        pixels: int64 (N, 2), x and y.
        values: float64 (N,), 1 where a pixel has the colour of the face.
        around: float64 (4,), the colour about the bar at its centre.
        step: float64 (4,), from there to the face's.
        noise: deviation of the values beside the bar, or of those at edges if it is known to be more.
    """

    pixels: Int64[np.ndarray, "N 2"]
    values: Float64[np.ndarray, "N"]
    around: Float64[np.ndarray, "4"]
    step: Float64[np.ndarray, "4"]
    noise: float


def with_bars(
    outlines: Outlines,
    points: Float64[np.ndarray, "P 2"],
    offsets: Int64[np.ndarray, "A1"],
    pixels: UInt8[np.ndarray, "H W 4"],
    face_colours: Float32[np.ndarray, "K 4"],
    gradients: Container[int],
    edge_noise: float = 0.0,
) -> tuple[Outlines, dict[int, Float64[np.ndarray, "4"]]]:
    """The outlines with thin closed arcs that are bars as such, and the colours of the faces whose bars tell another.

    Args:
        outlines: the curves of the polylines points[offsets[a]:offsets[a + 1]].
        pixels: premultiplied colours.
        face_colours: each face's colour, premultiplied, 0…255.
        gradients: the faces that have more than that colour.
        edge_noise: levels by which a channel at an edge is off, though what is beside it may not be.
    """
    planar_map = outlines.planar_map
    arcs_of_face = np.bincount(planar_map.left + 1, minlength=planar_map.faces + 1)
    arcs_of_face += np.bincount(planar_map.right + 1, minlength=planar_map.faces + 1)
    areas = planar_map.signed_areas()
    found, colours = {}, {}
    for arc, moments in _thin(outlines, points, offsets):
        sides = int(planar_map.left[arc]), int(planar_map.right[arc])
        inside, outside = sides if areas[2 * arc] > 0 else sides[::-1]
        if inside in gradients:
            continue
        view = _view(planar_map.labels, pixels, face_colours, moments, inside, outside, edge_noise)
        if view is None:
            continue
        bar = _bar(view, moments, face_colours, bool(arcs_of_face[inside + 1] == 1))
        if bar is None:
            continue
        found[arc] = snapped(bar.primitive())
        colours[inside] = view.around + bar.numbers[5] * view.step
    return (replaced(outlines, found), _own_palette(colours, face_colours)) if found else (outlines, {})


def _own_palette(
    told: dict[int, Float64[np.ndarray, "4"]], face_colours: Float32[np.ndarray, "K 4"]
) -> dict[int, Float64[np.ndarray, "4"]]:
    """Of the faces whose bars tell another colour than they have that colour, or the one of the palette that it is."""
    palette = np.delete(face_colours, list(told), 0).astype(float)
    changed = {}
    for face, colour in told.items():
        if np.abs(colour - face_colours[face]).max() <= SAME_COLOUR:
            colour = face_colours[face].astype(float)
        off = np.abs(palette - colour).max(1)
        if off.min(initial=np.inf) <= SAME_COLOUR:
            colour = palette[off.argmin()]
        else:
            palette = np.concatenate([palette, colour[None]])
        if (colour != face_colours[face]).any():
            changed[face] = colour
    return changed


def _thin(
    outlines: Outlines, points: Float64[np.ndarray, "P 2"], offsets: Int64[np.ndarray, "A1"]
) -> Iterator[tuple[int, Float64[np.ndarray, "6"]]]:
    """The closed arcs within the picture whose area is about a thin rectangle's, with the bar of these moments."""
    planar_map = outlines.planar_map
    closed = np.flatnonzero((planar_map.start < 0) & (planar_map.left >= 0) & (planar_map.right >= 0))
    moments = _primitive_kernels.area_moments(points, offsets, closed)
    area, xx, xy, yy = moments[:, 0], moments[:, 3], moments[:, 4], moments[:, 5]
    middle, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    length, width = np.sqrt(12 * (middle + half)), np.sqrt(12 * np.maximum(middle - half, 0))
    fullness = area / np.maximum(length * width, 1e-9)
    thin = (width <= WIDEST) & (length >= np.maximum(LEAST_SHAPE * width, LEAST_LENGTH))
    thin &= (FULLNESS[0] <= fullness) & (fullness <= FULLNESS[1])
    angle = np.arctan2(2 * xy, xx - yy) / 2
    for k in np.flatnonzero(thin):
        yield int(closed[k]), np.array([*moments[k, 1:3], angle[k], length[k] / 2, width[k] / 2, 1.0])


def _view(
    labels: np.ndarray,
    image: UInt8[np.ndarray, "H W 4"],
    face_colours: Float32[np.ndarray, "K 4"],
    bar: Float64[np.ndarray, "6"],
    inside: int,
    outside: int,
    edge_noise: float,
) -> _View | None:
    """What is seen of the bar that a face may be; None where other faces are too near, or nothing tells it apart."""
    every = max(1, int(np.ceil(2 * (bar[3] - ENDS) / MOST_MIDDLE)))
    pixels, others = _bar_kernels.pixels_about(labels, bar, REACH, inside, outside, ENDS, every)
    if others > MOST_OTHERS * (len(pixels) + others):
        return None
    local = (pixels + 0.5 - bar[:2]) @ _rotation(bar[2])
    away = (np.abs(local) - bar[3:5]).max(1)
    colours = image[pixels[:, 1], pixels[:, 0]].astype(float)
    beside = away > BAND
    if beside.sum() < 12:
        return None
    plane = np.column_stack([np.ones(len(local)), local / REACH])
    around = plane @ np.linalg.lstsq(plane[beside], colours[beside], rcond=None)[0]
    step = face_colours[inside] - around[~beside].mean(0)
    contrast = float(step @ step)
    if contrast < LEAST_CONTRAST**2:
        return None
    values = (colours - around) @ step / contrast
    noise = float(np.sqrt((values[beside] ** 2).mean()))
    if noise > MOST_NOISE:
        return None
    near = ~beside
    # of a value, which is a mean of channels, as one that is off by as much as they are in the colour's direction
    noise = max(noise, edge_noise / np.sqrt(contrast))
    return _View(pixels[near], values[near], around[near].mean(0), step, noise)


def _bar(
    view: _View, begun: Float64[np.ndarray, "6"], palette: Float32[np.ndarray, "K 4"], recolour: bool
) -> _Bar | None:
    """The bar that explains what is seen, or None; ends are round where square ones leave clearly more."""
    square = _read(view, begun, "square", palette, recolour)
    if np.abs(square.residuals).max() <= CLEAR or square.numbers[4] < LEAST_ROUND / 2:
        return square if _explains(square, view) else None
    rounded = _read(view, square.numbers, "round", palette, recolour)
    best = rounded if rounded.cost < CLEARLY * square.cost else square
    return best if _explains(best, view) else None


def _read(
    view: _View, begun: Float64[np.ndarray, "6"], ends: str, palette: Float32[np.ndarray, "K 4"], recolour: bool
) -> _Bar:
    """The bar of least squares, or the likeliest of those that are as good."""
    longer = begun + np.array([0, 0, 0, LONGER, 0, 0])
    best = min((_fitted(view, start, ends, range(6)) for start in (begun, longer)), key=lambda bar: bar.cost)
    if recolour and _tells_contrast(best, view):
        return best
    for contrast in _readings(best, view, palette) if recolour else [1.0]:
        bar = _of_contrast(contrast, best, view)
        if _explains(bar, view):
            return bar
    return best


def _of_contrast(contrast: float, bar: _Bar, view: _View) -> _Bar:
    """The bar of least squares of this contrast."""
    numbers = bar.numbers.copy()
    numbers[4], numbers[5] = numbers[4] * numbers[5] / contrast, contrast
    return _fitted(view, numbers, bar.ends, range(5))


def _tells_contrast(bar: _Bar, view: _View) -> bool:
    """Is contrast told from width, that is, would a narrower bar of more contrast fit less well?"""
    if 2 * bar.numbers[4] >= BROAD:
        return True
    narrower = _of_contrast(STRONGER * bar.numbers[5], bar, view)
    return narrower.cost > WORSE * bar.cost + len(bar.residuals) * LEFT_ANYHOW**2


def _explains(bar: _Bar, view: _View) -> bool:
    left = np.sqrt(bar.cost / len(bar.residuals))
    worst = np.abs(bar.residuals).max()
    contrast = max(bar.numbers[5], 1.0)
    return bool(left <= LEFT * contrast + NOISE * view.noise and worst <= WORST * contrast + WORST_NOISE * view.noise)


def _readings(bar: _Bar, view: _View, palette: Float32[np.ndarray, "K 4"]) -> list[float]:
    """The contrasts that a bar whose width is not told may have, likeliest first."""
    product = 2 * bar.numbers[4] * bar.numbers[5]
    scale = float(view.step @ view.step)
    # at least what its strongest pixels show, at most what is a colour
    least = float(np.quantile(view.values, STRONGEST))
    full = np.maximum(view.around + least * view.step, 1.0)[3]
    most = _strongest(view)
    shown = (palette - view.around) @ view.step / scale
    off = np.hypot.reduce(palette - view.around - shown[:, None] * view.step, axis=1)
    shown = shown[(off <= SAME_COLOUR * np.maximum(shown, 1)) & (shown > 1.02 * least) & (shown <= most)]
    # many faces may have nearly one colour, and each reading takes a fit
    shown = shown[np.sort(np.unique(np.rint(shown / ALIKE), return_index=True)[1])][:MOST_READINGS]
    readings = []
    if view.around[3] < TRANSPARENT and full < 255 - TRANSPARENT:
        readings.append(255 / view.step[3])
    readings += [contrast for contrast in shown if _is_whole(product / contrast)]
    readings += [least] if _is_whole(product / least) else []
    readings += [contrast for contrast in shown if product / contrast >= LEAST_WIDTH]
    readings += [product] if least < product <= most else []
    return [*readings, least]


def _is_whole(width: float) -> bool:
    return bool(round(width) >= 1 and abs(width - round(width)) <= WHOLE)


def _strongest(view: _View) -> float:
    """The greatest contrast that is a colour still: no channel below 0 or above its alpha, and that at most 255."""
    start = np.concatenate([view.around[:3], view.around[3] - view.around[:3], [255 - view.around[3]]])
    pace = np.concatenate([view.step[:3], view.step[3] - view.step[:3], [-view.step[3]]])
    shrinks = pace < 0
    return float(((start[shrinks] + ROUNDING) / -pace[shrinks]).min(initial=np.inf))


def _fitted(view: _View, numbers: Float64[np.ndarray, "6"], ends: str, free: Sequence[int]) -> _Bar:
    """The bar of least squares, of whose numbers only some are free (Levenberg and Marquardt's method)."""
    template, chosen = TEMPLATES[ends], np.ix_(list(free), list(free))
    numbers = numbers.copy()
    square, product, residuals = _bar_kernels.normal_equations(view.pixels, view.values, numbers, template, SLACK)
    damping = 1e-3
    for _ in range(ROUNDS):
        ridge = damping * np.diag(np.diag(square)[list(free)]) + 1e-9 * np.eye(len(free))
        step = np.zeros(len(numbers))
        step[list(free)] = np.clip(np.linalg.solve(square[chosen] + ridge, product[list(free)]), -1, 1)
        tried = numbers + step
        tried[5] = max(tried[5], 0.1)
        tried[4] = max(tried[4], 0.1)
        tried[3] = max(tried[3], tried[4])
        after = _bar_kernels.normal_equations(view.pixels, view.values, tried, template, SLACK)
        if after[2] @ after[2] <= residuals @ residuals:
            numbers, (square, product, residuals) = tried, after
            damping *= 0.1
            if np.abs(step).max() < SMALL_STEP:
                break
        else:
            damping *= 10
    return _Bar(numbers, ends, residuals)


def _rotation(angle: float) -> Float64[np.ndarray, "2 2"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])

"""pixels of a face → the linear or radial gradient of few stops that fits them best.

A gradient is a place t along an axis, or a distance t from a centre, and a profile: colours at a few values of t,
straight lines between. Axis and centre come from least squares by variable projection (Golub and Pereyra 1973; the
Jacobian is Kaufman's): for each direction or centre the best profile of `KNOTS` even knots is linear least squares, and
Gauss and Newton's steps move the direction or centre by what this profile leaves. They start from a linear fit, and
from a quadratic one, whose centre is where its slope vanishes.

Stops are chosen last: two, then one by one where they lower the residual most, all moved to where they do so best,
while the fall pays for a stop's numbers (see `description`). Colours are premultiplied and the alpha is fitted like any
channel. Limits: no ellipses and no focal points; a step within a gradient is for two faces, not for two stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Float64

from . import _gradient_kernels

# Likelihood of colours: noise floor in squared levels, and how many independent samples a pixel counts as.
NOISE_VARIANCE = 2.0
EFFECTIVE_SAMPLE = 0.25
AXIS_NUMBERS, STOP_NUMBERS = 4, 4  # what an axis or a circle, and what one more stop, adds to a description
MOST_STOPS = 6
LEAST_SHARE = 0.15  # of the residual that one more stop must take away: less than that follows bands and noise
KNOTS = 9  # of the profile while the axis is sought
BINS = 64  # of t while stops are chosen
LEAST_GAP = 1 / 16  # between stops, of the extent
MOST_SAMPLES, FEW_SAMPLES = 2000, 500  # pixels for the stops, and to seek the axis
ALMOST_NONE = 1.0  # residual a pixel that rounding leaves
ROUNDS, FEW_ROUNDS = 8, 2  # of the search, among few pixels and then among all
FAINT_LEVELS = 1.0  # of a premultiplied colour's uncertainty
OPAQUE_STOP = 250
EVEN_OPACITY = 3.0  # levels of alpha that are no slope
FARTHEST = 6.0  # extents of a face that a centre may lie from its middle

Points = Float64[np.ndarray, "N 2"]
Colours = Float64[np.ndarray, "N C"]
Rgba = tuple[int, int, int, int]


@dataclass(frozen=True)
class Gradient:
    """Colours along a line or around a centre; beyond its ends the end's colour goes on.

    Attributes:
        kind: which.
        start, end: x and y in pixels; of a radial one the centre, and a point of its outermost circle.
        offsets: of the stops, from 0 to 1, ascending.
        colours: of the stops, straight red, green, blue and alpha, 0…255.
    """

    kind: Literal["linear", "radial"]
    start: tuple[float, float]
    end: tuple[float, float]
    offsets: tuple[float, ...]
    colours: tuple[Rgba, ...]

    @property
    def radius(self) -> float:
        """Distance of `end` from `start`, in pixels."""
        return float(np.hypot(self.end[0] - self.start[0], self.end[1] - self.start[1]))

    @property
    def fades(self) -> bool:
        """Has it stops of different alpha?"""
        return len({colour[3] for colour in self.colours}) > 1

    def at(self, points: Points) -> Float64[np.ndarray, "N 4"]:
        """Straight colours and alpha at places, 0…255, as SVG interpolates them."""
        away = points - np.array(self.start)
        if self.kind == "radial":
            t = np.hypot(*away.T) / max(self.radius, 1e-9)
        else:
            axis = np.array(self.end) - np.array(self.start)
            t = away @ axis / max(float(axis @ axis), 1e-9)
        stops = np.array(self.colours, np.float64)
        return np.stack([np.interp(t, self.offsets, stops[:, c]) for c in range(4)], 1)


def description(residual: float, pixels: float, channels: int, numbers: float, image_pixels: int) -> float:
    """Length of a description (twice the nats): pixels given a paint that leaves `residual`, a sum of squares, and the
    `numbers` of that paint, by BIC."""
    spread = residual / max(channels * pixels, 1.0) + NOISE_VARIANCE
    return channels * EFFECTIVE_SAMPLE * pixels * float(np.log(spread)) + numbers * float(np.log(max(image_pixels, 2)))


def most_residual(length: float, pixels: float, channels: int, numbers: float, image_pixels: int) -> float:
    """The residual a pixel with which a description reaches this length, see `description`; 0 where none does."""
    nats = (length - numbers * float(np.log(max(image_pixels, 2)))) / (channels * EFFECTIVE_SAMPLE * pixels)
    return max(0.0, channels * (float(np.exp(min(nats, 50.0))) - NOISE_VARIANCE))


def fit_gradient(
    points: Points,
    colours: Float[np.ndarray, "N 4"],
    image_pixels: int,
    pixels: int | None = None,
    most: float = np.inf,
) -> tuple[Gradient, float, float] | None:
    """The gradient that describes the pixels best, the residual a pixel (a sum of squares over channels), and how many
    numbers more than a flat colour it needs; None where the pixels have no extent, or no gradient comes near `most`.

    Args:
        points: pixel centres.
        colours: premultiplied, 0…255.
        image_pixels: of the whole image, which the price of a number depends on.
        pixels: how many pixels the points stand for; None is as many as there are.
        most: a residual a pixel that is too much.
    """
    weight = (pixels or len(points)) / len(points)
    step = -(-len(points) // MOST_SAMPLES)
    points, values = points[::step].astype(np.float64), colours[::step].astype(np.float64)
    if len(points) < 8 or np.ptp(points, axis=0).max() < 2:
        return None
    opaque = bool(values[:, 3].min() >= OPAQUE_STOP)
    values = values[:, :3] if opaque else values
    middle = points.mean(0)
    points = points - middle
    few = slice(None, None, -(-len(points) // FEW_SAMPLES))
    candidates = []
    for kind, start in _starts(points[few], values[few]):
        place, left = _sought(kind, start, points[few], values[few])
        # even knots may miss the stops, but not by so much
        if left > 2 * most + ALMOST_NONE:
            continue
        place, _ = _sought(kind, place, points, values, FEW_ROUNDS)
        t = _along(kind, place, points)[0]
        chosen = _stops(t, values, kind == "radial", weight * step, image_pixels)
        candidates.append((chosen[3], kind, place, chosen))
        if left < ALMOST_NONE:
            break
    if not candidates:
        return None
    _, kind, place, (knots, stops, residual, _) = min(candidates, key=lambda candidate: candidate[0])
    numbers = AXIS_NUMBERS + STOP_NUMBERS * (len(knots) - 1)
    return _gradient(kind, middle, place, knots, stops, opaque), residual / len(points), numbers


def _starts(points: Points, values: Colours) -> list[tuple[Literal["linear", "radial"], Float64[np.ndarray, "P"]]]:
    """A direction, and where there is one a centre, to begin from."""
    extent = max(float(np.ptp(points, axis=0).max()), 1.0)
    x, y = (points / extent).T
    flat = np.stack([np.ones_like(x), x, y, x * x + y * y], 1)
    linear = np.linalg.lstsq(flat[:, :3], values, rcond=None)[0]
    # the direction that most channels' slopes share
    slopes = linear[1:3]
    direction = np.linalg.eigh(slopes @ slopes.T)[1][:, 1]
    starts: list[tuple[Literal["linear", "radial"], Float64[np.ndarray, "P"]]] = [
        ("linear", np.array([np.arctan2(direction[1], direction[0])]))
    ]
    _, sx, sy, bend = np.linalg.lstsq(flat, values, rcond=None)[0]
    # each channel's slope vanishes at −s / 2b: their mean, by how much each bends
    total = float(bend @ bend)
    if total > 1e-6:
        centre = -0.5 * np.array([sx @ bend, sy @ bend]) / total
        if np.hypot(*centre) <= FARTHEST / 2:
            starts.append(("radial", extent * centre))
    return starts


def _along(
    kind: str, place: Float64[np.ndarray, "P"], points: Points
) -> tuple[Float64[np.ndarray, "N"], Float64[np.ndarray, "N P"]]:
    """t of every point, and its slopes by the angle, or by the centre's x and y."""
    if kind == "linear":
        direction = np.array([np.cos(place[0]), np.sin(place[0])])
        return points @ direction, points @ np.array([[-direction[1]], [direction[0]]])
    away = points - place
    distance = np.hypot(*away.T)
    return distance, -away / np.maximum(distance, 1e-6)[:, None]


def _sought(
    kind: str, place: Float64[np.ndarray, "P"], points: Points, values: Colours, rounds: int = ROUNDS
) -> tuple[Float64[np.ndarray, "P"], float]:
    """The angle or centre of least residual (Gauss and Newton, steps shortened until they help), and that a pixel."""
    extent = float(np.ptp(points, axis=0).max())
    current, descent = _descent(kind, place, points, values)
    for _ in range(rounds):
        for _ in range(4):
            moved = place + descent
            residual, following = _descent(kind, moved, points, values)
            near = kind == "linear" or np.hypot(*moved) <= FARTHEST * extent
            if near and residual < current:
                break
            descent = descent / 4
        else:
            return place, current / len(points)
        gain, current, place, descent = current - residual, residual, moved, following
        if gain < 1e-4 * current + 1e-9:
            return place, current / len(points)
    return place, current / len(points)


def _descent(
    kind: str, place: Float64[np.ndarray, "P"], points: Points, values: Colours
) -> tuple[float, Float64[np.ndarray, "P"]]:
    """The residual of the best even profile, and the step that lowers it."""
    t, by_place = _along(kind, place, points)
    residual, step = _gradient_kernels.descent(t, by_place, values, np.linspace(t.min(), t.max() + 1e-9, KNOTS))
    return float(residual), step


def _stops(
    t: Float64[np.ndarray, "N"], values: Colours, radial: bool, weight: float, image_pixels: int
) -> tuple[Float64[np.ndarray, "K"], Float64[np.ndarray, "K C"], float, float]:
    """Knots, their colours, the residual over these pixels, and the description's length."""
    low, high = float(t.min()), float(t.max())
    # pixel centres seldom lie on the centre
    low = 0.0 if radial and low < LEAST_GAP * high else low
    cell = np.minimum(((t - low) / max(high - low, 1e-9) * BINS).astype(np.int64), BINS - 1)
    count = np.bincount(cell, minlength=BINS).astype(np.float64)
    used = count > 0
    count = count[used]
    middle = np.bincount(cell, t, BINS)[used] / count
    means = np.stack([np.bincount(cell, column, BINS)[used] for column in values.T], 1) / count[:, None]
    within = max(float((values * values).sum() - (count[:, None] * means * means).sum()), 0.0)
    channels, pixels = values.shape[1], weight * len(t)

    def length(residual: float, stops: int) -> float:
        numbers = AXIS_NUMBERS + STOP_NUMBERS * (stops - 1) + channels
        return description(weight * residual, pixels, channels, numbers, image_pixels)

    # too few pixels lie around a centre to move its stop
    sums, bounds = (middle, means, count), (low, high, int(radial and low == 0.0), LEAST_GAP * (high - low))
    knots = _gradient_kernels.moved(*sums, np.array([low, high]), *bounds)
    stops, residual = _gradient_kernels.stops(*sums, knots)
    cost = length(residual + within, 2)
    while len(knots) < MOST_STOPS:
        longer = _gradient_kernels.one_more_stop(*sums, knots, bounds[-1])
        longer = _gradient_kernels.moved(*sums, longer, *bounds)
        new_stops, new_residual = _gradient_kernels.stops(*sums, longer)
        new_cost = length(new_residual + within, len(longer))
        if new_cost >= cost or new_residual + within > (1 - LEAST_SHARE) * (residual + within):
            break
        knots, stops, residual, cost = longer, new_stops, new_residual, new_cost
    # within a bin the slope is part of `within`: the residual that counts is of the pixels themselves
    drawn = np.stack([np.interp(t, knots, column) for column in stops.T], 1)
    residual = float(((values - drawn) ** 2).sum())
    return knots, stops, residual, length(residual, len(knots))


def _gradient(
    kind: Literal["linear", "radial"],
    middle: Float64[np.ndarray, "2"],
    place: Float64[np.ndarray, "P"],
    knots: Float64[np.ndarray, "K"],
    stops: Float64[np.ndarray, "K C"],
    opaque: bool,
) -> Gradient:
    alpha = np.full(len(knots), 255.0) if opaque else np.clip(stops[:, 3], 0, 255)
    if np.ptp(alpha) <= EVEN_OPACITY:
        alpha[:] = alpha.mean()
    most = int(alpha.argmax())
    straight = stops[:, :3] * (255.0 / np.maximum(alpha, 1.0))[:, None]
    # what little a faint stop tells of its colour is no reason against the colour of the one that shows most
    unsure = np.abs(straight - straight[most]).max(1) <= FAINT_LEVELS * 255.0 / np.maximum(alpha, 1.0)
    straight[unsure & (alpha < OPAQUE_STOP)] = straight[most]
    rgba = np.clip(np.rint(np.column_stack([straight, alpha])), 0, 255).astype(int)
    colours = tuple((int(r), int(g), int(b), int(a)) for r, g, b, a in rgba)
    first = 0.0 if kind == "radial" else float(knots[0])
    if kind == "radial":
        ends = middle + place + np.array([[0.0, 0.0], [knots[-1], 0.0]])
    else:
        ends = middle + knots[[0, -1], None] * np.array([np.cos(place[0]), np.sin(place[0])])
    (x1, y1), (x2, y2) = ends.tolist()
    offsets = (knots - first) / max(float(knots[-1] - first), 1e-9)
    return Gradient(kind, (x1, y1), (x2, y2), tuple(round(float(offset), 4) for offset in offsets), colours)

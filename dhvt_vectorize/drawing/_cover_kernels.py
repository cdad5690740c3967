"""numba kernels of covered borders: runs of a ring that later shapes cover → simpler ways beneath what covers them."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ..tracing._cubic_kernels import chord_parameters, solve_free

DEPTHS = (3.0, 1.5, 0.8)  # pixels that a simpler way is tried beneath the cover, deepest first
MARGIN = 0.7  # pixels that must lie on either side of it within the cover
END, TIP = 1.5, 0.8  # pixels from its ends within which the cover may be narrower, and need not be seen at all
ANGLES, HANDLES = (0.35, 0.8, 1.3), (0.35, 0.7)  # radians from the border, and of the chord, of a way that swings clear
SEEN = 3.0  # pixels of the border that tell its direction at an end
MOST_PIECES = 2
SAMPLES = 8  # a cubic, for the border it replaces
CHECKS = 64  # places along a piece that are looked at, at most


@njit(cache=True, nogil=True)
def simpler_ways(
    labels, points, offsets, left, right, control_points, is_line, segment_offsets, half_arcs, ring_offsets,
    shape_offsets, rank_of_face, is_opaque,
):  # fmt: skip
    """Replace the covered runs of every ring where fewer pieces, or as many, lead from end to end beneath the cover.

    Face k is painted by shape rank_of_face[k], −1 if by none that is opaque. Returns the new half-arcs, those of new
    arcs numbered on; the new ring offsets; the new arcs' control points (N, 4, 2) and segment counts.
    """
    arcs = segment_offsets.size - 1
    out = np.empty(half_arcs.size, np.int32)
    out_rings = np.zeros(ring_offsets.size, np.int64)
    new_points = np.empty((segment_offsets[arcs] + MOST_PIECES * half_arcs.size, 4, 2))
    new_counts = np.empty(half_arcs.size, np.int64)
    way = np.empty((MOST_PIECES, 4, 2))
    height, width = labels.shape
    flips = np.zeros((height, width + 1), np.bool_)
    filled = segments = added = 0
    shape = 0
    for r in range(ring_offsets.size - 1):
        while r >= shape_offsets[shape + 1]:
            shape += 1
        ring = half_arcs[ring_offsets[r] : ring_offsets[r + 1]]
        m = ring.size
        covers = np.empty(m, np.int64)
        for k in range(m):
            covers[k] = _cover(ring[k], left, right, rank_of_face, shape) if is_opaque[shape] else -1
        first = _start_of_run(covers)
        k = 0
        while k < m:
            run = 1
            cover = covers[(first + k) % m]
            while cover != -1 and k + run < m and covers[(first + k + run) % m] == cover:
                run += 1
            replaced = 0
            while run > 1 or (run == 1 and cover != -1):
                if (run < m or m == 1) and not _is_frame(ring, first + k, run, left, right):
                    border = _border(ring, first + k, run, control_points, is_line, segment_offsets)
                    corners = _corners(ring, first + k, run, points, offsets)
                    drawn = 0
                    for q in range(run):
                        arc = ring[(first + k + q) % m] // 2
                        drawn += segment_offsets[arc + 1] - segment_offsets[arc]
                    pieces = _way(
                        labels, border, corners, cover, rank_of_face, shape, min(drawn, MOST_PIECES), way, flips
                    )
                    if pieces > 0:
                        for p in range(pieces):
                            for c in range(4):
                                new_points[segments, c, 0], new_points[segments, c, 1] = way[p, c, 0], way[p, c, 1]
                            segments += 1
                        new_counts[added] = pieces
                        out[filled] = 2 * (arcs + added)
                        added += 1
                        filled += 1
                        replaced = run
                        break
                if run == 1:
                    break
                run = 1
            if replaced == 0:
                out[filled] = ring[(first + k) % m]
                filled += 1
                replaced = 1
            k += replaced
        out_rings[r + 1] = filled
    return out[:filled].copy(), out_rings, new_points[:segments].copy(), new_counts[:added].copy()


@njit(cache=True, nogil=True, inline="always")
def _cover(half_arc, left, right, rank_of_face, shape):
    """The face on the inner side if it is painted later; else −2 if that on the outer side is; else −1."""
    arc, backward = half_arc // 2, half_arc % 2
    inner, outer = (right[arc], left[arc]) if backward else (left[arc], right[arc])
    if inner >= 0 and rank_of_face[inner] > shape:
        return inner
    if outer >= 0 and rank_of_face[outer] > shape:
        return -2
    return -1


@njit(cache=True, nogil=True)
def _is_frame(ring, first, run, left, right):
    """Does a run of half-arcs lie on the image's frame? There it is straight, ends with the image, and costs nothing
    where what is beside it lies on the frame too."""
    for q in range(run):
        arc = ring[(first + q) % ring.size] // 2
        if left[arc] >= 0 and right[arc] >= 0:
            return False
    return True


@njit(cache=True, nogil=True, inline="always")
def _start_of_run(covers):
    """A place in the ring where a run begins."""
    for k in range(covers.size):
        if covers[k] != covers[k - 1]:
            return k
    return 0


@njit(cache=True, nogil=True)
def _border(ring, first, run, control_points, is_line, segment_offsets):
    """Points along a run of half-arcs, from its start to its end."""
    count = 1
    for q in range(run):
        arc = ring[(first + q) % ring.size] // 2
        count += SAMPLES * (segment_offsets[arc + 1] - segment_offsets[arc])
    points = np.empty((count, 2))
    n = 0
    for q in range(run):
        h = ring[(first + q) % ring.size]
        begin, end = segment_offsets[h // 2], segment_offsets[h // 2 + 1]
        for i in range(end - begin):
            b = control_points[begin + i] if h % 2 == 0 else control_points[end - 1 - i][::-1]
            line = is_line[begin + i if h % 2 == 0 else end - 1 - i]
            for k in range(SAMPLES):
                t = k / SAMPLES
                s = 1.0 - t
                for axis in range(2):
                    if line:
                        points[n, axis] = s * b[0, axis] + t * b[3, axis]
                    else:
                        points[n, axis] = (
                            s * s * s * b[0, axis] + 3 * s * s * t * b[1, axis]
                            + 3 * s * t * t * b[2, axis] + t * t * t * b[3, axis]
                        )  # fmt: skip
                n += 1
            points[n, 0], points[n, 1] = b[3, 0], b[3, 1]
    return points


@njit(cache=True, nogil=True)
def _corners(ring, first, run, points, offsets):
    """The pixel corners along a run of half-arcs, from its start to its end."""
    count = 0
    for q in range(run):
        arc = ring[(first + q) % ring.size] // 2
        count += offsets[arc + 1] - offsets[arc]
    corners = np.empty((count, 2))
    n = 0
    for q in range(run):
        h = ring[(first + q) % ring.size]
        begin, end = offsets[h // 2], offsets[h // 2 + 1]
        for i in range(end - begin):
            j = begin + i if h % 2 == 0 else end - 1 - i
            corners[n, 0], corners[n, 1] = points[j, 0], points[j, 1]
            n += 1
    return corners


@njit(cache=True, nogil=True)
def _way(labels, border, corners, cover, rank_of_face, shape, most, way, flips):
    """The fewest pieces, at most `most`, from the border's start to its end beneath the cover; 0 if there are none."""
    pieces = 1
    # from frame to frame, the shape's other border is the frame, as a stripe's is: best as straight as it is
    is_across = _on_frame(labels, border[0]) and _on_frame(labels, border[-1])
    if is_across and most == 1:
        return 0
    while pieces <= most:
        if pieces == 1 and _is_beneath(
            labels, border, corners, _straight(border, way), 1, cover, rank_of_face, shape, flips
        ):
            return 1
        for depth in DEPTHS:
            depth = depth if cover >= 0 else -depth
            if not _has_room(labels, border, depth, cover, rank_of_face, shape):
                continue
            aside = _aside(border, depth)
            for p in range(pieces):
                a, b = p * (aside.shape[0] - 1) // pieces, (p + 1) * (aside.shape[0] - 1) // pieces
                _cubic(aside, a, b, way[p])
            if _is_beneath(labels, border, corners, way, pieces, cover, rank_of_face, shape, flips):
                return pieces
        if pieces == 1 and not is_across:
            for angle in ANGLES:
                for handle in HANDLES:
                    _swung(border, angle if cover >= 0 else -angle, handle, way[0])
                    if _is_beneath(labels, border, corners, way, 1, cover, rank_of_face, shape, flips):
                        return 1
        pieces *= 2
    return 0


@njit(cache=True, nogil=True, inline="always")
def _on_frame(labels, point):
    height, width = labels.shape
    return point[0] <= 0 or point[1] <= 0 or point[0] >= width or point[1] >= height


@njit(cache=True, nogil=True)
def _swung(border, angle, handle, b):
    """The cubic that leaves both ends at an angle to the border, towards its left; its handles are a share of the
    chord."""
    last = border.shape[0] - 1
    _stretch(border, 0, last, b)
    reach = handle * np.hypot(b[3, 0] - b[0, 0], b[3, 1] - b[0, 1])
    cos = np.cos(angle)
    for end in range(2):
        here, step, sin = (0, 1, -np.sin(angle)) if end == 0 else (last, -1, np.sin(angle))
        x, y = border[here]
        there = here + step
        while 0 < there < last and np.hypot(border[there, 0] - x, border[there, 1] - y) < SEEN:
            there += step
        dx, dy = border[there, 0] - x, border[there, 1] - y
        length = max(1e-9, np.hypot(dx, dy))
        b[1 + end, 0] = x + reach * (cos * dx - sin * dy) / length
        b[1 + end, 1] = y + reach * (cos * dy + sin * dx) / length


@njit(cache=True, nogil=True)
def _has_room(labels, border, depth, cover, rank_of_face, shape):
    """Is there cover at that depth from places along the border? A cheap look before anything is fitted."""
    height, width = labels.shape
    n = border.shape[0]
    for i in (n // 4, n // 2, 3 * n // 4):
        if 0 < i < n - 1:
            dx, dy = border[i + 1, 0] - border[i - 1, 0], border[i + 1, 1] - border[i - 1, 1]
            length = max(1e-9, np.hypot(dx, dy))
            px = int(np.floor(border[i, 0] + depth * dy / length))
            py = int(np.floor(border[i, 1] - depth * dx / length))
            if px < 0 or py < 0 or px >= width or py >= height:
                return False
            if not _covers(labels[py, px], cover, rank_of_face, shape):
                return False
    return True


@njit(cache=True, nogil=True)
def _straight(border, way):
    _stretch(border, 0, border.shape[0] - 1, way[0])
    return way


@njit(cache=True, nogil=True)
def _aside(border, depth):
    """The border moved to its left (in y-down images the inner side) by `depth`, less near its ends."""
    n = border.shape[0]
    out = border.copy()
    for i in range(1, n - 1):
        dx, dy = border[i + 1, 0] - border[i - 1, 0], border[i + 1, 1] - border[i - 1, 1]
        length = np.sqrt(dx * dx + dy * dy)
        if length > 0:
            taper = min(1.0, 4.0 * min(i, n - 1 - i) / (n - 1))
            out[i, 0] += depth * taper * dy / length
            out[i, 1] -= depth * taper * dx / length
    return out


@njit(cache=True, nogil=True)
def _stretch(points, first, last, b):
    """Make the cubic a line from one point to another."""
    for c in range(4):
        at = first if c < 2 else last
        b[c, 0], b[c, 1] = points[at, 0], points[at, 1]


@njit(cache=True, nogil=True)
def _cubic(points, first, last, b):
    """The cubic through both ends that is nearest, in least squares over chord length, to the points between."""
    _stretch(points, first, last, b)
    t = np.empty(last + 1)
    if chord_parameters(points, first, last, 1, t) > 0:
        solve_free(points, first, last, 1, t, b)


@njit(cache=True, nogil=True)
def _is_beneath(labels, border, corners, way, pieces, cover, rank_of_face, shape, flips):
    """Does the way, but for its ends, lie beneath the cover, and all that lies between it and the border too?"""
    height, width = labels.shape
    n = border.shape[0]
    path = np.empty((pieces * CHECKS + 1, 2))
    count = 0
    for p in range(pieces):
        b = way[p]
        length = np.sqrt((b[3, 0] - b[0, 0]) ** 2 + (b[3, 1] - b[0, 1]) ** 2)
        steps = min(CHECKS, 8 + int(length / 2))
        for k in range(steps):
            u = k / steps
            s = 1.0 - u
            for axis in range(2):
                path[count, axis] = (
                    s * s * s * b[0, axis] + 3 * s * s * u * b[1, axis]
                    + 3 * s * u * u * b[2, axis] + u * u * u * b[3, axis]
                )  # fmt: skip
            count += 1
    path[count, 0], path[count, 1] = border[n - 1, 0], border[n - 1, 1]
    for i in range(1, count):
        x, y = path[i]
        if _near_end(path[: count + 1], x, y, TIP):
            continue
        margin = 0.0 if _near_end(path[: count + 1], x, y, END) else MARGIN
        dx, dy = path[i + 1, 0] - path[i - 1, 0], path[i + 1, 1] - path[i - 1, 1]
        length = max(1e-9, np.sqrt(dx * dx + dy * dy))
        for side in (-margin, margin):
            px, py = int(np.floor(x + side * dy / length)), int(np.floor(y - side * dx / length))
            if px < 0 or py < 0 or px >= width or py >= height:
                return False
            if not _covers(labels[py, px], cover, rank_of_face, shape):
                return False
    return _between_is_covered(labels, corners, path[: count + 1], cover, rank_of_face, shape, flips)


@njit(cache=True, nogil=True, inline="always")
def _covers(face, cover, rank_of_face, shape):
    return face == cover if cover >= 0 else rank_of_face[face] > shape


@njit(cache=True, nogil=True)
def _between_is_covered(labels, corners, path, cover, rank_of_face, shape, flips):
    """Is every pixel between a run's pixel corners and the path of the cover, but for pixels at its ends? Even-odd,
    by pixel centres; `flips` is all False before and after."""
    height, width = labels.shape
    y0, y1, x0, x1 = height, -1, width, -1
    n, m = corners.shape[0], path.shape[0]
    loop = np.empty((n + m, 2))
    for i in range(n):
        loop[i, 0], loop[i, 1] = corners[i, 0], corners[i, 1]
    for i in range(m):
        loop[n + i, 0], loop[n + i, 1] = path[m - 1 - i, 0], path[m - 1 - i, 1]
    for i in range(n + m):
        ax, ay, bx, by = loop[i - 1, 0], loop[i - 1, 1], loop[i, 0], loop[i, 1]
        if ay > by:
            ax, ay, bx, by = bx, by, ax, ay
        for y in range(max(0, int(np.ceil(ay - 0.5))), min(height, int(np.ceil(by - 0.5)))):
            column = min(width, max(0, int(np.ceil(ax + (y + 0.5 - ay) * (bx - ax) / (by - ay) - 0.5))))
            flips[y, column] = not flips[y, column]
            y0, y1 = min(y0, y), max(y1, y)
            x0, x1 = min(x0, column), max(x1, column)
    covered = True
    for y in range(y0, y1 + 1):
        inside = False
        for x in range(x0, x1 + 1):
            inside ^= flips[y, x]
            flips[y, x] = False
            if inside and covered and not _covers(labels[y, x], cover, rank_of_face, shape):
                covered = _near_end(path, x + 0.5, y + 0.5, TIP)
    return covered


@njit(cache=True, nogil=True, inline="always")
def _near_end(path, x, y, within):
    first = (x - path[0, 0]) ** 2 + (y - path[0, 1]) ** 2
    last = (x - path[-1, 0]) ** 2 + (y - path[-1, 1]) ** 2
    return min(first, last) < within * within

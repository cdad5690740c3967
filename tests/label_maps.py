"""Label maps for tests, drawn by hypothesis or from a zoo of awkward ones, and what is true of any, found plainly."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from skimage.measure import label


def renumbered(labels: np.ndarray) -> np.ndarray:
    """The same regions, numbered 0…K−1."""
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)


def connected(labels: np.ndarray) -> np.ndarray:
    """Every 4-connected part a region of its own."""
    return renumbered(label(labels, background=-1, connectivity=1))


@st.composite
def label_maps(draw: st.DrawFn, longest: int = 9) -> np.ndarray:
    """Arbitrary labels; a region may be in many parts. Lines of pixels and single pixels come up often."""
    height, width = draw(st.tuples(st.integers(1, longest), st.integers(1, longest)))
    most = draw(st.sampled_from([1, 2, 3, 12]))
    return renumbered(draw(arrays(np.int32, (height, width), elements=st.integers(0, most), fill=st.nothing())))


def connected_label_maps(longest: int = 9) -> st.SearchStrategy[np.ndarray]:
    """Labels whose regions are 4-connected."""
    return label_maps(longest).map(connected)


def nested_rings(size: int) -> np.ndarray:
    """Squares in squares: every region but the innermost has a hole."""
    y, x = np.mgrid[:size, :size]
    return connected(np.minimum.reduce([x, y, size - 1 - x, size - 1 - y]))


def spiral(size: int) -> np.ndarray:
    """Two arms a pixel wide, wound into each other."""
    arm = np.ones((size, size), np.int32)
    y, x, dy, dx = 0, 0, 0, 1
    arm[0, 0] = 0
    while True:
        for _ in range(2):
            ny, nx, by, bx = y + dy, x + dx, y + 2 * dy, x + 2 * dx
            free = 0 <= ny < size and 0 <= nx < size and arm[ny, nx] == 1
            if free and not (0 <= by < size and 0 <= bx < size and arm[by, bx] == 0):
                break
            dy, dx = dx, -dy
        else:
            return connected(arm)
        y, x = ny, nx
        arm[y, x] = 0


def islands_in_lakes() -> np.ndarray:
    """Two lakes in one island, an island with a lake in each."""
    labels = np.zeros((13, 23), np.int32)
    labels[1:12, 1:22] = 1
    for x in (2, 12):
        labels[2:11, x : x + 9] = 0
        labels[4:9, x + 2 : x + 7] = 1
        labels[5:8, x + 3 : x + 6] = 2
        labels[6, x + 4] = 3
    return connected(labels)


def chain_of_diamonds() -> np.ndarray:
    """Rings that touch themselves and each other crosswise, the corners alone shared."""
    rows = [
        "..........",
        ".##.##.##.",
        ".#.#..#.#.",
        ".##.#.#.#.",
        "...#.##.#.",
        ".##.#..#..",
        ".#.#.##...",
        "..........",
    ]
    return connected(np.array([[ord(c) for c in row] for row in rows]))


ZOO = {
    "one pixel": np.zeros((1, 1), np.int32),
    "one colour": np.zeros((4, 6), np.int32),
    "a row": connected(np.array([[0, 0, 1, 2, 2, 0]])),
    "a column": connected(np.array([[0], [1], [1], [0]])),
    "two columns": connected(np.array([[0, 1], [0, 1], [1, 0]])),
    "a checkerboard": connected(np.indices((6, 7)).sum(0) % 2),
    "every pixel its own": np.arange(42, dtype=np.int32).reshape(6, 7),
    "nested rings": nested_rings(11),
    "a spiral": spiral(15),
    "islands in lakes": islands_in_lakes(),
    "diamonds": chain_of_diamonds(),
    "bricks": connected((np.arange(12)[:, None] // 3 * 100) + (np.arange(18) + np.arange(12)[:, None] // 3 * 3) // 6),
}

# not connected: both pairs of opposite pixels are of one region
CROSSWISE = {
    "a checkerboard of two": np.indices((5, 6)).sum(0).astype(np.int32) % 2,
    "a checkerboard of three": np.indices((6, 6)).sum(0).astype(np.int32) % 3,
}


def passes(labels: np.ndarray, y: int, x: int) -> tuple[bool, bool]:
    """At the inner corner (x, y): are north-west and south-east joined crosswise, are north-east and south-west?

    The rule: opposite pixels of one region pass; of two such pairs the later label.
    """
    nw, ne, sw, se = labels[y - 1, x - 1], labels[y - 1, x], labels[y, x - 1], labels[y, x]
    if nw in (ne, sw) or se in (ne, sw):
        return False, False
    return bool(nw == se and (ne != sw or nw > ne)), bool(ne == sw and (nw != se or ne > nw))


def parts(same_right: np.ndarray, same_below: np.ndarray, crosswise: list[tuple[int, int]]) -> np.ndarray:
    """The part each pixel is in, given which neighbours are joined, and crosswise pairs of flat pixel indices."""
    height, width = same_below.shape[0] + 1, same_right.shape[1] + 1
    index = np.arange(height * width).reshape(height, width)
    pairs = np.concatenate(
        [
            np.stack([index[:, :-1][same_right], index[:, 1:][same_right]], 1),
            np.stack([index[:-1][same_below], index[1:][same_below]], 1),
            np.array(crosswise, int).reshape(-1, 2),
        ]
    )
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (index.size, index.size))
    return connected_components(graph, directed=False)[1].reshape(height, width)


def parts_of_regions(labels: np.ndarray) -> np.ndarray:
    """The parts of all regions, those that touch crosswise and pass being one."""
    height, width = labels.shape
    crosswise = []
    for y in range(1, height):
        for x in range(1, width):
            falling, rising = passes(labels, y, x)
            here = y * width + x
            crosswise += [(here - width - 1, here)] * falling + [(here - width, here - 1)] * rising
    return parts(labels[:, 1:] == labels[:, :-1], labels[1:] == labels[:-1], crosswise)


def inside_even_odd(rings: list[np.ndarray], height: int, width: int) -> np.ndarray:
    """bool (H, W): pixels whose centres are inside closed rings along pixel sides, by the even-odd rule."""
    flips = np.zeros((height, width + 1), int)
    for ring in rings:
        for (x, y), (to_x, to_y) in pairwise(ring):
            if x == to_x:
                flips[int(min(y, to_y)) : int(max(y, to_y)), int(x)] += 1
    return np.cumsum(flips, 1)[:, :-1] % 2 == 1


def ring_points(planar_map, ring: np.ndarray) -> list[np.ndarray]:
    """The pixel corners of each half-arc of a ring, in walking order."""
    return [planar_map.arc(int(h) // 2)[:: -1 if h % 2 else 1] for h in ring]

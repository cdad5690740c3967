"""Small images for the property tests, and what is recomputed from their pixels by brute force."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from dhvt_vectorize.tokenizer.hierarchy import MergeTree


@st.composite
def feature_images(draw: st.DrawFn, side: int = 7) -> np.ndarray:
    """int32 (H, W, C): few different values (flat zones, ties) or any within ±2¹⁵."""
    shape = (draw(st.integers(1, side)), draw(st.integers(1, side)), draw(st.integers(1, 3)))
    low, high = draw(st.sampled_from([(0, 1), (0, 3), (-40, 40), (-(2**15) + 1, 2**15 - 1)]))
    return draw(arrays.arrays(np.int32, shape, elements=st.integers(low, high)))


def masks_of_nodes(tree: MergeTree) -> np.ndarray:
    """bool (M, H, W): the pixels of every node."""
    masks = np.empty((len(tree.left), *tree.leaf_of_pixel.shape), bool)
    for node in range(len(masks)):
        if node < tree.leaves:
            masks[node] = tree.leaf_of_pixel == node
        else:
            masks[node] = masks[tree.left[node]] | masks[tree.right[node]]
    return masks


def shared_sides(one: np.ndarray, other: np.ndarray) -> int:
    """The pixel sides between two masks."""
    return int(
        (one[:, 1:] & other[:, :-1]).sum()
        + (one[:, :-1] & other[:, 1:]).sum()
        + (one[1:] & other[:-1]).sum()
        + (one[:-1] & other[1:]).sum()
    )


def is_connected(mask: np.ndarray) -> bool:
    """Whether the mask is one 4-connected piece."""
    return ndimage.label(mask)[1] == 1


def assert_proper_labels(labels: np.ndarray) -> None:
    """int32, 0…K−1 in raster order of first pixels, each region 4-connected."""
    assert labels.dtype == np.int32
    names, first = np.unique(labels, return_index=True)
    assert (names == np.arange(len(names))).all()
    assert (np.diff(first) > 0).all()
    assert all(is_connected(labels == name) for name in names)


def is_refinement(fine: np.ndarray, coarse: np.ndarray) -> bool:
    """Whether every region of `fine` lies in one region of `coarse`."""
    return len(np.unique(np.stack([fine.ravel(), coarse.ravel()], 1), axis=0)) == len(np.unique(fine))

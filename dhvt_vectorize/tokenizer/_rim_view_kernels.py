"""numba kernel of what RimNet sees: the mixtures around a rim pixel, turned so that all rims run alike."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

# Shares beyond these say no more than that another colour lies there.
_LEAST, _MOST = -0.5, 1.5


@njit(cache=True, nogil=True)
def views(pixels, rims, near, far, strokes, reach, out, first, last):
    """Write rows first…last − 1 of `out`, float32 (n, (2·reach + 1)² + 10).

    pixels: uint8 (H, W, 4), premultiplied; rims, near, far: flat indices int32 (n,). A row holds the far side's share,
    less a half, in each pixel of a square around the rim pixel, row by row; then for the 3×3 in its middle how far each
    colour lies off the two sides' mixtures, as a share of their distance; at last 1 for strokes, else 0. The square is
    turned and mirrored so that the way from the near to the far side points right and not up, at most 45° down.
    """
    height, width, _ = pixels.shape
    side = 2 * reach + 1
    across = np.empty(4, np.float32)
    for i in range(first, last):
        y, x = rims[i] // width, rims[i] % width
        near_y, near_x = near[i] // width, near[i] % width
        far_y, far_x = far[i] // width, far[i] % width
        down, right = far_y - near_y, far_x - near_x
        swapped = abs(down) > abs(right)
        sign_y = -1 if down < 0 else 1
        sign_x = -1 if right < 0 else 1
        squared = np.float32(0.0)
        for c in range(4):
            across[c] = np.float32(pixels[far_y, far_x, c]) - np.float32(pixels[near_y, near_x, c])
            squared += across[c] * across[c]
        off = side * side
        for b in range(-reach, reach + 1):
            for a in range(-reach, reach + 1):
                v, u = (a, b) if swapped else (b, a)
                v = min(max(y + v * sign_y, 0), height - 1)
                u = min(max(x + u * sign_x, 0), width - 1)
                along = own = np.float32(0.0)
                for c in range(4):
                    d = np.float32(pixels[v, u, c]) - np.float32(pixels[near_y, near_x, c])
                    along += d * across[c]
                    own += d * d
                share = along / squared
                out[i, (b + reach) * side + a + reach] = min(max(share, _LEAST), _MOST) - 0.5
                if abs(a) <= 1 and abs(b) <= 1:
                    out[i, off] = min(np.sqrt(max(own / squared - share * share, 0.0)), 1.0)
                    off += 1
        out[i, off] = 1.0 if strokes else 0.0

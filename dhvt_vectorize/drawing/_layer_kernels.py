"""numba kernels of the layers: groups of opaque faces, who surrounds whom, painting order, outlines of tree nodes."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ..tokenizer._kernels import find_root


@njit(cache=True, nogil=True)
def opaque_roots(left, right, parent, opaque):
    """The nodes to paint from: the topmost nodes all of whose faces are opaque, and every other face by itself.

    Returns (roots int32, root of every node at or below one int32 (M,), −1 above).
    """
    nodes = left.size
    whole = np.zeros(nodes, np.bool_)
    for i in range(nodes):
        whole[i] = opaque[i] if left[i] < 0 else whole[left[i]] and whole[right[i]]
    root_of = np.full(nodes, -1, np.int32)
    roots = np.empty(nodes, np.int32)
    count = 0
    for i in range(nodes - 1, -1, -1):
        if parent[i] >= 0 and root_of[parent[i]] >= 0:
            root_of[i] = root_of[parent[i]]
        elif whole[i] or left[i] < 0:
            root_of[i] = i
            roots[count] = i
            count += 1
    return roots[:count].copy(), root_of


@njit(cache=True, nogil=True)
def leaf_intervals(left, right):
    """Number the leaves depth first: node i's leaves are those numbered enter[i] … leave[i] − 1."""
    nodes = left.size
    size = np.ones(nodes, np.int32)
    for i in range(nodes):
        if left[i] >= 0:
            size[i] = size[left[i]] + size[right[i]]
    enter = np.zeros(nodes, np.int32)
    for i in range(nodes - 1, -1, -1):
        if left[i] >= 0:
            enter[left[i]] = enter[i]
            enter[right[i]] = enter[i] + size[left[i]]
    return enter, enter + size


@njit(cache=True, nogil=True)
def node_boxes(labels, left, right):
    """int32 (M, 4): x0, y0, x1, y1 of every node's extent, the far ends excluded."""
    nodes = left.size
    box = np.empty((nodes, 4), np.int32)
    box[:, :2] = 2**30
    box[:, 2:] = -1
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            k = labels[y, x]
            box[k, 0] = min(box[k, 0], x)
            box[k, 1] = min(box[k, 1], y)
            box[k, 2] = max(box[k, 2], x + 1)
            box[k, 3] = max(box[k, 3], y + 1)
    for i in range(nodes):
        if left[i] >= 0:
            a, b = left[i], right[i]
            box[i, 0] = min(box[a, 0], box[b, 0])
            box[i, 1] = min(box[a, 1], box[b, 1])
            box[i, 2] = max(box[a, 2], box[b, 2])
            box[i, 3] = max(box[a, 3], box[b, 3])
    return box


@njit(cache=True, nogil=True)
def painting_order(left, right, pixels, roots, enter, leave, box, neighbours, offsets):
    """The nodes to paint, first to last, and the face whose paint each gets.

    Face k's neighbours are neighbours[offsets[k]:offsets[k + 1]], −1 for the outside. Each root in turn paints its
    extent; then, from the top of its tree down, the background child's details, then the other child and its
    details.
    """
    nodes = left.size
    faces = (nodes + 1) // 2
    order = np.empty(nodes, np.int32)
    paint = np.empty(nodes, np.int32)
    background = np.full(nodes, -1, np.int32)
    shown = np.empty(nodes, np.int32)  # the face that a node's extent is first painted with
    face_at = np.empty(faces, np.int32)
    for i in range(faces):
        face_at[enter[i]] = i
    visited = np.full(faces, -1, np.int32)
    queue = np.empty(faces, np.int32)
    for i in range(nodes):
        if left[i] < 0:
            shown[i] = i
            continue
        a, b = left[i], right[i]
        if pixels[a] < pixels[b] or (pixels[a] == pixels[b] and b < a):
            a, b = b, a
        if _inside(box, a, b) and _surrounds(b, a, i, enter, leave, box, neighbours, offsets, face_at, visited, queue):
            a, b = b, a
        background[i] = a
        shown[i] = shown[a]
    stack = np.empty(2 * nodes, np.int32)
    count = 0
    for root in roots:
        # entries ≥ 0: paint this node and then its details; ~node: its details alone
        top = 1
        stack[0] = root
        while top > 0:
            top -= 1
            node = stack[top]
            if node >= 0:
                order[count], paint[count] = node, shown[node]
                count += 1
            else:
                node = ~node
            if left[node] < 0:
                continue
            behind = background[node]
            front = right[node] if behind == left[node] else left[node]
            stack[top] = front
            stack[top + 1] = ~behind
            top += 2
    return order[:count].copy(), paint[:count].copy()


@njit(cache=True, nogil=True, inline="always")
def _inside(box, a, b):
    """Does a's box lie strictly inside b's?"""
    return box[a, 0] > box[b, 0] and box[a, 1] > box[b, 1] and box[a, 2] < box[b, 2] and box[a, 3] < box[b, 3]


@njit(cache=True, nogil=True)
def _surrounds(b, a, mark, enter, leave, box, neighbours, offsets, face_at, visited, queue):
    """Does node b surround node a? It does unless a walk from a over faces that are not b's leaves b's box."""
    first = face_at[enter[a]]
    queue[0] = first
    visited[first] = mark
    head, tail = 0, 1
    while head < tail:
        face = queue[head]
        head += 1
        if not _inside(box, face, b):
            return False
        for e in range(offsets[face], offsets[face + 1]):
            other = neighbours[e]
            if other < 0:
                return False
            if visited[other] == mark or enter[b] <= enter[other] < leave[b]:
                continue
            visited[other] = mark
            queue[tail] = other
            tail += 1
    return True


@njit(cache=True, nogil=True)
def half_arcs_of_nodes(arc_left, arc_right, parent, painted, enter, leave):
    """The half-arcs that bound each painted node, grouped in painting order: half_arcs int32, offsets int64 (S+1,)."""
    nodes = parent.size
    place = np.full(nodes, -1, np.int32)
    for s in range(painted.size):
        place[painted[s]] = s
    nearest = np.full(nodes, -1, np.int32)  # the nearest painted node at or above
    for i in range(nodes - 1, -1, -1):
        if place[i] >= 0:
            nearest[i] = i
        elif parent[i] >= 0:
            nearest[i] = nearest[parent[i]]
    offsets = np.zeros(painted.size + 1, np.int64)
    cursor = np.zeros(painted.size, np.int64)
    half_arcs = np.empty(0, np.int32)
    for filling in range(2):
        if filling == 1:
            offsets = np.cumsum(offsets)
            for s in range(painted.size):
                cursor[s] = offsets[s]
            half_arcs = np.empty(offsets[painted.size], np.int32)
        for a in range(arc_left.size):
            for side in range(2):
                face, other = (arc_left[a], arc_right[a]) if side == 0 else (arc_right[a], arc_left[a])
                if face < 0:
                    continue
                node = nearest[face]
                while node >= 0 and not (other >= 0 and enter[node] <= enter[other] < leave[node]):
                    s = place[node]
                    if filling == 0:
                        offsets[s + 1] += 1
                    else:
                        half_arcs[cursor[s]] = 2 * a + side
                        cursor[s] += 1
                    node = nearest[parent[node]] if parent[node] >= 0 else -1
    return half_arcs, offsets


@njit(cache=True, nogil=True)
def faces_inside(labels, points, offsets, ring):
    """The faces with a pixel inside a ring of half-arcs, each once."""
    x0, y0, x1, y1 = 2**30, 2**30, -1, -1
    for h in ring:
        for i in range(offsets[h // 2], offsets[h // 2 + 1]):
            x0, x1 = min(x0, points[i, 0]), max(x1, points[i, 0])
            y0, y1 = min(y0, points[i, 1]), max(y1, points[i, 1])
    flips = np.zeros((y1 - y0, x1 - x0 + 1), np.bool_)
    for h in ring:
        for i in range(offsets[h // 2], offsets[h // 2 + 1] - 1):
            if points[i, 0] == points[i + 1, 0]:
                y = min(points[i, 1], points[i + 1, 1]) - y0
                flips[y, points[i, 0] - x0] = not flips[y, points[i, 0] - x0]
    found = np.zeros(labels.max() + 1, np.bool_)
    for y in range(y1 - y0):
        inside = False
        for x in range(x1 - x0):
            inside ^= flips[y, x]
            if inside:
                found[labels[y0 + y, x0 + x]] = True
    return np.flatnonzero(found).astype(np.int32)


@njit(cache=True, nogil=True)
def meets_later_run(boxes, shape, before, run_of_shape, run):
    """Has this shape's box a pixel in common with one of those `before` it that are drawn in this run or later ones?"""
    for i in range(before - 1, -1, -1):
        if run_of_shape[i] >= run and _overlap(boxes, i, shape):
            return True
    return False


@njit(cache=True, nogil=True, inline="always")
def _overlap(boxes, i, j):
    """As `arrangement.meets`, of two boxes."""
    across = boxes[i, 0] < boxes[j, 2] and boxes[j, 0] < boxes[i, 2]
    return across and boxes[i, 1] < boxes[j, 3] and boxes[j, 1] < boxes[i, 3]


@njit(cache=True, nogil=True)
def touching_sets(boxes, order):
    """For each box the last one of its set: those that have pixels in common, and whatever meets any of them.

    Args:
        boxes: int32 (N, 4), x0, y0, x1, y1, the far ends excluded.
        order: int64 (N,), the boxes by x0.
    """
    last = np.arange(boxes.shape[0])
    for a in range(order.size):
        i = order[a]
        for b in range(a + 1, order.size):
            j = order[b]
            if boxes[j, 0] >= boxes[i, 2]:
                break
            if _overlap(boxes, i, j):
                p, q = find_root(last, i), find_root(last, j)
                last[min(p, q)] = max(p, q)
    for i in range(last.size):
        last[i] = find_root(last, i)
    return last

"""Partition → Outlines: planar map, sub-pixel edges, polygons, curves. numpy, numba and shapely; no torch."""

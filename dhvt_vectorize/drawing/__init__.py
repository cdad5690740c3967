"""Outlines + image → SVG: paints, layers, writer, preview. numpy and svgwrite; no torch."""

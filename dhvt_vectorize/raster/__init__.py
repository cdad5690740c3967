"""file or array → RasterImage."""

from .image import RasterImage, load_raster

__all__ = ["RasterImage", "load_raster"]

"""A folder of images → a folder of SVGs, a manifest and a report."""

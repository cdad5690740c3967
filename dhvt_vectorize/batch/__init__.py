"""A folder of images → a folder of drawings, a manifest and a report."""

"""Tokenizers in Vision Transformers, compared: the same data, backbone, recipe and seeds, and one line that differs."""

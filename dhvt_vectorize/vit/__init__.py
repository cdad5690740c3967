"""The tokenizer in Vision Transformers: tokens → vectors → a transformer."""

"""slsa-assess: a SLSA level with its proof."""

__version__ = "0.1.0"

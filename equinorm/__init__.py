"""equinorm: which normalization layer may a translation-equivariant network use, and why."""

__version__ = "0.1.0"

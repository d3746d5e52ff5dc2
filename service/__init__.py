"""Aftercare: from a treatment event to the right message, once, or a reason why not."""

__version__ = "0.1.0"

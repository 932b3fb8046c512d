"""kflab, the terminal lab for Keras functional models."""

__version__ = "0.1.0"

"""What `kflab import` can be given, told apart by how it is spelled."""

from __future__ import annotations

APPLICATIONS = "applications:"
"""What stands before the name of an architecture of `keras.applications`."""

PYTHON = (".py", ".ipynb")
"""The endings of Python source: scripts and notebooks."""

H5 = (".h5", ".hdf5")
"""The endings of whole models in the format of Keras 2."""

"""The backends of Keras: which there are, which are installed, and how to get the others; imports none."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from typing import Literal, get_args

from kflab.errors import UnusableInputError, did_you_mean

Backend = Literal["tensorflow", "jax", "torch"]

BACKENDS: tuple[Backend, ...] = get_args(Backend)
"""The backends that kflab trains with; the first is the one where nobody chooses."""

_GET: dict[str, str] = {
    "tensorflow": "pip install tensorflow",
    "jax": "pip install 'kflab[jax]'",
    "torch": "pip install 'kflab[torch]'",
}

GET_GPU: dict[str, str] = {
    "tensorflow": "pip install 'kflab[cuda]'",
    "jax": "pip install 'jax[cuda12]'",
    "torch": "pip install torch --index-url https://download.pytorch.org/whl/cu126",
}
"""How to get a backend that can use NVIDIA GPUs, where the one that is installed cannot."""


def is_installed(backend: str) -> bool:
    """Whether a backend can be imported; it is not."""
    return importlib.util.find_spec(backend) is not None


def installed() -> tuple[Backend, ...]:
    """The backends that are installed."""
    return tuple(backend for backend in BACKENDS if is_installed(backend))


def version_of(backend: str) -> str:
    """The version that is installed; "" where none is, or where it does not say."""
    try:
        return importlib.metadata.version(backend)
    except importlib.metadata.PackageNotFoundError:
        return ""


def how_to_get(backend: str) -> str:
    """The command that installs a backend."""
    return _GET[backend]


def require(backend: str, *, place: str = "") -> Backend:
    """A backend that can be used.

    Args:
        backend: its name.
        place: who asks for it, as `--backend`, for the error.

    Raises:
        UnusableInputError: there is none of that name, or it is not installed.
    """
    for known in BACKENDS:
        if backend == known:
            if is_installed(known):
                return known
            raise UnusableInputError(f"{known} is not installed: {how_to_get(known)}", path=place)
    hint = did_you_mean(backend, BACKENDS) or f"; there are {', '.join(BACKENDS)}"
    raise UnusableInputError(f"Keras has no backend {backend!r} that kflab trains with{hint}", path=place)


def lacks_gpu(backend: str) -> bool:
    """Whether the backend that is installed is known to be one without GPUs.

    TensorFlow's package for Linux is the same with and without; what it lacks are the libraries beside it,
    which the system may have. So nothing is known of it.
    """
    if backend == "jax":
        return not importlib.metadata.entry_points(group="jax_plugins")
    return backend == "torch" and version_of("torch").endswith("+cpu")

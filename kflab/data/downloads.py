"""The datasets that Keras downloads at first use, through `keras.datasets`."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from kflab import paths
from kflab.catalog.offers import Offer, Settings
from kflab.data import recipes
from kflab.data.arrays import Array, Progress, Raw, Samples
from kflab.errors import KflabError

if TYPE_CHECKING:
    from types import ModuleType

Loaded: TypeAlias = tuple[tuple[Array, Array], tuple[Array, Array]]
"""What `load_data` of every Keras dataset returns: training and test arrays."""

_NO_ANSWER = 20.0
_NO_START = 60.0
_LOOK_AGAIN = 0.25

# The arguments that `load_data` takes over; the others are ours.
_PASSED_ON = {
    "cifar100": ("label_mode",),
    "imdb": ("num_words", "maxlen"),
    "reuters": ("num_words", "maxlen"),
    "california_housing": ("version",),
}


class _Fetch(threading.Thread):
    """Runs a loader beside the one who waits for it, who meanwhile reports how far the download is."""

    def __init__(self, loader: Callable[[], Loaded]) -> None:
        super().__init__(daemon=True, name="download")
        self._loader = loader
        self.loaded: Loaded | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        """Load, or keep the error for the one who waits."""
        try:
            self.loaded = self._loader()
        # Keras raises bare Exception when a download fails.
        except Exception as error:  # noqa: BLE001
            self.error = error


def load_download(offer: Offer, settings: Settings, progress: Progress | None) -> Raw:
    """A dataset of Keras', from its cache or from the network.

    Args:
        offer: the dataset.
        settings: its arguments.
        progress: told how far a download is.

    Raises:
        KflabError: it is not in the cache and cannot be downloaded, or the file in the cache is damaged.
    """
    # Imported before the thread starts: an import may take a lock that the one who waits holds.
    from keras import datasets

    module: ModuleType = getattr(datasets, offer.name)
    passed = {name: settings.value(name) for name in _PASSED_ON.get(offer.name, ())}

    def load_data() -> Loaded:
        with _quiet():
            loaded: Loaded = module.load_data(**passed)
            return loaded

    folder = _folder()
    # Asked before the download creates the first file.
    cached = all((folder / file).exists() for file in offer.files)
    fetch = _Fetch(load_data)
    with _impatient():
        fetch.start()
        _wait(fetch, offer, folder, None if cached else progress)
    if fetch.loaded is None:
        raise _failure(offer, folder, fetch.error) from fetch.error
    (x_train, y_train), (x_test, y_test) = fetch.loaded
    return Raw(_samples(offer, settings, x_train, y_train), test=_samples(offer, settings, x_test, y_test))


def is_here(offer: Offer) -> bool:
    """Whether a dataset is on this machine already, so that loading it downloads nothing."""
    folder = _folder()
    return all((folder / file).exists() for file in offer.files)


def _folder() -> Path:
    """Where Keras keeps its datasets; it turns to a temporary folder where its own cannot be written."""
    own = paths.keras_datasets_dir()
    if os.access(own.parent, os.W_OK):
        return own
    temporary = Path("/tmp")
    return (temporary if temporary.is_dir() else Path(tempfile.gettempdir())) / ".keras" / "datasets"


def _wait(fetch: _Fetch, offer: Offer, folder: Path, progress: Progress | None) -> None:
    """Wait for the download, and give it up when it does not begin: a name server may never answer."""
    patience = time.monotonic() + _NO_START
    while fetch.is_alive():
        done = _size(folder, offer.files)
        if progress is not None:
            progress(offer.name, done, offer.download_bytes)
        if not done and time.monotonic() > patience:
            raise _failure(
                offer, folder, TimeoutError(f"no answer from the network in {_NO_START:g} seconds")
            )
        fetch.join(_LOOK_AGAIN)


def _failure(offer: Offer, folder: Path, error: Exception | None) -> KflabError:
    reason = " ".join(str(error).split()) or type(error).__name__
    if all((folder / file).exists() for file in offer.files):
        return KflabError(f"cannot load {offer.name} from {folder}: {reason}")
    return KflabError(
        f"cannot download {offer.name}: set data.source to {offer.instead}, which came with kflab, or copy "
        f"{' and '.join(offer.files)} to {folder}, where Keras looks for it ({reason})"
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps Keras' progress bar off the standard output; Keras remembers this for each thread."""
    from keras import config

    shown = config.is_interactive_logging_enabled()
    config.disable_interactive_logging()
    try:
        yield
    finally:
        if shown:
            config.enable_interactive_logging()


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    """Gives every new connection a time-out: Keras sets none, and would wait for a dead network for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_NO_ANSWER)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _size(folder: Path, files: tuple[str, ...]) -> int:
    """How many bytes of the files have arrived."""
    size = 0
    for file in files:
        with contextlib.suppress(OSError):
            size += (folder / file).stat().st_size
    return size


def _samples(offer: Offer, settings: Settings, x: Array, y: Array) -> Samples:
    held = offer.content(settings)
    (source,), (target,) = held.inputs, held.targets
    if x.dtype == object:
        values = (
            recipes.multi_hot(x, source.shape[0] or 0) if settings.flag("multi_hot") else _padded(x, settings)
        )
    elif len(source.shape) == 3:
        values = _channels_last(x, source.shape[-1] or 1)
    else:
        values = x
    return Samples({source.name: values}, {target.name: y.reshape(len(y)).astype(target.dtype)})


def _channels_last(images: Array, channels: int) -> Array:
    if images.ndim == 3:
        return images[..., None]
    # Keras hands out channels first where its configuration says so.
    return images if images.shape[-1] == channels else np.moveaxis(images, 1, -1)


def _padded(texts: Array, settings: Settings) -> Array:
    from keras.utils import pad_sequences

    padded: Array = pad_sequences(texts, settings.whole("length"), padding=settings.text("padding"))
    return padded

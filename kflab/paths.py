"""Where kflab keeps things; each place has an environment variable that overrides it."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

APP = "kflab"


def _place(variable: str, default: Path) -> Path:
    return Path(os.environ[variable]).expanduser() if os.environ.get(variable) else default


def runs_dir() -> Path:
    """Where run folders are made: `KFLAB_RUNS_DIR`, or `runs` in the user's data folder."""
    return _place("KFLAB_RUNS_DIR", platformdirs.user_data_path(APP) / "runs")


def config_dir() -> Path:
    """Where settings are kept: `KFLAB_CONFIG_DIR`, or the user's config folder."""
    return _place("KFLAB_CONFIG_DIR", platformdirs.user_config_path(APP))


def cache_dir() -> Path:
    """Where things that can be made again are kept: `KFLAB_CACHE_DIR`, or the user's cache folder."""
    return _place("KFLAB_CACHE_DIR", platformdirs.user_cache_path(APP))


def state_dir() -> Path:
    """Where logs are kept: `KFLAB_STATE_DIR`, or the user's state folder."""
    return _place("KFLAB_STATE_DIR", platformdirs.user_state_path(APP))


def keras_datasets_dir() -> Path:
    """Where Keras keeps the datasets it downloads: `datasets` in `KERAS_HOME` or `~/.keras`."""
    return _place("KERAS_HOME", Path.home() / ".keras") / "datasets"

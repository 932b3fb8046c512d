"""Making run folders."""

from __future__ import annotations

import getpass
import os
import platform
import re
import secrets
import socket
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import kflab
from kflab.errors import KflabError
from kflab.runs.info import EXPERIMENT, RunInfo, write_info

_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that reads like another
_SLUG_LENGTH = 32


def create(
    experiment_yaml: str,
    title: str,
    runs_dir: Path,
    *,
    seed: int | None,
    backend: str,
    source: str = "",
    device: str = "",
) -> Path:
    """Makes a run folder that only its owner can read: the experiment and `run.json`.

    Args:
        experiment_yaml: the text of the experiment, kept to the letter.
        title: what is trained, in one line; the folder is named after it.
        runs_dir: the folder of all runs; made where it is missing.
        seed: the seed to train with; None draws one, which is recorded.
        backend: the name of Keras' backend.
        source: the file that the experiment came from; relative data paths start from its folder.
        device: what it shall run on, as in `kflab.runs.devices`.

    Returns:
        The folder, called `YYYYmmdd-HHMMSS-slug-xxxx`.

    Raises:
        KflabError: the folder cannot be made.
    """
    now = time.time()
    try:
        run_dir = _make_folder(
            runs_dir, f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{slug(title)}"
        )
        _write_private(run_dir / EXPERIMENT, experiment_yaml)
        cwd = str(Path.cwd())
        write_info(
            run_dir,
            RunInfo(
                name=run_dir.name,
                title=title,
                created=now,
                kflab=kflab.__version__,
                python=platform.python_version(),
                backend=backend,
                seed=secrets.randbelow(2**32) if seed is None else seed,
                seed_drawn=seed is None,
                source=str(Path(source).resolve()) if source else "",
                cwd=cwd,
                argv=tuple(sys.argv),
                git=_git_commit(cwd),
                host=socket.gethostname(),
                user=_user(),
                device=device,
            ),
        )
    except OSError as error:
        raise KflabError(f"cannot make a run folder in {runs_dir}: {error.strerror or error}") from error
    return run_dir


def slug(title: str) -> str:
    """The title in lower-case letters, digits and hyphens, short enough for a folder's name."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if len(words) > _SLUG_LENGTH:
        words = words[: _SLUG_LENGTH + 1].rpartition("-")[0] or words[:_SLUG_LENGTH]
    return words or "run"


def _make_folder(runs_dir: Path, stem: str) -> Path:
    runs_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        run_dir = runs_dir / f"{stem}-{''.join(secrets.choice(_LETTERS) for _ in range(4))}"
        try:
            run_dir.mkdir(mode=0o700)
        except FileExistsError:
            continue
        return run_dir


def _write_private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def _git_commit(folder: str) -> str:
    command = ("git", "-C", folder, "rev-parse", "--verify", "--quiet", "HEAD")
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=2, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many containers
        return str(os.getuid())

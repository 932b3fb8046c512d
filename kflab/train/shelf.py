"""The folder of a run's snapshots: the last two, each with the files of the run that belong to it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from kflab.runs.snapshots import SNAPSHOTS, numbered
from kflab.train.snapshot_file import SUFFIX, Snapshot, remove_unfinished, sync_folder, write_snapshot

KEPT = 2
"""So many snapshots are kept: where the newest turns out to be damaged, there is the one before."""

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV, errno.ENOSYS})


@dataclass(frozen=True)
class Taken:
    """A snapshot that is not on the disk yet.

    Attributes:
        snapshot: what will be written.
        number: its number; the highest is the newest.
        files: what was put aside of the files of the run, by their path in it.
        seconds: how long the training waited for it.
        sync: files that have to be on the disk before the snapshot is.
    """

    snapshot: Snapshot
    number: int
    files: Mapping[str, Path]
    seconds: float = 0.0
    sync: tuple[Path, ...] = ()


class Shelf:
    """The snapshots of a run. Taken on the thread that trains, written on another.

    Args:
        run_dir: the run folder; no other trainer may be at work in it.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self.folder = run_dir / SNAPSHOTS
        self._useless: set[Path] = set()
        if self.folder.exists():
            remove_unfinished(self.folder)
        self._next = max((number for number, _ in numbered(run_dir)), default=0) + 1

    def newest_first(self) -> list[Path]:
        """The snapshots that are there."""
        return [path for _, path in reversed(numbered(self._run_dir))]

    def refuse(self, path: Path) -> None:
        """A snapshot turned out to be of no use: it goes as soon as there is a new one."""
        self._useless.add(path)

    def put_aside(self, snapshot: Snapshot, files: Iterable[Path], seconds: float = 0.0) -> Taken:
        """Takes files of the run as they are now: another name for each, at no cost of space.

        They must be replaced later, and not written to, as all of a run's models are.

        Raises:
            OSError: that can not be done.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)
        number, self._next = self._next, self._next + 1
        aside: dict[str, Path] = {}
        for index, path in enumerate(files):
            name = str(path.relative_to(self._run_dir))
            aside[name] = self.folder / f".aside-{number}-{index}"
            aside[name].unlink(missing_ok=True)
            _link(path, aside[name])
        about = msgspec.structs.replace(
            snapshot.about, files={name: f"{index}{Path(name).suffix}" for index, name in enumerate(aside)}
        )
        return Taken(replace(snapshot, about=about), number, aside, seconds)

    def write(self, taken: Taken) -> Path:
        """Puts a snapshot on the disk, and takes away what is older than the one before it.

        Raises:
            OSError: it can not be written; what is there stays.
        """
        about = taken.snapshot.about
        stem = f"{taken.number:06d}-{about.epoch}-{about.step}"
        named: list[Path] = []
        try:
            for path in taken.sync:
                _sync(path)
            for name, path in taken.files.items():
                ending = about.files[name]
                named.append(path.replace(self.folder / f"{stem}.{ending}"))
            path = write_snapshot(self.folder, taken.snapshot, stem)
        except BaseException:
            self.drop(taken)
            for path in named:
                path.unlink(missing_ok=True)
            raise
        self._tidy_up()
        return path

    def drop(self, taken: Taken) -> None:
        """Lets go of a snapshot that is not written."""
        for path in taken.files.values():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def put_back(self, path: Path, snapshot: Snapshot, files: Iterable[Path]) -> None:
        """Makes files of the run what they were when a snapshot was taken; others of them go.

        Raises:
            OSError: that can not be done.
        """
        stem = _stem(path)
        for file in files:
            ending = snapshot.about.files.get(str(file.relative_to(self._run_dir)))
            if ending is None:
                file.unlink(missing_ok=True)
                continue
            kept = self.folder / f"{stem}.{ending}"
            if file.exists() and file.samefile(kept):
                continue
            temporary = file.with_name(f".back-{file.name}")
            temporary.unlink(missing_ok=True)
            file.parent.mkdir(parents=True, exist_ok=True)
            _link(kept, temporary)
            temporary.replace(file)

    def is_complete(self, path: Path, snapshot: Snapshot) -> bool:
        """Whether the files are there that belong to a snapshot."""
        stem = _stem(path)
        return all((self.folder / f"{stem}.{ending}").is_file() for ending in snapshot.about.files.values())

    def make_room(self) -> None:
        """Removes all snapshots but the newest, where the disk is full."""
        self._tidy_up(1)

    def _tidy_up(self, most: int = KEPT) -> None:
        useful = [path for path in self.newest_first() if path not in self._useless]
        stems = {_stem(path) for path in useful[:most]}
        for path in self.folder.iterdir():
            # What begins with a point is at work.
            if not path.name.startswith(".") and _stem(path) not in stems:
                with contextlib.suppress(OSError):
                    path.unlink()
        with contextlib.suppress(OSError):
            sync_folder(self.folder)


def _stem(path: Path) -> str:
    """What the names of a snapshot and of its files begin with: number, epoch and step."""
    start = path.name.partition(".")[0]
    return start.rpartition("-")[0] if path.suffix == SUFFIX else start


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copyfile(source, target)


def _sync(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

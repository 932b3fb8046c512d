"""Tables: read once, small ones into memory, large ones into files of the user's cache."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from kflab.catalog.offers import Settings
from kflab.catalog.sources import remembered
from kflab.catalog.sources.columns import Column, Table
from kflab.catalog.sources.kinds import SourceKind
from kflab.catalog.sources.sketch import Style
from kflab.catalog.sources.tables import SAMPLED, WHOLE, known_head, sketched
from kflab.data.arrays import Progress
from kflab.data.readers.csv_blocks import read_csv, sample_csv
from kflab.data.readers.ingest import Ingest, Layout, OtherKindError, Stored, gather, reopened
from kflab.data.readers.json_lines import read_json_lines, sample_json_lines
from kflab.data.readers.parquet import head, read_parquet, sample_parquet
from kflab.data.readers.pieces import Block
from kflab.data.readers.store import check_space
from kflab.errors import KflabError, UnusableInputError
from kflab.experiment import Data

IN_MEMORY = 48 << 20
"""A file of more bytes is kept in files."""

_MOST_KEPT = 20 << 30
"""The bytes of tables that are kept in the cache; the oldest go first."""

_GROWS = 2
_LAYOUT = "layout"
_KINDS_TRIED = 50
_ABANDONED = 24 * 3600.0
_TRIAL = ".reading-"

_last: dict[Path, Stored] = {}


def open_table(
    path: Path,
    kind: SourceKind,
    settings: Settings,
    data: Data,
    progress: Progress | None,
    *,
    look: bool,
) -> tuple[Style, Stored]:
    """A table, all of it; or, with `look`, what is there at once: rows from all over a large one.

    Raises:
        UnusableInputError: a row cannot be read; the text names it.
        KflabError: there is no room for it.
    """
    if kind is SourceKind.PARQUET:
        known_head(path, head)
    style, sketch = sketched(path, kind, settings, data)
    folder = remembered.folder_of(path, style)
    kept = _kept(folder)
    if kept is not None:
        return style, kept
    if look and path.stat().st_size > IN_MEMORY:
        return style, _sample(path, kind, style, sketch, folder)
    if path.stat().st_size <= IN_MEMORY:
        stored = _read(path, kind, style, sketch, None, progress)
        _last.clear()
        _last[folder] = stored
        remembered.remember(folder, WHOLE, stored.table)
        return style, stored
    return style, _keep(path, kind, style, sketch, folder, progress)


def _kept(folder: Path) -> Stored | None:
    """What was read before, if it still is there."""
    if folder in _last:
        return _last[folder]
    table = remembered.recall(folder, WHOLE, Table)
    layout = remembered.recall(folder, _LAYOUT, Layout)
    if table is None or layout is None:
        return None
    try:
        stored = reopened(folder, table, layout)
    except (OSError, ValueError):
        return None
    whole = len(stored.narrow) == table.rows if layout.narrow else True
    whole = whole and (len(stored.wide) == table.rows if layout.wide else True)
    if not whole or any(len(ends) != table.rows for _, ends in stored.runs.values()):
        return None
    with contextlib.suppress(OSError):
        os.utime(folder)
    return stored


def _keep(
    path: Path, kind: SourceKind, style: Style, sketch: Table, folder: Path, progress: Progress | None
) -> Stored:
    """Read a table into files, under a name of its own until all of it is there."""
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _tidy(folder.parent, folder)
        check_space(folder.parent, path.stat().st_size * _GROWS, path.name)
        trial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=_TRIAL))
    except OSError as error:
        raise KflabError(
            f"{folder.parent}: cannot be written ({error.strerror}); a table as large as {path.name} is kept "
            "there, and KFLAB_CACHE_DIR names another folder"
        ) from None
    try:
        _read(path, kind, style, sketch, trial, progress)
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # another process was faster
            trial.rename(folder)
        kept = _kept(folder)
    except OSError as error:
        raise KflabError(f"{folder.parent}: {path.name} cannot be kept there: {error.strerror}") from None
    finally:
        shutil.rmtree(trial, ignore_errors=True)
    if kept is None:
        raise KflabError(f"{folder}: cannot be read back")
    return kept


def _read(
    path: Path, kind: SourceKind, style: Style, sketch: Table, folder: Path | None, progress: Progress | None
) -> Stored:
    """All rows; once more from the start where a column is of another kind than its first rows said."""
    columns = list(sketch.columns)
    for _ in range(_KINDS_TRIED):
        part = Path(tempfile.mkdtemp(dir=folder)) if folder is not None else None
        ingest = Ingest(path, sketch, style, columns, part)
        try:
            table, layout = gather(
                ingest, _watched(_blocks(path, kind, style, sketch, columns, progress), part)
            )
        except OtherKindError as other:
            columns = [other.column if one.name == other.column.name else one for one in columns]
            if part is not None:
                shutil.rmtree(part, ignore_errors=True)
            continue
        if not table.rows:
            raise UnusableInputError("has no rows", file=str(path))
        if folder is not None and part is not None:
            for file in part.iterdir():
                file.rename(folder / file.name)
            part.rmdir()
            (folder / f"{WHOLE}.json").write_bytes(msgspec.json.encode(table))
            (folder / f"{_LAYOUT}.json").write_bytes(msgspec.json.encode(layout))
            return reopened(folder, table, layout)
        return ingest.stored(table, layout)
    raise UnusableInputError("its columns do not keep to any kind of values", file=str(path))


def _blocks(
    path: Path,
    kind: SourceKind,
    style: Style,
    sketch: Table,
    columns: Sequence[Column],
    progress: Progress | None,
) -> Iterator[Block]:
    if kind is SourceKind.TABLE:
        return read_csv(path, sketch, style, columns, progress)
    if kind is SourceKind.PARQUET:
        return read_parquet(path, columns, progress)
    return read_json_lines(path, columns, progress)


def _watched(blocks: Iterable[Block], folder: Path | None) -> Iterator[Block]:
    """The blocks, for as long as the disk has room."""
    for count, block in enumerate(blocks):
        if folder is not None and count % 16 == 0:
            check_space(folder, 0, "the table")
        yield block


def _sample(path: Path, kind: SourceKind, style: Style, sketch: Table, folder: Path) -> Stored:
    """Rows from all over a large table."""
    columns = list(sketch.columns)
    for _ in range(_KINDS_TRIED):
        ingest = Ingest(path, sketch, style, columns, None)
        if kind is SourceKind.TABLE:
            blocks, total = sample_csv(path, sketch, style, columns)
        elif kind is SourceKind.PARQUET:
            blocks, total = sample_parquet(path, columns)
        else:
            blocks, total = sample_json_lines(path, columns)
        try:
            table, layout = gather(ingest, blocks, total)
        except OtherKindError as other:
            columns = [other.column if one.name == other.column.name else one for one in columns]
            continue
        if not table.rows:
            raise UnusableInputError("its rows do not end within a megabyte", file=str(path))
        # How many rows there are is not known to the last one.
        exact = table.total if kind is SourceKind.PARQUET else 0
        table = msgspec.structs.replace(table, total=exact, about=table.total)
        remembered.remember(folder, SAMPLED, table)
        return ingest.stored(table, layout)
    raise UnusableInputError("its columns do not keep to any kind of values", file=str(path))


def _tidy(parent: Path, but: Path) -> None:
    """Remove what was left half-read, and what was not used for longest where all take too much room."""
    found: list[tuple[float, int, Path]] = []
    with os.scandir(parent) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                continue
            folder = Path(entry.path)
            with contextlib.suppress(OSError):
                used = entry.stat().st_mtime
                if entry.name.startswith(_TRIAL) and time.time() - used > _ABANDONED:
                    shutil.rmtree(folder, ignore_errors=True)
                elif folder != but:
                    size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
                    found.append((used, size, folder))
    total = sum(size for _, size, _ in found)
    for _, size, folder in sorted(found):
        if total <= _MOST_KEPT:
            break
        shutil.rmtree(folder, ignore_errors=True)
        total -= size

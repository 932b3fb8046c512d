"""Opens data of the user's own, of whatever kind its source is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kflab.catalog import datasets
from kflab.catalog.dataset_types import ArrayInfo, TargetInfo
from kflab.catalog.sources.describe import opened
from kflab.catalog.sources.folders import count
from kflab.catalog.sources.kinds import TABLES, SourceKind
from kflab.data import files
from kflab.data.arrays import Progress, Raw
from kflab.data.beside import put_beside
from kflab.experiment import Data


def study(
    data: Data, base: Path | None = None, progress: Progress | None = None, *, look: bool = False
) -> None:
    """Read what `describe` needs to tell exactly what a source of the user's own holds.

    A table is read once and kept; the files of folders are counted. A dataset of the catalog needs nothing.

    Args:
        data: the experiment's data section.
        base: the folder that a relative path is relative to; nothing given: the current one.
        progress: told how far the reading of a large file is.
        look: a sample from all over a large table will do, which is there at once.

    Raises:
        KflabError: the source cannot be used; the text names the file, and the row where there is one.
    """
    if not data.source or datasets.find(data.source) is not None:
        return
    path = datasets.file_of(data, base)
    kind, settings = opened(path, data)
    if kind in TABLES:
        from kflab.data.readers.tables import open_table

        open_table(path, kind, settings, data, progress, look=look)
    elif kind in (SourceKind.IMAGES, SourceKind.TEXTS):
        count(path, kind)


def open_source(
    data: Data,
    wanted: Sequence[ArrayInfo | TargetInfo],
    base: Path | None = None,
    progress: Progress | None = None,
    *,
    look: bool = False,
) -> Raw:
    """The wanted arrays of a source that is no dataset of the catalog; large ones are left on the disk.

    Args:
        data: the experiment's data section.
        wanted: the arrays, as a `Matching` names them; those of several columns come put side by side.
        base: the folder that a relative path is relative to; nothing given: the current one.
        progress: told how far the reading of a large file is.
        look: a sample from all over a large table will do, which is there at once.

    Raises:
        KflabError: the source cannot be used; the text names the file, and the row where there is one.
    """
    path = datasets.file_of(data, base)
    kind, settings = opened(path, data)
    if kind in TABLES:
        from kflab.data.readers.columns import OpenedTable
        from kflab.data.readers.tables import open_table

        style, stored = open_table(path, kind, settings, data, progress, look=look)
        return OpenedTable(path, settings, data, style, stored).raw(wanted, look=look)
    inputs = [array for array in wanted if isinstance(array, ArrayInfo)]
    if kind in (SourceKind.IMAGES, SourceKind.TEXTS):
        from kflab.data.readers.folders import open_folder

        return put_beside(open_folder(path, kind, settings), inputs)
    raw = files.load_file(
        path,
        [name for array in inputs for name in array.columns or (array.name,)],
        [array.name for array in wanted if not isinstance(array, ArrayInfo)],
        settings.text("targets") if kind is SourceKind.NPY else "",
    )
    return put_beside(raw, inputs)

"""Opens data of the user's own, of whatever kind its source is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kflab.catalog import datasets
from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, TargetInfo
from kflab.data import files
from kflab.data.arrays import Progress, Raw
from kflab.experiment import Data


def open_source(
    data: Data,
    info: DatasetInfo,
    wanted: Sequence[ArrayInfo | TargetInfo],
    base: Path | None = None,
    progress: Progress | None = None,
    *,
    look: bool = False,
) -> Raw:
    """The wanted arrays of a source that is no dataset of the catalog; large ones are left on the disk.

    Args:
        data: the experiment's data section.
        info: what `describe` tells of it.
        wanted: the arrays, as a `Matching` names them; those of several columns come put side by side.
        base: the folder that a relative path is relative to; nothing given: the current one.
        progress: told how far the reading of a large file is.
        look: a sample from all over a large table will do, which is there at once.

    Raises:
        UnusableInputError: the source cannot be used; the text names the file, and the row where there is one.
    """
    return files.load_file(
        datasets.file_of(data, base),
        [array.name for array in wanted if isinstance(array, ArrayInfo)],
        [array.name for array in wanted if not isinstance(array, ArrayInfo)],
    )

"""What data of the user's own holds, told at once and without loading it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kflab.catalog.dataset_types import DatasetInfo
from kflab.catalog.entries import Argument
from kflab.catalog.files import describe_file
from kflab.catalog.offers import Settings
from kflab.catalog.sources.folders import describe_folder
from kflab.catalog.sources.kinds import TABLES, SourceKind, recognise
from kflab.catalog.sources.settings import SETTINGS, fill
from kflab.catalog.sources.tables import describe_table
from kflab.experiment import Data


def describe_source(path: Path, data: Data) -> DatasetInfo:
    """What a file or folder holds, as far as its beginning or what was found out before tells.

    Raises:
        UnusableInputError: it cannot be used, with the reason, or it does not take an argument.
    """
    kind, settings = opened(path, data)
    if kind in TABLES:
        return describe_table(path, kind, settings, data)
    if kind in (SourceKind.IMAGES, SourceKind.TEXTS):
        return describe_folder(path, kind, settings, data.source)
    targets = settings.text("targets") if kind is SourceKind.NPY else ""
    info = describe_file(path, data.source, targets)
    return msgspec.structs.replace(info, arguments=arguments_of(kind))


def opened(path: Path, data: Data) -> tuple[SourceKind, Settings]:
    """The kind of a source and its arguments, checked.

    Raises:
        UnusableInputError: it is not one that is read, or it does not take an argument.
    """
    kind = recognise(path)
    return kind, fill(kind, data.arguments)


def arguments_of(kind: SourceKind) -> tuple[Argument, ...]:
    """What can be chosen about a kind of source."""
    return tuple(setting.argument for setting in SETTINGS[kind])

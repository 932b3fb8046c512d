"""Folders of images and of texts by class, as code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kflab.catalog.dataset_types import DatasetInfo
from kflab.catalog.offers import Settings
from kflab.catalog.sources.folders import CHANNELS, IMAGE, LABEL, TEXT, classes_of, endings_of
from kflab.catalog.sources.kinds import SourceKind
from kflab.catalog.sources.settings import image_size
from kflab.code.layout import Expression, called, lines, literal, quoted
from kflab.code.objects import CodeError
from kflab.code.statements import Statements

_NUMPY = "import numpy as np"
_MODES = {"rgb": "RGB", "grayscale": "L", "rgba": "RGBA"}
_METHODS = {"area": "BOX", "lanczos3": "LANCZOS"}
_FEW = 20
_MOST_BYTES = 2 << 30
"""Images of more bytes do not go into a script that has all of them in memory."""

_SINGLE = 4
"""The bytes of a number in single precision."""


class FolderCode(Statements):
    """The statements that read a folder.

    Attributes:
        parts: the splits that it brings, by the end of their variables.
    """

    parts: tuple[str, ...] = ("",)


def folder_code(
    path: Path,
    kind: SourceKind,
    settings: Settings,
    info: DatasetInfo,
    variable: Callable[[str], str],
    shown: str,
) -> FolderCode:
    """The statements that read the samples of a folder.

    Args:
        path: the folder.
        kind: what it holds.
        settings: the arguments of the source.
        info: what is known of it.
        variable: the variable of an array, or `_` for one that is not used.
        shown: the path as the script has it.

    Raises:
        CodeError: there are more images than memory has room for.
    """
    classes = classes_of(path)
    labels = classes.labels
    if kind is SourceKind.IMAGES:
        _check_size(path, info, settings)
    code = FolderCode(imports={_NUMPY}, recipes=["files_by_class"])
    splits = {"train": "_train", "val": "_val", "test": "_test"}
    if len(classes.splits) > 1:
        code.parts = tuple(splits[split] for split in classes.splits)
    top = _folder(classes.splits["train"], path, shown)
    if len(labels) <= _FEW:
        code.lines += lines(literal(list(labels)), before="labels = ")
    else:
        code.imports.add("from pathlib import Path")
        code.lines.append(f"folders = [entry for entry in Path({quoted(top)}).iterdir() if entry.is_dir()]")
        code.lines.append('labels = sorted(one.name for one in folders if one.name[0] != ".")')
    endings = ", ".join(map(quoted, sorted(endings_of(kind))))
    code.lines.append(f"endings = ({endings})")
    samples, label = variable(IMAGE if kind is SourceKind.IMAGES else TEXT), variable(LABEL)
    for (_, folders), part in zip(classes.splits.items(), code.parts, strict=True):
        target = label if label == "_" else f"{label}{part}"
        folder = quoted(_folder(folders, path, shown))
        code.assign(f"files, {target}", called("files_by_class", [folder, "labels", "endings"]))
        if samples != "_":
            code.lines += _read(kind, settings, f"{samples}{part}", code)
    return code


def _folder(folders: tuple[Path | None, ...], path: Path, shown: str) -> str:
    """The folder that has the folders of the classes of a split."""
    parent = next(folder for folder in folders if folder is not None).parent
    return shown if parent == path else str(Path(shown) / parent.name)


def _read(kind: SourceKind, settings: Settings, target: str, code: FolderCode) -> list[str]:
    if kind is SourceKind.TEXTS:
        code.imports.add("from pathlib import Path")
        encoding = settings.text("encoding")
        decoded = f"Path(file).read_bytes().decode({quoted(encoding) if encoding != 'utf-8' else ''})"
        return [f"texts = [{decoded} for file in files]", f"{target} = np.array(texts, dtype=object)"]
    code.recipes.append("read_image")
    height, width = image_size(settings.value("image_size")) or (1, 1)
    mode, method = _MODES[settings.text("color_mode")], settings.text("interpolation")
    named: dict[str, Expression] = {"mode": quoted(mode)} if mode != "RGB" else {}
    if method != "bilinear":
        named["method"] = quoted(_METHODS.get(method, method.upper()))
    if settings.flag("crop_to_aspect_ratio"):
        named["crops"] = "True"
    given = "".join(f", {name}={value}" for name, value in named.items())
    return [
        f"images = [read_image(file, {height}, {width}{given}) for file in files]",
        f"{target} = np.stack(images)",
    ]


def _check_size(path: Path, info: DatasetInfo, settings: Settings) -> None:
    height, width = image_size(settings.value("image_size")) or (1, 1)
    each = height * width * CHANNELS[settings.text("color_mode")] * _SINGLE
    if info.is_estimate:
        raise CodeError(
            f"no code can be written yet for {path.name}, whose files were not counted so far; `kflab code` "
            "and a run count them"
        )
    if (info.train + info.test) * each > _MOST_BYTES:
        raise CodeError(
            f"no code can be written yet for the images of {path.name}, which are more than memory has room "
            "for: lower data.arguments.image_size"
        )

"""The code of a notebook as one Python source, with the cell and line that each line comes from."""

from __future__ import annotations

import ast

import msgspec

from kflab.imports import ImportRefusedError
from kflab.imports.python.reading import Source

_MAGIC = ("%", "!", "?")


def source_of_notebook(text: str, file: str = "") -> Source:
    """The code cells of a notebook, one after the other, without its commands for IPython.

    Raises:
        ImportRefusedError: it is no notebook.
    """
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ImportRefusedError(f"it is no notebook: {error}", file=file) from None
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list):
        raise ImportRefusedError("it is no notebook of version 4: it has no list of cells", file=file)
    lines: list[str] = []
    places: list[tuple[int, int]] = []
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        code = "".join(map(str, source)) if isinstance(source, list) else str(source)
        for line, written in enumerate(_python(code).splitlines(), 1):
            lines.append(written)
            places.append((number, line))

    def place(line: int) -> str:
        cell, inside = places[min(max(line, 1), len(places)) - 1] if places else (0, 0)
        return f"cell {cell}, line {inside}"

    return Source("\n".join(lines) + "\n", file, place)


def _python(code: str) -> str:
    """The Python of a cell: commands for IPython become `pass`, a cell that is none of Python is left out."""
    lines = code.splitlines()
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith("%%") and not first.startswith(("%%time", "%%capture", "%%prun")):
        return "\n".join("" for _ in lines)
    kept = [_without_magic(line) for line in lines]
    joined = "\n".join(kept)
    try:
        ast.parse(joined)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # A % at the start of a line may go on with an expression; then the cell reads better as it was.
        return joined if any(line.lstrip().startswith(_MAGIC) for line in lines) else code
    return joined


def _without_magic(line: str) -> str:
    stripped = line.lstrip()
    if stripped.startswith(_MAGIC):
        return line[: len(line) - len(stripped)] + "pass"
    return "pass" if stripped.endswith("?") and stripped.rstrip("?").replace(".", "").isidentifier() else line

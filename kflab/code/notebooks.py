"""A script as a Jupyter notebook: its title and notes as text, and one cell for each part."""

from __future__ import annotations

import json

from kflab.code.prose import cleaned
from kflab.code.scripts import Script


def to_notebook(script: Script) -> str:
    """The notebook of a script as JSON, format 4.5."""
    title = " ".join(cleaned(script.title).split())
    heading = "\n\n".join(filter(None, (title and f"# {title}", cleaned(script.notes).strip())))
    cells = [_text(heading)] if heading else []
    for section in script.sections:
        if section.title:
            cells.append(_text(f"## {section.title}"))
        cells.append(_code(section.block.text.rstrip("\n")))
    # The names of cells have to be different, and the same each time.
    named = [{"id": f"cell-{number}", **cell} for number, cell in enumerate(cells, start=1)]
    notebook = {
        "cells": named,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _text(text: str) -> dict[str, object]:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(text: str) -> dict[str, object]:
    lines = text.splitlines(keepends=True)
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": lines}

"""What a clean interpreter loads: the walls between the screen, the core and Keras."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("keras", "tensorflow", "jax", "torch", "numpy", "sklearn", "scipy", "PIL", "pyarrow")
SCREEN = ("textual", "rich")


def loaded(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join({{name.partition('.')[0] for name in sys.modules}}))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import kflab.document; kflab.document.read(__import__('kflab.presets').presets.path('digits_mlp'))",
        "import kflab.graph.edits, kflab.graph.layout, kflab.graph.history, kflab.clipboard",
        "import kflab.catalog; kflab.catalog.load()",
        "from kflab.catalog.datasets import describe, names; from kflab.experiment import Data\n"
        "[describe(Data(source=name)) for name in names()]",
        "import kflab.diagnose.check",
        "import kflab.quick_add.chains, kflab.quick_add.canonical",
        "import kflab.runs.launch, kflab.runs.history, kflab.runs.listing, kflab.runs.control",
        "import kflab.engine.client, kflab.engine.protocol",
        "import kflab.recovery; kflab.recovery.find_all(__import__('pathlib').Path())",
    ],
)
def test_the_core_loads_neither_keras_nor_a_screen(code: str) -> None:
    assert not loaded(code) & {*HEAVY, *SCREEN}


def test_what_draws_data_needs_neither_arrays_nor_a_screen() -> None:
    code = (
        "import kflab.pictures.samples, kflab.pictures.surface, kflab.pictures.placing, kflab.pictures.asking"
    )
    assert not loaded(code) & {*HEAVY, "textual"}


def test_the_lab_opens_without_keras() -> None:
    code = (
        "import asyncio\n"
        "from kflab import presets\n"
        "from kflab.tui import app\n"
        "async def main():\n"
        "    lab = app.Lab(presets.path('digits_mlp'))\n"
        "    async with lab.run_test() as pilot:\n"
        "        while type(lab.screen).__name__ != 'LabScreen':\n"
        "            await pilot.pause()\n"
        "        await pilot.press('a')\n"
        "        await pilot.press('escape', 'g')\n"
        "asyncio.run(main())"
    )
    assert not loaded(code) & set(HEAVY)


def test_a_graph_without_shapes_is_drawn_without_keras() -> None:
    code = (
        "import contextlib, io\nfrom kflab.cli import run\n"
        "with contextlib.redirect_stdout(io.StringIO()): run(['graph', 'digits_branches', '--no-shapes'])"
    )
    assert not loaded(code) & {*HEAVY, *SCREEN}


def test_a_graph_is_edited_without_keras_and_without_a_screen(tmp_path: Path) -> None:
    words = ["delete", "left", "--then", "set", "right", "filters=4", "--then", "change", "dropped", "gelu"]
    asked = ["edit", "digits_branches", *words, "-o", str(tmp_path / "mine.yaml")]
    code = (
        "import contextlib, io\nfrom kflab.cli import run\n"
        f"with contextlib.redirect_stdout(io.StringIO()): assert run({asked!r}) == 0"
    )
    assert not loaded(code) & {*HEAVY, *SCREEN}


def test_help_loads_nothing_that_it_does_not_need() -> None:
    code = (
        "import contextlib, io\nfrom kflab.cli import run\n"
        "with contextlib.redirect_stdout(io.StringIO()): run(['--help'])"
    )
    assert not loaded(code) & {*HEAVY, *SCREEN, "ruamel", "msgspec"}

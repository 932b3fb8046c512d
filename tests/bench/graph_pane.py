"""What the graph pane costs at any size: `python -m tests.bench.graph_pane`.

The pure part first, in time of the processor: rows, folds, columns and texts after an edit. Then the lab
itself with a stub engine, in time of the clock: from a key or an edit to the screen that shows it; a key that
does nothing tells what of that is the harness.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from textual.pilot import Pilot

from kflab import catalog, document
from kflab.experiment import Experiment
from kflab.graph import edits
from kflab.graph.folding import Folding, at_first, folds_of
from kflab.graph.nodes import Layer
from kflab.graph.picture import picture
from kflab.tui.app import Lab
from kflab.tui.graph_columns import GraphTexts
from kflab.tui.graph_view import GraphView
from tests.bench.edits import show
from tests.bench.graphs import residual
from tests.tui.conftest import StubEngine, lab_of, wait_for

SIZES = (175, 1000)
TIMES = 40
HEIGHT = 40


def seconds(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def edited(experiment: Experiment, name: str, filters: int) -> Experiment:
    return edits.set_argument(experiment, "", name, "filters", filters).experiment


def pure(experiment: Experiment, what: str, folding: Folding) -> None:
    """The time from an edited experiment to the text of a screen full of rows."""
    texts = GraphTexts(catalog.load())

    def drawn(after: Experiment) -> None:
        shown = picture(after, "", folding)
        texts.show(GraphView(experiment=after, picture=shown, selected=next(iter(after.model.nodes))), 62)
        for row in range(min(HEIGHT, len(shown.lines))):
            texts.row(row)

    drawn(experiment)
    draw = random.Random(1)
    layers = [name for name, node in experiment.model.nodes.items() if not node.is_input]
    convs = [
        name
        for name, node in experiment.model.nodes.items()
        if isinstance(node.target, Layer) and "filters" in node.target.arguments
    ]
    sizes = [edited(experiment, draw.choice(convs), filters=5000 + edit) for edit in range(TIMES)]
    show(f"{what}: an argument edited", [seconds(lambda a=a: drawn(a)) for a in sizes])
    relu = Layer("ReLU")
    added = [edits.add_after(experiment, "", draw.choice(layers), relu).experiment for _ in range(TIMES)]
    show(f"{what}: a layer added", [seconds(lambda a=a: drawn(a)) for a in added])
    show(
        f"{what}: of that, finding what repeats",
        [seconds(lambda a=a: folds_of(a.model)) for a in _fresh(added)],
    )


def _fresh(experiments: list[Experiment]) -> list[Experiment]:
    """The same experiments with graphs that nothing remembers: a layer more in front."""
    relu = Layer("ReLU")
    return [
        edits.add_after(after, "", list(after.model.nodes)[1 + at], relu).experiment
        for at, after in enumerate(experiments)
    ]


async def lab(experiment: Experiment, what: str) -> None:
    """The time from a key to the screen that shows it, in the lab without a terminal."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KFLAB_RUNS_DIR"] = folder
        path = Path(folder) / "graph.yaml"
        path.write_text(document.dump(experiment))
        app = Lab(path, make_engine=StubEngine)
        async with app.run_test(size=(120, HEIGHT)) as pilot:
            await wait_for(pilot, lambda: app.session and not app.session.stale)
            await pilot.press("Z")
            if lab_of(pilot).now.folding.folded:
                await pilot.press("Z")
            for key in ("f12", "down", "pagedown", "pageup"):
                times = [await timed(lambda key=key: pilot.press(key)) for _ in range(TIMES)]
                show(f"{what}: {key}", times)
            show(f"{what}: an edit to the rows", [await timed(lambda: one_edit(pilot)) for _ in range(TIMES)])
            show(f"{what}: undo", [await timed(lambda: pilot.press("u")) for _ in range(TIMES)])
            show(f"{what}: fold or unfold all", [await timed(lambda: pilot.press("Z")) for _ in range(10)])


async def one_edit(pilot: Pilot[None]) -> None:
    app = lab_of(pilot)
    session = app.now
    app.put(session.edited(edits.add_after(session.experiment, "", session.selected, Layer("ReLU"))))
    await pilot.pause()


async def timed(work: Callable[[], Awaitable[None]]) -> float:
    begin = time.perf_counter()
    await work()
    return time.perf_counter() - begin


def main() -> None:
    for size in SIZES:
        experiment = residual(size)
        pure(experiment, f"{size} nodes, open", Folding())
        pure(msgspec.structs.replace(experiment), f"{size} nodes, folded", at_first(experiment.model))
        sys.stdout.flush()
        asyncio.run(lab(experiment, f"lab, {size} nodes"))


if __name__ == "__main__":
    main()

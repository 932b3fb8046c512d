"""How long a key takes in the line that adds nodes: `python -m tests.bench.quick_add`.

Each line is typed key by key into a graph of 1,000 nodes: what it is understood as, and that with the list
and the panes of the screen drawn anew.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from kflab import catalog, document
from kflab.quick_add import understand
from kflab.tui.app import Lab
from kflab.tui.screens.lab import LabScreen
from kflab.tui.screens.quick_add import QuickAdd
from kflab.tui.widgets.line import Line
from tests.bench.graphs import residual
from tests.bench.inspection import show
from tests.tui.conftest import StubEngine

LINES = (
    "conv2d 32 3 relu same",
    "x2: conv2d 64 3x3 kernel_regularizer=l2(1e-4) nobias | bn | relu | maxpool 2 | dropout .2",
    "bi lstm 64 return_sequences merge_mode=sum | mha 8 64 +relu_14",
    "overfitting convolutoin unknwon words",
    "share relu_",
)


def understanding() -> list[float]:
    """The seconds that each key costs before anything is drawn."""
    experiment, offers = residual(1000), catalog.load()
    times = []
    for line in LINES:
        for end in range(len(line) + 1):
            begin = time.perf_counter()
            understand(line[:end], offers, experiment, rank=2)
            times.append(time.perf_counter() - begin)
    return times


async def drawing() -> list[float]:
    """The seconds from each key to the end of what it changes on the screen."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.yaml"
        document.write(residual(1000), path)
        lab = Lab(path, make_engine=StubEngine)
        async with lab.run_test(size=(120, 40)) as pilot:
            await until(lambda: isinstance(lab.screen, LabScreen) and not lab.now.stale)
            times = []
            for line in LINES:
                await pilot.press("a")
                await until(lambda: isinstance(lab.screen, QuickAdd))
                screen = lab.screen
                assert isinstance(screen, QuickAdd)
                for key in line:
                    begin = time.perf_counter()
                    screen.query_one(Line).insert_text_at_cursor(key)
                    screen.read_line()
                    screen._compositor.render_update(full=True)
                    times.append(time.perf_counter() - begin)
                    await pilot.pause()
                await pilot.press("escape")
                await until(lambda: isinstance(lab.screen, LabScreen))
            return times


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def main() -> None:
    """Measures both."""
    understand("", catalog.load(), residual(20))
    show("understood", understanding())
    show("understood and drawn", asyncio.run(drawing()))
    sys.stdout.flush()


if __name__ == "__main__":
    main()

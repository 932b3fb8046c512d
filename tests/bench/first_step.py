"""Measures the time from the key `t` to the first training step, with a trainer that waits and without.

    python tests/bench/first_step.py [--preset digits_mlp] [--runs 5] [--keys 40]

The installed lab runs in a pseudo-terminal; cold and warm starts alternate. The first step is told by the
time of the first `batch` event. With `--keys`, keys are pressed in a lab while it starts its trainer and in
one that has none, and the time until the screen answers is told.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

from kflab.runs.control import kill
from kflab.runs.listing import list_runs
from kflab.settings import change_settings


def _terminals() -> type:
    path = Path(__file__).parents[1] / "terminal" / "pseudo_terminal.py"
    spec = importlib.util.spec_from_file_location("pseudo_terminal", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pseudo_terminal"] = module
    spec.loader.exec_module(module)
    return module.PseudoTerminal


PseudoTerminal = _terminals()
KFLAB = (sys.executable, "-m", "kflab")


@contextmanager
def lab(preset: str, folder: Path, *, warm: bool) -> Iterator[object]:
    """A lab on a preset, in a home of its own; its engine is ready."""
    for name in ("CONFIG", "CACHE", "STATE", "RUNS"):
        os.environ[f"KFLAB_{name}_DIR"] = str(folder / name.lower())
    change_settings({"warm_trainer": warm})
    with PseudoTerminal([*KFLAB, "open", preset]) as terminal:
        terminal.wait_for(r"(tensorflow|jax|torch) · ", 120)
        yield terminal
        terminal.press("q")


def first_step(preset: str, folder: Path, patience: int, *, warm: bool) -> dict[str, float]:
    """Seconds from the key to each kind of event of the run, and what the waiting trainer takes of memory."""
    found: dict[str, float] = {}
    with lab(preset, folder, warm=warm) as terminal:
        if warm:
            terminal.wait_for("trainer ready", 240)
            found["memory"] = waiting_memory(terminal.pid)
        settle(patience)
        pressed = time.time()
        terminal.press("t")
        for name, moment in events_until_batch(folder / "runs", terminal):
            found.setdefault(name, moment - pressed)
        for run in list_runs(folder / "runs"):
            kill(Path(run.path))
    return found


def events_until_batch(runs: Path, terminal: object) -> Iterator[tuple[str, float]]:
    """Name and time of the events of the newest run, the first `batch` last."""
    deadline = time.monotonic() + 240
    before = {path.name for path in runs.iterdir()} if runs.exists() else set()
    seen = 0
    while time.monotonic() < deadline:
        terminal._read(0.02)  # type: ignore[attr-defined]  # the lab must not wait for its terminal
        new = [path for path in runs.glob("*/events.jsonl") if path.parent.name not in before]
        if not new:
            continue
        lines = new[0].read_bytes().split(b"\n")[:-1]
        for line in lines[seen:]:
            event = msgspec.json.decode(line)
            yield event["event"], event["time"]
            if event["event"] in {"batch", "finished"}:
                return
        seen = len(lines)
    raise SystemExit("the first step never came")


def waiting_memory(lab_pid: int) -> float:
    """Bytes that the waiting trainer has for itself."""
    for process in psutil.Process(lab_pid).children(recursive=True):
        if "--wait" in process.cmdline():
            return float(process.memory_full_info().uss)
    raise SystemExit("no trainer waits")


def settle(patience: int) -> None:
    """Waits until a processor is idle, so many seconds at most."""
    for _ in range(patience):
        if psutil.cpu_percent(1.0) * psutil.cpu_count() < 100 * (psutil.cpu_count() - 0.5):
            return


def key_latencies(preset: str, folder: Path, keys: int, *, warm: bool) -> list[float]:
    """Seconds from a key to the next thing that the lab draws, pressed while a trainer may be loading."""
    times = []
    with lab(preset, folder, warm=warm) as terminal:
        for index in range(keys):
            quiet(terminal)
            begin = time.perf_counter()
            terminal.press("right" if index % 2 == 0 else "left")
            while not terminal._read(0.5):
                pass
            times.append(time.perf_counter() - begin)
            time.sleep(0.15)
    return times


def quiet(terminal: object) -> None:
    """Waits until the lab draws nothing for a moment."""
    while terminal._read(0.05):  # type: ignore[attr-defined]
        pass


def tell(write: Callable[[str], object], name: str, found: list[dict[str, float]]) -> float:
    """Prints the medians of what was found."""
    names = list(dict.fromkeys(name for one in found for name in one if name != "memory"))
    medians = {name: statistics.median([one[name] for one in found if name in one]) for name in names}
    write(f"{name}: " + ", ".join(f"{event} {seconds:.2f}" for event, seconds in medians.items()) + " s\n")
    steps = ", ".join(f"{one['batch']:.2f}" if "batch" in one else "none" for one in found)
    write(f"  first steps: {steps}\n")
    return medians.get("batch", float("nan"))


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="digits_mlp")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--settle", type=int, default=30, help="seconds to wait for an idle machine")
    parser.add_argument("--keys", type=int, default=0)
    given = parser.parse_args()
    write = sys.stdout.write
    found: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    for _ in range(given.runs):
        for warm in (False, True):
            folder = Path(tempfile.mkdtemp(prefix="kflab-first-step-"))
            found[warm].append(first_step(given.preset, folder, given.settle, warm=warm))
    if given.runs:
        cold = tell(write, "cold", found[False])
        warm_start = tell(write, "warm", found[True])
        memory = statistics.median([one["memory"] for one in found[True]])
        write(f"{given.preset}: t to the first step {cold:.2f} s cold, {warm_start:.2f} s warm; ")
        write(f"a trainer that waits has {memory / 1e6:,.0f} MB for itself\n")
    for warm in (False, True) if given.keys else ():
        folder = Path(tempfile.mkdtemp(prefix="kflab-first-step-"))
        times = sorted(key_latencies(given.preset, folder, given.keys, warm=warm))
        write(f"keys, {'while a trainer starts' if warm else 'no trainer'}: ")
        write(f"median {statistics.median(times) * 1e3:.0f} ms, ")
        write(f"95 % {times[int(len(times) * 0.95)] * 1e3:.0f} ms, longest {times[-1] * 1e3:.0f} ms\n")


if __name__ == "__main__":
    main()

"""Trains the same models with kflab and with the script that `kflab code` writes, in turns, and compares.

    python tests/bench/training.py [--rounds 3] [--only NAME ...] [--backend tensorflow] [--folder FOLDER]
    python tests/bench/training.py --plan-parts
    python tests/bench/training.py --monitoring

The time of an epoch, validation included, is a median over all rounds and all epochs but the first, in which
steps are compiled. The script runs as it stands, with `fit` and its progress bar; with the bar switched off,
too, which the ratio is not taken from. `first step` counts from the start of the program to the end of its
first step. Memory is the most that the process had in memory. The weights are those of both programs after
the last epoch, optimizer included.

`--plan-parts` trains with parts of the plan fixed: what changes only the speed must leave the weights alone.
`--monitoring` trains with all that looks on, and without.

Ends with 1 when a bound is missed. Takes about eight minutes on two cores.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import msgspec
import numpy as np
from monitoring import BOUND, compare
from training_cases import Case, cases, make_data

WRAPPER = Path(__file__).with_name("timed_script.py")
_LOOKS = 0.2
"""Seconds between two looks at the memory of a trainer."""


@dataclass
class Measured:
    """What the rounds of one program came to.

    Attributes:
        epochs: seconds of each epoch but the first ones.
        first_epochs: seconds of the first ones.
        first_steps: seconds from the start to the end of the first step.
        peaks: bytes in memory at the most.
        weights: where each round left its model.
        plan: the plan of the last round, and the seconds that measuring it took.
    """

    epochs: list[float] = field(default_factory=list)
    first_epochs: list[float] = field(default_factory=list)
    first_steps: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    weights: list[Path] = field(default_factory=list)
    plan: str = ""

    @property
    def epoch(self) -> float:
        """The median time of an epoch."""
        return statistics.median(self.epochs)


def run_kflab(document: Path, folder: Path, backend: str, measured: Measured) -> None:
    """Train with `kflab run`."""
    runs = folder / f"runs{len(measured.weights)}-{document.stem}"
    start = time.time()
    command = [sys.executable, "-m", "kflab", "run", str(document), "--runs-dir", str(runs), "--json"]
    with (folder / "kflab.log").open("w") as log:
        process = subprocess.Popen([*command, "--backend", backend], stdout=log, stderr=subprocess.STDOUT)
        peak, status = 0, None
        while status is None:
            try:
                status = process.wait(_LOOKS)
            except subprocess.TimeoutExpired:
                peak = max(peak, _peak_of_trainer(runs))
    if status:
        raise SystemExit(f"kflab failed: {(folder / 'kflab.log').read_text()[-2000:]}")
    run = next(runs.iterdir())
    events = [msgspec.json.decode(line) for line in (run / "events.jsonl").read_bytes().splitlines()]
    seconds = [event["seconds"] for event in events if event["event"] == "epoch"]
    measured.first_epochs += seconds[:1]
    measured.epochs += seconds[1:]
    measured.first_steps.append(next(e["time"] for e in events if e["event"] == "batch") - start)
    measured.peaks.append(peak)
    measured.weights.append(run / "model.keras")
    for event in events:
        if event["event"] == "planned":
            parts = ", ".join(f"{key} {value}" for key, value in event["plan"].items())
            measured.plan = f"{parts}; measured in {event.get('seconds', 0.0):.2f} s"


def _peak_of_trainer(runs: Path) -> int:
    """The most bytes that the trainer of the run in a folder has had in memory; 0 before there is one."""
    try:
        info = msgspec.json.decode(next(runs.iterdir()).joinpath("run.json").read_bytes())
        status = Path(f"/proc/{info['process']['pid']}/status").read_text(encoding="utf-8")
    except (OSError, StopIteration, KeyError, TypeError, msgspec.DecodeError):
        return 0
    lines = (line.split() for line in status.splitlines())
    return next((int(words[1]) * 1024 for words in lines if words[0] == "VmHWM:"), 0)


def run_script(script: Path, backend: str, measured: Measured, *, silent: bool) -> None:
    """Run the script that `kflab code` wrote, as it stands but for the clock."""
    folder = script.parent
    times = folder / "times.json"
    flags = ["--silent"] if silent else []
    peak = _run([str(script), str(times), *flags], folder, backend)
    epochs = json.loads(times.read_text(encoding="utf-8"))["epochs"]
    seconds = [end - begin for begin, end in epochs]
    measured.first_epochs += seconds[:1]
    measured.epochs += seconds[1:]
    measured.peaks.append(peak)
    kept = folder / f"{script.stem}-{len(measured.weights)}{'-silent' if silent else ''}.keras"
    (folder / "model.keras").rename(kept)
    measured.weights.append(kept)
    if not silent:
        start = time.time()
        _run([str(script), str(times), "--first-step"], folder, backend)
        measured.first_steps.append(json.loads(times.read_text(encoding="utf-8"))["first_step"] - start)


def _run(arguments: list[str], folder: Path, backend: str) -> int:
    """Run the wrapper; returns the bytes that it had in memory at the most."""
    with (folder / "script.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(WRAPPER), *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "KERAS_BACKEND": backend},
        )
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the script failed: {(folder / 'script.log').read_text()[-2000:]}")
    return usage.ru_maxrss * 1024


def difference(first: Path, second: Path) -> tuple[int, float]:
    """How many arrays of two saved models differ, and by how much at the most; optimizers included."""
    one, other = _arrays(first), _arrays(second)
    if one.keys() != other.keys():
        return len(one.keys() ^ other.keys()), float("inf")
    differing = [name for name in one if one[name].tobytes() != other[name].tobytes()]
    far = [float(np.max(np.abs(one[name].astype("float64") - other[name]))) for name in differing]
    return len(differing), max(far, default=0.0)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}

    def keep(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = np.asarray(item)

    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(keep)
    return found


def equality(first: Path, second: Path) -> str:
    """Whether two saved models are equal, in words."""
    count, far = difference(first, second)
    return "equal to the last bit" if not count else f"{count} arrays differ, by {far:.2g} at the most"


def side_by_side(name: str, case: Case, folder: Path, rounds: int, backend: str) -> list[str]:
    """Train one case with each program in turns and print what came out; returns the bounds it missed."""
    document = write(case.text, folder, name)
    script = document.with_suffix(".py")
    subprocess.run(
        [sys.executable, "-m", "kflab", "code", document.name, "-o", script.name, "--force"],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    own, plain, silent = Measured(), Measured(), Measured()
    for _ in range(rounds):
        run_kflab(document, folder, backend, own)
        run_script(script, backend, plain, silent=False)
        run_script(script, backend, silent, silent=True)
    ratio = own.epoch / plain.epoch
    say(f"\n{name} ({backend}); {load()}")
    for title, one in (("kflab", own), ("script", plain), ("script, no bar", silent)):
        first = f"{statistics.median(one.first_steps):6.2f} s" if one.first_steps else "       -"
        say(
            f"  {title:15} epoch {one.epoch * 1e3:8.1f} ms ({min(one.epochs) * 1e3:.1f} to "
            f"{max(one.epochs) * 1e3:.1f}); first epoch {statistics.median(one.first_epochs):6.2f} s; "
            f"first step {first}; peak {max(one.peaks) / 1e6:6,.0f} MB"
        )
    say(f"  ratio {ratio:.3f} (at most {case.bound}); without the bar {own.epoch / silent.epoch:.3f}")
    say(f"  weights: {equality(own.weights[-1], plain.weights[-1])}; plan: {own.plan}")
    missed = [] if ratio <= case.bound else [f"{name}: ratio {ratio:.3f} is above {case.bound}"]
    if difference(own.weights[-1], plain.weights[-1])[0]:
        missed.append(f"{name}: the weights differ from those of the script")
    return missed


PARTS: tuple[tuple[str, bool], ...] = (
    ("{steps_per_execution: 1, data: memory, jit_compile: false}", True),
    ("{steps_per_execution: 8, data: memory, jit_compile: false}", True),
    ("{steps_per_execution: 32, data: memory, jit_compile: false}", True),
    ("{steps_per_execution: 1, data: device, jit_compile: false}", True),
    ("{steps_per_execution: 8, data: device, jit_compile: false}", True),
    ("{steps_per_execution: 32, data: device, jit_compile: false}", True),
    ("{data: device, jit_compile: true}", False),
)
"""Plans, and whether the weights must be those of the first of them: XLA rounds in another way."""


def plan_parts(name: str, case: Case, folder: Path, backend: str) -> list[str]:
    """Train one case under each plan and compare the weights; returns what is not as it must be."""
    say(f"\n{name} ({backend}) under fixed plans; {load()}")
    missed: list[str] = []
    first: Path | None = None
    for number, (plan, is_exact) in enumerate(PARTS):
        text = case.text.rstrip()
        assert text.endswith("}")
        document = write(f"{text[:-1]}, plan: {plan}}}\n", folder, f"{name} plan {number}")
        measured = Measured()
        run_kflab(document, folder, backend, measured)
        first = first or measured.weights[0]
        say(f"  {plan:66} {measured.epoch * 1e3:8.1f} ms; weights {equality(first, measured.weights[0])}")
        if is_exact and difference(first, measured.weights[0])[0]:
            missed.append(f"{name}: the weights change with {plan}")
    return missed


def monitored(name: str, case: Case, folder: Path, backend: str) -> list[str]:
    """Print what it costs that the run of a case is looked after; returns the bound if it is missed."""
    document = write(case.text.replace("seed: 1", "seed: 1, snapshot_seconds: 1"), folder, name)
    line, ratio = compare(document, backend)
    say(f"\n{name} ({backend}), looked after; {load()}\n  {line}")
    return [] if ratio <= BOUND else [f"{name}: looking after it costs {ratio - 1:.1%}"]


def write(text: str, folder: Path, name: str) -> Path:
    """Write a document; returns its path."""
    path = folder / f"{name.replace(', ', '_').replace(' ', '_')}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def load() -> str:
    """How busy the machine is."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Measure what was asked for; returns 1 when a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=sorted(cases()))
    parser.add_argument("--backend", default="tensorflow")
    parser.add_argument("--folder", type=Path, help="where the data are kept, to make them once")
    parser.add_argument("--share", type=float, default=1.0, help="so large a share of the samples")
    parser.add_argument("--plan-parts", action="store_true")
    parser.add_argument("--monitoring", action="store_true")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="kflab-training-"))
    folder.mkdir(parents=True, exist_ok=True)
    make_data(folder)
    missed: list[str] = []
    for name, case in cases(given.share).items():
        if given.only and name not in given.only:
            continue
        with tempfile.TemporaryDirectory(prefix="round-", dir=folder) as place:
            for file in folder.glob("*.npz"):
                Path(place, file.name).symlink_to(file.resolve())
            if given.plan_parts:
                missed += plan_parts(name, case, Path(place), given.backend)
            elif given.monitoring:
                missed += monitored(name, case, Path(place), given.backend)
            else:
                missed += side_by_side(name, case, Path(place), given.rounds, given.backend)
    for line in missed:
        say(f"MISSED {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

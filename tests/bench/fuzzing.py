"""Damaged documents and data files by the thousand: `python -m tests.bench.fuzzing [--cases 10000]`.

Each case has to end in a result or in one clear error: no other exception, no hang, no dead process, no
gigabytes, and nothing that came with a file is ever run. Cases run in a process of their own, which is
replaced when it hangs or dies; what went wrong is kept in a folder with the file that did it.
"""

from __future__ import annotations

import argparse
import collections
import json
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

import psutil

HANGS_AFTER = 60.0
"""Seconds without an answer after which a case is said to hang; the slowest starts Keras first."""

MOST_MEMORY = 6 * 2**30
"""Bytes of memory beyond which a case is said to be unbounded."""


class Fault(NamedTuple):
    """A case that ended neither in a result nor in a clear error."""

    case: int
    what: str


class Outcome(NamedTuple):
    """What became of the cases: how many ended how, and those that went wrong."""

    counts: collections.Counter[str]
    faults: list[Fault]


def fuzz(first: int, count: int, seed: int, keep: Path) -> Outcome:
    """Runs cases `first` to `first + count`; files of those that went wrong are left in `keep`."""
    counts: collections.Counter[str] = collections.Counter()
    faults: list[Fault] = []
    keep.mkdir(parents=True, exist_ok=True)
    at = first
    while at < first + count:
        at = _one_process(at, first + count, seed, keep, counts, faults)
    return Outcome(counts, faults)


def _one_process(
    at: int, end: int, seed: int, keep: Path, counts: collections.Counter[str], faults: list[Fault]
) -> int:
    """Runs cases until the process ends or has to be ended; the case to go on with."""
    folder = Path(tempfile.mkdtemp(prefix="kflab-fuzz-"))
    command = [
        sys.executable,
        "-m",
        "tests.bench.fuzzing_cases",
        str(at),
        str(end),
        str(seed),
        str(folder),
        str(keep.resolve()),
    ]
    with (keep / "output.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    answers: queue.Queue[str] = queue.Queue()
    stream = process.stdout

    def read() -> None:
        for line in stream:
            answers.put(line)
        answers.put("")

    threading.Thread(target=read, daemon=True).start()
    try:
        while at < end:
            try:
                line = answers.get(timeout=HANGS_AFTER)
            except queue.Empty:
                return _fault(at, f"no answer in {HANGS_AFTER:.0f} s", folder, keep, faults)
            if not line:
                return _fault(at, f"the process died ({process.wait()})", folder, keep, faults)
            answer = json.loads(line)
            assert answer["case"] == at, answer
            counts[answer["kind"]] += 1
            if answer["fault"]:
                # By now the process is at the next case: it has kept the files of this one itself.
                faults.append(Fault(at, answer["fault"]))
            at += 1
            if process.poll() is None and psutil.Process(process.pid).memory_info().rss > MOST_MEMORY:
                return _fault(at - 1, "took gigabytes", folder, keep, faults)
        return at
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _fault(case: int, what: str, folder: Path, keep: Path, faults: list[Fault]) -> int:
    faults.append(Fault(case, what))
    made = folder / "case"
    if made.exists():
        shutil.copytree(made, keep / str(case), dirs_exist_ok=True)
    return case + 1


def main() -> int:
    """Runs the cases and prints what became of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "kflab-fuzz-faults")
    given = parser.parse_args()
    outcome = fuzz(given.first, given.cases, given.seed, given.keep)
    lines = [f"{kind:<34} {count:>7,}" for kind, count in sorted(outcome.counts.items())]
    lines += [f"case {fault.case}: {fault.what}" for fault in outcome.faults]
    lines.append(f"{len(outcome.faults)} faults in {given.cases:,} cases; files in {given.keep}")
    sys.stdout.write("\n".join(lines) + "\n")
    return bool(outcome.faults)


if __name__ == "__main__":
    raise SystemExit(main())

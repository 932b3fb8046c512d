"""The epoch that a smoke step tells against that of the run: `python -m tests.bench.estimates [PRESET ...]`.

Each in a process of its own: `kflab cost --smoke`, then `kflab run` for a few epochs. The epoch of the run is
the median of those after the first, which compiles the model.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile

from tests.bench.memory import offline_presets

EPOCHS = 8


def command(*arguments: str) -> list[dict[str, object]]:
    """The lines of JSON that a command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "kflab", *arguments, "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{arguments}: {done.stdout.strip()[-300:]} {done.stderr.strip()[-300:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def epochs_of(preset: str, folder: str) -> list[float]:
    """Seconds of each epoch of a run."""
    settings = ("--set", f"training.epochs={EPOCHS}", "--runs-dir", folder)
    events = command("run", preset, *settings)
    return [float(str(event["seconds"])) for event in events if event.get("event") == "epoch"]


def main() -> None:
    """Compares for the presets that are asked for, or for all that need no download."""
    with tempfile.TemporaryDirectory() as folder:
        for preset in sys.argv[1:] or offline_presets():
            (found,) = command("cost", preset, "--smoke")
            smoke = found["smoke"]
            assert isinstance(smoke, dict)
            told = float(smoke["epoch_seconds"])
            real = statistics.median(epochs_of(preset, folder)[1:])
            times = f"epoch {real * 1e3:8.1f} ms  estimated {told * 1e3:8.1f} ms"
            sys.stdout.write(f"{preset:24s} {times}  {told / real - 1:+4.0%}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

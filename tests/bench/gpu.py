"""Trains on a GPU with each backend, with kflab and with the script that `kflab code` writes, in turns.

    python tests/bench/gpu.py [--backends tensorflow jax torch] [--rounds 1] [--samples 4096] [--small]

Two models: the preset `mnist_convnet` on pictures of its size, and ResNet50 in mixed precision on pictures of
the size of ImageNet's (224x224x3, whole numbers), both on random samples, since what is measured is time. For
each: the time of a step (the median epoch but for the first one, divided by its steps), the same of the
script, and how busy the GPU was, as the events of the run tell.

`--small` trains very little, to see that everything works where there is no GPU.
"""

from __future__ import annotations

import argparse
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import numpy as np
from training import Measured, run_kflab, run_script, say, write

from kflab import document, presets
from kflab.document.assign import assign

_MIXED = "mixed_bfloat16"


def convnet(folder: Path, samples: int, epochs: int) -> str:
    """The document of `mnist_convnet`, on pictures of random numbers."""
    random = np.random.default_rng(1)
    pictures = random.integers(0, 256, (samples, 28, 28, 1), dtype="uint8")
    np.savez(folder / "digits.npz", x=pictures, y=random.integers(0, 10, samples, dtype="int32"))
    experiment = document.read(presets.path("mnist_convnet"))
    changed = assign(
        experiment,
        [
            "data.source=digits.npz",
            "data.validation=0",
            "data.test=0.01",
            f"training.epochs={epochs}",
            "training.seed=1",
        ],
    )
    return document.dump(changed)


def resnet(folder: Path, samples: int, epochs: int, size: int) -> str:
    """The document of ResNet50 in mixed precision, on pictures of random numbers."""
    random = np.random.default_rng(1)
    pictures = random.integers(0, 256, (samples, size, size, 3), dtype="uint8")
    np.savez(folder / "pictures.npz", x=pictures, y=random.integers(0, 1000, samples, dtype="int32"))
    path = folder / "resnet.yaml"
    source = f"applications:ResNet50(input_shape=({size}, {size}, 3))"
    command = [sys.executable, "-m", "kflab", "import", source, "-o", str(path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    changed = assign(
        document.read(path),
        [
            "data.source=pictures.npz",
            "data.validation=0",
            "data.test=0.01",
            "training.loss=SparseCategoricalCrossentropy",
            f"training.epochs={epochs}",
            f"training.batch_size={min(128, max(2, samples // 4))}",
            f"training.dtype_policy={_MIXED}",
            "training.seed=1",
        ],
    )
    path.unlink()
    return document.dump(changed)


def utilisation(runs: Path) -> str:
    """How busy the devices of a run were on average once it trained, and their memory at the most."""
    events = [
        msgspec.json.decode(line)
        for line in (next(runs.iterdir()) / "events.jsonl").read_bytes().splitlines()
        if line
    ]
    begun = next((event["time"] for event in events if event["event"] == "epoch"), math.inf)
    seen = [device for event in events if event["event"] == "usage" for device in event.get("devices", ())]
    later = [
        device
        for event in events
        if event["event"] == "usage" and event["time"] > begun
        for device in event.get("devices", ())
    ]
    busy = [device["utilisation"] for device in later if device.get("utilisation") is not None]
    if not busy:
        return "no GPU was seen"
    memory = max(device.get("memory", 0) for device in seen)
    return f"GPU {sum(busy) / len(busy):.0f} % busy, at most {memory / 1e9:.1f} GB of its memory"


def main() -> int:
    """Measure each model with each backend."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--samples", type=int, default=4096)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    samples, epochs, size = (16, 2, 64) if given.small else (given.samples, 3, 224)
    with tempfile.TemporaryDirectory(prefix="kflab-gpu-") as place:
        folder = Path(place)
        texts = {
            "mnist_convnet": convnet(folder, 512 if given.small else 60_000, epochs),
            "ResNet50": resnet(folder, samples, epochs, size),
        }
        for name, text in texts.items():
            path = write(text, folder, name)
            steps = math.ceil(_samples(folder, path) / document.read(path).training.batch_size)
            command = [sys.executable, "-m", "kflab", "code", path.name, "-o", f"{path.stem}.py", "--force"]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            for backend in given.backends:
                own, plain = Measured(), Measured()
                for round_ in range(given.rounds):
                    run_kflab(path, folder, backend, own)
                    run_script(path.with_suffix(".py"), backend, plain, silent=True)
                    busy = utilisation(folder / f"runs{round_}-{path.stem}")
                say(
                    f"{name}, {backend}: step {own.epoch / steps * 1e3:.2f} ms, "
                    f"of the script {plain.epoch / steps * 1e3:.2f} ms, ratio {own.epoch / plain.epoch:.3f}; "
                    f"{busy}; plan: {own.plan}"
                )
                for runs in folder.glob("runs*"):
                    shutil.rmtree(runs)
    return 0


def _samples(folder: Path, path: Path) -> int:
    """The training samples of a document whose data leave a hundredth for the test."""
    with np.load(folder / document.read(path).data.source) as arrays:
        count = len(arrays["y"])
    return count - math.ceil(count * 0.01)


if __name__ == "__main__":
    sys.exit(main())

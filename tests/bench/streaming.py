"""Trains on a CSV of a gigabyte and on a folder of 50,000 images, and prints memory and time of each.

    python tests/bench/streaming.py [--folder FOLDER] [--gigabytes 1] [--images 50000]

The memory is what the system counted at the most for the training process, pages of mapped files included.
The same model on a few samples tells how much of it Keras takes without any data.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from kflab.runs.folder import create

COLUMNS = 10
CLASSES = 10

TABLE = """
data: {{source: {source}, test: 0.01, validation: 0.01{data}}}
model:
  nodes:
    features: {{Input: {{shape: [10]}}}}
    hidden: {{Dense: {{units: 32, activation: relu}}, from: features}}
    label: {{Dense: {{units: 1, activation: sigmoid}}, from: hidden}}
  outputs: [label]
training: {{loss: BinaryCrossentropy, batch_size: {batch}, epochs: 2, seed: 1}}
"""

IMAGES = """
data: {{source: {source}, arguments: {{image_size: [32, 32]}}, test: 0.01, validation: 0.01{data}}}
model:
  nodes:
    image: {{Input: {{shape: [32, 32, 3]}}}}
    maps: {{Conv2D: {{filters: 16, kernel_size: 3, activation: relu}}, from: image}}
    smaller: {{MaxPooling2D: {{pool_size: 4}}, from: maps}}
    flat: {{Flatten: {{}}, from: smaller}}
    label: {{Dense: {{units: 10, activation: softmax}}, from: flat}}
  outputs: [label]
training: {{loss: SparseCategoricalCrossentropy, batch_size: {batch}, epochs: 2, seed: 1}}
"""


def make_table(path: Path, size: int) -> Path:
    """A CSV of about `size` bytes: ten columns of numbers and a label that depends on them."""
    random = np.random.default_rng(1)
    header = ",".join([*(f"c{index}" for index in range(COLUMNS)), "label"]) + "\n"
    with path.open("w", encoding="ascii") as file:
        file.write(header)
        while file.tell() < size:
            values = random.normal(size=(20_000, COLUMNS))
            labels = (values.sum(axis=1) > 0).astype(int)
            rows = (",".join(f"{value:.6f}" for value in row) for row in values)
            block = "".join(f"{row},{label}\n" for row, label in zip(rows, labels, strict=True))
            # Making numbers takes longer than training on them.
            for _ in range(min(20, max(1, (size - file.tell()) // len(block) + 1))):
                file.write(block)
    return path


def make_images(folder: Path, count: int) -> Path:
    """A folder of `count` images of 32 by 32 pixels, in ten classes by their colour."""
    random = np.random.default_rng(1)
    for label in range(CLASSES):
        (folder / f"class{label}").mkdir(parents=True, exist_ok=True)
    for index in range(count):
        label = index % CLASSES
        pixels = random.integers(0, 120, (32, 32, 3)) + np.array([label * 13, 130 - label * 13, 60])
        image = Image.fromarray(pixels.astype("uint8"))
        image.save(folder / f"class{label}" / f"{index:06}.png", compress_level=1)
    return folder


def train(text: str, folder: Path, title: str) -> None:
    """Train an experiment in a process of its own, and print what it took."""
    run = create(text, title, folder / "runs", seed=1, backend="tensorflow", source=str(folder / "e.yaml"))
    start = time.monotonic()
    with (folder / "console.log").open("w") as console:
        process = subprocess.Popen(
            [sys.executable, "-m", "kflab.train", str(run)], stdout=console, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
    total = time.monotonic() - start
    events = [msgspec.json.decode(line) for line in (run / "events.jsonl").read_bytes().splitlines()]
    epochs = [event["seconds"] for event in events if event["event"] == "epoch"]
    prepared = next((event for event in events if event["event"] == "prepared"), {})
    if status:
        sys.stdout.write(f"{title} failed: {events[-1]}\n{(folder / 'console.log').read_text()[-2000:]}\n")
        return
    steps = max(1, prepared.get("steps", 0))
    sys.stdout.write(
        f"{title:26} {prepared.get('train_samples', 0):>10,} samples {steps:>6,} steps; "
        f"epochs {epochs[0]:6.1f} s, {epochs[-1]:6.1f} s ({epochs[-1] / steps * 1e3:5.2f} ms a step); "
        f"in all {total:6.1f} s; peak {usage.ru_maxrss / 1024:6,.0f} MB; "
        f"processor {usage.ru_utime + usage.ru_stime:6.1f} s\n"
    )
    sys.stdout.flush()


def main() -> None:
    """Make the data and train on it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--augment", action="store_true", help="augment and resize the images, too")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="kflab-streaming-"))
    folder.mkdir(parents=True, exist_ok=True)
    size = int(given.gigabytes * 1e9)
    for name, bytes_ in (("few.csv", 200_000), ("table.csv", size)):
        if not (folder / name).exists():
            make_table(folder / name, bytes_)
    for name, count in (("few", 200), ("images", given.images)):
        if not (folder / name).exists():
            make_images(folder / name, count)
    train(TABLE.format(source="few.csv", data="", batch=4096), folder, "a few rows of a table")
    train(TABLE.format(source="table.csv", data="", batch=4096), folder, f"a table of {size / 1e9:g} GB")
    standard = ", scale: standard"
    train(TABLE.format(source="table.csv", data=standard, batch=4096), folder, "the table, standardised")
    train(IMAGES.format(source="few", data="", batch=64), folder, "a few images")
    train(IMAGES.format(source="images", data="", batch=64), folder, f"{given.images:,} images")
    if given.augment:
        more = ", augment: {image: [RandomFlip, {RandomRotation: {factor: 0.1}}]}"
        train(IMAGES.format(source="images", data=more, batch=64), folder, "the images, augmented")


if __name__ == "__main__":
    main()

"""How long data of a person's own takes: a CSV of 1 GB and 50,000 images, told, read and fed in batches.

`python tests/bench/own_data.py [--gigabytes 1] [--images 50000]` makes both in a temporary folder. Each
figure comes from a process of its own, with the most memory that it took.
"""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIDE, CLASSES, BATCH, BATCHES = 32, 10, 256, 200

TASKS = ("describe", "look", "study", "open", "batches")


def make_table(path: Path, size: float) -> None:
    """A table of ten numbers, a category and a label."""
    import numpy as np

    rng = np.random.default_rng(0)
    count = 100_000
    numbers, city, label = (
        rng.normal(size=(count, 10)),
        rng.integers(4, size=count),
        rng.integers(2, size=count),
    )
    cities, labels = ("Rome", "Oslo", "Lima", "Kyiv"), ("no", "yes")
    block = "".join(
        f"{','.join(f'{value:.6f}' for value in row)},{cities[c]},{labels[n]}\n"
        for row, c, n in zip(numbers.tolist(), city, label, strict=True)
    )
    with path.open("w") as stream:
        stream.write(",".join(f"c{index}" for index in range(10)) + ",city,label\n")
        while stream.tell() < size:
            stream.write(block)


def make_images(folder: Path, count: int) -> None:
    """Small images of noise by class."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(CLASSES):
        (folder / f"class_{number}").mkdir(parents=True)
    for index in range(count):
        pixels = rng.integers(256, size=(SIDE, SIDE, 3), dtype="uint8")
        Image.fromarray(pixels).save(
            folder / f"class_{index % CLASSES}" / f"{index:06}.png", compress_level=1
        )


def work(task: str, source: str, arguments: dict[str, object]) -> None:
    """One task, whose seconds and memory are printed."""
    from kflab.experiment import Data

    data = Data(source=source, arguments=arguments)
    began = time.perf_counter()
    if task == "describe":
        from kflab.catalog.datasets import describe

        describe(data)
    else:
        import numpy as np

        from kflab.catalog.datasets import describe
        from kflab.data.sources import open_source, study

        study(data, look=task == "look")
        info = describe(data)
        if task != "study":
            raw = open_source(data, [*info.inputs, *info.targets], look=task == "look")
        if task == "batches":
            (rows,) = raw.train.inputs.values()
            order = np.random.default_rng(0).permutation(len(rows))
            began = time.perf_counter()
            for index in range(min(BATCHES, len(rows) // BATCH)):
                rows[order[index * BATCH : (index + 1) * BATCH]]
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "megabytes": peak()}))


def peak() -> float:
    """The most memory that this process took; what the one that started it took is not in it."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(task: str, source: Path, arguments: dict[str, object], cache: Path) -> str:
    """One task in a process of its own."""
    words = [
        sys.executable,
        __file__,
        "--task",
        task,
        "--source",
        str(source),
        "--arguments",
        json.dumps(arguments),
    ]
    environment = {**os.environ, "KFLAB_CACHE_DIR": str(cache)}
    answer = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)
    found = json.loads(answer.stdout)
    more = f"  {BATCHES * BATCH / found['seconds']:,.0f} samples a second" if task == "batches" else ""
    return f"{task:10} {found['seconds']:8.3f} s  {found['megabytes']:7.0f} MB{more}"


def main() -> None:
    """Makes the data, measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--task", choices=TASKS)
    parser.add_argument("--source", default="")
    parser.add_argument("--arguments", type=json.loads, default={})
    given = parser.parse_args()
    if given.task:
        work(given.task, given.source, given.arguments)
        return
    with tempfile.TemporaryDirectory(prefix="kflab-own-data-") as made:
        folder = Path(made)
        table, images = folder / "table.csv", folder / "images"
        make_table(table, given.gigabytes * 1e9)
        make_images(images, given.images)
        for name, source, arguments in (
            (f"a table of {table.stat().st_size / 1e9:.2f} GB", table, {}),
            (f"{given.images:,} images", images, {"image_size": [SIDE, SIDE]}),
        ):
            print(name)
            for task in TASKS:
                print("  " + measure(task, source, arguments, folder / "cache"))


if __name__ == "__main__":
    main()

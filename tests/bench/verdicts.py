"""Trains small models that are made to go wrong in known ways, and counts how many verdicts are right.

    python tests/bench/verdicts.py [NAME ...]

Takes about five minutes on two cores.
"""

# ruff: noqa: T201, E501 - what it prints is what it is for; a case is a line

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kflab.diagnose.verdict import verdict_of
from kflab.runs.folder import create
from kflab.train.supervise import supervise

MLP = """
kflab: 1
data: {DATA}
model:
  nodes:
    image: {Input: {shape: [8, 8, 1]}}
    flat:  {Flatten: {}, from: image}
    NODES
    digit: {Dense: {units: 10, activation: softmax}, from: hidden}
  outputs: [digit]
training: {optimizer: OPTIMIZER, loss: SparseCategoricalCrossentropy, metrics: [accuracy], batch_size: BATCH,
           epochs: EPOCHS, seed: SEED, REST}
"""

TABLE = """
kflab: 1
data: {source: FILE, validation: 0.2, REST}
model:
  nodes:
    x: {Input: {shape: [WIDTH]}}
    hidden: {Dense: {units: UNITS, activation: relu}, from: x}
    y: {HEAD, from: hidden}
  outputs: [y]
training: {optimizer: OPTIMIZER, loss: LOSS, METRICS epochs: EPOCHS, seed: SEED}
"""


class Case(NamedTuple):
    """A training and the verdict that is right.

    Attributes:
        text: its document.
        right: the codes, one of which has to come first.
        wrong: codes that must not come at all.
    """

    text: str
    right: tuple[str, ...]
    wrong: tuple[str, ...] = ()


def mlp(
    *,
    data: str = "source: digits",
    nodes: str = "hidden: {Dense: {units: 64, activation: relu}, from: flat}",
    optimizer: str = "Adam",
    epochs: int = 20,
    batch: int = 32,
    seed: int = 1,
    rest: str = "",
) -> str:
    text = MLP.replace("{DATA}", f"{{{data}}}")
    for word, value in (
        ("NODES", nodes),
        ("OPTIMIZER", optimizer),
        ("EPOCHS", str(epochs)),
        ("BATCH", str(batch)),
        ("SEED", str(seed)),
        ("REST", rest),
    ):
        text = text.replace(word, value)
    return text


def table(
    file: Path,
    width: int,
    *,
    head: str = "Dense: {units: 1}",
    loss: str = "MeanSquaredError",
    metrics: str = "",
    optimizer: str = "Adam",
    units: int = 32,
    epochs: int = 30,
    rest: str = "scale: standard",
) -> str:
    text = TABLE
    for word, value in (
        ("FILE", str(file)),
        ("WIDTH", str(width)),
        ("HEAD", head),
        ("LOSS", loss),
        ("METRICS", metrics),
        ("OPTIMIZER", optimizer),
        ("UNITS", str(units)),
        ("EPOCHS", str(epochs)),
        ("REST", rest),
        ("SEED", "1"),
    ):
        text = text.replace(word, value)
    return text


def cases(folder: Path) -> dict[str, Case]:
    """All cases, their data in a folder."""
    draw = np.random.default_rng(1)
    x = draw.normal(size=(600, 8)).astype("float32")
    y = (x[:, 0] + 0.5 * x[:, 1] ** 2).astype("float32")
    images = draw.random((600, 8, 8, 1)).astype("float32")

    def saved(name: str, **arrays: np.ndarray) -> Path:
        path = folder / f"{name}.npz"
        np.savez(path, **arrays)
        return path

    good = saved("good", x=x, y=y)
    noise = saved("noise", x=x, y=draw.normal(size=600).astype("float32"))
    coins = saved("coins", x=images, y=draw.integers(0, 10, 600).astype("int32"))
    one = saved("one", x=images, y=np.where(np.arange(600) % 15 == 0, np.arange(600) % 10, 3).astype("int32"))
    rare = saved("rare", x=x, y=(draw.random(600) < 0.05).astype("int32"))
    broken = x.copy()
    large = saved("large", x=(x * 1000 + 5000).astype("float32"), y=(y * 1e5).astype("float32"))
    positive = saved("positive", x=np.abs(broken), y=y)
    binary = "Dense: {units: 1, activation: sigmoid}"
    stopper = "callbacks: {EarlyStopping: {monitor: val_loss, patience: 6, restore_best_weights: true}}"
    big = "hidden: {Dense: {units: 512, activation: relu}, from: flat}"
    drop = "drop: {Dropout: {rate: 0.6}, from: flat}\n    hidden: {Dense: {units: 128, activation: relu}, from: drop}"
    norm = "bn: {BatchNormalization: {momentum: 0.999}, from: flat}\n    hidden: {Dense: {units: 64, activation: relu}, from: bn}"
    return {
        "good": Case(mlp(epochs=60), ("KF205",), ("KF018", "KF202", "KF206", "KF028")),
        "good and stopped early": Case(mlp(epochs=200, rest=stopper), ("KF205",), ("KF201", "KF203", "KF018")),
        "one epoch": Case(mlp(epochs=1), ("KF203", ""), ("KF018", "KF201", "KF206", "KF202")),
        "three epochs": Case(mlp(epochs=3), ("KF203",), ("KF018", "KF201", "KF206")),
        "slow": Case(mlp(optimizer="{SGD: {learning_rate: 1e-3}}", epochs=15), ("KF203",), ("KF206",)),
        "few samples": Case(mlp(data="source: digits, limit: 60, validation: 0.5", nodes=big, epochs=80), ("KF201",)),
        "random labels": Case(
            mlp(data=f"source: {coins}, validation: 0.3", nodes=big, optimizer="{Adam: {learning_rate: 5e-3}}", epochs=150),
            ("KF201",),
        ),
        "learning rate 100": Case(mlp(optimizer="{Adam: {learning_rate: 100}}"), ("KF018",)),
        "learning rate 1": Case(mlp(optimizer="{Adam: {learning_rate: 1}}"), ("KF018", "KF206")),
        "learning rate 100 with SGD": Case(mlp(optimizer="{SGD: {learning_rate: 100}}"), ("KF018", "KF017")),
        "learning rate 1e-7": Case(mlp(optimizer="{Adam: {learning_rate: 1e-7}}"), ("KF018",)),
        "frozen": Case(
            mlp(
                nodes="hidden: {Dense: {units: 64, activation: relu, kernel_initializer: zeros}, from: flat}",
            ),
            ("KF206",),
        ),
        "one class nearly everywhere": Case(mlp(data=f"source: {one}"), ("KF028", "KF206")),
        "rare class": Case(
            table(rare, 8, head=binary, loss="BinaryCrossentropy", metrics="metrics: [accuracy],", epochs=15),
            ("KF028", "KF206"),
        ),
        "small model": Case(mlp(nodes="hidden: {Dense: {units: 1, activation: relu}, from: flat}", epochs=100), ("KF202", "KF206")),
        "dropout": Case(mlp(nodes=drop, epochs=60), ("KF205", "KF203"), ("KF201", "KF202")),
        "lagging averages": Case(mlp(nodes=norm, epochs=5, batch=128), ("KF026", "KF203"), ("KF201",)),
        "regression": Case(table(good, 8, epochs=150), ("KF205",), ("KF206", "KF202", "KF018")),
        "regression on noise": Case(table(noise, 8, units=32, epochs=150), ("KF206", "KF202", "KF201")),
        "unscaled regression": Case(
            table(large, 8, optimizer="{SGD: {learning_rate: 0.01}}", rest="test: 0.2"), ("KF017",)
        ),
        "linear output of Poisson": Case(
            table(positive, 8, loss="Poisson", rest="test: 0.2"), ("KF017",)
        ),
    }  # fmt: skip


def main(names: list[str]) -> int:
    """Trains the cases and prints what was told."""
    right = total = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, case in cases(folder).items():
            if names and name not in names:
                continue
            run_dir = create(case.text, name, folder / "runs", seed=1, backend="tensorflow")
            supervise(run_dir)
            found = verdict_of(run_dir)
            codes = [finding.code for finding in found if finding.code not in {"KF035", "KF020"}]
            is_right = (codes[0] if codes else "") in case.right and not {*codes} & {*case.wrong}
            right, total = right + is_right, total + 1
            print(f"{'right' if is_right else 'WRONG'}  {name}: wanted {' or '.join(case.right)}")
            for finding in found:
                print(f"       {finding.code} {finding.message}")
    print(f"{right} of {total} right")
    return 0 if right == total else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Runs whose data is prepared, augmented, weighed or read from files as it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from kflab import document
from kflab.data.fitted import open_split
from kflab.errors import KflabError
from kflab.runs.events import End
from kflab.runs.folder import create
from kflab.runs.info import EXPERIMENT, FINAL, read_info
from kflab.train.journal import Journal
from kflab.train.run import Outcome, train

IMAGES = """
data:
  source: pictures
  arguments: {image_size: [8, 8]}
  prepare: {image: [{Rescaling: {scale: 0.0039}}], label: [to_categorical]}
  augment: {image: [RandomFlip, {RandomBrightness: {factor: 0.1, value_range: [0, 1]}}]}
model:
  nodes:
    image: {Input: {shape: [8, 8, 3]}}
    flat: {Flatten: {}, from: image}
    kind: {Dense: {units: 2, activation: softmax}, from: flat}
  outputs: [kind]
training:
  {loss: CategoricalCrossentropy, metrics: [accuracy], batch_size: 4, epochs: 2, class_weight: balanced}
"""

TICKETS = """
data: {source: tickets, arguments: {samples: 200}, augment: {tags: [{GaussianNoise: {stddev: 0.1}}]}}
model:
  nodes:
    tags: {Input: {shape: [12]}}
    hidden: {Dense: {units: 8}, from: tags}
    priority: {Dense: {units: 1, activation: sigmoid}, from: hidden}
    department: {Dense: {units: 4, activation: softmax}, from: hidden}
    features: {Dense: {units: 2}, from: hidden}
  outputs: [priority, department, features]
training:
  loss: {priority: BinaryCrossentropy, department: SparseCategoricalCrossentropy}
  class_weight: {shipping: 3}
  epochs: 1
"""


@pytest.fixture
def train_here(tmp_path: Path) -> Iterator[Callable[[str], tuple[Path, Outcome]]]:
    journals = []

    def run(text: str) -> tuple[Path, Outcome]:
        folder = create(
            text, "test", tmp_path / "runs", seed=3, backend="tensorflow", source=str(tmp_path / "e.yaml")
        )
        journals.append(Journal(folder))
        made = document.read(folder / EXPERIMENT)
        return folder, train(folder, read_info(folder), made, journals[-1])

    yield run
    for journal in journals:
        journal.close()


def pictures(folder: Path) -> None:
    random = np.random.default_rng(1)
    for name, bright in (("dark", 60), ("light", 250)):
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(20 if bright == 250 else 10):
            pixels = random.integers(0, bright, (9, 9, 3)).astype("uint8")
            Image.fromarray(pixels).save(folder / "pictures" / name / f"{number}.png")


def test_a_folder_of_images_trains_file_by_file_and_the_same_again(
    tmp_path: Path, train_here: Callable[[str], tuple[Path, Outcome]]
):
    pictures(tmp_path)
    folder, outcome = train_here(IMAGES)
    assert outcome.status is End.DONE
    assert outcome.epochs == 2
    assert outcome.test["loss"] is not None
    again, _ = train_here(IMAGES)
    weights = [keras.saving.load_model(run / FINAL).get_weights() for run in (folder, again)]
    assert all(np.array_equal(one, other) for one, other in zip(*weights, strict=True))
    test = open_split(folder, "test")
    assert test is not None
    inputs, targets = test.read(slice(None))
    assert inputs["image"].shape == (6, 8, 8, 3)
    assert inputs["image"].max() <= 1
    assert targets["kind"].shape == (6, 2)


def test_outputs_without_a_target_and_weights_for_one_of_several_outputs(
    train_here: Callable[[str], tuple[Path, Outcome]],
):
    _, outcome = train_here(TICKETS)
    assert outcome.status is End.DONE


def test_a_file_that_is_no_image_ends_the_run_with_its_name(
    tmp_path: Path, train_here: Callable[[str], tuple[Path, Outcome]]
):
    pictures(tmp_path)
    (tmp_path / "pictures" / "light" / "3.png").write_bytes(b"no image")
    with pytest.raises(KflabError, match=r"3\.png"):
        train_here(IMAGES)

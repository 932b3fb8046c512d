"""One thread computes the operations of models that are small enough for it, and of no others."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kflab import document
from kflab.train.threads import is_quicker_alone


def model(nodes: str, batch_size: int = 32) -> str:
    return f"""
kflab: 1
data: {{source: digits}}
model:
  nodes:
{nodes}
  outputs: [answer]
training: {{loss: SparseCategoricalCrossentropy, batch_size: {batch_size}}}
"""


DENSE = """
    image: {Input: {shape: [784]}}
    hidden: {Dense: {units: 128, activation: relu}, from: image}
    dropped: {Dropout: {rate: 0.2}, from: hidden}
    answer: {Dense: {units: 10, activation: softmax}, from: dropped}
"""
CONVOLUTION = """
    image: {Input: {shape: [8, 8, 1]}}
    edges: {Conv2D: {filters: 4, kernel_size: 3}, from: image}
    row: {Flatten: {}, from: edges}
    answer: {Dense: {units: 10, activation: softmax}, from: row}
"""
NORMALIZED = """
    image: {Input: {shape: [64]}}
    normal: {BatchNormalization: {}, from: image}
    answer: {Dense: {units: 10, activation: softmax}, from: normal}
"""
FLATTENED = """
    image: {Input: {shape: [8, 8, 1]}}
    row: {Flatten: {}, from: image}
    left: {Dense: {units: 32}, from: row}
    right: {share: left, from: row}
    joined: {Concatenate: {}, from: [left, right]}
    answer: {Dense: {units: 10, activation: softmax}, from: joined}
"""
SERIES = """
    steps: {Input: {shape: [200, 16]}}
    wide: {Dense: {units: 64}, from: steps}
    wider: {Dense: {units: 64}, from: wide}
    row: {Flatten: {}, from: wider}
    answer: {Dense: {units: 10, activation: softmax}, from: row}
"""
NESTED = """
    image: {Input: {shape: [64]}}
    squared: {ops.square: {}, from: image}
    answer: {Dense: {units: 10, activation: softmax}, from: squared}
"""


@pytest.mark.parametrize(
    ("nodes", "batch_size", "expected"),
    [
        (DENSE, 32, True),
        (DENSE, 128, True),
        (DENSE, 1024, False),
        (DENSE.replace("128", "2048"), 32, False),
        (FLATTENED, 32, True),
        (CONVOLUTION, 32, False),
        (NORMALIZED, 32, False),
        (SERIES, 32, False),
        (NESTED, 32, False),
    ],
)
def test_small_dense_layers_are_computed_in_one_thread(nodes: str, batch_size: int, expected: bool) -> None:
    assert is_quicker_alone(document.read_text(model(nodes, batch_size))) is expected


def test_a_model_of_unknown_width_is_not() -> None:
    assert not is_quicker_alone(document.read_text(model(DENSE.replace("[784]", "[null]"))))


@pytest.mark.slow
def test_it_holds_for_the_process_unless_something_was_computed_before() -> None:
    code = (
        "import sys, keras; from kflab import document; from kflab.train import threads\n"
        "experiment = document.read_text(sys.argv[1])\n"
        "if sys.argv[2] == 'late': keras.ops.ones(1)\n"
        "print(threads.keep_to_one_thread(experiment), threads.is_kept_to_one_thread())"
    )

    def said(when: str) -> str:
        command = [sys.executable, "-c", code, model(DENSE), when]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert said("early") == "True True"
    assert said("late") == "False False"

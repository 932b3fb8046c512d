"""What layers compute in and how sums are added up: from a document to a script, and from a script back."""

from __future__ import annotations

import pytest

from kflab import document, presets
from kflab.code import script
from kflab.experiment import Experiment
from kflab.imports.python import read

CHANGED = {"dtype_policy": "mixed_bfloat16", "deterministic": True}


def preset(**training: object) -> Experiment:
    plain = document.encode(document.read(presets.find("iris_mlp")))
    return document.decode({**plain, "training": {**plain["training"], **training}})  # type: ignore[dict-item]


def test_a_script_sets_the_policy_before_the_model_and_behind_the_data() -> None:
    text = script(preset(**CHANGED))
    policy = text.index('keras.config.set_dtype_policy("mixed_bfloat16")')
    assert text.index("train_test_split(") < policy < text.index("layers.Dense")
    assert text.index("enable_op_determinism()") < text.index("# Data")
    compile(text, "script.py", "exec")


def test_a_script_says_nothing_of_what_is_as_usual() -> None:
    text = script(preset())
    assert "dtype_policy" not in text
    assert "determinis" not in text


def test_what_a_script_sets_comes_back_from_it() -> None:
    training = read(script(preset(**CHANGED))).experiment.training
    assert (training.dtype_policy, training.deterministic) == ("mixed_bfloat16", True)


@pytest.mark.parametrize(
    "statement",
    [
        "keras.mixed_precision.set_global_policy('mixed_float16')",
        "keras.mixed_precision.set_global_policy(keras.mixed_precision.Policy('mixed_float16'))",
        "keras.config.set_dtype_policy(policy=keras.DTypePolicy('mixed_float16'))",
        "tf.keras.mixed_precision.experimental.set_policy('mixed_float16')",
    ],
)
def test_every_way_to_set_a_policy_is_understood(statement: str) -> None:
    text = f"import keras\nimport tensorflow as tf\n{statement}\ni = keras.Input((8,))\n"
    imported = read(f"{text}model = keras.Model(i, keras.layers.Dense(2)(i))\n")
    assert imported.experiment.training.dtype_policy == "mixed_float16"


def test_a_policy_that_no_document_has_is_left_out() -> None:
    text = "import keras\nkeras.config.set_dtype_policy('int8_from_float32')\ni = keras.Input((8,))\n"
    imported = read(f"{text}model = keras.Model(i, keras.layers.Dense(2)(i))\n")
    assert imported.experiment.training.dtype_policy == ""

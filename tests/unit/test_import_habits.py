"""What scripts do that people published: the habits of many authors, each in a few lines."""

from __future__ import annotations

import textwrap

import pytest

from kflab.experiment import Experiment, Spec
from kflab.graph.nodes import Layer
from kflab.imports import Imported
from kflab.imports.python import read
from kflab.values import Value


def imported(text: str, model: str = "", **define: Value) -> Imported:
    return read(textwrap.dedent(text), "script.py", model, define=define)


def layers(experiment: Experiment) -> dict[str, Layer]:
    nodes = experiment.model.nodes
    return {name: node.target for name, node in nodes.items() if isinstance(node.target, Layer)}


def notes(found: Imported) -> str:
    return "\n".join(note.text() for note in found.notes)


STACK = """
    import keras
    from keras import layers
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    model.compile("adam", "mse")
"""


def test_what_evaluate_gives_is_not_taken_for_nothing() -> None:
    found = imported(
        STACK
        + """
    score = model.evaluate(x_test, y_test)
    print("Test loss:", score[0])
    loss, accuracy = model.evaluate(x_test, y_test)
    """
    )
    assert not found.notes


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ('"/tmp/checkpoint", save_weights_only=True', "checkpoint.weights.h5"),
        ('"weights.{epoch:02d}.hdf5"', "weights.{epoch:02d}.keras"),
        (r'"C:\\runs\\best.h5"', "best.h5"),
        ('"models/best.keras"', "models/best.keras"),
    ],
)
def test_a_checkpoint_is_written_into_the_run(written: str, read_as: str) -> None:
    found = imported(
        STACK
        + f"""
    saver = keras.callbacks.ModelCheckpoint({written}, monitor="val_loss")
    model.fit(x, y, callbacks=[saver])
    """
    )
    (spec,) = found.experiment.training.callbacks
    assert spec.arguments["filepath"] == read_as
    assert ("in the folder of the run" in notes(found)) is (f'"{read_as}"' not in written)


def test_a_log_is_written_into_the_run() -> None:
    found = imported(
        STACK
        + """
    board = keras.callbacks.TensorBoard(log_dir="../logs")
    model.fit(x, y, callbacks=[board, keras.callbacks.CSVLogger("..")])
    """
    )
    assert found.experiment.training.callbacks == (
        Spec("TensorBoard", {"log_dir": "logs"}),
        Spec("CSVLogger"),
    )


def test_samples_that_do_not_fit_the_model_are_left_out() -> None:
    found = imported(
        """
        import keras
        from keras import layers
        (x, y), _ = keras.datasets.mnist.load_data()
        x = x.reshape(x.shape[0], -1, 1)
        y = keras.utils.to_categorical(y, 10)
        model = keras.Sequential([keras.Input((784, 1)), layers.LSTM(8), layers.Dense(10, "softmax")])
        model.compile("adam", "categorical_crossentropy")
        model.fit(x, y)
        """
    )
    assert not found.experiment.data.source
    assert [spec.name for spec in found.experiment.training.loss.values()] == ["CategoricalCrossentropy"]
    assert "mnist is not brought in" in notes(found)

"""What scripts do that people published: the habits of many authors, each in a few lines."""

from __future__ import annotations

import textwrap

import pytest

from kflab.experiment import Experiment, Spec
from kflab.graph.nodes import Layer
from kflab.imports import Imported, ImportRefusedError
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


def test_a_stack_takes_the_shape_of_the_samples_that_it_is_trained_on() -> None:
    found = imported(
        """
        import keras
        from keras import layers
        (x, y), _ = keras.datasets.mnist.load_data()
        x = x.reshape((60000, 28 * 28)).astype("float32") / 255
        model = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(10, activation="softmax")])
        model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy")
        model.fit(x, y, epochs=5, batch_size=128)
        """
    )
    assert layers(found.experiment)["input"].arguments == {"shape": [784]}
    assert found.experiment.data.source == "mnist"


def test_layers_as_keras_1_had_them() -> None:
    found = imported(
        """
        from keras.models import Model, Sequential
        from keras.layers import Dense, Dropout, Flatten, Input, merge
        from keras.layers.convolutional import Convolution2D, AtrousConvolution2D
        from keras.layers.normalization import BatchNormalization
        from keras.constraints import maxnorm
        from keras.regularizers import l2
        i = Input(shape=(8, 8, 3))
        half = {"border_mode": "same", "subsample": (2, 2)}
        a = Convolution2D(4, 3, 5, **half, W_constraint=maxnorm(3), name="a")(i)
        b = AtrousConvolution2D(4, 3, 5, "he_normal", atrous_rate=(2, 2), W_regularizer=l2(0.5), name="b")(i)
        a = BatchNormalization(mode=0, axis=-1)(a)
        both = merge([Flatten()(a), Flatten()(b)], mode="concat", concat_axis=1, name="both")
        o = Dense(output_dim=2, init="uniform", bias=False, name="o")(Dropout(p=0.25)(both))
        model = Model(input=i, output=o)
        model.compile("adam", "binary_crossentropy")
        model.fit(x, y, nb_epoch=7)
        """
    )
    have = layers(found.experiment)
    assert have["a"] == Layer(
        "Conv2D",
        {
            "filters": 4,
            "kernel_size": [3, 5],
            "strides": [2, 2],
            "padding": "same",
            "kernel_constraint": {"MaxNorm": {"max_value": 3}},
        },
    )
    assert have["b"] == Layer(
        "Conv2D",
        {
            "filters": 4,
            "kernel_size": [3, 5],
            "dilation_rate": [2, 2],
            "kernel_initializer": "he_normal",
            "kernel_regularizer": {"L2": {"l2": 0.5}},
        },
    )
    assert have["both"] == Layer("Concatenate", {"axis": 1})
    assert have["dropout"] == Layer("Dropout", {"rate": 0.25})
    assert have["o"].arguments == {"units": 2, "use_bias": False, "kernel_initializer": "uniform"}
    assert found.experiment.training.epochs == 7
    assert notes(found).count("Keras 1") == 1


def test_three_numbers_are_strides_where_no_keras_1_is() -> None:
    found = imported(
        """
        from tensorflow.keras import Sequential, layers
        model = Sequential([layers.Input((9, 9, 1)), layers.Convolution2D(4, 3, 3), layers.Conv2D(4, 2, 2)])
        """
    )
    have = layers(found.experiment)
    assert have["conv2d"].arguments == {"filters": 4, "kernel_size": 3, "strides": 3}
    assert have["conv2d_1"].arguments == {"filters": 4, "kernel_size": 2, "strides": 2}
    assert not found.notes


def test_pictures_whose_channels_come_first() -> None:
    found = imported(
        """
        from keras import backend as K
        from keras.models import Sequential
        from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D
        K.set_image_dim_ordering("th")
        shape = (1, 28, 28) if K.image_data_format() == "channels_first" else (28, 28, 1)
        model = Sequential([Conv2D(4, 3, input_shape=shape), MaxPooling2D(), Flatten(), Dense(2)])
        """
    )
    have = layers(found.experiment)
    assert have["input"].arguments == {"shape": [1, 28, 28]}
    assert have["conv2d"].arguments["data_format"] == "channels_first"
    assert have["max_pooling2d"].arguments == {"data_format": "channels_first"}
    assert have["dense"].arguments == {"units": 2}


def test_an_input_layer_begins_a_stack() -> None:
    found = imported(
        """
        from tensorflow import keras
        model = keras.models.Sequential()
        model.add(keras.layers.InputLayer(input_shape=[None, 1]))
        model.add(keras.layers.Conv1D(20, 2, padding="causal"))
        """
    )
    assert layers(found.experiment)["input"].arguments == {"shape": [None, 1]}


BUILDER = """
    from keras.models import Sequential
    from keras.layers import Dense
    class Net:
        @staticmethod
        def build(width, classes):
            model = Sequential()
            model.add(Dense(classes, input_shape=(width,)))
            return model
"""


def test_a_class_that_nobody_uses_builds_its_model() -> None:
    found = imported(BUILDER, width=8, classes=3)
    assert layers(found.experiment)["dense"].arguments == {"units": 3}
    assert "Net.build() returns" in notes(found)
    assert imported(BUILDER, "Net.build", width=8, classes=3).experiment == found.experiment
    with pytest.raises(ImportRefusedError, match="--define width="):
        imported(BUILDER)


def test_an_object_keeps_the_model_that_it_makes() -> None:
    found = imported(
        """
        import keras
        from somewhere import Base
        class Net(Base):
            def __init__(self, name, size=4):
                super().__init__(name)
                self.size = size
            def make(self):
                i = keras.Input((self.size,))
                self.model = keras.Model(i, keras.layers.Dense(2)(i))
        """
    )
    assert layers(found.experiment)["input"].arguments == {"shape": [4]}


def test_an_initializer_of_the_file_has_its_default() -> None:
    found = imported(
        """
        import keras, numpy as np
        def small(shape, dtype=None):
            return np.random.normal(0, 0.01, shape)
        i = keras.Input((4,))
        model = keras.Model(i, keras.layers.Dense(2, kernel_initializer=small, name="d")(i))
        """
    )
    assert layers(found.experiment)["d"].arguments == {"units": 2}
    assert "small" in notes(found)


def test_what_is_imported_in_one_of_two_ways_is_known() -> None:
    found = imported(
        """
        import versions
        if versions.tensorflow() == 1:
            from keras.layers import Dense, Input
            from keras.models import Model
        else:
            from tensorflow.keras.layers import Dense, Input
            from tensorflow.keras.models import Model
        def net():
            i = Input((4,))
            model = Model(i, Dense(2)(i))
            return versions.with_weights(model)
        """
    )
    assert layers(found.experiment)["dense"].arguments == {"units": 2}
    assert "what net() does with the model" in notes(found)


FORECAST = """
    import numpy as np, pandas as pd
    from keras.models import Sequential
    from keras.layers import Dense, LSTM
    table = pd.read_csv("prices.csv")
    X = []
    for i in range(60, 1258):
        X.append(table[i - 60:i, 0])
    X = np.array(X)
    steps = X.shape[2]
    model = Sequential()
"""


def test_a_recurrent_layer_takes_sequences_of_any_length() -> None:
    found = imported(FORECAST + "    model.add(LSTM(units=5, input_shape=(X.shape[1], 1)))\n")
    assert layers(found.experiment)["input"].arguments == {"shape": [None, 1]}
    assert "X.shape[1], is not known; any is taken" in notes(found)


def test_a_size_of_data_is_asked_for_not_the_data() -> None:
    text = FORECAST + "    model.add(Dense(units=X.shape[1], input_shape=(steps,)))\n"
    with pytest.raises(ImportRefusedError, match="--define steps=") as caught:
        imported(text)
    assert "prices.csv" not in str(caught.value)
    with pytest.raises(ImportRefusedError, match=r"--define 'X\.shape\[1\]'="):
        imported(text, steps=3)
    found = read(textwrap.dedent(text), define={"X.shape[1]": 4, "steps": 3})
    assert layers(found.experiment)["dense"].arguments == {"units": 4}


def test_an_embedding_takes_sequences_of_any_length() -> None:
    text = """
        import keras
        from keras import layers
        model = keras.Sequential([layers.Embedding(50, 4), layers.LSTM(8), layers.Dense(1)])
    """
    assert layers(imported(text).experiment)["input"].arguments == {"shape": [None]}
    assert layers(imported(text, input_shape=[20]).experiment)["input"].arguments == {"shape": [20]}


def test_a_model_of_a_class_is_what_lies_between_its_input_and_what_it_returns() -> None:
    found = imported(
        """
        import keras
        from keras import layers
        class Net(keras.Model):
            def __init__(self):
                super().__init__()
                self.users, self.films = layers.Embedding(9, 4), layers.Embedding(7, 4)
            def call(self, inputs):
                pair = layers.Dot(axes=1)([self.users(inputs[:, 0]), self.films(inputs[:, 1])])
                return keras.ops.sigmoid(pair)
        inputs = layers.Input(shape=(2,))
        model = Net()
        outputs = model(inputs)
        model.compile(loss="binary_crossentropy", optimizer="adam")
        model.fit(x, y, epochs=3)
        """
    )
    assert layers(found.experiment)["inputs"].arguments == {"shape": [2]}
    assert found.experiment.training.epochs == 3


def test_what_six_moves_is_known() -> None:
    found = imported(
        """
        from six.moves import range
        import keras
        i = x = keras.Input((4,))
        for _ in range(3):
            x = keras.layers.Dense(4)(x)
        model = keras.Model(i, x)
        """
    )
    assert len(found.experiment.model.nodes) == 4


def test_a_model_from_a_file_is_that_files_to_bring_in() -> None:
    with pytest.raises(ImportRefusedError, match="load_model reads a model that is not in this file"):
        imported(
            """
            import keras
            base = keras.models.load_model("base.h5")
            model = keras.Model(base.input, keras.layers.Dense(2)(base.layers[-2].output))
            """
        )


def test_why_the_model_of_a_class_cannot_be_read() -> None:
    with pytest.raises(ImportRefusedError, match="--define count=") as caught:
        imported(
            """
            import keras, pandas
            count = len(pandas.read_csv("users.csv"))
            class Net(keras.Model):
                def __init__(self, count):
                    super().__init__()
                    self.users = keras.layers.Embedding(count, 4)
                def call(self, inputs):
                    return self.users(inputs)
            model = Net(count)
            outputs = model(keras.Input((2,)))
            model.compile("adam", "mse")
            """
        )
    assert "input_shape" not in str(caught.value)


def test_an_embedding_that_is_scaled_to_length_one() -> None:
    text = """
        from keras.layers import Dense, Input, Lambda
        from keras.models import Model
        from keras import backend as K
        i = Input((8,))
        model = Model(i, Lambda(lambda x: K.l2_normalize(x{}))(Dense(4)(i)))
    """
    assert "ops.normalize" in str(imported(text.format(", axis=1")).experiment.model.nodes)
    with pytest.raises(ImportRefusedError, match="all samples of a batch"):
        imported(text.format(""))


def test_a_model_of_a_class_may_take_several_inputs() -> None:
    text = """
        import keras
        class Net(keras.Model):
            def __init__(self):
                super().__init__()
                self.both = keras.layers.Concatenate()
            def call(self, inputs):
                users, films = inputs
                return self.both([users, films])
        model = Net()
        model.compile("adam", "mse")
    """
    found = imported(text, input_shape=[[3], [5]])
    shapes = [layer.arguments for layer in layers(found.experiment).values() if layer.layer == "Input"]
    assert shapes == [{"shape": [3]}, {"shape": [5]}]
    with pytest.raises(ImportRefusedError, match="input_shape"):
        imported(text)

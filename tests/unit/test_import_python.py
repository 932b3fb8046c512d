"""A Python file is read as an experiment: what comes in, what is told and refused, and that nothing hangs."""

from __future__ import annotations

import ast
import contextlib
import json
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kflab import catalog, document, presets
from kflab.catalog import Kind
from kflab.code import script
from kflab.errors import UnusableInputError
from kflab.experiment import Experiment, Spec
from kflab.graph.nodes import Call, Layer, Node, Op, Share
from kflab.imports import Imported, ImportRefusedError
from kflab.imports.python import TensorSpec, read, read_notebook
from kflab.imports.python.arguments import ArgumentReader
from tests.keras.python_scripts import SCRIPTS


def refused(text: str, **options: object) -> str:
    with pytest.raises(ImportRefusedError) as caught:
        read(text, "model.py", **options)  # type: ignore[arg-type]
    return str(caught.value)


HEAD = "import keras\nfrom keras import layers, ops\ni = keras.Input((8,))\n"


def nodes_of(body: str, **options: object) -> dict[str, object]:
    """The nodes of a model from `i` to `o`."""
    imported = read(f"{HEAD}{body}\nmodel = keras.Model(i, o)\n", **options)  # type: ignore[arg-type]
    return dict(imported.experiment.model.nodes)


class TestNames:
    def test_given_names_come_first_then_variables_then_those_that_keras_gives(self) -> None:
        nodes = nodes_of(
            """
hidden = layers.Dense(4)
x = hidden(i)
x = layers.Dense(4, name="given")(x)
x = layers.Dense(4)(x)
o = layers.Dense(4)(x)
scores = o
"""
        )
        assert list(nodes) == ["input", "hidden", "given", "dense", "dense_1"]

    def test_a_name_that_no_document_can_have_is_changed(self) -> None:
        assert list(nodes_of('o = layers.Dense(4, name="a/b c")(i)')) == ["input", "a_b_c"]

    def test_a_layer_that_is_called_twice_is_shared(self) -> None:
        nodes = nodes_of("d = layers.Dense(8, name='d')\no = d(d(i))")
        assert [node.target for node in nodes.values()][1:] == [Layer("Dense", {"units": 8}), Share("d")]


class TestArguments:
    def test_only_what_differs_from_the_default_is_kept(self) -> None:
        nodes = nodes_of(
            "o = layers.Dense(3, 'linear', True, kernel_initializer=keras.initializers.GlorotUniform(), "
            "bias_initializer='zeros', kernel_regularizer=None, "
            "activity_regularizer=keras.regularizers.l2(0.1))(i)"
        )
        assert nodes["dense"].target == Layer(
            "Dense", {"units": 3, "activity_regularizer": {"L2": {"l2": 0.1}}}
        )

    def test_numbers_that_were_worked_out_as_floats_are_whole(self) -> None:
        nodes = nodes_of("o = layers.Dense(8 / 2)(i)")
        assert nodes["dense"].target == Layer("Dense", {"units": 4})

    def test_older_names_of_arguments_are_understood(self) -> None:
        nodes = nodes_of("o = layers.LeakyReLU(alpha=0.1)(i)")
        assert nodes["leaky_re_lu"].target == Layer("LeakyReLU", {"negative_slope": 0.1})

    def test_an_argument_that_a_layer_does_not_have_is_refused_with_its_line(self) -> None:
        said = refused(f"{HEAD}o = layers.Dense(4, unitz=3)(i)\nmodel = keras.Model(i, o)")
        assert "line 4" in said
        assert "'unitz'" in said
        assert "did you mean units?" in said


class TestCommandLine:
    SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("-u", "--hidden-units", type=int, default=4)
parser.add_argument("--big", action="store_true")
parser.add_argument("width", type=int)
args = parser.parse_args()
o = layers.Dense(args.hidden_units * (2 if args.big else 1) {more})(i)
"""

    def test_arguments_of_a_script_have_their_defaults(self) -> None:
        nodes = nodes_of(self.SCRIPT.format(more=""))
        assert nodes["dense"].target == Layer("Dense", {"units": 4})

    def test_one_that_has_to_be_given_is_told(self) -> None:
        said = refused(f"{HEAD}{self.SCRIPT.format(more='* args.width')}\nmodel = keras.Model(i, o)")
        assert "args.width is told on the command line; give it with --define 'args.width'=" in said
        nodes = nodes_of(self.SCRIPT.format(more="* args.width"), define={"args.width": 3})
        assert nodes["dense"].target == Layer("Dense", {"units": 12})


class TestTensors:
    def test_operators_and_slices_are_operations(self) -> None:
        nodes = nodes_of("o = (2 * i[:, 1:] - 1) ** 2")
        assert [node.target for node in nodes.values()][1:] == [
            Op("ops.get_item", {"key": ":, 1:"}),
            Op("ops.multiply", {"x1": 2}),
            Op("ops.subtract", {"x2": 1}),
            Op("ops.power", {"x2": 2}),
        ]

    def test_functions_of_tensorflow_are_those_of_keras_ops(self) -> None:
        nodes = nodes_of(
            "import tensorflow as tf\no = tf.reduce_mean(tf.concat([i, tf.nn.relu(i)], axis=-1), axis=1)"
        )
        assert [node.target for node in nodes.values()][1:] == [
            Op("ops.relu"),
            Op("ops.concatenate", {"axis": -1}),
            Op("ops.mean", {"axis": 1}),
        ]

    def test_a_lambda_layer_is_what_its_function_does(self) -> None:
        nodes = nodes_of("o = layers.Lambda(lambda t: t * 2)(i)")
        assert nodes["multiply"].target == Op("ops.multiply", {"x2": 2})

    def test_states_are_outputs_of_their_layer(self) -> None:
        text = """
import keras
i = keras.Input((5, 3))
seq, h, c = keras.layers.LSTM(4, return_sequences=True, return_state=True, name="first")(i)
o = keras.layers.LSTM(4)(seq, initial_state=[h, c])
model = keras.Model(i, o)
"""
        node = read(text).experiment.model.nodes["lstm"]
        assert node.inputs == ("first",)
        assert node.named == {"initial_state": ("first:1", "first:2")}

    def test_who_can_tell_shapes_is_asked_where_the_file_works_with_them(self) -> None:
        asked = []

        def specs_of(experiment: object, node: str) -> list[TensorSpec]:
            asked.append(node)
            return [TensorSpec((None, 16), "float32")]

        nodes = nodes_of(
            "x = layers.Dense(16)(i)\no = layers.Dense(x.shape[-1] // i.shape[-1])(x)", specs_of=specs_of
        )
        assert nodes["dense_1"].target == Layer("Dense", {"units": 2})
        assert asked == ["dense"]

    def test_without_one_the_shape_is_told_to_be_missing(self) -> None:
        said = refused(f"{HEAD}x = layers.Dense(16)(i)\nmodel = keras.Model(i, layers.Dense(x.shape[1])(x))")
        assert "line 5: x.shape is a shape that Keras works out; give it with --define 'x.shape'=" in said


class TestModels:
    def test_a_nested_model_is_called_and_stands_by_itself(self) -> None:
        text = f"""{HEAD}
encoder = keras.Sequential([keras.Input((8,)), layers.Dense(2)], name="encoder")
other = keras.Input((8,), name="other")
model = keras.Model([i, other], layers.add([encoder(i), encoder(other)]), name="two")
"""
        experiment = read(text).experiment
        assert experiment.model.name == "two"
        assert [node.target for node in experiment.model.nodes.values() if isinstance(node.target, Call)] == [
            Call("encoder")
        ] * 2
        assert list(experiment.models) == ["encoder"]

    def test_frozen_layers_and_models(self) -> None:
        text = f"""{HEAD}
base = keras.Sequential([layers.Dense(4, name="a"), layers.Dense(4, name="b")], name="base")
base.get_layer("a").trainable = False
base.trainable = False
model = keras.Model(i, base(i))
"""
        graph = read(text).experiment.models["base"]
        assert not graph.trainable
        assert graph.nodes["a"].target == Layer("Dense", {"units": 4, "trainable": False})

    def test_the_order_of_the_inputs_is_kept(self) -> None:
        text = f"{HEAD}j = keras.Input((8,), name='j')\nmodel = keras.Model([j, i], layers.add([i, j]))"
        assert read(text).experiment.model.inputs == ("j", "input")

    def test_the_trained_model_is_meant_unless_another_is_named(self) -> None:
        text = f"""{HEAD}
first = keras.Model(i, layers.Dense(1)(i), name="one")
first.compile(loss="mse")
second = keras.Model(i, layers.Dense(2)(i), name="two")
"""
        assert read(text).experiment.model.name == "one"
        assert read(text, model="second").experiment.model.name == "two"
        assert "there is no model 'third'" in refused(text, model="third")

    def test_a_function_is_called_with_what_is_known(self) -> None:
        text = """
from keras import layers, Model, Input
NUM_CLASSES = 7
def head(x, n): return layers.Dense(n)(x)
def build(input_shape, num_classes, units=4):
    i = Input(input_shape)
    return Model(i, head(layers.Dense(units)(i), num_classes))
"""
        said = refused(text)
        assert "input_shape of build has no value; give it with --define input_shape=" in said
        assert "num_classes" not in said
        nodes = read(text, define={"input_shape": (3,)}).experiment.model.nodes
        assert [node.target.arguments for node in nodes.values()] == [
            {"shape": [3]},
            {"units": 4},
            {"units": 7},
        ]

    def test_a_cell_without_a_model_is_what_lies_between_inputs_and_last_layers(self) -> None:
        imported = read(f"{HEAD}x = layers.Dense(4)(i)\nlayers.Dense(2)(x)\nlayers.Dense(3)(x)")
        assert imported.experiment.model.outputs == ("dense_1", "dense_2")
        assert "no Model is made" in imported.notes[0].message

    def test_a_distributed_model_is_its_layers_distributed(self) -> None:
        text = """
import keras
from keras.layers import *
frames = keras.Input((5, 8, 8, 1))
cnn = keras.Sequential([Conv2D(2, 3), Flatten()])
model = keras.Model(frames, LSTM(3)(TimeDistributed(cnn)(frames)))
"""
        nodes = read(text).experiment.model.nodes
        assert [node.target for node in nodes.values()][1:3] == [
            Layer("TimeDistributed", {"layer": {"Conv2D": {"filters": 2, "kernel_size": 3}}}),
            Layer("TimeDistributed", {"layer": "Flatten"}),
        ]


class TestTraining:
    MNIST = '''"""
Title: Simple MNIST convnet
Author: somebody
"""
import numpy as np
import keras
from keras import layers

keras.utils.set_random_seed(7)
num_classes = 10
input_shape = (28, 28, 1)
(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = x_train.astype("float32") / 255
x_train = np.expand_dims(x_train, -1)
y_train = keras.utils.to_categorical(y_train, num_classes)
model = keras.Sequential([
    keras.Input(shape=x_train.shape[1:]),
    layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
    layers.Flatten(),
    layers.Dense(y_train.shape[1], activation="softmax"),
])
model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.Adam(lr=1e-2), metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=128, epochs=15, validation_split=0.2,
          callbacks=[keras.callbacks.EarlyStopping(patience=2), MyCallback()])
'''

    def test_how_the_model_is_trained_and_on_what(self) -> None:
        imported = read(self.MNIST)
        experiment = imported.experiment
        assert experiment.title == "Simple MNIST convnet"
        assert experiment.data.source == "mnist"
        assert experiment.data.validation == 0.2
        assert experiment.data.scale is None
        assert experiment.model.nodes["input"].target == Layer("Input", {"shape": [28, 28, 1]})
        training = experiment.training
        assert training.optimizer == Spec("Adam", {"learning_rate": 1e-2})
        assert training.loss == {"": Spec("SparseCategoricalCrossentropy")}
        assert training.metrics == {"": (Spec("accuracy"),)}
        assert training.callbacks == (Spec("EarlyStopping", {"patience": 2}),)
        assert (training.batch_size, training.epochs, training.seed) == (128, 15, 7)
        said = [note.message for note in imported.notes]
        assert [
            "MyCallback" in " ".join(said),
            "to_categorical is not needed" in " ".join(said),
        ] == [True, True]
        assert len(said) == 2

    def test_samples_that_the_file_does_not_scale_are_not_scaled(self) -> None:
        text = self.MNIST.replace(" / 255", "")
        assert read(text).experiment.data.scale == 1.0

    def test_an_autoencoder_is_held_against_its_input(self) -> None:
        text = self.MNIST.replace("model.fit(x_train, y_train", "model.fit(x_train, x_train")
        assert read(text).experiment.data.targets == {"dense": "image"}

    def test_what_each_output_is_trained_by(self) -> None:
        text = f"""{HEAD}
model = keras.Model(i, {{"a": layers.Dense(1)(i), "b": layers.Dense(2, name="bee")(i)}})
losses = {{"a": "mse", "b": keras.losses.Huber(0.5)}}
model.compile("sgd", loss=losses, loss_weights={{"b": 2}}, metrics={{"a": ["mae"]}})
"""
        experiment = read(text).experiment
        assert experiment.model.outputs == ("a", "bee")
        assert experiment.training.loss == {
            "a": Spec("MeanSquaredError"),
            "bee": Spec("Huber", {"delta": 0.5}),
        }
        assert experiment.training.loss_weights == {"bee": 2.0}
        assert experiment.training.metrics == {"a": (Spec("mae"),)}

    def test_a_loss_that_is_code_is_told_and_left_out(self) -> None:
        model = "model = keras.Model(i, layers.Dense(1)(i))\nmodel.compile(loss=loss)"
        text = f"{HEAD}def loss(y, p): return p\n{model}"
        imported = read(text)
        assert imported.experiment.training.loss == {}
        assert [note.message for note in imported.notes] == [
            "the loss is loss, code of the file; it is left out"
        ]


class TestRefusals:
    def test_everything_in_the_way_is_listed_with_its_line(self) -> None:
        said = refused(
            f"""{HEAD}
import numpy as np
class Mine(layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=shape)
    def call(self, x):
        return x * self.w
x = Mine()(i)
x = layers.Dense(len(vocabulary))(x)
y = layers.Dense(4, activation=lambda t: t)(i)
z = helper.attention(i)
model = keras.Model(i, [x, y, z])
"""
        )
        assert "model.py: the model cannot be brought in" in said
        assert "line 8: Mine (line 6) has weights of its own, which no layer of Keras has" in said
        assert "line 12: len(vocabulary) depends on data that is not read; give it with --define" in said
        assert "line 13: layers.Dense(4, activation=lambda t: t) gives Dense a lambda as activation" in said
        assert "line 14: helper is not set in this file" in said

    def test_what_the_model_does_not_need_is_no_obstacle(self) -> None:
        nodes = nodes_of(
            "import cv2\nimages = cv2.imread(path)[0]\nfor f in images: print(f.shape)\n"
            "o = layers.Dense(2)(i)"
        )
        assert list(nodes) == ["input", "dense"]

    def test_a_branch_that_is_not_known_leaves_what_it_sets_unknown(self) -> None:
        body = "if flags.big:\n    n = 8\nelse:\n    n = 4\no = layers.Dense(n)(i)"
        assert "line 4: flags is not set in this file" in refused(f"{HEAD}{body}\nmodel = keras.Model(i, o)")
        assert nodes_of(body, define={"flags.big": True})["dense"].target == Layer("Dense", {"units": 8})
        assert nodes_of(body, define={"n": 2})["dense"].target == Layer("Dense", {"units": 2})

    def test_a_layer_added_under_a_condition_that_is_not_known_spoils_the_stack(self) -> None:
        said = refused(
            "import keras\nm = keras.Sequential([keras.Input((2,))])\nif x > 1: m.add(keras.layers.Dense(1))"
        )
        assert "line 3: x is not set" in said

    def test_a_loop_that_trains_is_left_when_nobody_knows_for_how_long_it_goes_on(self) -> None:
        nodes = nodes_of(
            """
o = layers.Dense(2)(i)
while True:
    state = env.step()
    for n in range(10**6):
        loss = train(state, n)
        if loss < 0.1:
            break
    if solved(state):
        break
for epoch in range(10**6):
    print(epoch)
"""
        )
        assert list(nodes) == ["input", "dense"]

    def test_what_such_a_loop_makes_is_not_known(self) -> None:
        said = refused(
            f"{HEAD}o = i\nfor n in range(10**6): o = layers.Dense(2)(o)\nmodel = keras.Model(i, o)"
        )
        assert "line 5: range(10 ** 6) goes on for longer than is read" in said

    def test_an_exception_of_the_file_is_told(self) -> None:
        assert "would raise ValueError: no" in refused(
            f"{HEAD}def f(x):\n    raise ValueError('no')\no = f(i)\nmodel = keras.Model(i, o)"
        )

    @pytest.mark.parametrize(
        "text",
        [
            "print 'x'",
            "def f(:",
            "x = (",
            "\x00",
            "",
            "# nothing",
            "import keras",
            "\ufeffx = 1",
            "if 1:\n\tx=1\n        y=2",
        ],
    )
    def test_what_is_no_model_is_refused(self, text: str) -> None:
        assert refused(text)


class TestLimits:
    @pytest.mark.parametrize(
        "body",
        [
            "x = 'a' * 10**10",
            "x = [0] * 10**9",
            "x = 10 ** 10 ** 10",
            "x = 1 << 10**9",
            "x = 2\nwhile True: x = x * x",
            "while True: pass",
            "for n in range(10**18): pass",
            "x = list(range(10**12))",
            "x = 1.5 in range(10**15)",
            "def f(n): return f(n + 1)\nf(0)",
            "f = lambda g: g(g)\nf(f)",
            "x = []\nfor n in range(100): x = [x, x]\ny = x == x[:]",
            "x = ()\nfor n in range(100): x = (x, x)\ny = {x: 1}",
            "x = [1]\nx.append(x)\nprint(str(x))",
            "x = f'{1:>1000000000}'",
            "x = '%1000000000d' % 1",
            "x = '%*d' % (10**9, 1)",
            "x = '{:>{}}'.format(1, 10**9)",
            "x = 'a'.ljust(10**10)",
            "x = 'ab' * 1000\nfor n in range(60): x = x.replace('a', 'aaaaaaaaa')",
            "x = round(5, -10**10)",
            "x = pow(10, 10**10)",
            "x = [a for a in range(10**4) for b in range(10**4)]",
            "import itertools\nx = itertools.product(range(1000), range(1000), range(1000))",
            "x = " + "(" * 90 + "1" + ")" * 90 + "\n" + "y = " + "-" * 3000 + "1",
            "x = " + "+".join(["1"] * 20000),
            "import math\nx = math.prod([10**300] * 100)",
            "x = sum([[0] * 1000] * 1000, [])",
            "from keras import layers\nm = keras.Sequential()\nwhile 1: m.add(layers.Dense(1))",
        ],
    )
    def test_no_file_hangs_or_fills_the_memory(self, body: str) -> None:
        began = time.monotonic()
        with contextlib.suppress(UnusableInputError):
            read(f"{HEAD}{body}\nmodel = keras.Model(i, layers.Dense(1)(i))")
        assert time.monotonic() - began < 20

    def test_nothing_of_the_file_is_run(self, tmp_path: object) -> None:
        made = f"{tmp_path}/made"
        text = f"""{HEAD}
import os, subprocess
open({made!r}, "w").write("x")
os.system("touch {made}")
subprocess.run(["touch", {made!r}])
exec("open({made!r}, 'w')")
__import__("os").system("touch {made}")
().__class__.__bases__[0].__subclasses__()
print("{{0.__class__}}".format(1))
model = keras.Model(i, layers.Dense(1)(i))
"""
        read(text)
        import pathlib

        assert not pathlib.Path(made).exists()


class TestNotebooks:
    def notebook(self, *cells: str) -> str:
        return json.dumps(
            {
                "nbformat": 4,
                "cells": [
                    {"cell_type": "markdown", "source": ["# Title"]},
                    *({"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells),
                ],
            }
        )

    def test_cells_are_read_one_after_the_other_without_commands_for_the_notebook(self) -> None:
        text = self.notebook(
            "!pip install keras\n%matplotlib inline\nimport keras",
            "%%bash\nls -l | wc",
            "%%time\ni = keras.Input((4,))\nif True:\n    !ls\nkeras.Input?",
            "model = keras.Model(i, keras.layers.Dense(2)(i))\nmodel",
        )
        assert list(read_notebook(text).experiment.model.nodes) == ["input", "dense"]

    def test_lines_are_told_as_those_of_cells(self) -> None:
        text = self.notebook(
            "import keras\ni = keras.Input((4,))", "\nmodel = keras.Model(i, keras.layers.Dense(n)(i))"
        )
        with pytest.raises(ImportRefusedError) as caught:
            read_notebook(text, "a.ipynb")
        assert "cell 3, line 2: n is not set in this file" in str(caught.value)

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "{}", '{"cells": 3}', '{"cells": [1, {"cell_type": "code"}]}', "[" * 5000]
    )
    def test_what_is_no_notebook_is_refused(self, text: str) -> None:
        with pytest.raises(ImportRefusedError):
            read_notebook(text)


def mutated(text: str, seed: int) -> str:
    """A script with some of its parts left out, doubled, exchanged or changed."""
    chance = random.Random(seed)
    tree = ast.parse(text)
    parts = [part for part in ast.walk(tree) if isinstance(part, ast.expr)]
    statements = [part for part in ast.walk(tree) if isinstance(getattr(part, "body", None), list)]
    for _ in range(chance.randint(1, 5)):
        match chance.randrange(5):
            case 0:
                body = chance.choice(statements).body
                if len(body) > 1:
                    del body[chance.randrange(len(body))]
            case 1:
                body = chance.choice(statements).body
                body.insert(chance.randrange(len(body) + 1), chance.choice(chance.choice(statements).body))
            case 2:
                call = chance.choice([part for part in parts if isinstance(part, ast.Call)])
                if call.args:
                    call.args[chance.randrange(len(call.args))] = chance.choice(parts)
            case 3:
                constant = chance.choice([part for part in parts if isinstance(part, ast.Constant)])
                constant.value = chance.choice([None, -1, 0, 10**30, 1.5, "", "relu", True, b"x", ..., 1e400])
            case 4:
                call = chance.choice([part for part in parts if isinstance(part, ast.Call)])
                del call.args[:1]
                if call.keywords:
                    del call.keywords[chance.randrange(len(call.keywords))]
    return "\n".join(_lines(tree))


def _lines(tree: ast.Module) -> list[str]:
    lines = []
    for statement in tree.body:
        with contextlib.suppress(ValueError, RecursionError, AttributeError):
            lines.append(ast.unparse(statement))
    return lines


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_that_was_changed_comes_in_or_is_refused(name: str) -> None:
    for seed in range(25):
        with contextlib.suppress(UnusableInputError):
            assert isinstance(
                read(mutated(SCRIPTS[name], seed), specs_of=lambda *_: [TensorSpec((None, 8, 8), "float32")]),
                Imported,
            )


WORD_LIST = [
    "keras",
    "layers",
    ".",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "=",
    ":",
    "\n",
    "i",
    "o",
    "x",
    "1",
    "2.5",
    "'a'",
    "def",
    "return",
    "if",
    "else",
    "for",
    "in",
    "range",
    "lambda",
    "*",
    "**",
    "-",
    "+",
    "Dense",
    "Conv2D",
    "Input",
    "Model",
    "Sequential",
    "add",
    "compile",
    "fit",
    "class",
    "self",
    "shape",
    "None",
    "True",
    "while",
    "import",
    "from",
    "len",
    "zip",
    "map",
    "sum",
    "dict",
    "list",
    "sorted",
    "getattr",
    "isinstance",
    "super",
    "enumerate",
    "partial",
    "%",
]
WORDS = st.sampled_from(WORD_LIST)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(WORDS, max_size=40))
def test_any_words_come_in_or_are_refused(words: list[str]) -> None:
    with contextlib.suppress(UnusableInputError):
        read(f"{HEAD}{' '.join(words)}\nmodel = keras.Model(i, layers.Dense(1)(i))")


CALLED = [
    "layers.Dense",
    "layers.LSTM",
    "layers.Add()",
    "layers.concatenate",
    "layers.Lambda",
    "layers.TimeDistributed",
    "layers.Dense(2)",
    "keras.Model",
    "keras.Sequential",
    "ops.add",
    "ops.split",
    "ops.where",
    "ops.reshape",
    "i.__getitem__",
    "layers.Bidirectional",
    "len",
    "keras.Sequential([layers.Dense(2)])",
    "layers.MultiHeadAttention(2,2)",
    "range",
    "sum",
    "zip",
    "dict",
    "min",
    "max",
    "int",
    "str",
    "next",
    "keras.activations.relu",
    "keras.datasets.mnist.load_data",
    "keras.applications.ResNet50",
    "list",
    "sorted",
    "layers.Input",
    "keras.regularizers.l2",
    "keras.optimizers.Adam",
    "keras.Model(i,i).get_layer",
    "keras.Sequential().add",
    "type",
    "getattr",
    "keras.Sequential().fit",
    "super",
    "ops.stack",
    "ops.get_item",
    "layers.Embedding(3,3)",
    "keras.utils.to_categorical",
    "map",
    "isinstance",
    "filter",
]

CALLS = st.recursive(
    st.sampled_from(
        [
            "i",
            "1",
            "-3",
            "'same'",
            "None",
            "[1, 2]",
            "(i, i)",
            "{'a': i}",
            "layers",
            "keras",
            "lambda t: t",
            "...",
        ]
    ),
    lambda inner: st.builds(
        lambda name, given: f"{name}({', '.join(given)})",
        st.sampled_from(CALLED),
        st.lists(inner, max_size=4),
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CALLS)
def test_any_calls_come_in_or_are_refused(call: str) -> None:
    with contextlib.suppress(UnusableInputError):
        read(f"{HEAD}o = {call}\nmodel = keras.Model(i, o)")


def without_defaults(experiment: Experiment) -> dict[str, list[object]]:
    """What each node of a document is and is called with, without arguments that are the default."""
    offers = catalog.load()
    reader = ArgumentReader(offers, lambda *_: None)

    def target(node: Node) -> object:
        if not isinstance(node.target, Layer | Op):
            return node.target
        kind, name = (
            (Kind.LAYER, node.target.layer) if isinstance(node.target, Layer) else (Kind.OP, node.target.op)
        )
        entry = offers.get(kind, name)
        arguments = {
            key: value
            for key, value in node.target.arguments.items()
            if (argument := entry.argument(key)) is None or not reader.is_default(argument, value)
        }
        return name, arguments

    graphs = {"": experiment.model, **experiment.models}
    return {
        name: [
            graph.outputs,
            {key: (target(node), node.inputs, node.named, node.call) for key, node in graph.nodes.items()},
        ]
        for name, graph in graphs.items()
    }


@pytest.mark.parametrize("preset", presets.names())
def test_the_script_of_a_preset_comes_in_as_the_preset(preset: str) -> None:
    experiment = document.read(presets.path(preset))
    imported = read(script(experiment))
    assert without_defaults(imported.experiment) == without_defaults(experiment)
    assert imported.experiment.training.epochs == experiment.training.epochs
    assert imported.experiment.training.loss_of("") == experiment.training.loss_of("")

"""The code of an experiment: complete, as tools want it, and never anything that a document says."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from kflab import code, document, presets
from kflab.code.layout import literal
from kflab.code.scripts import sketch, write
from kflab.errors import KflabError
from kflab.experiment import Data, Experiment, Spec, Training
from kflab.graph.nodes import Call, Graph, Layer, Node, Op, Share
from kflab.values import Arguments

RUFF = shutil.which("ruff", path=str(Path(sys.executable).parent)) or "ruff"


def ruff(*arguments: str, text: str = "", folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [RUFF, *arguments], input=text, capture_output=True, text=True, check=False, cwd=folder
    )


def preset(name: str) -> Experiment:
    return document.read(presets.path(name))


def model(**nodes: Node) -> Experiment:
    """An experiment with a model alone; the last node is the output."""
    return Experiment(data=Data(), model=Graph(nodes=nodes, outputs=(list(nodes)[-1],)))


def layer(name: str, *inputs: str, **arguments: object) -> Node:
    return Node(Layer(name, arguments), inputs=inputs)


def image(*shape: int | None) -> Node:
    return Node(Layer("Input", {"shape": list(shape)}))


def body(experiment: Experiment) -> list[str]:
    """The lines of the main model."""
    (section,) = [section for section in write(experiment).sections if section.title == "Model"]
    return list(section.body.lines)


def test_every_preset_is_formatted_and_without_complaints(tmp_path: Path) -> None:
    for name in presets.names():
        (tmp_path / f"{name}.py").write_text(code.script(preset(name)), encoding="utf-8")
    formatted = ruff("format", "--isolated", "--diff", ".", folder=tmp_path)
    assert formatted.returncode == 0, formatted.stdout
    checked = ruff("check", "--isolated", "--select", "E,F,I,N,W", ".", folder=tmp_path)
    assert checked.returncode == 0, checked.stdout


def test_a_script_reads_as_a_person_would_write_it() -> None:
    assert code.script(preset("digits_branches")).partition("import keras")[2] == (
        """
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(1)

# Data
x, y = load_digits(return_X_y=True)
x = (x / 16).reshape(-1, 8, 8, 1)
x_train, x_test, y_train, y_test = train_test_split(
    x, y, test_size=360, stratify=y, random_state=20
)
x_train, x_val, y_train, y_val = train_test_split(
    x_train, y_train, test_size=0.1, stratify=y_train, random_state=1
)

# Model
image = keras.Input(shape=(8, 8, 1), name="image")
left = layers.Conv2D(16, 3, padding="same", activation="relu", name="left")(image)
right = layers.Conv2D(16, 5, padding="same", activation="relu", name="right")(image)
x = layers.Concatenate(name="joined")([left, right])
x = layers.MaxPooling2D(2, name="halved")(x)
x = layers.Conv2D(32, 3, padding="same", activation="relu", name="mixed")(x)
x = layers.Flatten(name="pixels")(x)
x = layers.Dropout(0.3, name="dropped")(x)
digit = layers.Dense(10, activation="softmax", name="digit")(x)
model = keras.Model(image, digit, name="digits_branches")

# Training
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.002),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
callbacks = [
    keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=2, min_lr=1e-4),
    keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True),
]
model.fit(
    x_train,
    y_train,
    batch_size=64,
    epochs=20,
    validation_data=(x_val, y_val),
    callbacks=callbacks,
)

# Test
model.evaluate(x_test, y_test)
model.save("model.keras")
"""
    )


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ({"units": 3}, '3, name="y"'),
        ({"units": 3, "use_bias": True, "kernel_initializer": "GlorotUniform"}, '3, name="y"'),
        ({"units": 3, "kernel_initializer": "HeNormal"}, '3, kernel_initializer="he_normal", name="y"'),
        ({"units": 3, "trainable": False}, '3, trainable=False, name="y"'),
        ({"units": 3, "activation": {"leaky_relu": {"negative_slope": 0.1}}},
         '3, activation=layers.LeakyReLU(negative_slope=0.1), name="y"'),
        ({"units": 3, "kernel_regularizer": {"L2": {"l2": 1e-4}}},
         '3, kernel_regularizer=keras.regularizers.L2(1e-4), name="y"'),
        ({"units": 3, "bias_initializer": "Constant"},
         '3, bias_initializer=keras.initializers.Constant(), name="y"'),
        ({"units": 3, "kernel_regularizer": "l2"}, '3, kernel_regularizer="l2", name="y"'),
    ],
)  # fmt: skip
def test_arguments_are_written_where_they_differ_from_their_defaults(
    arguments: Arguments, written: str
) -> None:
    lines = " ".join(line.strip() for line in body(model(x=image(4), y=layer("Dense", "x", **arguments))))
    assert f"layers.Dense({written})(x)" in lines.replace("( ", "(").replace(" )", ")").replace(",)", ")")


def test_a_shared_layer_is_made_once_and_called_twice() -> None:
    written = body(
        model(
            a=image(4),
            b=image(4),
            one=layer("Dense", "a", units=3),
            two=Node(Share("one"), inputs=("b",)),
            sum=layer("Add", "one", "two"),
        )
    )
    assert written[2:5] == [
        'one_layer = layers.Dense(3, name="one")',
        "one = one_layer(a)",
        "two = one_layer(b)",
    ]


def test_a_nested_model_is_a_function_made_once_and_handed_to_the_models_that_call_it() -> None:
    inner = Graph(nodes={"i": image(4), "o": layer("Dense", "i", units=4)}, outputs=("o",))
    outer = Graph(
        nodes={"i": image(4), "o": Node(Call("inner"), inputs=("i",))}, outputs=("o",), trainable=False
    )
    experiment = Experiment(
        data=Data(),
        model=Graph(
            nodes={
                "x": image(4),
                "inner": Node(Call("inner"), inputs=("x",)),
                "again": Node(Call("outer"), inputs=("inner",)),
                "last": Node(Call("inner"), inputs=("again",)),
            },
            outputs=("last",),
        ),
        models={"outer": outer, "inner": inner},
    )
    (section,) = [section for section in write(experiment).sections if section.title == "Model"]
    assert section.block.text == (
        """def build_inner():
    i = keras.Input(shape=(4,), name="i")
    o = layers.Dense(4, name="o")(i)
    return keras.Model(i, o, name="inner")


def build_outer(inner):
    i = keras.Input(shape=(4,), name="i")
    o = inner(i)
    return keras.Model(i, o, name="outer")


inner = build_inner()
outer = build_outer(inner)
outer.trainable = False

x = keras.Input(shape=(4,), name="x")
inner_output = inner(x)
again = outer(inner_output)
last = inner(again)
model = keras.Model(x, last, name="model")
model.summary()
"""
    )


def test_states_of_a_layer_have_variables_and_can_be_handed_on() -> None:
    written = body(
        model(
            words=image(None, 4),
            read=layer("LSTM", "words", units=5, return_state=True),
            spoken=Node(
                Layer("LSTM", {"units": 5}),
                inputs=("words",),
                named={"initial_state": ("read:1", "read:2")},
                call={"training": False},
            ),
        )
    )
    assert written[1:-2] == [
        '_, read_1, read_2, *_ = layers.LSTM(5, return_state=True, name="read")(words)',
        'spoken = layers.LSTM(5, name="spoken")(',
        "    words, initial_state=[read_1, read_2], training=False",
        ")",
    ]


def test_operations_are_called_by_place_and_subscripts_with_brackets() -> None:
    written = body(
        model(
            a=image(4),
            b=image(4),
            sum=Node(Op("ops.add"), inputs=("a", "b")),
            more=Node(Op("ops.add", {"x2": 1.5}), inputs=("sum",)),
            first=Node(Op("ops.get_item", {"key": ":, 0"}), inputs=("more",)),
        )
    )
    assert written[2:5] == [
        'x = named(ops.add(a, b), "sum")',
        'x = named(ops.add(x, 1.5), "more")',
        'first = named(x[:, 0], "first")',
    ]


def test_what_an_operation_is_told_stands_in_its_place_where_people_know_it() -> None:
    written = body(
        model(
            a=image(4, 6),
            held=Node(Op("ops.clip", {"x_max": 1, "x_min": 0}), inputs=("a",)),
            wide=Node(Op("ops.expand_dims", {"axis": -1}), inputs=("held",)),
            half=Node(Op("ops.split", {"indices_or_sections": 2, "axis": 1}), inputs=("wide",)),
            flat=Node(Op("ops.reshape", {"newshape": [-1, 12]}), inputs=("half:1",)),
            rest=Node(Op("ops.subtract", {"x1": 1.0}), inputs=("flat",)),
        )
    )
    assert written[1:6] == [
        'x = named(ops.clip(a, 0, 1), "held")',
        'x = named(ops.expand_dims(x, axis=-1), "wide")',
        '_, half_1, *_ = named(ops.split(x, 2, axis=1), "half")',
        'x = named(ops.reshape(half_1, (-1, 12)), "flat")',
        'rest = named(ops.subtract(1.0, x), "rest")',
    ]


@pytest.mark.parametrize(
    "name", ["class", "x-1", "layers", "a.b", "np", "model", "2d", "print", "X", "x", "_"]
)
def test_any_name_of_a_node_becomes_a_variable_and_stays_the_name(name: str) -> None:
    if name == "_":
        name = "a_"
    graph = Graph(
        nodes={name: image(4), "o": layer("Dense", name, units=1), "p": layer("Dense", name, units=1)},
        outputs=("o", "p"),
    )
    text = code.script(Experiment(data=Data(), model=graph))
    tree = ast.parse(text)
    assert f'name="{name}"' in text
    targets = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    assert not targets & {"keras", "layers", "np", "print"}


def test_a_model_alone_has_a_script_that_ends_with_its_summary() -> None:
    text = code.script(model(x=image(4), y=layer("Dense", "x", units=1)))
    assert text.endswith('model = keras.Model(x, y, name="model")\nmodel.summary()\n')
    assert "fit" not in text


SPITE = [
    'x"; import os; os.system("true") #',
    "'''; import os",
    '"""\nimport os\n"""',
    "a\nimport os",
    "a\rimport os\x0cimport os\x85import os\u2028import os",
    "\\",
    'ends with a quote "',
    '"""',
    "\x00\x1b[31m",
    "\u202eimport os",
    "{__import__('os')}",
    "%s {x} $y",
]
"""What would be code if it were pasted into some."""


def calls(text: str) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)}


@pytest.mark.parametrize("words", SPITE)
def test_words_of_a_document_never_become_code(words: str) -> None:
    harmless = msgspec.structs.replace(preset("digits_mlp"), title="t", notes="n")
    graph = msgspec.structs.replace(harmless.model, name=words)
    spiteful = msgspec.structs.replace(
        harmless,
        title=words,
        notes=f"{words}\n\n{words}",
        model=graph,
        training=msgspec.structs.replace(
            harmless.training,
            callbacks=(
                Spec("EarlyStopping", {"monitor": words, "mode": words}),
                Spec("CSVLogger", {"separator": words}),
            ),
            optimizer=Spec("Adam", {"name": words}),
            metrics={"": (Spec("MeanSquaredError", {"name": words}),)},
        ),
    )
    text = code.script(spiteful)
    plain = msgspec.structs.replace(
        spiteful,
        title="t",
        notes="n",
        model=harmless.model,
        training=msgspec.structs.replace(
            spiteful.training,
            callbacks=(
                Spec("EarlyStopping", {"monitor": "w", "mode": "w"}),
                Spec("CSVLogger", {"separator": "w"}),
            ),
            optimizer=Spec("Adam", {"name": "w"}),
            metrics={"": (Spec("MeanSquaredError", {"name": "w"}),)},
        ),
    )
    assert calls(text) == calls(code.script(plain))
    statements = [type(statement) for statement in ast.parse(text).body]
    assert statements == [type(statement) for statement in ast.parse(code.script(plain)).body]
    assert text.isprintable() or all(line.isprintable() for line in text.split("\n"))
    cells = json.loads(code.notebook(spiteful))["cells"]
    assert [cell["cell_type"] for cell in cells[:2]] == ["markdown", "code"]


@pytest.mark.parametrize(
    "broken",
    [
        model(x=image(4), y=layer("Dense(1); import os", "x")),
        model(x=image(4), y=Node(Op("ops.add(1); import os"), inputs=("x",))),
        model(x=image(4), y=layer("Dense", "x", **{"units": 1, "a=1, b": 2})),
        model(x=image(4), y=layer("Dense", "x", **{"units": 1, "class": 2})),
        model(x=image(4), y=Node(Layer("Dense", {"units": 1}), inputs=("x",), call={"a)(": 1})),
        model(x=image(4), y=Node(Layer("LSTM", {"units": 1}), inputs=("x",), named={"a)(": "x"})),
        model(x=image(4), y=Node(Op("ops.get_item", {"key": "0]; import os; x[0"}), inputs=("x",))),
        model(x=image(4), y=layer("Lambda", "x", function="import os")),
        model(x=image(4), y=layer("Dense", "x", units=1, activation={"relu": {"a, b": 1}})),
    ],
)  # fmt: skip
def test_what_is_no_name_of_keras_or_python_is_refused(broken: Experiment) -> None:
    with pytest.raises(KflabError):
        code.script(broken)
    sketched = sketch(broken)
    assert sketched.problems
    assert "import os" not in sketched.text
    ast.parse(sketched.text)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (Spec("RemoteMonitor"), "another machine"),
        (Spec("CSVLogger", {"filename": "../x.csv"}), "inside the run folder"),
        (Spec("ModelCheckpoint", {"filepath": "/etc/passwd"}), "inside the run folder"),
    ],
)
def test_callbacks_that_no_run_has_are_refused(spec: Spec, words: str) -> None:
    experiment = preset("digits_mlp")
    training = msgspec.structs.replace(experiment.training, callbacks=(spec,))
    with pytest.raises(KflabError, match=words):
        code.script(msgspec.structs.replace(experiment, training=training))


def incomplete() -> list[Experiment]:
    whole = preset("digits_siamese")
    nested = preset("ensemble")
    cut = [
        msgspec.structs.replace(whole.model, outputs=()),
        msgspec.structs.replace(whole.model, nodes={}, outputs=()),
        msgspec.structs.replace(
            whole.model,
            nodes={name: node for name, node in whole.model.nodes.items() if name != "left_edges"},
        ),
        msgspec.structs.replace(whole.model, outputs=("nothing", "same")),
        msgspec.structs.replace(
            whole.model, nodes={**whole.model.nodes, "left_edges": Node(Share("right_edges"))}
        ),
        msgspec.structs.replace(whole.model, nodes={**whole.model.nodes, "left_edges": Node(Call("none"))}),
        msgspec.structs.replace(whole.model, nodes={**whole.model.nodes, "distance": Node(Op("ops.square"))}),
    ]
    found = [msgspec.structs.replace(whole, model=graph) for graph in cut]
    found.append(msgspec.structs.replace(whole, data=Data(source="no-such-thing")))
    found.append(msgspec.structs.replace(whole, data=Data(source="iris")))
    found.append(msgspec.structs.replace(whole, data=Data(source="lost.npz")))
    found.append(msgspec.structs.replace(whole, training=Training(loss={"other": Spec("Huber")})))
    round_about = {
        "wide": Graph(nodes={"i": image(4), "o": Node(Call("wide"), inputs=("i",))}, outputs=("o",))
    }
    found.append(msgspec.structs.replace(nested, models={**nested.models, **round_about}))
    return found


@pytest.mark.parametrize("experiment", incomplete())
def test_what_is_not_complete_is_sketched_and_its_script_refused_in_words(experiment: Experiment) -> None:
    ast.parse(sketch(experiment).text)
    with pytest.raises(KflabError) as caught:
        code.script(experiment)
    assert "\n" not in str(caught.value)


def test_paths_are_those_from_where_the_script_is_run(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    (tmp_path / "data").mkdir()
    np.savez(tmp_path / "data" / "own.npz", x=np.zeros((20, 4), "float32"), y=np.arange(20) % 2)
    experiment = msgspec.structs.replace(
        model(x=image(4), y=layer("Dense", "x", units=1)),
        data=Data(source="data/own.npz"),
        training=Training(loss={"": Spec("BinaryCrossentropy")}, initial_weights="data/w.weights.h5"),
    )
    text = code.script(experiment, tmp_path, folder=tmp_path / "data")
    assert 'np.load("own.npz")' in text
    assert 'model.load_weights("w.weights.h5")' in text


def test_a_notebook_has_the_sections_of_the_script_as_cells() -> None:
    experiment = preset("tickets")
    notebook = json.loads(code.notebook(experiment))
    cells = notebook["cells"]
    assert "".join(cells[0]["source"]).startswith(f"# {experiment.title}\n\n{experiment.notes.strip()[:20]}")
    assert ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"][1:] == [
        "## Data",
        "## Model",
        "## Training",
        "## Test",
    ]
    written = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert written == [section.block.text.rstrip("\n") for section in write(experiment).sections]
    assert len({cell["id"] for cell in cells}) == len(cells)


def test_a_schedule_of_rates_becomes_a_function() -> None:
    experiment = preset("iris_mlp")
    specs = (
        Spec("LearningRateScheduler", {"schedule": {"0": 0.1, "10": 0.01, "5": 0.05}}),
        Spec(
            "LearningRateScheduler",
            {"schedule": {"CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 9}}},
        ),
        Spec("LearningRateScheduler", {"schedule": 0.5, "verbose": 1}),
        Spec("LearningRateScheduler", {"schedule": {"3": 0.1}}),
        Spec("ModelCheckpoint"),
        Spec("ModelCheckpoint", {"save_weights_only": True}),
        Spec("BackupAndRestore"),
    )
    training = msgspec.structs.replace(experiment.training, callbacks=specs)
    text = code.script(msgspec.structs.replace(experiment, training=training))
    functions: dict[str, object] = {"keras": None}
    tree = ast.parse(text)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name != "learning_rate2":
            exec(ast.unparse(node), functions)
    table, constant, late = (functions[f"learning_rate{number}"] for number in ("", "3", "4"))
    assert callable(table)
    assert callable(constant)
    assert callable(late)
    assert [table(epoch, 9.0) for epoch in (0, 4, 5, 9, 10, 99)] == [0.1, 0.1, 0.05, 0.05, 0.01, 0.01]
    assert constant(3) == 0.5
    assert [late(epoch, 9.0) for epoch in (0, 3)] == [9.0, 0.1]
    assert 'keras.callbacks.ModelCheckpoint("best.keras", save_best_only=True)' in text
    assert 'ModelCheckpoint(\n        "best.weights.h5", save_best_only=True, save_weights_only=True' in text
    assert 'keras.callbacks.BackupAndRestore("backup", double_checkpoint=True)' in text
    assert "float(schedule(epoch))" in text
    formatted = ruff("format", "--isolated", "--diff", "-", text=text)
    assert formatted.returncode == 0, formatted.stdout


def test_numbers_that_stand_for_a_tensor_are_an_array() -> None:
    written = code.script(
        model(
            picture=image(8, 8, 3),
            mean=Node(Op("ops.subtract", {"x2": [103.9, 116.8, 123.7]}), inputs=("picture",)),
            weighed=Node(Op("ops.multiply", {"x2": [1, 2, 3]}), inputs=("mean",)),
            half=Node(Op("ops.multiply", {"x2": 0.5}), inputs=("weighed",)),
        )
    )
    assert "import numpy as np\n" in written
    assert ', np.array([103.9, 116.8, 123.7], "float32"))' in written
    assert ', np.array([1, 2, 3], "int32"))' in written
    assert "ops.multiply(x, 0.5)" in written


def test_what_nobody_titled_or_described_begins_with_its_imports() -> None:
    untitled = model(a=image(4), b=layer("Dense", "a", units=2))
    assert code.script(untitled).startswith("import keras\n")
    assert json.loads(code.notebook(untitled))["cells"][0]["cell_type"] == "code"
    described = msgspec.structs.replace(untitled, notes="Two numbers of four.")
    assert code.script(described).startswith('"""Two numbers of four."""\n\nimport keras\n')
    assert json.loads(code.notebook(described))["cells"][0]["source"] == ["Two numbers of four."]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1 / 255, "1 / 255"),
        (1.0 / 127.5, "1 / 127.5"),
        (-1 / 3, "-1 / 3"),
        (0.1 + 0.2, "0.30000000000000004"),
        (0.125, "0.125"),
        (10**400, str(10**400)),
        (5e-324, "5e-324"),
    ],
)
def test_a_number_without_an_end_is_written_as_the_fraction_that_it_is(value: float, written: str) -> None:
    assert literal(value) == written
    assert eval(written) == value

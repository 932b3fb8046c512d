"""The forms know every argument of Keras: each can be set, reset and refused, to any depth."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence

import pytest

from kflab import document
from kflab.catalog import Argument, ArgumentKind, Entry, Kind, load
from kflab.catalog.check import OBJECT_KINDS
from kflab.catalog.text import parse_value
from kflab.document.verify import problems
from kflab.errors import KflabError
from kflab.experiment import EVERY_OUTPUT, Data, Experiment, Spec, Training
from kflab.graph.edited import EditRefusedError
from kflab.graph.nodes import INPUT, Call, Graph, Layer, Node, Op
from kflab.tui.rows import folding
from kflab.tui.rows.node import node_rows
from kflab.tui.rows.row import Row
from kflab.tui.rows.setting import Setting
from kflab.tui.rows.setup import setup_rows
from kflab.values import Arguments, Value

CATALOG = load()

_WRITTEN = {
    ArgumentKind.INT: ("3", "4"),
    ArgumentKind.FLOAT: ("0.25", "0.75"),
    ArgumentKind.TEXT: ("some text", "more"),
    ArgumentKind.INTS: ("3,3", "2"),
    ArgumentKind.FLOATS: ("0.5, 2", "0.1"),
    ArgumentKind.SHAPE: ("7, none, 1", "2"),
    ArgumentKind.LIST: ("a, b", "c"),
    ArgumentKind.MAPPING: ("{0: 1.0, 1: 2.5}", "{a: x}"),
    ArgumentKind.ANY: ("[1, {a: x}]", "0.5"),
}
"""What a person types for an argument of each kind: two, for one may be the default."""

_WRONG = {
    ArgumentKind.INT: ("many", "whole number"),
    ArgumentKind.FLOAT: ("much", "number"),
    ArgumentKind.BOOL: ("perhaps", "true or false"),
    ArgumentKind.CHOICE: ("neither of these", "expected"),
    ArgumentKind.INTS: ("3,x", "whole number"),
    ArgumentKind.FLOATS: ("0.5,x", "number"),
    ArgumentKind.SHAPE: ("big", "shape"),
    ArgumentKind.MAPPING: ("plain", "mapping"),
    ArgumentKind.SCHEDULE: ("Sometimes", "unknown schedule"),
}
"""What is no value of a kind, and what the refusal names."""

RowsOf = Callable[[Experiment], Sequence[Row]]


def model(**nodes: Node) -> Experiment:
    return Experiment(data=Data(source="digits"), model=Graph(nodes=nodes, outputs=tuple(nodes)[-1:]))


def of_node(experiment: Experiment) -> Sequence[Row]:
    """The rows of the last node."""
    return node_rows(CATALOG, experiment, "", list(experiment.model.nodes)[-1])


def of_setup(experiment: Experiment) -> Sequence[Row]:
    return setup_rows(Setting(CATALOG, experiment))


def row(rows: Sequence[Row], *key: str) -> Row:
    return next(row for row in rows if row.key == key)


def made(kind: Kind, name: str, depth: int = 0) -> Value:
    """An object of Keras with what it needs."""
    arguments = needed(CATALOG.get(kind, name), depth + 1)
    return {name: arguments} if arguments else name


def needed(entry: Entry, depth: int = 0) -> dict[str, Value]:
    return {argument.name: sample(argument, depth) for argument in entry.arguments if argument.required}


def sample(argument: Argument, depth: int = 0) -> Value:
    """What a person would type or choose for an argument; not its default."""
    kind = OBJECT_KINDS.get(argument.kind)
    if kind is not None:
        names = argument.choices or [entry.name for entry in CATALOG.entries(kind) if not entry.unsafe]
        # A wrapper in a wrapper in a wrapper would go on for ever.
        names = [name for name in names if depth < 2 or not _wraps(kind, name)]
        value = made(kind, names[0] if names[0] != argument.default else names[1], depth)
        several = argument.kind is ArgumentKind.LAYER and argument.name.endswith("s")
        return [value, value] if several else value
    if argument.kind is ArgumentKind.BOOL:
        return not argument.default
    if argument.choices:
        return next((choice for choice in argument.choices if choice != argument.default), argument.default)
    first, second = (parse_value(argument, text) for text in _WRITTEN[argument.kind])
    return first if first != argument.default else second


def _wraps(kind: Kind, name: str) -> bool:
    entry = CATALOG.get(kind, name)
    return any(argument.kind in {ArgumentKind.LAYER, ArgumentKind.OPTIMIZER} for argument in entry.arguments)


def walk(before: Experiment, rows_of: RowsOf) -> int:
    """Sets every row to another value and back, and tries what is wrong; returns how many rows there are."""
    rows = [one for one in rows_of(before) if one.argument and one.apply and not _is_apart(one)]
    assert len({one.key for one in rows}) == len(rows)
    for one in rows:
        assert one.argument is not None
        assert one.apply is not None
        assert one.help
        _set_and_reset(one, one.argument, before, rows_of)
        _refused(one, one.argument, before)
    return len(rows)


def _is_tensor(one: Row) -> bool:
    return one.key[0] == "call" and one.argument is not None and one.argument.kind is ArgumentKind.TEXT


def _is_apart(one: Row) -> bool:
    """What is no argument, and the metrics, of which each that is chosen comes or goes."""
    return one.key in {("name",), ("dataset",), ("metrics", ""), ("about", "model")}


def _set_and_reset(one: Row, argument: Argument, before: Experiment, rows_of: RowsOf) -> None:
    assert one.apply is not None
    value = "image" if _is_tensor(one) else sample(argument)
    edited = one.apply(before, value)
    after = row(rows_of(edited.experiment), *one.key)
    assert not after.missing
    assert not [str(problem) for problem in problems(edited.experiment, CATALOG)], one.key
    assert edited.experiment == before or after.changed or value == argument.default, one.key
    if after.reset and not one.changed:
        assert after.reset(edited.experiment).experiment == before, one.key
    if argument.nullable and one.key[0] != "call":
        none = one.apply(before, None).experiment
        assert row(rows_of(none), *one.key).value is None, one.key


def _refused(one: Row, argument: Argument, before: Experiment) -> None:
    """What is wrong is told while it is typed, and refused where it is put: both name what is expected."""
    assert one.apply is not None
    if argument.kind in _WRONG:
        text, expected = _WRONG[argument.kind]
    elif argument.kind in OBJECT_KINDS:
        text, expected = "NoSuchThing", f"unknown {OBJECT_KINDS[argument.kind]}"
    else:
        return
    with pytest.raises(ValueError, match=expected):
        parse_value(argument, text)
    with pytest.raises(KflabError, match=expected):
        one.apply(before, text)


IMAGE = Node(Layer("Input", {"shape": [8, 8, 1]}))


@pytest.mark.parametrize("entry", list(CATALOG.entries(Kind.LAYER)), ids=lambda one: one.name)
def test_every_argument_of_every_layer_can_be_set_and_reset(entry: Entry) -> None:
    inputs = () if entry.name == INPUT else ("image",)
    experiment = model(image=IMAGE, node=Node(Layer(entry.name, needed(entry)), inputs=inputs))
    if entry.unsafe:
        assert of_node(experiment)
    else:
        assert walk(experiment, of_node) >= len(entry.arguments) + len(entry.call)


def test_every_argument_of_every_operation_can_be_set_and_reset() -> None:
    for entry in CATALOG.entries(Kind.OP):
        experiment = model(image=IMAGE, node=Node(Op(entry.name, needed(entry)), inputs=("image",)))
        assert entry.unsafe or walk(experiment, of_node) >= len(entry.arguments)


def setup(**training: object) -> Experiment:
    experiment = model(image=IMAGE, flat=Node(Layer("Flatten"), inputs=("image",)))
    return Experiment(data=experiment.data, model=experiment.model, training=Training(**training))  # type: ignore[arg-type]


def spec(entry: Entry) -> Spec:
    return Spec(entry.name, needed(entry))


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        (Kind.OPTIMIZER, lambda one: setup(optimizer=spec(one))),
        (Kind.LOSS, lambda one: setup(loss={EVERY_OUTPUT: spec(one)})),
        (Kind.METRIC, lambda one: setup(metrics={EVERY_OUTPUT: (Spec("accuracy"), spec(one))})),
        (Kind.CALLBACK, lambda one: setup(callbacks=(spec(one),))),
    ],
)
def test_every_argument_of_the_training_can_be_set_and_reset(
    kind: Kind, make: Callable[[Entry], Experiment]
) -> None:
    for entry in CATALOG.entries(kind):
        if not entry.unsafe:
            assert walk(make(entry), of_setup) >= len(entry.arguments)


@pytest.mark.parametrize(
    ("kind", "argument"),
    [
        (Kind.INITIALIZER, "kernel_initializer"),
        (Kind.REGULARIZER, "kernel_regularizer"),
        (Kind.CONSTRAINT, "kernel_constraint"),
        (Kind.ACTIVATION, "activation"),
    ],
)
def test_every_object_has_its_arguments_under_it(kind: Kind, argument: str) -> None:
    for entry in CATALOG.entries(kind):
        given: Arguments = {"units": 4, argument: made(kind, entry.name)}
        experiment = model(image=IMAGE, node=Node(Layer("Dense", given), inputs=("image",)))
        rows = of_node(experiment)
        under = [one for one in rows if folding.is_under(one, ("arguments", argument))]
        assert {one.label for one in under} == {one.name for one in entry.arguments}
        walk(experiment, functools.partial(_only, ("arguments", argument)))


def _only(key: tuple[str, ...], experiment: Experiment) -> Sequence[Row]:
    return [one for one in of_node(experiment) if folding.is_under(one, key)]


def test_every_schedule_has_its_arguments_under_the_learning_rate() -> None:
    for entry in CATALOG.entries(Kind.SCHEDULE):
        experiment = setup(optimizer=Spec("Adam", {"learning_rate": made(Kind.SCHEDULE, entry.name)}))
        under = [one for one in of_setup(experiment) if folding.is_under(one, ("optimizer", "learning_rate"))]
        assert {one.label for one in under} == {one.name for one in entry.arguments}
        assert walk(experiment, of_setup)


@pytest.mark.parametrize("seed", range(4))
def test_any_edits_in_any_order_leave_a_document_that_can_be_read(seed: int) -> None:
    chance = random.Random(seed)
    lstm = {"LSTM": {"units": 8}}
    both = model(image=IMAGE, both=Node(Layer("Bidirectional", {"layer": lstm}), inputs=("image",)))
    experiment = Experiment(
        data=both.data, model=both.model, training=Training(metrics={EVERY_OUTPUT: (Spec("AUC"),)})
    )
    for _ in range(60):
        rows_of = chance.choice((of_node, of_setup))
        changeable = [
            one for one in rows_of(experiment) if one.argument and one.apply and one.key != ("name",)
        ]
        one = chance.choice(changeable)
        assert one.argument is not None
        assert one.apply is not None
        if one.key == ("about", "model"):
            continue
        if one.reset and chance.random() < 0.3:
            experiment = one.reset(experiment).experiment
        elif one.options and chance.random() < 0.7:
            experiment = one.apply(experiment, chance.choice(one.options()).value).experiment
        elif one.key != ("dataset",) and not _is_tensor(one):
            experiment = one.apply(experiment, sample(one.argument)).experiment
        assert not [str(problem) for problem in problems(experiment, CATALOG)], one.key
    assert document.read_text(document.dump(experiment)) == experiment


def dense(**arguments: Value) -> Experiment:
    return model(image=IMAGE, conv1=Node(Layer("Dense", {"units": 4, **arguments}), inputs=("image",)))


def arguments_of(experiment: Experiment) -> Arguments:
    target = list(experiment.model.nodes.values())[-1].target
    assert isinstance(target, Layer)
    return target.arguments


def test_an_argument_inside_a_default_is_one_edit_with_its_way_in_the_name() -> None:
    before = dense()
    seed = row(of_node(before), "arguments", "kernel_initializer", "seed")
    assert seed.apply is not None
    edited = seed.apply(before, 7)
    assert edited.name == "set kernel_initializer.seed of conv1"
    assert arguments_of(edited.experiment)["kernel_initializer"] == {"glorot_uniform": {"seed": 7}}
    after = row(of_node(edited.experiment), "arguments", "kernel_initializer", "seed")
    assert after.reset is not None
    back = after.reset(edited.experiment)
    assert back.name == "reset kernel_initializer.seed of conv1"
    assert back.experiment == before


def test_what_was_chosen_in_full_stays_when_its_arguments_are_reset() -> None:
    before = dense(kernel_initializer="GlorotUniform")
    seed = row(of_node(before), "arguments", "kernel_initializer", "seed")
    assert seed.apply is not None
    assert seed.reset is not None
    assert seed.reset(seed.apply(before, 7).experiment).experiment == before
    assert not row(of_node(before), "arguments", "kernel_initializer").changed


def test_a_wrapped_layer_has_rows_to_any_depth() -> None:
    lstm = {"LSTM": {"units": 8}}
    before = model(image=IMAGE, both=Node(Layer("Bidirectional", {"layer": lstm}), inputs=("image",)))
    key = ("arguments", "layer", "recurrent_initializer", "gain")
    gain = row(of_node(before), *key)
    assert gain.apply is not None
    edited = gain.apply(before, 0.5)
    assert edited.name == "set layer.recurrent_initializer.gain of both"
    assert arguments_of(edited.experiment) == {
        "layer": {"LSTM": {"units": 8, "recurrent_initializer": {"orthogonal": {"gain": 0.5}}}}
    }
    with pytest.raises(KflabError, match="whole number"):
        row(of_node(before), *key[:2], "units").apply(before, "many")  # type: ignore[misc]


def test_cells_are_added_changed_and_taken_away_one_by_one() -> None:
    before = model(image=IMAGE, cells=Node(Layer("StackedRNNCells", {}), inputs=("image",)))
    cells = row(of_node(before), "arguments", "cells")
    assert cells.missing
    assert cells.apply is not None
    one = cells.apply(before, "GRUCell").experiment
    assert row(of_node(one), "arguments", "cells", "1", "units").missing
    two = row(of_node(one), "arguments", "cells").apply(one, "LSTMCell").experiment  # type: ignore[misc]
    edited = row(of_node(two), "arguments", "cells", "2", "units").apply(two, 5)  # type: ignore[misc]
    assert edited.name == "set cells.2.units of cells"
    assert arguments_of(edited.experiment)["cells"] == ["GRUCell", {"LSTMCell": {"units": 5}}]
    left = row(of_node(edited.experiment), "arguments", "cells", "1").reset(edited.experiment)  # type: ignore[misc]
    assert arguments_of(left.experiment)["cells"] == [{"LSTMCell": {"units": 5}}]
    last = row(of_node(left.experiment), "arguments", "cells", "1")
    other = last.apply(left.experiment, "GRUCell").experiment  # type: ignore[misc]
    assert arguments_of(other)["cells"] == [{"GRUCell": {"units": 5}}]
    assert last.reset is not None
    assert row(of_node(last.reset(left.experiment).experiment), "arguments", "cells").missing


def test_what_is_chosen_and_needs_more_is_marked_until_it_has_it() -> None:
    before = setup(optimizer=Spec("Adam", {"learning_rate": 0.02}))
    rate = row(of_setup(before), "optimizer", "learning_rate")
    assert rate.apply is not None
    rows = of_setup(rate.apply(before, "CosineDecay").experiment)
    assert row(rows, "optimizer", "learning_rate", "initial_learning_rate").value == 0.02
    assert row(rows, "optimizer", "learning_rate").opens
    assert row(rows, "optimizer", "learning_rate", "decay_steps").missing
    assert [one.label for one in rows if one.missing] == ["decay_steps"]


def test_an_object_takes_over_what_fits_of_the_one_before_it() -> None:
    lstm = {"LSTM": {"units": 8, "unit_forget_bias": False}}
    before = model(image=IMAGE, both=Node(Layer("Bidirectional", {"layer": lstm}), inputs=("image",)))
    layer = row(of_node(before), "arguments", "layer")
    assert layer.apply is not None
    assert arguments_of(layer.apply(before, "GRU").experiment) == {"layer": {"GRU": {"units": 8}}}
    typed = {"GRU": {"units": 3}}
    assert arguments_of(layer.apply(before, typed).experiment) == {"layer": typed}


def test_one_metric_can_be_measured_twice_with_other_arguments() -> None:
    experiment = setup(metrics={EVERY_OUTPUT: (Spec("TopKCategoricalAccuracy", {"k": 3}),)})
    metrics = row(of_setup(experiment), "metrics", "")
    assert metrics.apply is not None
    both = metrics.apply(experiment, {"TopKCategoricalAccuracy": {"k": 5}}).experiment
    k = row(of_setup(both), "metrics", "", "1", "k")
    assert k.apply is not None
    changed = k.apply(both, 7)
    assert changed.name == "set k of TopKCategoricalAccuracy"
    assert [one.arguments["k"] for one in changed.experiment.training.metrics[EVERY_OUTPUT]] == [3, 7]
    assert metrics.apply(both, "TopKCategoricalAccuracy").experiment.training.metrics == {}


def test_two_callbacks_of_one_class_are_told_apart() -> None:
    experiment = setup(
        callbacks=tuple(Spec("ModelCheckpoint", {"filepath": name}) for name in ("a.keras", "b.keras"))
    )
    second = row(of_setup(experiment), "callbacks", "ModelCheckpoint", "1", "filepath")
    assert second.apply is not None
    changed = second.apply(experiment, "c.keras").experiment.training.callbacks
    assert [one.arguments["filepath"] for one in changed] == ["a.keras", "c.keras"]


def test_arguments_of_the_call_belong_to_the_call_alone() -> None:
    before = model(image=IMAGE, drop=Node(Layer("Dropout", {"rate": 0.5}), inputs=("image",)))
    training = row(of_node(before), "call", "training")
    assert training.apply is not None
    edited = training.apply(before, value=True)
    assert edited.name == "set call.training of drop"
    assert edited.experiment.model.nodes["drop"].call == {"training": True}
    assert [training.next_value(), row(of_node(edited.experiment), "call", "training").next_value()] == [
        True,
        False,
    ]


def test_tensors_are_given_by_name_and_never_in_a_circle() -> None:
    before = model(
        image=IMAGE,
        state=Node(Layer("Dense", {"units": 4}), inputs=("image",)),
        rnn=Node(Layer("LSTM", {"units": 4}), inputs=("image",)),
        after=Node(Layer("Dense", {"units": 4}), inputs=("rnn",)),
    )
    state = row(node_rows(CATALOG, before, "", "rnn", {"state": 2}), "call", "initial_state")
    assert state.apply is not None
    assert state.options is not None
    assert [option.value for option in state.options()] == ["image", "state", "state:1"]
    one = state.apply(before, "state").experiment
    two = state.apply(one, "state:1").experiment
    assert two.model.nodes["rnn"].named == {"initial_state": ("state", "state:1")}
    assert state.apply(two, "state").experiment.model.nodes["rnn"].named == {"initial_state": ("state:1",)}
    assert state.reset is not None
    assert state.reset(two).experiment == before
    with pytest.raises(EditRefusedError, match="circle"):
        state.apply(before, "after")
    with pytest.raises(EditRefusedError, match="expected the name of a node, such as image"):
        state.apply(before, "nobody")


def test_a_nested_model_is_frozen_at_any_of_its_calls() -> None:
    inner = Graph(name="encoder", nodes={"image": IMAGE}, outputs=("image",))
    main = Graph(nodes={"image": IMAGE, "code": Node(Call("encoder"), inputs=("image",))})
    before = Experiment(data=Data(source="digits"), model=main, models={"encoder": inner})
    trainable = row(of_node(before), "model", "trainable")
    assert trainable.apply is not None
    assert trainable.reset is not None
    frozen = trainable.apply(before, value=False).experiment
    assert not frozen.models["encoder"].trainable
    assert trainable.reset(frozen).experiment == before
    name = row(of_node(before), "model", "name")
    assert name.apply is not None
    renamed = name.apply(before, "code_maker").experiment
    assert list(renamed.models) == ["code_maker"]
    assert renamed.model.nodes["code"].target == Call("code_maker")


def test_dtypes_are_offered_and_others_can_be_typed() -> None:
    before = dense()
    dtype = row(of_node(before), "arguments", "dtype")
    assert dtype.options is not None
    assert {"float32", "bfloat16", "mixed_float16"} <= {option.value for option in dtype.options()}
    assert dtype.apply is not None
    assert arguments_of(dtype.apply(before, "int8").experiment)["dtype"] == "int8"


def test_rows_under_a_shut_row_are_not_seen() -> None:
    rows = of_node(dense(kernel_regularizer={"L1L2": {"l1": 0.1}}))
    labels = [one.label for one in folding.visible(rows, {})]
    assert labels[labels.index("kernel_regularizer") :][1:3] == ["l1", "l2"]
    assert "seed" not in labels
    shut = folding.visible(rows, {("arguments", "kernel_regularizer"): False})
    assert "l1" not in {one.label for one in shut}
    opened = folding.visible(rows, {("arguments", "kernel_initializer"): True})
    assert "seed" in {one.label for one in opened}


def test_required_rows_come_first_then_what_is_changed() -> None:
    rows = [one for one in of_node(dense(use_bias=False)) if len(one.key) == 2 and one.key[0] == "arguments"]
    assert [one.label for one in rows][:2] == ["units", "use_bias"]


def test_title_and_model_are_named_in_the_setup() -> None:
    before = setup()
    title = row(of_setup(before), "about", "title")
    name = row(of_setup(before), "about", "model")
    assert title.apply is not None
    assert name.apply is not None
    assert title.apply(before, "Digits, two ways").experiment.title == "Digits, two ways"
    named = name.apply(before, "digits").experiment
    assert named.model.name == "digits"
    again = row(of_setup(named), "about", "model")
    assert again.reset is not None
    assert again.reset(named).experiment == before
    with pytest.raises(EditRefusedError, match="no name"):
        name.apply(before, "no name!")

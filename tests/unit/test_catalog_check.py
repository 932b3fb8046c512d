"""Arguments held against the catalog."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kflab.catalog import ArgumentKind, Kind, load
from kflab.catalog.check import check_arguments

CATALOG = load()

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=6,
)


def problems(kind: Kind, name: str, arguments: dict) -> list[tuple[str, str]]:
    found = check_arguments(CATALOG.get(kind, name), arguments, CATALOG)
    return [(".".join(problem.path), problem.message) for problem in found]


@pytest.mark.parametrize(
    ("kind", "name", "arguments"),
    [
        (Kind.LAYER, "Conv2D", {"filters": 16, "kernel_size": 3, "padding": "SAME", "activation": "relu"}),
        (Kind.LAYER, "Conv2D", {"filters": 16, "kernel_size": [3, 3], "kernel_initializer": None}),
        (Kind.LAYER, "Dense", {"units": 4, "kernel_initializer": {"HeNormal": {"seed": 1}}}),
        (Kind.LAYER, "Dense", {"units": 4, "kernel_regularizer": "l2", "dtype": "mixed_bfloat16"}),
        (Kind.LAYER, "Input", {"shape": [None, 8], "dtype": "int32"}),
        (Kind.LAYER, "Cropping2D", {"cropping": [[1, 1], [2, 2]]}),
        (Kind.LAYER, "Bidirectional", {"layer": {"LSTM": {"units": 8}}}),
        (Kind.LAYER, "StackedRNNCells", {"cells": [{"LSTMCell": {"units": 4}}, {"GRUCell": {"units": 4}}]}),
        (Kind.LAYER, "LayerNormalization", {"axis": [1, 2]}),
        (Kind.LAYER, "RandomRotation", {"factor": [-0.1, 0.1]}),
        (Kind.LAYER, "Rescaling", {"scale": [0.9, 1.0, 1.1], "offset": -1}),
        (Kind.CONSTRAINT, "MaxNorm", {"axis": [0, 1, 2]}),
        (Kind.OPTIMIZER, "Adam", {"learning_rate": 1}),
        (Kind.OPTIMIZER, "Adam", {"learning_rate": {"ExponentialDecay": {
            "initial_learning_rate": 0.1, "decay_steps": 100, "decay_rate": 0.5}}}),
        (Kind.OPTIMIZER, "LossScaleOptimizer", {"inner_optimizer": "adam"}),
        (Kind.CALLBACK, "LearningRateScheduler", {"schedule": {"0": 0.1, "10": 0.01}}),
        (Kind.CALLBACK, "EarlyStopping", {"monitor": "val_loss", "patience": 3, "min_delta": 0.5}),
        (Kind.CALLBACK, "ModelCheckpoint", {"filepath": "best.keras", "save_freq": 100}),
        (Kind.METRIC, "acc", {}),
        (Kind.LOSS, "mse", {"reduction": "none"}),
        (Kind.OP, "ops.add", {"x2": 3.0}),
        (Kind.OP, "ops.mean", {"axis": [1, 2], "keepdims": True}),
    ],
)  # fmt: skip
def test_what_keras_accepts_passes(kind, name, arguments):
    assert problems(kind, name, arguments) == []


@pytest.mark.parametrize(
    ("kind", "name", "arguments", "path", "message"),
    [
        (Kind.LAYER, "Dense", {"units": "abc"}, "units", "expected a whole number, got abc"),
        (Kind.LAYER, "Dense", {"units": True}, "units", "expected a whole number, got true"),
        (Kind.LAYER, "Dense", {"units": 3.5}, "units", "expected a whole number, got 3.5"),
        (Kind.LAYER, "Dense", {"units": None}, "units", "expected a whole number, got none"),
        (Kind.LAYER, "Dense", {}, "units", "Dense needs 'units': a whole number"),
        (Kind.LAYER, "Dense", {"units": 3, "activaton": "relu"}, "activaton",
         "Dense has no argument 'activaton'; did you mean activation?"),
        (Kind.LAYER, "Dense", {"units": 3, "activation": "rellu"}, "activation",
         "unknown activation 'rellu'; did you mean relu"),
        (Kind.LAYER, "Dense", {"units": 3, "kernel_initializer": {"HeNormal": {"seed": "x"}}},
         "kernel_initializer.HeNormal.seed", "expected a whole number, or none, got x"),
        (Kind.LAYER, "Conv2D", {"filters": 1, "kernel_size": 3, "padding": "sam"}, "padding",
         "expected valid or same, got sam"),
        (Kind.LAYER, "Dropout", {"rate": "half"}, "rate", "expected a number, got half"),
        (Kind.LAYER, "TimeDistributed", {"layer": {"Dense": {}}}, "layer.Dense.units", "Dense needs 'units'"),
        (Kind.LAYER, "TimeDistributed", {"layer": {"Lambda": {}}}, "layer.Lambda", "holds code"),
        (Kind.LAYER, "Lambda", {"function": "f"}, "", "Lambda holds code"),
        (Kind.OPTIMIZER, "Adam", {"learning_rate": {"0": 0.1}}, "learning_rate",
         'expected a number or a learning-rate schedule, got {"0": 0.1}'),
        (Kind.METRIC, "accuracy", {"k": 1}, "k", "accuracy has no argument 'k'; it takes none"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_named_with_its_place(kind, name, arguments, path, message):
    [(where, said)] = problems(kind, name, arguments)
    assert where == path
    assert message in said


@settings(max_examples=200)
@given(st.data())
def test_whatever_a_document_holds_is_answered_and_never_raises(data):
    kind = data.draw(st.sampled_from(list(Kind)))
    entry = data.draw(st.sampled_from(CATALOG.entries(kind)))
    names = [argument.name for argument in entry.arguments] or ["none"]
    drawn = data.draw(st.dictionaries(st.sampled_from(names) | st.text(max_size=5), VALUES, max_size=5))
    for problem in check_arguments(entry, drawn, CATALOG):
        assert problem.message
        assert not problem.path or problem.path[0] in {*drawn, *names}


def test_every_default_passes():
    for kind in Kind:
        for entry in CATALOG.entries(kind):
            defaults = {known.name: known.default for known in entry.arguments if not known.required}
            needed = {known.name for known in entry.arguments if known.required}
            wrong = [
                p
                for p in check_arguments(entry, defaults, CATALOG)
                if p.path[:1] not in {(n,) for n in needed}
            ]
            plain = {known.name for known in entry.arguments if known.default is None and not known.nullable}
            assert entry.unsafe or all(problem.path[0] in plain for problem in wrong), (entry.name, wrong)


def test_aliases_never_hide_another_entry():
    for kind in Kind:
        names = set(CATALOG.names(kind))
        for entry in CATALOG.entries(kind):
            assert not names & set(entry.aliases), entry.name


def test_what_stands_on_every_form_has_its_kind():
    dense = {known.name: known.kind for known in CATALOG.get(Kind.LAYER, "Dense").arguments}
    assert dense["units"] is ArgumentKind.INT
    assert dense["activation"] is ArgumentKind.ACTIVATION
    assert dense["use_bias"] is ArgumentKind.BOOL
    assert dense["kernel_regularizer"] is ArgumentKind.REGULARIZER

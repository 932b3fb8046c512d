"""Whatever the catalog offers, the engine's report and the Keras model agree, or both refuse it."""

from __future__ import annotations

import re
from typing import Any

import keras
import msgspec
import pytest

from kflab import catalog
from kflab.catalog import Entry, Kind
from kflab.code.scripts import write
from kflab.diagnose.findings import Severity
from kflab.engine.build import BuildError, build
from kflab.engine.inspect import Inspector
from kflab.engine.protocol import Report
from kflab.experiment import Data, Experiment
from kflab.graph.nodes import INPUT, Graph, Layer, Node, Op
from kflab.values import Value

SHAPES: tuple[list[Value], ...] = ([4], [6, 4], [8, 8, 3])

# Values for arguments by name, so that most of the catalog can be called; what they do not fit is refused by
# both sides, and compared like the rest.
VALUES: dict[str, Value] = {
    "activation": "relu", "axes": 1, "axis": 1, "axis1": 1, "axis2": 2, "block_size": 2, "cell": "LSTMCell",
    "cropping": 1, "decimals": 1, "destination": 2, "dims": [2, 1], "dtype": "float32", "epsilon": 0.1,
    "equation": "abc,cd->abd", "factor": 0.2, "fft_length": 4, "filters": 4, "head_dim": 3, "height": 4,
    "height_factor": 0.2, "indices_or_sections": 2, "input_dim": 10, "k": 2, "kernel_size": 2, "key_dim": 3,
    "layer": {"Dense": {"units": 3}}, "max_number": 3, "max_val": 1.0, "n": 2, "num_bins": 8,
    "num_classes": 3,
    "num_heads": 2, "num_key_value_heads": 2, "num_query_heads": 4, "num_segments": 3, "output_dim": 4,
    "output_shape": [None, 4], "pad_width": 1, "padding": 1, "pool_size": 2, "q": 0.5, "rate": 0.3,
    "repeats": 2, "scale": 0.5, "sequence_length": 2, "sequence_stride": 1, "shape": [2, 4, 4], "shift": 1,
    "size": 2, "source": 1, "stddev": 0.1, "target_shape": [-1], "threshold": 0.1, "units": 4, "width": 4,
    "width_factor": 0.2, "x_max": 1.0, "x_min": 0.0,
}  # fmt: skip
OWN: dict[str, dict[str, Value]] = {
    "Bidirectional": {"layer": {"LSTM": {"units": 3}}},
    "CategoryEncoding": {"num_tokens": 4},
    "Discretization": {"num_bins": 4},
    "Pipeline": {"layers": [{"RandomRotation": {"factor": 0.2}}]},
    "RNN": {"cell": {"LSTMCell": {"units": 3}}},
    "RandomPosterization": {"factor": 3},
    "StackedRNNCells": {"cells": [{"LSTMCell": {"units": 3}}]},
}


def arguments_for(entry: Entry) -> dict[str, Value]:
    places = {tensor.name for tensor in entry.tensors}
    required = [argument.name for argument in entry.arguments if argument.required]
    values = {name: VALUES[name] for name in required if name in VALUES and name not in places}
    return {**values, **OWN.get(entry.name, {})}


def calls(entry: Entry) -> list[Experiment]:
    """The layer or operation called on tensors of several ranks."""
    arguments = arguments_for(entry)
    target = Op(entry.name, arguments) if entry.kind is Kind.OP else Layer(entry.name, arguments)
    count = 2 if entry.takes_list else max(1, sum(tensor.required for tensor in entry.tensors))
    names = tuple(f"x{index}" for index in range(count))
    return [
        Experiment(
            data=Data(source="digits"),
            model=Graph(
                nodes={
                    **{name: Node(Layer(INPUT, {"shape": shape})) for name in names},
                    "y": Node(target, names),
                },
                outputs=("y",),
            ),
        )
        for shape in SHAPES
    ]


def assert_agreement(inspector: Inspector, experiment: Experiment) -> bool:
    """Whether both sides accept the experiment; they must see the same in it."""
    report = inspector.inspect(experiment)
    wrong = [finding.message for finding in report.findings if finding.severity is Severity.ERROR]
    if wrong:
        with pytest.raises(BuildError):
            build(experiment)
        return False
    model = build(experiment)
    assert report.model.nodes["y"].outputs[0].shape == tuple(model.outputs[0].shape)
    assert report.model.totals.total == model.count_params()
    assert_same_as_code(experiment, report, model)
    return True


def assert_same_as_code(experiment: Experiment, report: Report, model: keras.Model) -> None:
    """The code of a model builds the same one, but for names that Keras counts and seeds that it draws."""
    script = write(msgspec.structs.replace(experiment, data=Data()), report=report)
    variables: dict[str, Any] = {}
    exec(script.text.replace("model.summary()", ""), variables)
    made = variables["model"]
    assert made.count_params() == model.count_params()
    assert [tensor.shape for tensor in made.outputs] == [tensor.shape for tensor in model.outputs]
    if experiment.model.nodes["y"].target != Op("ops.reshape", {}):  # Keras cannot write that down
        assert _counted(made.get_config()) == _counted(model.get_config()), script.text


def _counted(config: object) -> str:
    return re.sub(r"(_\d+)+'|'seed': \d+", "'", str(config))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [Kind.LAYER, Kind.OP])
def test_the_report_agrees_with_keras_on_every_entry(kind: Kind) -> None:
    inspector = Inspector()
    entries = [entry for entry in catalog.load().entries(kind) if not entry.unsafe and entry.name != INPUT]
    verdicts = {
        entry.name: [assert_agreement(inspector, whole) for whole in calls(entry)] for entry in entries
    }
    accepted = [name for name, verdict in verdicts.items() if any(verdict)]
    # The rest wants shapes or arguments of its own.
    assert len(accepted) > 0.8 * len(entries) > 100

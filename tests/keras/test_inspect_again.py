"""What an engine says after many edits is what one that never saw the experiment before says."""

from __future__ import annotations

import random

import msgspec
import pytest

from kflab import document, presets
from kflab.engine.inspect import Inspector
from kflab.experiment import Experiment
from kflab.graph import edits
from kflab.graph.edited import Edited, EditRefusedError
from kflab.graph.history import History
from kflab.graph.nodes import Layer, Op

TARGETS = (
    Layer("Dense", {"units": 7}),
    Layer("BatchNormalization"),
    Layer("Flatten"),
    Layer("Add"),
    Op("ops.relu", {}),
)


def edited(experiment: Experiment, draw: random.Random) -> Edited:
    """A random edit of a random graph, one that breaks the model as likely as not."""
    graph = draw.choice(["", *experiment.models])
    nodes = experiment.graph(graph).nodes
    name = draw.choice(list(nodes))
    target = nodes[name].target
    match draw.randrange(8):
        case 0:
            return edits.add_after(experiment, graph, name, draw.choice(TARGETS))
        case 1:
            return edits.add_branch(experiment, graph, name, draw.choice(TARGETS))
        case 2:
            return edits.delete(experiment, graph, name)
        case 3:
            return edits.connect(experiment, graph, draw.choice(list(nodes)), name)
        case 4:
            return edits.toggle_output(experiment, graph, name)
        case 5:
            return edits.rename(experiment, graph, name, f"n{draw.randrange(10_000)}")
        case 6:
            return edits.freeze(experiment, graph, [name], frozen=bool(draw.randrange(2)))
    argument = {"Dense": "units", "Conv2D": "filters", "LSTM": "units", "Embedding": "output_dim"}
    if isinstance(target, Layer) and target.layer in argument:
        return edits.set_argument(experiment, graph, name, argument[target.layer], draw.choice([3, 8, 16]))
    if isinstance(target, Layer) and target.layer == "Input":
        return edits.set_argument(
            experiment, graph, name, "shape", draw.choice([[8, 8, 1], [16, 16, 3], [5]])
        )
    raise EditRefusedError("nothing to set")


@pytest.mark.parametrize("name", ["digits_branches", "digits_autoencoder", "digits_siamese"])
def test_reports_do_not_depend_on_what_was_reported_before(name: str) -> None:
    draw = random.Random(name)
    history = History(document.read(presets.path(name)))
    inspector, remembered = Inspector(), document.Remembered()
    for _ in range(40):
        if history.done and not draw.randrange(4):
            history = history.undo()
        else:
            try:
                history = history.edit(edited(history.now, draw).experiment, "edit")
            except EditRefusedError:
                continue
        line = msgspec.json.encode(document.encode(history.now))
        again = document.decode(msgspec.json.decode(line), remembered=remembered)
        assert again == history.now
        assert inspector.inspect(again) == Inspector().inspect(document.decode(msgspec.json.decode(line)))


def test_true_is_not_taken_for_one() -> None:
    remembered = document.Remembered()
    plain = document.encode(document.read(presets.path("digits_mlp")))
    nodes = plain["model"]["nodes"]  # type: ignore[call-overload,index]
    for value in (True, 1):
        layer = {"Dense": {"units": 3, "use_bias": value}, "from": next(iter(nodes))}
        changed = {**plain, "model": {"nodes": {**nodes, "more": layer}, "outputs": ["more"]}}  # type: ignore[dict-item]
        target = document.decode(changed, remembered=remembered).model.nodes["more"].target  # type: ignore[arg-type]
        assert isinstance(target, Layer)
        assert target.arguments["use_bias"] is value

"""Random edits, one after the other: every state can be saved and read, and undo leads all the way back."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kflab import catalog, document, presets
from kflab.diagnose.check import check
from kflab.experiment import Experiment
from kflab.graph import edits
from kflab.graph.edits import Edited, EditRefusedError
from kflab.graph.history import History
from kflab.graph.layout import lay_out
from kflab.graph.nodes import Call, Layer, Op, Share, Target

START = [
    document.read(presets.path(name)) for name in ("digits_mlp", "digits_siamese", "ensemble", "tickets")
]
LAYERS = [entry.name for entry in catalog.load().entries(catalog.Kind.LAYER) if not entry.unsafe]

NAMES = st.sampled_from(["a", "b.1", "c-d", "e_2", "2d", "", "no good", "x" * 40])
INDEX = st.integers(0, 60)


def pick(experiment: Experiment, graph: str, index: int) -> str:
    names = list(experiment.graph(graph).nodes)
    return names[index % len(names)] if names else ""


@st.composite
def targets(draw: st.DrawFn, experiment: Experiment, graph: str) -> Target:
    which = draw(st.integers(0, 4))
    if which == 0 and experiment.models:
        return Call(draw(st.sampled_from(sorted(experiment.models))))
    if which == 1:
        return Op("ops.add")
    if which == 2:
        node = experiment.graph(graph).nodes.get(pick(experiment, graph, draw(INDEX)))
        if node is not None and isinstance(node.target, Layer) and not node.is_input:
            return Share(next(name for name, own in experiment.graph(graph).nodes.items() if own is node))
    return Layer(draw(st.sampled_from(LAYERS)))


def one_edit(draw: st.DrawFn, experiment: Experiment) -> Callable[[], Edited]:
    graph = draw(st.sampled_from(["", *sorted(experiment.models)]))
    node, other = pick(experiment, graph, draw(INDEX)), pick(experiment, graph, draw(INDEX))
    target = draw(targets(experiment, graph))
    name = draw(NAMES)
    units = draw(st.integers(1, 9))
    choices: list[Callable[[], Edited]] = [
        lambda: edits.add_after(experiment, graph, node, target, name),
        lambda: edits.add_branch(experiment, graph, node, target, name),
        lambda: edits.connect(experiment, graph, other, node),
        lambda: edits.disconnect(experiment, graph, node, units % 3),
        lambda: edits.delete(experiment, graph, node),
        lambda: edits.rename(experiment, graph, node, name),
        lambda: edits.toggle_output(experiment, graph, node),
        lambda: edits.set_argument(experiment, graph, node, "trainable", units % 2 == 0),
        lambda: edits.reset_argument(experiment, graph, node, "units"),
        lambda: edits.set_target(experiment, graph, node, target),
    ]
    return draw(st.sampled_from(choices))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(st.data())
def test_any_sequence_of_edits_can_be_shown_saved_and_undone(data: st.DataObject) -> None:
    start = data.draw(st.sampled_from(START))
    history = History(start)
    for _ in range(data.draw(st.integers(1, 12))):
        try:
            edited = one_edit(data.draw, history.now)()
        except EditRefusedError:
            continue
        history = history.edit(edited.experiment, edited.name)
        assert not edited.node or edited.node in {
            name
            for graph in (edited.experiment.model, *edited.experiment.models.values())
            for name in graph.nodes
        }
        assert document.decode(document.encode(edited.experiment)) == edited.experiment
        for graph in (edited.experiment.model, *edited.experiment.models.values()):
            assert len(lay_out(graph)) == len(graph.nodes)
        check(edited.experiment)
    assert document.read_text(document.dump(history.now)) == history.now
    done = len(history.done)
    latest = history
    for _ in range(done):
        history = history.undo()
    assert history.now == start
    for _ in range(done):
        history = history.redo()
    assert history == latest

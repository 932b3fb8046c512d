"""Random edits, one after the other: every state can be saved and read, and undo leads all the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kflab import catalog, document, presets
from kflab.diagnose.check import check
from kflab.experiment import Experiment
from kflab.graph import edits
from kflab.graph.edits import Edited, EditRefusedError, Slot
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


def slot(experiment: Experiment, graph: str, name: str, index: int) -> Slot:
    node = experiment.graph(graph).nodes.get(name)
    places = [place for place, _ in edits.slots(node)] if node else []
    return places[index % len(places)] if places else Slot(index)


def one_of(draw: st.DrawFn, likely: Iterable[str], otherwise: str) -> str:
    """One of the nodes that an edit is for, where there is one."""
    return draw(st.sampled_from(sorted(likely) or [otherwise]))


def those_with(experiment: Experiment, graph: str, kind: type[Share | Call]) -> list[str]:
    return [name for name, node in experiment.graph(graph).nodes.items() if isinstance(node.target, kind)]


def tensors(experiment: Experiment, graph: str) -> edits.Tensors:
    return {name: ((None, index), "int32") for index, name in enumerate(experiment.graph(graph).nodes)}


def adding(
    draw: st.DrawFn, experiment: Experiment, graph: str, several: list[str]
) -> list[Callable[[], Edited]]:
    node, target, name = several[0], draw(targets(experiment, graph)), draw(NAMES)
    place = slot(experiment, graph, node, draw(INDEX))
    return [
        lambda: edits.add_after(experiment, graph, node, target, name),
        lambda: edits.add_before(experiment, graph, node, target, name),
        lambda: edits.add_between(experiment, graph, node, place, target, name),
        lambda: edits.add_branch(experiment, graph, node, target, name),
        lambda: edits.add_merge(experiment, graph, several, target, name),
        lambda: edits.set_target(experiment, graph, node, target),
    ]


def wiring(
    draw: st.DrawFn, experiment: Experiment, graph: str, several: list[str]
) -> list[Callable[[], Edited]]:
    value, node = experiment.graph(graph), several[0]
    known = node in value.nodes
    source = one_of(draw, edits.connectable(value, node) if known else (), several[-1])
    owner = one_of(draw, edits.shareable(value, node) if known else (), several[-1])
    sharing = one_of(draw, those_with(experiment, graph, Share), node)
    at, to = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    place = slot(experiment, graph, node, at)
    argument = draw(st.sampled_from(["", "initial_state", "mask", "key", "nothing"]))
    return [
        lambda: edits.connect(experiment, graph, source, node, argument),
        lambda: edits.disconnect(experiment, graph, node, place),
        lambda: edits.move_input(experiment, graph, node, at, to),
        lambda: edits.move_output(experiment, graph, at, to),
        lambda: edits.move_model_input(experiment, graph, at, to),
        lambda: edits.toggle_output(experiment, graph, node),
        lambda: edits.share(experiment, graph, node, owner),
        lambda: edits.unshare(experiment, graph, sharing),
    ]


def changing(
    draw: st.DrawFn, experiment: Experiment, graph: str, several: list[str]
) -> list[Callable[[], Edited]]:
    node, name, flag = several[0], draw(NAMES), draw(st.booleans())
    model = draw(st.sampled_from(["", *sorted(experiment.models)]))
    return [
        lambda: edits.delete(experiment, graph, node),
        lambda: edits.delete_all(experiment, graph, several),
        lambda: edits.rename(experiment, graph, node, name),
        lambda: edits.rename_model(experiment, model, name),
        lambda: edits.set_argument(experiment, graph, node, "trainable", flag),
        lambda: edits.reset_argument(experiment, graph, node, "units"),
        lambda: edits.set_call_argument(experiment, graph, node, "training", flag),
        lambda: edits.reset_call_argument(experiment, graph, node, "training"),
        lambda: edits.freeze(experiment, graph, several, frozen=flag),
    ]


def nesting(
    draw: st.DrawFn, experiment: Experiment, graph: str, several: list[str]
) -> list[Callable[[], Edited]]:
    name = draw(st.one_of(NAMES, st.just("")))
    model = draw(st.sampled_from(["", *sorted(experiment.models)]))
    other = draw(st.sampled_from(START))
    call = one_of(draw, those_with(experiment, graph, Call), several[0])
    return [
        lambda: edits.group(experiment, graph, several, tensors(experiment, graph), name),
        lambda: edits.ungroup(experiment, graph, call),
        lambda: edits.delete_model(experiment, model),
        lambda: edits.duplicate(experiment, graph, several),
        lambda: edits.cut(experiment, graph, several)[1],
        lambda: edits.paste(experiment, graph, several[0], edits.copy(experiment, graph, several)),
        lambda: edits.paste(experiment, graph, several[0], edits.cut(experiment, graph, several[1:])[0]),
        lambda: edits.paste(
            experiment,
            graph,
            several[0],
            edits.copy(other, "", list(other.model.nodes)[1 : len(several) + 1]),
        ),
    ]


def one_edit(draw: st.DrawFn, experiment: Experiment) -> Callable[[], Edited]:
    graph = draw(st.sampled_from(["", *sorted(experiment.models)]))
    picked = [pick(experiment, graph, index) for index in draw(st.lists(INDEX, min_size=1, max_size=4))]
    subject = draw(st.sampled_from([adding, wiring, changing, nesting, nesting]))
    return draw(st.sampled_from(subject(draw, experiment, graph, list(dict.fromkeys(picked)))))


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

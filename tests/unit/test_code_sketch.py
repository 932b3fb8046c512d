"""Whatever state an experiment is in while it is edited, there is code to show for it."""

from __future__ import annotations

import ast

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kflab import catalog, document, presets
from kflab.code.blocks import Place
from kflab.code.scripts import sketch
from kflab.experiment import Experiment
from kflab.graph.nodes import Call, Graph, Layer, Node, Op, Share, Target

START = [
    document.read(presets.path(name)) for name in ("digits_siamese", "ensemble", "tickets", "digits_sequence")
]
NAMES = st.sampled_from(
    ["image", "left", "left_edges", "joined", "title", "wide", "gone", "right:1", "title_read:2"]
)
TARGETS: st.SearchStrategy[Target] = st.one_of(
    st.builds(Layer, st.sampled_from([*catalog.load().names(catalog.Kind.LAYER), "Unknown"])),
    st.builds(Op, st.sampled_from([*catalog.load().names(catalog.Kind.OP), "ops.unknown"])),
    st.builds(Share, NAMES),
    st.builds(Call, st.sampled_from(["wide", "deep", "gone"])),
)
NODES = st.builds(
    Node,
    TARGETS,
    inputs=st.lists(NAMES, max_size=3).map(tuple),
    named=st.dictionaries(st.sampled_from(["mask", "initial_state", "x2"]), NAMES, max_size=1),
)


@st.composite
def broken(draw: st.DrawFn) -> Experiment:
    """An experiment in whose graphs nodes are missing, others are changed, and more are there."""
    experiment = draw(st.sampled_from(START))

    def change(graph: Graph) -> Graph:
        gone = draw(st.sets(st.sampled_from(sorted(graph.nodes)), max_size=3))
        nodes = {name: node for name, node in graph.nodes.items() if name not in gone}
        nodes |= draw(st.dictionaries(NAMES.filter(str.isidentifier), NODES, max_size=3))
        outputs = draw(st.one_of(st.just(graph.outputs), st.lists(NAMES, max_size=2).map(tuple)))
        return msgspec.structs.replace(graph, nodes=nodes, outputs=outputs)

    models = {name: change(graph) for name, graph in experiment.models.items()}
    return msgspec.structs.replace(experiment, model=change(experiment.model), models=models)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(broken())
def test_there_is_code_for_every_state_of_an_experiment(experiment: Experiment) -> None:
    script = sketch(experiment)
    block = script.block
    ast.parse(block.text)
    assert all(block.lines[line].strip() for start in block.places for line in block.statement(start))
    told = " ".join(script.problems)
    for name in experiment.model.nodes:
        assert Place("", name) in block.places.values() or name in told or "circle" in told

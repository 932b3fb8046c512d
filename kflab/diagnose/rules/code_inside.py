"""The rule about layers that hold code."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.diagnose import codes
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.surroundings import by_layer, entry_of


@rule(codes.CODE_INSIDE, "code-inside", Severity.ERROR, ignorable=False)
def code_inside(facts: Facts) -> Iterator[Finding]:
    """A layer holds code: a Lambda, or a wrapper around another library or a file of functions.

    What a Lambda does is stored as the bytes of a Python function. They depend on the Python that wrote them,
    Keras refuses to load them again unless safe mode is switched off, and whoever loads them runs them. A
    document of kflab is data, so that it holds none: a file with such a layer is not read.

        half: {Lambda: {function: "lambda x: x / 2"}, from: image}

    Use a layer or an operation of `keras.ops`, which do the same and can be saved:

        half: {Rescaling: {scale: 0.5}, from: image}
        half: {ops.divide: {x2: 2}, from: image}
    """
    for graph_name in ("", *facts.experiment.models):
        for called, names in by_layer(facts.experiment.graph(graph_name)).items():
            entry = entry_of(called)
            if entry is not None and entry.unsafe:
                for name in names:
                    message = f"{called} holds code, which could not be loaded again"
                    yield Finding(message, graph=graph_name, node=name)

"""Documents damaged in any way: an experiment or one clear error, never anything else."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kflab import document, presets
from kflab.catalog.datasets import describe
from kflab.diagnose.check import check
from kflab.errors import UnusableInputError
from kflab.experiment import Experiment
from kflab.graph.layout import lay_out

TEXTS = [document.text_of(presets.path(name)) for name in presets.names()]
WORDS = ["null", "true", "-1", "1e999", "[]", "{}", "''", "&x ", "*x", "!!int ", "<<", "0x"]
NAMES = ["from", "share", "model", "nodes", "Dense", "Input", "ops.add"]
MARKS = [*"\t\n'\"{}[]:,#|>\u2028\x07", "  ", "? ", "- ", "a: b", "9" * 30, "kflab: 2", "? [a]\n: b"]
PIECES = st.sampled_from([*WORDS, *NAMES, *MARKS])


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 12))
        text = text[:start] + draw(st.one_of(PIECES, st.text(max_size=4), st.just(""))) + text[end:]
    return text


@settings(max_examples=250, deadline=None)
@given(damaged())
@example("? {a: b}\n: c\n? {a: b}\n: c\n")  # the parser itself raises a TypeError
@example("kflab: 1\n'" + "x" * 5000 + "': 1\n")
def test_a_damaged_document_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        experiment = document.read_text(text, "damaged.yaml")
    except UnusableInputError as error:
        told = str(error)
    else:
        told = ""
        holds(experiment, text)
    assert "\n" not in told
    assert len(told) < 800


def holds(experiment: Experiment, text: str) -> None:
    assert document.read_text(document.dump(experiment, text)) == experiment
    assert document.read_text(document.dump(experiment)) == experiment
    for graph in (experiment.model, *experiment.models.values()):
        assert len(lay_out(graph)) == len(graph.nodes)
    try:
        info = describe(experiment.data)
    except UnusableInputError:
        info = None
    check(experiment, info)


@pytest.mark.parametrize(
    "text", ["model: !!python/name:os.system ''", "a: !!python/object/new:os.system [ls]"]
)
def test_a_document_runs_no_code(text: str) -> None:
    with pytest.raises(UnusableInputError, match="tag"):
        document.read_text(text)

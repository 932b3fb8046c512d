"""The summary is Keras' own, as wide as asked for, and costs no memory."""

from __future__ import annotations

import keras
import pytest

from kflab import document
from kflab.engine.build import BuildError, build
from kflab.engine.summary import summary_text
from kflab.experiment import Experiment


def experiment(units: int = 10) -> Experiment:
    return document.read_text(f"""
kflab: 1
data: {{source: digits}}
model:
  name: wide
  nodes:
    image:  {{Input: {{shape: [8, 8, 1]}}}}
    code:   {{model: encoder, from: image}}
    again:  {{Dense: {{units: {units}}}, from: code}}
    joined: {{Concatenate: {{}}, from: [code, again]}}
    digit:  {{Dense: {{units: {units}, activation: softmax}}, from: joined}}
  outputs: [digit]
models:
  encoder:
    nodes:
      picture: {{Input: {{shape: [8, 8, 1]}}}}
      flat:    {{Flatten: {{}}, from: picture}}
      code:    {{Dense: {{units: 4}}, from: flat}}
    outputs: [code]
""")


@pytest.mark.parametrize("width", [60, 80, 121, 200])
def test_it_is_as_wide_as_asked_and_plain(width: int) -> None:
    lines = summary_text(experiment(), width).splitlines()
    assert max(map(len, lines)) == width
    assert not any("\x1b" in line for line in lines)
    assert lines[0] == 'Model: "wide"'


@pytest.mark.parametrize(
    "terminal", [{"COLUMNS": "33", "LINES": "9"}, {"TERM": "dumb"}, {"FORCE_COLOR": "1"}]
)
def test_the_terminal_around_it_does_not_matter(
    monkeypatch: pytest.MonkeyPatch, terminal: dict[str, str]
) -> None:
    expected = summary_text(experiment(), 140)
    for name, value in terminal.items():
        monkeypatch.setenv(name, value)
    assert summary_text(experiment(), 140) == expected


def test_it_says_what_keras_says_of_the_built_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    printed: list[str] = []
    build(experiment()).summary(line_length=100, print_fn=lambda line, **_: printed.append(line))
    keras_own = [line.rstrip() for line in "".join(printed).splitlines()]
    assert summary_text(experiment(), 100).splitlines() == keras_own


def test_a_nested_model_has_a_summary_of_its_own() -> None:
    text = summary_text(experiment(), 80, "encoder")
    assert 'Model: "encoder"' in text
    assert "Total params: 260" in text
    assert "digit" not in text


def test_size_does_not_matter() -> None:
    # Half a terabyte of weights; the variables of the summary are dropped without being given values.
    assert "Total params: 160," in summary_text(experiment(400_000), 80)
    keras.StatelessScope().__enter__().__exit__()


def test_a_model_that_cannot_be_built_has_findings_instead() -> None:
    with pytest.raises(BuildError) as raised:
        summary_text(experiment(0), 80)
    assert raised.value.findings[0].node == "again"

"""Documents: what is read, what a save keeps, and how bad input is told."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from kflab import document, presets
from kflab.catalog.datasets import describe
from kflab.diagnose.check import check
from kflab.diagnose.findings import Severity
from kflab.document.assign import assign
from kflab.errors import UnusableInputError
from kflab.experiment import EVERY_OUTPUT, Spec
from kflab.graph import edits
from kflab.graph.nodes import Call, Layer, Op, Share

EXAMPLE = """\
# a note at the top
kflab: 1
title: Two towers
data: {source: iris}   # real flowers
model:
  name: towers
  nodes:
    # where it starts
    x:     {Input: {shape: [4]}}
    left:  {Dense: {units: 8, activation: relu}, from: x}
    right: {share: left, from: x}
    both:  {ops.add: {}, from: [left, right]}   # an operation
    inner: {model: head, from: both}
  outputs: [inner]
models:
  head:
    nodes:
      a: {Input: {shape: [8]}}
      b: {Dense: {units: 3, activation: softmax}, from: a}
    outputs: [b]
training:
  optimizer: {Adam: {learning_rate: 1e-3}}
  loss: SparseCategoricalCrossentropy
  metrics: [accuracy]
  epochs: 5  # few
  callbacks:
    EarlyStopping: {monitor: val_loss, patience: 3}
"""


def test_a_document_becomes_an_experiment() -> None:
    experiment = document.read_text(EXAMPLE)
    nodes = experiment.model.nodes
    assert nodes["left"].target == Layer("Dense", {"units": 8, "activation": "relu"})
    assert nodes["right"].target == Share("left")
    assert nodes["both"].target == Op("ops.add")
    assert nodes["both"].inputs == ("left", "right")
    assert nodes["inner"].target == Call("head")
    assert experiment.training.optimizer == Spec("Adam", {"learning_rate": 0.001})
    assert experiment.training.loss == {EVERY_OUTPUT: Spec("SparseCategoricalCrossentropy")}
    assert experiment.training.callbacks == (Spec("EarlyStopping", {"monitor": "val_loss", "patience": 3}),)


def test_what_is_written_reads_the_same() -> None:
    experiment = document.read_text(EXAMPLE)
    assert document.read_text(document.dump(experiment)) == experiment
    assert document.decode(document.encode(experiment)) == experiment


def test_saving_unchanged_keeps_every_character() -> None:
    assert document.dump(document.read_text(EXAMPLE), EXAMPLE) == EXAMPLE


def test_a_save_keeps_comments_and_untouched_lines(tmp_path: Path) -> None:
    path = tmp_path / "towers.yaml"
    path.write_text(EXAMPLE)
    changed = assign(document.read(path), ["training.epochs=9", "model.nodes.left.Dense.units=16"])
    document.write(changed, path)
    saved = path.read_text()
    assert document.read(path) == changed
    before, after = EXAMPLE.splitlines(), saved.splitlines()
    assert len(before) == len(after)
    differing = [new for old, new in zip(before, after, strict=True) if old != new]
    assert len(differing) == 2
    assert "epochs: 9" in differing[1]
    assert "# few" in differing[1]


def test_the_comment_of_a_node_follows_its_new_name() -> None:
    text = EXAMPLE.replace("activation: relu}, from: x}", "activation: relu}, from: x}  # to the left")
    experiment = document.read_text(text)
    renamed = edits.rename(experiment, "", "left", "tower").experiment
    saved = document.dump(edits.rename(renamed, "", "both", "sum").experiment, text)
    assert "tower: {Dense: {units: 8, activation: relu}, from: x}  # to the left\n" in saved
    assert "sum: {ops.add: {}, from: [tower, right]}" in saved
    assert "# an operation" in saved
    widened = edits.set_argument(renamed, "", "tower", "units", 16).experiment
    [line] = [line for line in document.dump(widened, text).splitlines() if "units: 16" in line]
    assert line.endswith("# to the left")


def test_a_comment_goes_where_it_may_be_about_either_of_two_nodes() -> None:
    second = "    twin:  {Dense: {units: 8, activation: relu}, from: x}\n"
    line = "    left:  {Dense: {units: 8, activation: relu}, from: x}"
    text = EXAMPLE.replace(f"{line}\n", f"{line}  # to the left\n{second}").replace(
        "share: left", "share: twin"
    )
    without = edits.delete(document.read_text(text), "", "left").experiment
    assert "# to the left" not in document.dump(edits.rename(without, "", "twin", "tower").experiment, text)


def test_a_node_that_is_new_gets_a_line_of_its_own() -> None:
    text = EXAMPLE.replace("    inner: {model: head, from: both}\n", "").replace(
        "outputs: [inner]", "outputs: [both]"
    )
    saved = document.dump(document.read_text(EXAMPLE), text)
    assert "\n    inner: {model: head, from: both}\n" in saved
    assert "# where it starts" in saved


@pytest.mark.parametrize("name", presets.names())
def test_presets_read_and_save_without_a_change(name: str) -> None:
    text = document.text_of(presets.path(name))
    experiment = document.read_text(text)
    assert document.dump(experiment, text) == text
    assert document.read_text(document.dump(experiment)) == experiment


BAD = {
    "an unknown key": ("epochs: 5", "epoch: 5", 25, "training.epoch", "epochs"),
    "an unknown layer": ("Dense: {units: 8", "Dnse: {units: 8", 10, "model.nodes.left", "Dense"),
    "an unknown argument": ("units: 8", "unit: 8", 10, "model.nodes.left.Dense.unit", "units"),
    "a wrong type": ("units: 8", "units: eight", 10, "model.nodes.left.Dense.units", "whole number"),
    "a wrong setting": ("epochs: 5", "epochs: many", 25, "training.epochs", "whole number"),
    "a number out of range": ("epochs: 5", "epochs: 0", 25, "training.epochs", "1"),
    "a missing node": ("[left, right]", "[left, rihgt]", 12, "model.nodes.both.from", "right"),
    "a circle": (
        "activation: relu}, from: x}",
        "activation: relu}, from: both}",
        12,
        "model.nodes",
        "circle",
    ),
    "an unknown output": ("outputs: [inner]", "outputs: [iner]", 14, "model.outputs[0]", "inner"),
    "an unknown operation": ("ops.add", "ops.ad", 12, "model.nodes.both", "ops.add"),
    "an unknown nested model": ("model: head", "model: haed", 13, "model.nodes.inner.model", "head"),
    "an unknown optimizer": ("Adam", "Adamm", 22, "training.optimizer", "Adam"),
    "an unknown loss": ("SparseCategoricalCrossentropy", "Sparse", 23, "training.loss", "loss"),
    "an unknown callback": ("EarlyStopping", "EarlyStoping", 27, "training.callbacks", "EarlyStopping"),
    "two layers in one node": (
        "units: 8, activation: relu}",
        "units: 8}, ReLU: {}",
        10,
        "model.nodes.left",
        "2 layers",
    ),
    "a newer version": ("kflab: 1", "kflab: 7", 2, "kflab", "newer"),
    "a node that is a list": ("{share: left, from: x}", "[left]", 11, "model.nodes.right", "expected a node"),
    "sharing what has no layer": ("share: left", "share: both", 11, "model.nodes.right.share", "layer"),
    "an Input that is fed": ("shape: [4]}}", "shape: [4]}, from: left}", 9, "model.nodes.x", "Input"),
    "code": ("ops.add: {}", "Lambda: {function: print}", 12, "model.nodes.both.Lambda", "code"),
    "a tag": ("title: Two towers", "title: !!python/object/apply:os.system [ls]", 3, "title", "tag"),
    "broken YAML": ("outputs: [inner]", "outputs: [inner", 15, "", "YAML"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_with_file_line_path_and_what_was_expected(case: str) -> None:
    old, new, line, path, words = BAD[case]
    assert old in EXAMPLE
    with pytest.raises(UnusableInputError) as caught:
        document.read_text(EXAMPLE.replace(old, new, 1), "towers.yaml")
    error = caught.value
    assert error.file == "towers.yaml"
    assert error.line == line
    assert error.path.startswith(path)
    assert words in str(error)
    assert "\n" not in str(error)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "[1, 2, 3]",
        "\x00\x01\x02\x03",
        BOMB,
        "[" * 20_000,
        "- " * 20_000,
        "a: &a {b: *a}\n" * 1,
        "kflab: 1\nkflab: 1\n",
        "? [a, b]\n: 1\n",
        "a: 2001-01-01",
        "a: 1" + "0" * 10_000,
        "kflab: 1\n---\nkflab: 1\n",
        "kflab: 1\ndata: {source: iris}\nmodel: 3\n",
        "kflab: true\ndata: {source: iris}\nmodel: {}\n",
        "kflab: 1\ndata: {source: iris, validation: 1.5}\nmodel: {}\n",
        "kflab: 1\ndata: {source: iris}\nmodel: {nodes: {a/b: {Dense: {}}}}\n",
        "kflab: 1\ndata: {source: iris}\nmodel: {nodes: {a: {Dense: {}, from: {x: {y: z}}}}}\n",
        "x" * 10_000_000,
    ],
    ids=lambda text: repr(text[:30]),
)
def test_what_is_no_experiment_gives_one_clear_error(text: str) -> None:
    with pytest.raises(UnusableInputError) as caught:
        document.read_text(text, "bad.yaml")
    assert str(caught.value).startswith("bad.yaml")
    assert len(str(caught.value)) < 400


def test_files_that_can_not_be_read_are_told(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(bytes(range(256)))
    large = tmp_path / "large.yaml"
    large.write_bytes(b"# " + b"x" * 10_000_000)
    for path in (binary, large, tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(UnusableInputError) as caught:
            document.read(path)
        assert caught.value.file == str(path)


def test_reading_resolves_no_import_path() -> None:
    before = set(sys.modules)
    with pytest.raises(UnusableInputError):
        document.read_text(EXAMPLE.replace("Dense: {units: 8", "antigravity.Flight: {units: 8"))
    assert "antigravity" not in set(sys.modules) - before


def test_a_damaged_file_is_replaced_by_a_save(tmp_path: Path) -> None:
    path = tmp_path / "damaged.yaml"
    path.write_text("[[[")
    experiment = document.read_text(EXAMPLE)
    document.write(experiment, path)
    assert document.read(path) == experiment


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("training.epochs=3", ("training", "epochs"), 3),
        ("training.optimizer=SGD", ("training", "optimizer"), "SGD"),
        (
            "training.optimizer.Adam.learning_rate=0.5",
            ("training", "optimizer", "Adam", "learning_rate"),
            0.5,
        ),
        (
            "training.callbacks.EarlyStopping.patience=9",
            ("training", "callbacks", "EarlyStopping", "patience"),
            9,
        ),
        ("training.callbacks.TerminateOnNaN={}", ("training", "callbacks", "TerminateOnNaN"), {}),
        ("model.nodes.left.Dense.units=2", ("model", "nodes", "left", "Dense", "units"), 2),
        ("title=a: b", ("title",), "a: b"),
    ],
)
def test_settings_given_on_the_command_line(assignment: str, path: tuple[str, ...], value: object) -> None:
    if assignment == "title=a: b":
        assignment = 'title="a: b"'
    found: object = document.encode(assign(document.read_text(EXAMPLE), [assignment]))
    for key in path:
        assert isinstance(found, dict)
        found = found[key]
    assert found == value


def test_null_takes_a_setting_away() -> None:
    assert assign(document.read_text(EXAMPLE), ["training.callbacks=null"]).training.callbacks == ()


@pytest.mark.parametrize(
    "assignment", ["training.epochs", "=3", "training.epoch=3", "training.epochs.x=3", "title=[1"]
)
def test_an_assignment_that_leads_nowhere_is_refused(assignment: str) -> None:
    with pytest.raises(UnusableInputError):
        assign(document.read_text(EXAMPLE), [assignment])


def test_the_example_in_the_readme_is_an_experiment() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    example = readme.partition("```yaml\n")[2].partition("```")[0]
    experiment = document.read_text(example)
    assert experiment.model.nodes["joined"].inputs == ("left", "right")
    findings = check(experiment, describe(experiment.data))
    assert all(finding.severity is Severity.INFO for finding in findings)


def test_an_experiment_needs_no_data_until_it_is_run() -> None:
    text = """\
kflab: 1
model:
  nodes:
    x: {Input: {shape: [4]}}
    y: {Dense: {units: 3}, from: x}
  outputs: [y]
"""
    experiment = document.read_text(text)
    assert experiment.data.source == ""
    assert "data" not in document.encode(experiment)
    assert document.decode(document.encode(experiment)) == experiment
    with pytest.raises(UnusableInputError, match="no dataset is chosen"):
        describe(experiment.data)
    assert "data.source" in {finding.path for finding in check(experiment)}
    chosen = assign(experiment, ["data.source=iris"])
    assert "data.source" not in {finding.path for finding in check(chosen)}
    assert "data: {source: iris}" in document.dump(chosen, text)


def test_weights_to_start_from_are_looked_for_beside_the_experiment(tmp_path: Path) -> None:
    experiment = assign(document.read_text(EXAMPLE), ["training.initial_weights=mine.weights.h5"])

    def problems() -> list[str]:
        found = check(experiment, base=tmp_path)
        return [finding.message for finding in found if finding.path == "training.initial_weights"]

    assert problems() == [f"there is no file {tmp_path / 'mine.weights.h5'}"]
    (tmp_path / "mine.weights.h5").touch()
    assert problems() == []
    experiment = assign(experiment, ["training.initial_weights=mine.pt"])
    assert "expected a .weights.h5 or .keras file" in problems()[0]


def test_a_default_that_was_left_out_stays_out() -> None:
    text = (
        "model:\n  nodes:\n    x: {Input: {shape: [4]}}\n    y: {Dense: {units: 3}, from: x}\n"
        "  outputs: [y]\ntraining: {loss: mse}  # by hand\n"
    )
    experiment = document.read_text(text)
    longer = msgspec.structs.replace(
        experiment, training=msgspec.structs.replace(experiment.training, epochs=3)
    )
    assert "training: {loss: mse, epochs: 3} # by hand" in document.dump(longer, text)


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        (
            "{dtype_policy: float8}",
            r"training\.dtype_policy: expected one of float32, .*'float8'",
        ),
        ("{plan: {data: disk}}", r"training\.plan\.data: expected one of device, memory, .*'disk'"),
        ("{plan: {steps_per_execution: 0}}", r"training\.plan\.steps_per_execution: expected .* >= 1, got 0"),
        ("{plan: {steps: 1}}", r"training\.plan: unknown key steps"),
        ("{deterministic: 3}", r"training\.deterministic: expected true or false, got 3"),
        ("{class_weight: blanced}", r"training\.class_weight: expected one of balanced, a mapping, .*"),
    ],
)
def test_a_setting_that_can_not_be_is_told_with_what_can(training: str, expected: str) -> None:
    text = (
        f"kflab: 1\nmodel: {{nodes: {{x: {{Input: {{shape: [4]}}}}}}, outputs: [x]}}\ntraining: {training}\n"
    )
    with pytest.raises(UnusableInputError, match=expected):
        document.read_text(text)

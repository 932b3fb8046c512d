"""`kflab edit` changes a file as the lab's keys would, and says what it did or why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kflab import cli, document
from kflab.commands.graph_operations import OPERATIONS
from kflab.commands.operations import usage
from kflab.experiment import Experiment
from kflab.graph.nodes import Call, Layer, Share
from kflab.values import Arguments

TEXT = """\
kflab: 1
data: {source: digits}  # real digits
training: {loss: {flat: mse}}
model:
  nodes:
    image: {Input: {shape: [8, 8, 1]}}
    left: {Conv2D: {filters: 4, kernel_size: 3}, from: image}  # the left eye
    right: {Conv2D: {filters: 4, kernel_size: 5}, from: image}  # the right eye
    again: {share: left, from: image}
    both: {Concatenate: {}, from: [left, right, again]}
    seen: {model: eye, from: both}
    flat: {Flatten: {}, from: seen}
  outputs: [flat]
models:
  eye:
    nodes:
      x: {Input: {shape: [6, 6, 12]}}
      squeeze: {Conv2D: {filters: 2, kernel_size: 1}, from: x}
    outputs: [squeeze]
  spare:
    nodes:
      x: {Input: {shape: [4]}}
    outputs: [x]
"""

IN_TIME = """\
kflab: 1
model:
  nodes:
    words: {Input: {shape: [9, 4]}}
    other: {Input: {shape: [9, 4]}}
    first: {LSTM: {units: 3, return_state: true}, from: words}
    second: {LSTM: {units: 3}, from: other}
    stacked: {RNN: {cell: [LSTMCell: {units: 3}, GRUCell: {units: 2}]}, from: words}
  outputs: [second, first, "first:1"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def in_time(tmp_path: Path) -> Path:
    path = tmp_path / "time.yaml"
    path.write_text(IN_TIME)
    return path


def edit(path: Path, *words: str) -> Experiment:
    assert cli.run(["edit", str(path), *words]) == 0
    return document.read(path)


def arguments(experiment: Experiment, name: str, graph: str = "") -> Arguments:
    target = experiment.graph(graph).nodes[name].target
    assert isinstance(target, Layer)
    return target.arguments


def test_operations_follow_each_other_and_comments_stay(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = edit(file, "delete", "right", "--then", "rename", "left", "lens", "--then", "duplicate", "flat")
    nodes = edited.model.nodes
    assert nodes["both"].inputs == ("lens", "image", "again")
    assert nodes["again"].target == Share("lens")
    assert nodes["flat_1"].inputs == ("seen",)
    assert "# the left eye" in file.read_text()
    assert "# the right eye" not in file.read_text()
    assert "# real digits" in file.read_text()
    said = capsys.readouterr().out.splitlines()
    assert said == [f"{file}: {done}" for done in ("delete right", "rename left to lens", "duplicate flat")]


def test_nothing_is_done_when_one_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["copy", "left", "--then", "delete", "right", "--then", "connect", "flat", "left"]
    assert cli.run(["edit", str(file), *words]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "circle" in said
    assert file.read_text() == TEXT


def test_edges_are_connected_moved_and_taken_away(file: Path) -> None:
    assert edit(file, "connect", "image", "both").model.nodes["both"].inputs[-1] == "image"
    assert edit(file, "disconnect", "right", "both").model.nodes["both"].inputs == ("left", "again", "image")
    assert edit(file, "disconnect", "3", "both").model.nodes["both"].inputs == ("left", "again")
    assert edit(file, "move-input", "both", "again", "1").model.nodes["both"].inputs == ("again", "left")


def test_a_node_that_feeds_twice_is_told_apart_by_number(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(file, "connect", "left", "both")
    assert cli.run(["edit", str(file), "disconnect", "left", "both"]) == 2
    assert "'left' feeds 'both' 2 times" in capsys.readouterr().err
    assert edit(file, "disconnect", "1", "both").model.nodes["both"].inputs == ("right", "again", "left")


def test_tensors_are_given_by_the_name_of_an_argument(in_time: Path) -> None:
    words = ["connect", "first:1", "second", "--argument", "initial_state"]
    edited = edit(in_time, *words, "--then", "connect", "first:2", "second", "--argument=initial_state")
    assert edited.model.nodes["second"].named == {"initial_state": ("first:1", "first:2")}
    edited = edit(in_time, "disconnect", "first:1", "second", "--argument", "initial_state")
    assert edited.model.nodes["second"].named == {"initial_state": ("first:2",)}
    edited = edit(in_time, "set", "second", "initial_state=first:2, first:1")
    assert edited.model.nodes["second"].named == {"initial_state": ("first:2", "first:1")}
    assert not edit(in_time, "reset", "second", "initial_state").model.nodes["second"].named


def test_arguments_are_set_to_any_depth_and_reset(file: Path) -> None:
    settings = ["filters=16", "kernel_size=5,3", "kernel_initializer=HeNormal", "kernel_initializer.seed=1"]
    edited = edit(file, "set", "left", *settings, "activation=relu")
    assert arguments(edited, "left") == {
        "filters": 16,
        "kernel_size": [5, 3],
        "kernel_initializer": {"HeNormal": {"seed": 1}},
        "activation": "relu",
    }
    edited = edit(file, "reset", "left", "activation", "kernel_initializer.seed")
    assert arguments(edited, "left")["kernel_initializer"] == "HeNormal"
    assert "activation" not in arguments(edited, "left")
    assert edit(file, "set", "both", "axis=-1").model.nodes["both"].target == Layer(
        "Concatenate", {"axis": -1}
    )


def test_data_and_training_are_set_up(file: Path) -> None:
    edited = edit(file, "setup", "training.epochs=3", "data.limit=100", "training.optimizer=SGD")
    assert (edited.training.epochs, edited.data.limit, edited.training.optimizer.name) == (3, 100, "SGD")
    assert "# real digits" in file.read_text()


def test_a_shared_layer_is_set_where_it_stands(file: Path) -> None:
    edited = edit(file, "set", "again", "filters=8")
    assert arguments(edited, "left")["filters"] == 8
    assert edited.model.nodes["again"].target == Share("left")


def test_arguments_of_calls_and_of_nested_models_are_set(file: Path) -> None:
    edited = edit(file, "set", "seen", "training=false", "trainable=false")
    assert edited.model.nodes["seen"].call == {"training": False}
    assert not edited.models["eye"].trainable


def test_a_list_of_objects_is_set_as_a_whole(in_time: Path) -> None:
    edited = edit(in_time, "set", "stacked", "cell.2.units=5")
    assert arguments(edited, "stacked")["cell"] == [{"LSTMCell": {"units": 3}}, {"GRUCell": {"units": 5}}]
    edited = edit(in_time, "set", "stacked", "cell=GRUCell(units=7)")
    assert arguments(edited, "stacked")["cell"] == [{"GRUCell": {"units": 7}}]


def test_a_layer_is_changed_and_keeps_what_fits(file: Path) -> None:
    edited = edit(file, "change", "left", "eye: separableconv same | bn")
    nodes = edited.model.nodes
    assert nodes["eye"].target == Layer(
        "SeparableConv2D", {"filters": 4, "kernel_size": 3, "padding": "same"}
    )
    assert nodes["both"].inputs[0] == "batch_normalization"
    assert nodes["again"].target == Share("eye")


def test_layers_are_shared_frozen_and_made_their_own(file: Path) -> None:
    edited = edit(file, "share", "right", "left", "--then", "freeze", "left", "seen")
    assert edited.model.nodes["right"].target == Share("left")
    assert arguments(edited, "left")["trainable"] is False
    assert not edited.models["eye"].trainable
    edited = edit(file, "unshare", "again", "--then", "unfreeze", "left")
    assert arguments(edited, "again")["trainable"] is False
    assert "trainable" not in arguments(edited, "left")


def test_outputs_are_made_ordered_and_taken_back(file: Path, in_time: Path) -> None:
    assert edit(file, "output", "left", "seen").model.outputs == ("flat", "left", "seen")
    edited = edit(file, "order-outputs", "seen", "flat")
    assert edited.model.outputs == ("seen", "flat", "left")
    assert set(edited.training.loss) == {"flat"}
    assert edit(file, "no-output", "seen", "left").model.outputs == ("flat",)
    assert edit(in_time, "no-output", "first:1").model.outputs == ("second", "first")
    assert edit(in_time, "output", "first:2").model.outputs == ("second", "first", "first:2")
    assert edit(in_time, "no-output", "first").model.outputs == ("second",)
    assert edit(in_time, "order-inputs", "other").model.input_names() == ("other", "words")


def test_nested_models_are_edited_renamed_ungrouped_and_deleted(file: Path) -> None:
    words = ["rename-model", "eye", "lens", "--then", "set", "squeeze", "filters=3"]
    edited = edit(file, *words, "--model", "eye")
    assert edited.model.nodes["seen"].target == Call("lens")
    assert arguments(edited, "squeeze", "lens")["filters"] == 3
    edited = edit(file, "ungroup", "seen", "--then", "delete-model", "spare")
    assert "squeeze" in edited.model.nodes
    assert "seen" not in edited.model.nodes
    assert "spare" not in edited.models
    assert edit(file, "rename-model", "model", "eyes").model.name == "eyes"


def test_what_is_copied_or_cut_is_pasted_elsewhere(file: Path, in_time: Path) -> None:
    assert cli.run(["edit", "digits_branches", "copy", "right", "dropped"]) == 0
    edited = edit(in_time, "paste", "words")
    assert edited.model.nodes["right"].inputs == ("words",)
    assert arguments(edited, "right")["kernel_size"] == 5
    assert edited.model.nodes["dropped"].inputs == ("words",)
    edited = edit(file, "cut", "right", "--then", "paste")
    assert edited.model.nodes["right"].inputs == ("flat",)
    assert edited.model.outputs == ("right",)


def test_another_file_is_written_where_one_is_named(tmp_path: Path) -> None:
    output = tmp_path / "new" / "other.yaml"
    assert cli.run(["edit", "digits_branches", "set", "left", "filters=3", "-o", str(output)]) == 0
    assert arguments(document.read(output), "left")["filters"] == 3
    assert cli.run(["edit", "digits_branches", "delete", "left"]) == 2


def test_json_tells_what_was_done(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(file, "delete", "right", "--then", "rename", "left", "lens", "--json")
    said = json.loads(capsys.readouterr().out)
    assert said == {"file": str(file), "done": ["delete right", "rename left to lens"], "selected": "lens"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["remove", "left"], 2, "there is no operation 'remove'"),
        (["--modl", "eye", "delete", "x"], 2, "there is no option '--modl'"),
        (["delete"], 2, "expected delete NODE...; NODE is missing"),
        (["rename", "left"], 2, "expected rename NODE NEW; NEW is missing"),
        (["rename", "left", "a", "b"], 2, "'b' is one word too many"),
        (["delete", "lft"], 2, "no node 'lft'; did you mean left or flat?"),
        (["delete", "left", "--as", "x"], 2, "no option '--as'; expected delete NODE..."),
        (["group", "left", "--as"], 2, "--as needs NAME"),
        (["delete", "left", "--then"], 2, "an operation is missing"),
        (["rename", "left", "right"], 1, "already a node 'right'"),
        (["rename", "left", "the left"], 1, "no name for a node"),
        (["connect", "left:x", "both"], 2, "'x' is no number of an output"),
        (["connect", "left", "both", "--argument", "mask"], 1, "takes no tensor called 'mask'"),
        (["disconnect", "image", "both"], 2, "'image' does not feed 'both', which is fed by left, right"),
        (["disconnect", "9", "both"], 1, "3 inputs; there is no number 9"),
        (["disconnect", "0", "both"], 1, "3 inputs; there is no number 0"),
        (["move-input", "both", "left", "0"], 2, "a place, counted from 1"),
        (["move-input", "both", "left", "4"], 1, "there is no number 4"),
        (["set", "left", "filters"], 2, "expected ARGUMENT=VALUE"),
        (["set", "left", "filters=many"], 2, "filters of left: expected a whole number"),
        (["set", "left", "filter=3"], 2, "'left' has no argument 'filter'; did you mean filters?"),
        (["set", "left", "kernel_initializer.sed=3"], 2, "did you mean seed?"),
        (["set", "left", "filters.seed=3"], 2, "'left.filters' has no argument 'seed'"),
        (["setup", "training.epochs"], 2, "expected PATH=VALUE"),
        (["setup", "training.epochs=many"], 2, "training.epochs"),
        (["setup", "training.epoch=3"], 2, "did you mean epochs?"),
        (["reset", "left", "filters"], 1, "has no default"),
        (["change", "left", "dense foo"], 2, "takes no 'foo'"),
        (["change", "left", "embedding"], 2, "Embedding needs input_dim"),
        (["change", "image", "dense 3"], 1, "stays one"),
        (["share", "left", "again"], 1, "'left'"),
        (["unshare", "left"], 1, "shares no layer"),
        (["ungroup", "left"], 1, "'left'"),
        (["freeze", "image"], 1, "no weights that could be frozen"),
        (["output", "flat"], 1, "'flat' is an output already"),
        (["no-output", "left"], 1, "'left' is no output; those are flat"),
        (["order-outputs", "left"], 1, "'left' is no output of the model"),
        (["order-outputs", "flat", "flat"], 1, "'flat' comes twice"),
        (["rename-model", "eyed", "x"], 2, "no nested model 'eyed'; did you mean eye?"),
        (["rename-model", "eye", "spare"], 1, "already a model 'spare'"),
        (["delete-model", "eye"], 1, "called in the main model"),
        (["delete-model", "spare", "--model", "spare"], 1, "is being edited"),
        (["delete", "left", "--model", "ear"], 2, "no nested model 'ear'"),
    ],
)
def test_what_can_not_be_done_is_told_in_one_line_and_changes_nothing(
    file: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert cli.run(["edit", str(file), *words]) == code
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert file.read_text() == TEXT


def test_a_file_that_somebody_else_changed_meanwhile_is_left_alone(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dump = document.dump

    def slow(experiment: Experiment, template: str = "") -> str:
        file.write_text(f"{TEXT}# theirs\n")
        return dump(experiment, template)

    monkeypatch.setattr(document, "dump", slow)
    assert cli.run(["edit", str(file), "delete", "left"]) == 2
    assert "somebody else has changed it" in capsys.readouterr().err
    assert file.read_text() == f"{TEXT}# theirs\n"


def test_help_lists_every_operation(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["edit", "--help"]) == 0
    said = capsys.readouterr().out
    assert all(usage(name, operation) in said for name, operation in OPERATIONS.items())

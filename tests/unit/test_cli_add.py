"""`kflab add` changes a file as the lab's line would, and says what it did or why not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kflab import cli, document
from kflab.graph.nodes import Layer

TEXT = """\
kflab: 1
data: {source: digits}  # real digits
model:
  nodes:
    image: {Input: {shape: [8, 8, 1]}}
    left: {Conv2D: {filters: 4, kernel_size: 3}, from: image}  # the left eye
    right: {Conv2D: {filters: 4, kernel_size: 3}, from: image}
    both: {Concatenate: {}, from: [left, right]}
    flat: {Flatten: {}, from: both}
  outputs: [flat]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT)
    return path


def inputs(path: Path) -> dict[str, tuple[str, ...]]:
    return {name: node.inputs for name, node in document.read(path).model.nodes.items()}


def test_a_line_is_added_and_comments_stay(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["add", str(file), "c: conv 8 3 relu same | bn | add +left", "--after", "left"]) == 0
    said = capsys.readouterr().out
    assert "Conv2D filters=8 kernel_size=3 activation=relu padding=same" in said
    assert "from left" in said
    found = inputs(file)
    assert found["c"] == ("left",)
    assert found["add"] == ("batch_normalization", "left")
    assert found["both"] == ("add", "right")
    text = file.read_text()
    assert "# the left eye" in text
    assert "# real digits" in text


def test_it_goes_where_it_is_told(file: Path) -> None:
    for line, where in (
        ("dropout .1", ["--between", "left", "both"]),
        ("bn", ["--before", "flat"]),
        ("m: add", ["--after", "left", "--after", "right"]),
        ("b: relu", ["--after", "image", "--branch"]),
        ("dense 3", []),
    ):
        assert cli.run(["add", str(file), line, *where]) == 0
    found = inputs(file)
    assert found["both"] == ("dropout", "right")
    assert found["flat"] == ("batch_normalization",)
    assert found["m"] == ("left", "right")
    assert found["b"] == ("image",)
    assert found["left"] == ("image",)
    assert found["dense"] == ("flat",)
    assert document.read(file).model.outputs == ("dense",)


def test_another_file_is_written_where_one_is_named(file: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "other.yaml"
    assert cli.run(["add", str(file), "dense 3", "-o", str(output), "--json"]) == 0
    assert file.read_text() == TEXT
    assert document.read(output).model.nodes["dense"].target == Layer("Dense", {"units": 3})
    assert "# the left eye" in output.read_text()


def test_json_tells_the_new_nodes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["add", str(file), "dense 3 | relu", "--json"]) == 0
    nodes = json.loads(capsys.readouterr().out)["nodes"]
    assert nodes[0] == {"name": "dense", "calls": "Dense units=3", "inputs": ["flat"]}
    assert nodes[1]["inputs"] == ["dense"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dense foo"], "takes no 'foo'"),
        (["dense foo"], "column 7"),
        (["dense"], "Dense needs units: a whole number"),
        ([""], "nothing to add"),
        (["dense 3", "--after", "lft"], "did you mean left or flat?"),
        (["dense 3", "--between", "image", "flat"], "'image' does not feed 'flat'"),
        (["dense 3", "--before", "flat", "--after", "left"], "only one of"),
        (["add +flat", "--after", "left"], "circle"),
        (["dense 3", "--model", "encoder"], "no nested model 'encoder'"),
    ],
)
def test_what_can_not_be_added_is_told_and_changes_nothing(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert cli.run(["add", str(file), *arguments]) != 0
    assert said in capsys.readouterr().err
    assert file.read_text() == TEXT


def test_a_preset_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["add", "digits_mlp", "dense 3"]) == 2
    assert "-o FILE.yaml" in capsys.readouterr().err


def test_adding_needs_neither_keras_nor_textual(file: Path) -> None:
    code = (
        "import sys; from kflab import cli; assert cli.run(sys.argv[1:]) == 0; "
        "print([name for name in ('keras', 'textual', 'numpy') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, "add", str(file), "dense 3"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"

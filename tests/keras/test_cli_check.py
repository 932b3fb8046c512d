"""`kflab check` with the real Keras behind it: what it prints, fixes, shows and writes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from kflab import document
from kflab.cli import run

MISTAKES = Path(__file__).parents[1] / "mistakes"

COMMENTED = """\
kflab: 1  # the format
data: {source: digits}
model:
  nodes:
    # one sample
    image: {Input: {shape: [32, 8, 8]}}
    conv: {Conv2D: {filters: 4, kernel_size: 9}, from: image}  # too wide
    flat: {Flatten: {}, from: conv}
    y: {Dense: {units: 10, activation: softmax}, from: flat}
    spare: {Dense: {units: 2}, from: flat}
  outputs: [y]
training: {loss: SparseCategoricalCrossentropy, seed: 1}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.yaml"
    path.write_text(COMMENTED)
    return path


def test_findings_are_printed_as_ruff_prints(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(file)]) == 1
    first, *others, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{file}: image: KF005 [*] the shape [32, 8, 8] begins with a batch axis")
    assert others == [f"{file}: spare: KF009 warning: nothing uses what it returns, and it is not an output"]
    assert last == "2 findings, 1 fixable with --fix, 1 more with --unsafe-fixes"


def test_fixes_are_applied_until_none_is_left(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(file), "--fix"]) == 0
    out = capsys.readouterr().out
    assert [line.split(": ")[2] for line in out.splitlines() if "fixed" in line] == [
        "fixed KF005",
        "fixed KF004",
        "fixed KF007",
    ]
    text = file.read_text()
    assert all(comment in text for comment in ("# the format", "# one sample", "# too wide"))
    fixed = document.read(file)
    assert (
        fixed.model.nodes["image"].target
        == document.read_text(COMMENTED.replace("[32, 8, 8]", "[8, 8, 1]")).model.nodes["image"].target
    )
    assert "spare" in fixed.model.nodes
    assert run(["check", str(file), "--unsafe-fixes"]) == 0
    assert "spare" not in document.read(file).model.nodes


def test_a_diff_shows_what_would_change_and_writes_nothing(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(file), "--diff"]) == 1
    out = capsys.readouterr().out
    assert "-    image: {Input: {shape: [32, 8, 8]}}" in out
    assert "+    image: {Input: {shape: [8, 8, 1]}}" in out
    assert file.read_text() == COMMENTED
    assert run(["check", "digits_mlp", "--diff"]) == 0
    assert capsys.readouterr().out == ""


def test_fixes_travel_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(file), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    first = told["findings"][0]
    assert (first["code"], first["severity"], first["node"]) == ("KF005", "error", "image")
    assert first["fix"]["safe"] is True
    assert first["fix"]["steps"] == [
        {"type": "set_arguments", "node": "image", "arguments": {"shape": [8, 8]}}
    ]


def test_a_rule_is_left_out_for_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(file), "--fix", "--ignore", "KF009"]) == 0
    assert "nothing is wrong" in capsys.readouterr().out
    assert document.read(file).ignore == ()


def test_an_error_that_is_switched_off_leaves_what_keras_says(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(COMMENTED.replace("[32, 8, 8]", "[8, 8]"))
    assert run(["check", str(file), "--ignore", "KF004"]) == 1
    assert "conv: KF107 Conv2D expects height×width×channels, got 8×8" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "place"), [("KF031_lambda", "half"), ("KF011_name_twice", "")])
def test_what_can_not_be_read_is_told_as_its_rule_tells_it(
    name: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.yaml"
    shutil.copy(MISTAKES / f"{name}.yaml", file)
    assert run(["check", str(file)]) == 1
    out = capsys.readouterr().out
    assert f"{file}:8: {f'{place}: ' if place else ''}{name[:5]} " in out
    assert run(["check", str(file), "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)["findings"]
    assert (told["code"], told["node"]) == (name[:5], place)


def test_a_preset_is_not_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["check", "digits_mlp", "--set", "model.nodes.image.Input.shape=[32, 64]", "--fix"]) == 2
    assert "a preset stays as it is" in capsys.readouterr().err

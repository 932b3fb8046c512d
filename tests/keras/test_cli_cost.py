"""`kflab cost`: what training takes, as a table and as JSON."""

import json
from pathlib import Path

import pytest

from kflab.cli import run


def test_cost_tells_memory_against_the_device_operations_and_the_nodes(capsys: pytest.CaptureFixture[str]):
    assert run(["cost", "digits_mlp"]) == 0
    printed = capsys.readouterr().out
    for part in ("weights", "slots", "activations", "runtime", "total", "free", "a sample", "second"):
        assert part in printed
    assert run(["cost", "digits_mlp", "--set", "training.batch_size=100000000"]) == 0
    assert "it will not fit" in capsys.readouterr().out


def test_cost_as_json_has_every_node(capsys: pytest.CaptureFixture[str]):
    assert run(["cost", "ensemble", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total"] == sum(found["cost"]["memory"].values())
    assert {node.get("graph", "") for node in found["cost"]["nodes"]} > {""}
    assert found["cost"]["flops"] > 0


def test_errors_in_the_graph_stand_in_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "broken.yaml"
    path.write_text(
        "kflab: 1\nmodel:\n  nodes:\n    x: {Input: {shape: [4]}}\n"
        "    y: {Conv2D: {filters: 2, kernel_size: 3}, from: x}\n  outputs: [y]\n",
        encoding="utf-8",
    )
    assert run(["cost", str(path)]) == 1
    assert "y" in capsys.readouterr().out

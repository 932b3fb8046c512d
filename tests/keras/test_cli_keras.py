"""The command line with the real Keras behind it: counts, checks, and a run from start to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kflab.cli import run
from kflab.runs.status import Status, status

KFLAB = (sys.executable, "-m", "kflab")

# Exact counts that are published with these models: the functional API guide and the vision and text examples
# of the Keras documentation.
PUBLISHED = {
    ("mnist_mlp", ""): 55_050,
    ("mnist_convnet", ""): 34_826,
    ("cifar10_resnet", ""): 223_242,
    ("tickets", ""): 1_392_097,
    ("mnist_autoencoder", ""): 28_241,
    ("mnist_autoencoder", "encoder"): 18_672,
    ("imdb_lstm", ""): 2_757_761,
}


@pytest.mark.parametrize(("preset", "nested"), PUBLISHED)
def test_summary_has_the_published_parameter_counts(
    capsys: pytest.CaptureFixture[str], preset: str, nested: str
) -> None:
    assert run(["summary", preset, "--json", *(["--model", nested] if nested else [])]) == 0
    told = json.loads(capsys.readouterr().out)
    params = told["params"]
    assert params["total"] == PUBLISHED[preset, nested]
    assert params["total"] == params["trainable"] + params["non_trainable"]
    assert all(
        set(layer) == {"name", "layer", "output_shape", "params", "inputs"} for layer in told["layers"]
    )


def test_summary_is_what_keras_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["summary", "mnist_mlp", "--width", "70"]) == 0
    out = capsys.readouterr().out
    assert "Total params: 55,050" in out
    assert max(map(len, out.splitlines())) <= 70


def test_nodes_are_grouped_with_the_shapes_that_keras_works_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "mine.yaml")
    words = ["duplicate", "halved", "--then", "group", "halved", "mixed", "--as", "block"]
    assert run(["edit", "digits_branches", *words, "--then", "freeze", "block", "-o", file, "--json"]) == 0
    done = json.loads(capsys.readouterr().out)["done"]
    assert done == ["duplicate halved", "group 2 nodes into block", "freeze block"]
    assert run(["check", file, "--json"]) == 0
    counted = json.loads(capsys.readouterr().out)["params"]
    assert run(["check", "digits_branches", "--json"]) == 0
    assert counted == json.loads(capsys.readouterr().out)["params"]
    assert run(["edit", file, "group", "joined", "digit"]) == 1
    assert "block, pixels and dropped lie between" in capsys.readouterr().err


def test_graph_draws_shapes_and_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", "digits_branches"]) == 0
    out = capsys.readouterr().out
    assert "●─╯" in out
    assert "8×8×32" in out
    assert "parameters" in out.splitlines()[-1]
    assert run(["graph", "digits_branches", "--set", "training.loss=null"]) == 0
    assert run(["graph", "digits_branches", "--set", "model.nodes.left.Conv2D.padding=valid"]) == 1


def test_check_names_the_node_and_what_was_expected(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "digits_branches"]) == 0
    assert "nothing is wrong" in capsys.readouterr().out
    assert run(["check", "digits_branches", "--set", "model.nodes.left.Conv2D.padding=valid"]) == 1
    out = capsys.readouterr().out
    assert "digits_branches: joined: KF008 [*] " in out
    assert "8×8" in out
    assert "6×6" in out
    assert "Traceback" not in out


def test_check_in_json_lists_every_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "digits_mlp", "--set", "training.loss=null", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert [finding["path"] for finding in told["findings"]] == ["training.loss"]


@pytest.fixture
def process(runs_dir: Path) -> Iterator[subprocess.Popen[str]]:
    arguments = ["run", "digits_mlp", "--set", "training.epochs=100000", "--set", "training.callbacks=null"]
    started = subprocess.Popen(
        [*KFLAB, *arguments, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    yield started
    started.kill()
    started.communicate()
    for folder in runs_dir.iterdir():
        if status(folder).is_alive:
            run(["stop", folder.name, "--now"])


def test_a_run_reports_json_lines_and_stops_on_the_first_interrupt(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == "epoch":
            process.send_signal(signal.SIGINT)
            break
    events += [json.loads(line) for line in process.stdout]
    assert process.wait(60) == 1
    assert events[0]["event"] == "started"
    assert events[-1]["event"] == "finished"
    assert events[-1]["status"] == "stopped"


def test_a_detached_run_can_be_watched_and_shown(capsys: pytest.CaptureFixture[str], runs_dir: Path) -> None:
    assert run(["run", "iris_mlp", "--set", "training.epochs=2", "--seed", "7", "--detach", "--json"]) == 0
    folder = Path(json.loads(capsys.readouterr().out)["path"])
    assert folder.parent == runs_dir
    assert run(["watch", "last"]) == 0
    watched = capsys.readouterr().out
    assert "epoch 2/2" in watched
    assert "test  " in watched
    assert status(folder) is Status.DONE
    assert run(["show", "last", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["info"]["seed"] == 7
    assert {"best.keras", "model.keras", "events.jsonl", "console.log", "experiment.yaml"} <= set(
        told["files"]
    )
    assert run(["show", "last"]) == 0
    assert "done" in capsys.readouterr().out
    assert run(["runs"]) == 0
    assert folder.name in capsys.readouterr().out
    assert run(["stop", "last"]) == 1
    assert "not running" in capsys.readouterr().err


def test_a_relative_data_file_is_found_beside_its_experiment(
    capsys: pytest.CaptureFixture[str], runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    folder = tmp_path / "mine"
    folder.mkdir()
    samples = np.random.default_rng(1).normal(size=(60, 4)).astype("float32")
    np.savez(folder / "own.npz", x=samples, y=(samples.sum(1) > 0).astype("int64"))
    (folder / "own.yaml").write_text(
        "kflab: 1\ntitle: own\ndata: {source: own.npz}\n"
        "model:\n  nodes:\n    x: {Input: {shape: [4]}}\n    y: {Dense: {units: 2}, from: x}\n"
        "  outputs: [y]\n"
        "training:\n  loss: {SparseCategoricalCrossentropy: {from_logits: true}}\n  epochs: 1\n"
    )
    monkeypatch.chdir(tmp_path)
    assert run(["run", "mine/own.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["status"] == "done"

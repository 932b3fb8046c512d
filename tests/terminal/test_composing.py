"""The models of the Keras guides, composed in the installed lab with keys alone, saved, reopened, trained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kflab import document
from kflab.experiment import Experiment, Spec
from kflab.graph.nodes import Call, Layer, Node, Share
from kflab.runs.control import kill
from kflab.runs.listing import list_runs
from kflab.runs.status import Status, status

from .keyboard import Keyboard
from .pseudo_terminal import KFLAB, PseudoTerminal


@pytest.fixture(autouse=True)
def no_trainer_is_left(runs_dir: Path) -> Iterator[None]:
    yield
    for folder in runs_dir.iterdir():
        if status(folder).is_alive:
            kill(folder)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KFLAB_STATE_DIR", str(tmp_path / "state"))


@contextmanager
def composing(dataset: str) -> Iterator[Keyboard]:
    """A lab with a new experiment on a dataset; what was composed is saved under the dataset's name."""
    with PseudoTerminal([KFLAB, "digits_mlp"]) as terminal:
        terminal.wait_for("a Add")
        keyboard = Keyboard(terminal)
        keyboard.new(dataset)
        yield keyboard
        keyboard.set_up("epochs", "1")
        terminal.press("1", "W")
        terminal.wait_for("Save as")
        terminal.press("ctrl+u")
        terminal.type("mine")
        terminal.press("enter")
        terminal.wait_for("saved")
        terminal.press("q")
        assert terminal.ended() == 0


def reopened_and_trained(output: str, runs_dir: Path) -> Experiment:
    """What was saved, after another lab has shown it and trained it for its one epoch."""
    with PseudoTerminal([KFLAB, "mine.yaml"]) as terminal:
        terminal.wait_for(rf"◉.* {output} ")
        terminal.press("t")
        assert "─ done" in terminal.wait_for(r"Training ─ (done|failed|crashed)", 120)
        assert re.search(r"loss", terminal.text)
        terminal.press("q")
        assert terminal.ended() == 0
    (run,) = list_runs(runs_dir)
    assert status(Path(run.path)) is Status.DONE
    assert (Path(run.path) / "model.keras").is_file()
    return document.read(Path("mine.yaml"))


def test_the_toy_resnet_of_the_functional_guide(runs_dir: Path) -> None:
    with composing("digits") as keyboard:
        terminal = keyboard.terminal
        keyboard.add("conv 32 3 relu same | conv 64 3 relu same | block_1: maxpool 2", after="image")
        keyboard.add("conv 64 3 relu same | conv 64 3 relu same | block_2: add +block_1")
        # The second residual block is a copy of the first one.
        keyboard.mark("conv2d_2", "conv2d_3", "block_2")
        terminal.press("Y")
        terminal.wait_for("copied 3 nodes")
        keyboard.go_to("block_2")
        terminal.press("P")
        terminal.wait_for(r"●.* block_3 +Add|◉.* block_3 +Add")
        keyboard.add("conv 64 3 relu | gap | dense 256 relu | dropout 0.5 | digit: dense 10")
        terminal.wait_for(r"digit +Dense 10 +10 +2,570")
        keyboard.set_up("limit", "200")
        keyboard.set_up("loss", "SparseCategoricalCrossentropy")
        keyboard.switch("from_logits")
        keyboard.set_up("metrics", "accuracy")
    saved = reopened_and_trained("digit", runs_dir)
    assert saved.model.nodes["block_2"] == Node(Layer("Add"), ("conv2d_3", "block_1"))
    assert saved.model.nodes["block_3"] == Node(Layer("Add"), ("conv2d_5", "block_2"))
    assert saved.model.nodes["conv2d_4"].inputs == ("block_2",)
    assert saved.model.nodes["conv2d_5"].target == saved.model.nodes["conv2d_3"].target
    assert len(saved.model.nodes) == 15
    assert saved.training.loss_of("digit") == Spec("SparseCategoricalCrossentropy", {"from_logits": True})


def test_the_ticket_router_of_the_functional_guide(runs_dir: Path) -> None:
    with composing("tickets") as keyboard:
        keyboard.add("title_words: embedding 10000 16 mask_zero | title_read: lstm 32", after="title")
        keyboard.add("body_words: embedding 10000 16 mask_zero | body_read: lstm 16", after="text_body")
        keyboard.mark("title_read", "body_read", "tags")
        keyboard.add("joined: concatenate", key="m")
        keyboard.add("priority: dense 1 sigmoid")
        keyboard.add("department: dense 4 softmax", key="b", after="joined")
        keyboard.terminal.press("o")
        keyboard.terminal.wait_for(r"◉.* department ")
        keyboard.set_up("limit", "200")
        keyboard.set_up("loss of priority", "BinaryCrossentropy")
        keyboard.set_up("loss of department", "SparseCategoricalCrossentropy")
    saved = reopened_and_trained("department", runs_dir)
    assert saved.model.nodes["joined"].inputs == ("title_read", "body_read", "tags")
    assert saved.model.outputs == ("priority", "department")
    assert saved.training.loss_of("priority") == Spec("BinaryCrossentropy")


def test_a_siamese_network(runs_dir: Path) -> None:
    with composing("digits_pairs") as keyboard:
        keyboard.add("edges: conv 8 3 relu | row: flatten | code: dense 16 relu", after="left")
        keyboard.add("share edges | share row | other: dense 16 relu", after="right")
        # One of the layers is shared afterwards, by its key.
        keyboard.terminal.press("S")
        keyboard.terminal.wait_for("other shares the layer of")
        keyboard.answer("code", "other shares the layer of")
        keyboard.terminal.wait_for(r"the layer of code")
        keyboard.mark("code", "other")
        keyboard.add("difference: subtract | ops.square | same: dense 1 sigmoid", key="m")
        keyboard.terminal.wait_for(r"◉.* same +Dense 1 sigmoid +1 +17")
        keyboard.set_up("limit", "200")
        keyboard.set_up("loss", "BinaryCrossentropy")
    saved = reopened_and_trained("same", runs_dir).model
    shared = {node.target.node: name for name, node in saved.nodes.items() if isinstance(node.target, Share)}
    assert set(shared) == {"edges", "row", "code"}
    assert saved.nodes[shared["edges"]].inputs == ("right",)
    assert saved.nodes["difference"].inputs == ("code", "other")
    assert saved.outputs == ("same",)


def test_the_autoencoder_of_nested_models(runs_dir: Path) -> None:
    with composing("digits") as keyboard:
        terminal = keyboard.terminal
        keyboard.add("edges: conv 8 3 relu | row: flatten | code: dense 12", after="image")
        keyboard.add("wide: dense 64 sigmoid | picture: reshape 8,8,1")
        terminal.wait_for(r"picture +Reshape.* 8×8×1")
        keyboard.group("encoder", "edges", "row", "code")
        keyboard.group("decoder", "wide", "picture")
        terminal.press("enter")
        terminal.wait_for(r"Graph › decoder")
        terminal.press("esc")
        terminal.wait_until_gone(r"Graph › decoder")
        keyboard.set_up("limit", "200")
        keyboard.set_up("target of decoder", "image")
        keyboard.set_up("loss", "MeanSquaredError")
    saved = reopened_and_trained("decoder", runs_dir)
    assert saved.model.nodes["encoder"] == Node(Call("encoder"), ("image",))
    assert saved.model.nodes["decoder"] == Node(Call("decoder"), ("encoder",))
    assert saved.models["decoder"].outputs == ("picture",)
    assert saved.data.targets == {"decoder": "image"}

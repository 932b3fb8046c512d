"""The models of the Keras guides, composed in the installed lab with keys alone, saved, reopened, trained."""

from __future__ import annotations

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
def composing(dataset: str, output: str, *, other_lab: bool = False) -> Iterator[Keyboard]:
    """A lab with a new experiment on a dataset, which is composed, saved, opened again and trained.

    Args:
        dataset: the dataset.
        output: the node that is an output then.
        other_lab: it is another lab that opens it again.
    """
    with PseudoTerminal([KFLAB, "digits_mlp"]) as terminal:
        terminal.wait_for("a Add")
        keyboard = Keyboard(terminal)
        keyboard.new(dataset)
        yield keyboard
        keyboard.set_up("limit", "200")
        keyboard.set_up("epochs", "1")
        terminal.press("1", "W")
        terminal.wait_for("Save as")
        terminal.press("ctrl+u")
        terminal.type("mine")
        terminal.press("enter")
        terminal.wait_for("saved")
        if not other_lab:
            terminal.press("e")
            terminal.wait_for("Open")
            keyboard.answer("iris_mlp", "name, or the path of a file")
            terminal.wait_for("kflab  iris_mlp")
            terminal.press("e")
            terminal.wait_for("Open")
            keyboard.answer("mine.yaml", "name, or the path of a file")
            train(keyboard, output)
        terminal.press("q")
        assert terminal.ended() == 0
    if not other_lab:
        return
    with PseudoTerminal([KFLAB, "mine.yaml"]) as terminal:
        train(Keyboard(terminal), output)
        terminal.press("q")
        assert terminal.ended() == 0


def train(keyboard: Keyboard, output: str) -> None:
    """Trains what was saved, once it is there again, for its one epoch."""
    keyboard.terminal.wait_for(rf"◉.* {output} ")
    keyboard.terminal.press("t")
    assert "─ done" in keyboard.terminal.wait_for(r"Training ─ (done|failed|crashed)", 120)


def saved(runs_dir: Path) -> Experiment:
    """What was saved, and was trained to its end."""
    (run,) = list_runs(runs_dir)
    assert status(Path(run.path)) is Status.DONE
    assert (Path(run.path) / "model.keras").is_file()
    return document.read(Path("mine.yaml"))


@pytest.mark.slow
def test_the_toy_resnet_of_the_functional_guide(runs_dir: Path) -> None:
    with composing("digits", "digit", other_lab=True) as keyboard:
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
        keyboard.set_up("loss", "SparseCategoricalCrossentropy")
        keyboard.switch("from_logits")
        keyboard.set_up("metrics", "accuracy")
    resnet = saved(runs_dir)
    assert resnet.model.nodes["block_2"] == Node(Layer("Add"), ("conv2d_3", "block_1"))
    assert resnet.model.nodes["block_3"] == Node(Layer("Add"), ("conv2d_5", "block_2"))
    assert resnet.model.nodes["conv2d_4"].inputs == ("block_2",)
    assert resnet.model.nodes["conv2d_5"].target == resnet.model.nodes["conv2d_3"].target
    assert len(resnet.model.nodes) == 15
    assert resnet.training.loss_of("digit") == Spec("SparseCategoricalCrossentropy", {"from_logits": True})


def test_the_ticket_router_of_the_functional_guide(runs_dir: Path) -> None:
    with composing("tickets", "department") as keyboard:
        keyboard.add("title_words: embedding 10000 16 mask_zero | title_read: lstm 32", after="title")
        keyboard.add("body_words: embedding 10000 16 mask_zero | body_read: lstm 16", after="text_body")
        keyboard.mark("title_read", "body_read", "tags")
        keyboard.add("joined: concatenate", key="m")
        keyboard.add("priority: dense 1 sigmoid")
        keyboard.add("department: dense 4 softmax", key="b", after="joined")
        keyboard.terminal.press("o")
        keyboard.terminal.wait_for(r"◉.* department ")
        keyboard.set_up("loss of priority", "BinaryCrossentropy")
        keyboard.set_up("loss of department", "SparseCategoricalCrossentropy")
    router = saved(runs_dir)
    assert router.model.nodes["joined"].inputs == ("title_read", "body_read", "tags")
    assert router.model.outputs == ("priority", "department")
    assert router.training.loss_of("priority") == Spec("BinaryCrossentropy")


@pytest.mark.slow
def test_a_siamese_network(runs_dir: Path) -> None:
    with composing("digits_pairs", "same") as keyboard:
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
        keyboard.set_up("loss", "BinaryCrossentropy")
    siamese = saved(runs_dir).model
    shared = {
        node.target.node: name for name, node in siamese.nodes.items() if isinstance(node.target, Share)
    }
    assert set(shared) == {"edges", "row", "code"}
    assert siamese.nodes[shared["edges"]].inputs == ("right",)
    assert siamese.nodes["difference"].inputs == ("code", "other")
    assert siamese.outputs == ("same",)


@pytest.mark.slow
def test_the_autoencoder_of_nested_models(runs_dir: Path) -> None:
    with composing("digits", "decoder") as keyboard:
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
        keyboard.set_up("target of decoder", "image")
        keyboard.set_up("loss", "MeanSquaredError")
    nested = saved(runs_dir)
    assert nested.model.nodes["encoder"] == Node(Call("encoder"), ("image",))
    assert nested.model.nodes["decoder"] == Node(Call("decoder"), ("encoder",))
    assert nested.models["decoder"].outputs == ("picture",)
    assert nested.data.targets == {"decoder": "image"}

"""What the training needs and does not have is told before it starts."""

from __future__ import annotations

from kflab.diagnose import codes
from kflab.diagnose.check import check
from kflab.experiment import EVERY_OUTPUT, Data, Experiment, Spec, Training
from kflab.graph.nodes import Graph, Layer, Node
from kflab.runs.places import WRITES


def told(**training: object) -> dict[str, str]:
    """The findings about a training of a model that is in order, by their place."""
    nodes = {
        "image": Node(Layer("Input", {"shape": [4]})),
        "digit": Node(Layer("Dense", {"units": 2}), inputs=("image",)),
    }
    loss = {EVERY_OUTPUT: Spec("Huber")}
    experiment = Experiment(
        data=Data(source="digits"),
        model=Graph(nodes=nodes, outputs=("digit",)),
        training=Training(**{"loss": loss, **training}),  # type: ignore[arg-type]
    )
    return {
        finding.path: finding.message
        for finding in check(experiment)
        if finding.code == codes.MISSING_ARGUMENT
    }


def test_a_training_that_has_all_it_needs_is_in_order() -> None:
    schedule = {"CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 10}}
    assert told(optimizer=Spec("Adam", {"learning_rate": schedule}), callbacks=(Spec("EarlyStopping"),)) == {}


def test_what_a_schedule_or_a_callback_needs_is_named_at_its_place() -> None:
    found = told(
        optimizer=Spec("Adam", {"learning_rate": {"CosineDecay": {"initial_learning_rate": 0.1}}}),
        metrics={EVERY_OUTPUT: (Spec("accuracy"), Spec("IoU", {"num_classes": 2}))},
        callbacks=(Spec("LearningRateScheduler"),),
    )
    assert found == {
        "training.optimizer": "Adam needs learning_rate.CosineDecay.decay_steps",
        "training.metrics": "IoU needs target_class_ids",
        "training.callbacks.LearningRateScheduler": "LearningRateScheduler needs schedule",
    }


def test_where_a_callback_writes_need_not_be_said() -> None:
    assert told(callbacks=tuple(map(Spec, WRITES))) == {}

"""Rules on labels, losses, metrics and the outputs that they are held against."""

from __future__ import annotations

import pytest

from kflab.catalog.dataset_types import ArrayInfo, TargetInfo, TargetKind
from kflab.catalog.profiles import ArrayProfile
from kflab.diagnose.findings import Severity

from .made_facts import BINARY, MULTI, NUMBERS, ONE_HOT, VALUES, Made, seen

LOG_SOFTMAX = "{Dense: {units: 3, activation: log_softmax}}"
SOFTMAX = "{Dense: {units: 3, activation: softmax}}"
SIGMOID = "{Dense: {units: 3, activation: sigmoid}}"
LINEAR = "{Dense: {units: 3}}"
ONE = "{Dense: {units: 1, activation: sigmoid}}"
TWO = "{Dense: {units: 2, activation: softmax}}"


class TestLabels:
    @pytest.mark.parametrize(
        ("made", "loss"),
        [
            (Made(training="{loss: CategoricalCrossentropy}"), "SparseCategoricalCrossentropy"),
            (Made(training="{loss: categorical_crossentropy}"), "SparseCategoricalCrossentropy"),
            (Made(training="{loss: mse}"), "SparseCategoricalCrossentropy"),
            (Made(training="{loss: KLDivergence}"), "SparseCategoricalCrossentropy"),
            (Made(SIGMOID, "{loss: bce}"), "SparseCategoricalCrossentropy"),
            (Made(target=ONE_HOT), "CategoricalCrossentropy"),
            (
                Made(training="{loss: CategoricalGeneralizedCrossEntropy}", target=ONE_HOT),
                "CategoricalCrossentropy",
            ),
            (Made(SIGMOID, target=MULTI), "BinaryCrossentropy"),
        ],
    )
    def test_a_loss_for_other_labels_is_an_error_and_the_fix_is_the_right_loss(
        self, made: Made, loss: str
    ) -> None:
        (found,) = made.findings("KF001")
        assert found.severity is Severity.ERROR
        assert (found.node, found.path) == ("y", "training.loss")
        fixed = made.fixed("KF001")
        assert fixed.training.loss_of("y").name == loss  # type: ignore[union-attr]

    def test_the_fix_of_a_sigmoid_for_three_classes_is_a_softmax_too(self) -> None:
        fixed = Made(SIGMOID, "{loss: BinaryCrossentropy}").fixed("KF001")
        assert fixed.model.nodes["y"].target.arguments["activation"] == "softmax"  # type: ignore[union-attr]

    def test_one_unit_for_three_classes_gets_three(self) -> None:
        made = Made(ONE, "{loss: BinaryCrossentropy}", shape=(None, 1))
        fixed = made.fixed("KF001")
        assert fixed.model.nodes["y"].target.arguments == {"units": 3, "activation": "softmax"}  # type: ignore[union-attr]

    def test_labels_are_made_one_hot_for_a_loss_that_smooths_them(self) -> None:
        made = Made(training="{loss: {CategoricalCrossentropy: {label_smoothing: 0.1}}}")
        fixed = made.fixed("KF001")
        assert [step.name for step in fixed.data.prepare["species"]] == ["to_categorical"]

    def test_a_multi_label_target_under_a_softmax_is_a_warning(self) -> None:
        made = Made(training="{loss: CategoricalCrossentropy}", target=MULTI)
        (found,) = made.findings("KF001")
        assert found.severity is Severity.WARNING
        assert made.fixed("KF001").training.loss_of("y").name == "BinaryCrossentropy"  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        "made",
        [
            Made(),
            Made(training="{loss: CategoricalGeneralizedCrossEntropy}"),
            Made(training="{loss: CategoricalCrossentropy}", target=ONE_HOT),
            Made(training="{loss: {CategoricalCrossentropy: {label_smoothing: 0.1}}}", target=ONE_HOT),
            Made(training="{loss: CategoricalFocalCrossentropy}", target=ONE_HOT),
            Made(training="{loss: KLDivergence}", target=ONE_HOT),
            Made(training="{loss: mse}", target=ONE_HOT),
            Made(SIGMOID, "{loss: BinaryCrossentropy}", target=ONE_HOT),
            Made(SOFTMAX, "{loss: BinaryCrossentropy}", target=ONE_HOT),
            Made(SIGMOID, "{loss: BinaryCrossentropy}", target=MULTI),
            Made(SIGMOID, "{loss: BinaryFocalCrossentropy}", target=MULTI),
            Made(SIGMOID, "{loss: Dice}", target=MULTI),
            Made(ONE, "{loss: BinaryCrossentropy}", target=BINARY, shape=(None, 1)),
            Made(ONE, "{loss: bce}", target=BINARY, shape=(None, 1)),
            Made(ONE, "{loss: mse}", target=BINARY, shape=(None, 1)),
            Made("{Dense: {units: 1}}", "{loss: mse}", target=NUMBERS, shape=(None, 1)),
            Made("{Dense: {units: 1}}", "{loss: mae}", target=VALUES, shape=(None, 1)),
            Made("{Dense: {units: 1, activation: tanh}}", "{loss: Hinge}", target=BINARY, shape=(None, 1)),
            *(Made(f"{{Dense: {{units: 1, activation: {name}}}}}", "{loss: Poisson}", target=VALUES,
                   shape=(None, 1)) for name in ("exponential", "softplus", "relu")),
            Made(LINEAR, "{loss: CTC}", target=NUMBERS),
            Made(LINEAR, "{loss: Circle}", target=NUMBERS),
            Made("{Dense: {units: 2, activation: softmax}}", target=BINARY, shape=(None, 2)),
            Made(LINEAR, "{loss: {SparseCategoricalCrossentropy: {from_logits: true}}}"),
            Made(LOG_SOFTMAX, "{loss: {SparseCategoricalCrossentropy: {from_logits: true}}}"),
            Made("{Dense: {units: 3, activation: exponential}}"),
            # a class for each step of a sequence, and for each pixel
            Made(target=TargetInfo("tags", TargetKind.CLASSES, (7,), "int32", 3), shape=(None, 7, 3)),
            Made(target=TargetInfo("tags", TargetKind.CLASSES, (None,), "int32", 3), shape=(None, None, 3)),
            Made(target=TargetInfo("mask", TargetKind.CLASSES, (8, 8), "int32", 3), shape=(None, 8, 8, 3)),
            Made(target=TargetInfo("mask", TargetKind.CLASSES, (8, 8, 1), "int32", 3), shape=(None, 8, 8, 3)),
            Made("{Dense: {units: 1, activation: sigmoid}}", "{loss: bce}",
                 target=TargetInfo("mask", TargetKind.BINARY, (8, 8, 1), "int32", 2), shape=(None, 8, 8, 1)),
            Made("{Dense: {units: 1, activation: sigmoid}}", "{loss: bce}",
                 target=TargetInfo("mask", TargetKind.BINARY, (8, 8), "int32", 2), shape=(None, 8, 8, 1)),
            # a label that is left out of the loss
            Made(training="{loss: {SparseCategoricalCrossentropy: {ignore_class: 3}}}",
                 target=TargetInfo("mask", TargetKind.CLASSES, (8,), "int32", 4), shape=(None, 8, 3)),
            # soft labels
            Made(training="{loss: CategoricalCrossentropy}",
                 target=TargetInfo("soft", TargetKind.VALUES, (3,))),
            Made(training="{loss: CategoricalCrossentropy, metrics: [accuracy]}",
                 target=TargetInfo("soft", TargetKind.VALUES, (3,))),
            Made(training="{loss: KLDivergence, metrics: [CategoricalAccuracy]}",
                 target=TargetInfo("soft", TargetKind.VALUES, (3,))),
            # the words of a text, too many to be taken for classes by themselves
            Made("{Dense: {units: 90, activation: softmax}}", "{metrics: [accuracy]}",
                 target=TargetInfo("next", TargetKind.VALUES, (7,)), shape=(None, 7, 90),
                 fed={"next": ArrayProfile("next", "float32", low=0.0, high=89.0, distinct=85)}),
            Made("{Dense: {units: 9000, activation: softmax}}", "{metrics: [accuracy]}",
                 target=TargetInfo("next", TargetKind.VALUES, (7,)), shape=(None, 7, 9000),
                 fed={"next": ArrayProfile("next", "float32", low=1.0, high=8930.0)}),
            # forecasts of several values
            Made(LINEAR, "{loss: mse}", target=TargetInfo("future", TargetKind.VALUES, (3,))),
            Made(LINEAR, "{loss: mse}", target=TargetInfo("future", TargetKind.VALUES, (3, 1)),
                 shape=(None, 3)),
            Made(LINEAR, "{loss: mse}", target=TargetInfo("future", TargetKind.VALUES, (3,)),
                 shape=(None, 3, 1)),
            Made(LINEAR, "{loss: huber}", target=TargetInfo("future", TargetKind.VALUES, (None,)),
                 shape=(None, 3)),
            # shapes that are not known
            Made(target=TargetInfo("y", TargetKind.CLASSES, dtype="int32")),
            # metrics that fit
            Made(training="{metrics: [accuracy, SparseTopKCategoricalAccuracy, SparseCategoricalAccuracy]}"),
            Made(training="{metrics: [acc, ce]}"),
            Made(training="{loss: CategoricalCrossentropy, metrics: [AUC, Recall]}", target=ONE_HOT),
            Made(ONE, "{loss: bce, metrics: [AUC, Precision]}", target=BINARY, shape=(None, 1)),
            Made(SIGMOID, "{loss: bce, metrics: [BinaryAccuracy, AUC]}", target=MULTI),
        ],
    )  # fmt: skip
    def test_what_keras_trains_is_silent(self, made: Made) -> None:
        assert made.codes() == set(), made.findings(*made.codes())

    @pytest.mark.parametrize(
        ("metric", "target", "severity", "use"),
        [
            ("SparseCategoricalAccuracy", ONE_HOT, Severity.ERROR, "CategoricalAccuracy"),
            ("SparseTopKCategoricalAccuracy", ONE_HOT, Severity.ERROR, "TopKCategoricalAccuracy"),
            ("CategoricalAccuracy", NUMBERS, Severity.WARNING, "SparseCategoricalAccuracy"),
            ("CategoricalCrossentropy", NUMBERS, Severity.ERROR, "SparseCategoricalCrossentropy"),
            ("AUC", NUMBERS, Severity.ERROR, "SparseCategoricalAccuracy"),
            ("BinaryAccuracy", NUMBERS, Severity.ERROR, "SparseCategoricalAccuracy"),
        ],
    )
    def test_a_metric_for_other_labels(
        self, metric: str, target: TargetInfo, severity: Severity, use: str
    ) -> None:
        loss = "CategoricalCrossentropy" if target is ONE_HOT else "SparseCategoricalCrossentropy"
        made = Made(training=f"{{loss: {loss}, metrics: [{metric}]}}", target=target)
        (found,) = made.findings("KF001")
        assert (found.severity, found.path) == (severity, "training.metrics")
        assert [one.name for one in made.fixed("KF001").training.metrics_of("y")] == [use]


class TestBinaryHeads:
    @pytest.mark.parametrize(
        "made",
        [
            Made("{Dense: {units: 1, activation: softmax}}", "{loss: bce}", target=BINARY, shape=(None, 1)),
            Made(
                "{Dense: {units: 1, activation: softmax}}",
                "{loss: SparseCategoricalCrossentropy}",
                target=BINARY,
                shape=(None, 1),
            ),
            Made(ONE, "{loss: SparseCategoricalCrossentropy}", target=BINARY, shape=(None, 1)),
            Made(ONE, "{loss: CategoricalCrossentropy}", target=BINARY, shape=(None, 1)),
            Made("{Activation: {activation: softmax}}", "{loss: bce}", target=BINARY, shape=(None, 1)),
            Made("{Softmax: {}}", "{loss: bce}", target=BINARY, shape=(None, 1)),
        ],
    )
    def test_one_unit_gets_a_sigmoid_and_its_loss(self, made: Made) -> None:
        (found,) = made.errors()
        assert (found.code, found.node) == ("KF003", "y")
        fixed = made.fixed("KF003")
        assert fixed.training.loss_of("y").name in {"BinaryCrossentropy", "bce"}  # type: ignore[union-attr]
        assert fixed.model.nodes["y"].target.arguments["activation"] == "sigmoid"  # type: ignore[union-attr]

    def test_two_units_with_a_softmax_get_their_loss(self) -> None:
        output = "{Dense: {units: 2, activation: softmax}}"
        made = Made(output, "{loss: BinaryCrossentropy}", target=BINARY, shape=(None, 2))
        (found,) = made.errors()
        assert found.code == "KF003"
        fixed = made.fixed("KF003")
        assert fixed.training.loss_of("y").name == "SparseCategoricalCrossentropy"  # type: ignore[union-attr]
        assert fixed.model.nodes["y"].target.arguments["activation"] == "softmax"  # type: ignore[union-attr]

    def test_of_two_units_with_a_sigmoid_each_one_is_left(self) -> None:
        output = "{Dense: {units: 2, activation: sigmoid}}"
        made = Made(output, "{loss: BinaryCrossentropy}", target=BINARY, shape=(None, 2))
        (found,) = made.errors()
        assert found.code == "KF003"
        fixed = made.fixed("KF003")
        assert fixed.training.loss_of("y").name == "BinaryCrossentropy"  # type: ignore[union-attr]
        assert fixed.model.nodes["y"].target.arguments == {"units": 1, "activation": "sigmoid"}  # type: ignore[union-attr]

    def test_a_softmax_over_one_unit_of_a_regression_loses_it(self) -> None:
        output = "{Dense: {units: 1, activation: softmax}}"
        made = Made(output, "{loss: mse}", target=VALUES, shape=(None, 1))
        assert made.fixed("KF003").model.nodes["y"].target.arguments == {"units": 1}  # type: ignore[union-attr]

    def test_a_softmax_over_the_steps_of_a_sequence_is_none_over_one_unit(self) -> None:
        softmax = "{Softmax: {axis: 1}}"
        target = TargetInfo("where", TargetKind.VALUES, (7, 1))
        made = Made(softmax, "{loss: CategoricalCrossentropy}", target=target, shape=(None, 7, 1))
        assert not made.findings("KF003")


class TestUnits:
    @pytest.mark.parametrize(
        ("layer", "mended"),
        [
            ("{GRU: {units: 4, return_sequences: true}}", {"units": 4, "return_sequences": False}),
            (
                "{Bidirectional: {layer: {LSTM: {units: 4, return_sequences: true}}}}",
                {"layer": {"LSTM": {"units": 4, "return_sequences": False}}},
            ),
        ],
    )
    @pytest.mark.parametrize(
        ("training", "target"),
        [
            ("{loss: mse}", TargetInfo("future", TargetKind.VALUES, (3,))),
            ("{}", NUMBERS),
        ],
    )
    def test_every_step_for_one_row_of_targets(
        self, layer: str, mended: dict[str, object], training: str, target: TargetInfo
    ) -> None:
        inner = layer.removesuffix("}") + ", from: x}"
        made = Made(
            "{Dense: {units: 3}}" if training != "{}" else SOFTMAX,
            training,
            nodes=f"{{r: {inner}}}",
            come_from="r",
            target=target,
            shape=(None, 9, 3),
            shapes={"r": (None, 9, 4)},
        )
        (found,) = made.findings("KF010")
        assert found.severity is Severity.ERROR
        assert made.fixed("KF010").model.nodes["r"].target.arguments == mended  # type: ignore[union-attr]

    def test_fewer_units_than_classes_is_an_error(self) -> None:
        made = Made(TWO, shape=(None, 2))
        (found,) = made.errors()
        assert (found.code, found.node) == ("KF010", "y")
        assert "3 classes" in found.message
        assert "2 units" in found.message
        assert made.fixed("KF010").model.nodes["y"].target.arguments["units"] == 3  # type: ignore[union-attr]

    def test_more_units_than_classes_is_a_warning(self) -> None:
        (found,) = Made("{Dense: {units: 5, activation: softmax}}", shape=(None, 5)).findings("KF010")
        assert found.severity is Severity.WARNING

    @pytest.mark.parametrize("units", [2, 5])
    def test_one_hot_rows_want_as_many_units(self, units: int) -> None:
        output = f"{{Dense: {{units: {units}, activation: softmax}}}}"
        made = Made(output, "{loss: CategoricalCrossentropy}", target=ONE_HOT, shape=(None, units))
        (found,) = made.errors()
        assert found.code == "KF010"
        assert made.fixed("KF010").model.nodes["y"].target.arguments["units"] == 3  # type: ignore[union-attr]

    def test_a_class_that_was_seen_beyond_the_units(self) -> None:
        target = TargetInfo("species", TargetKind.CLASSES, dtype="int32")
        assert Made(target=target, raw={"species": seen("species", 0, 3)}).findings("KF010")
        assert not Made(target=target, raw={"species": seen("species", 0, 2)}).findings("KF010")

    def test_the_units_of_a_nested_model_are_mended_there(self) -> None:
        made = Made(
            "{model: head}",
            models="{head: {nodes: {z: {Input: {shape: [4]}}, out: "
            "{Dense: {units: 2, activation: softmax}, from: z}}, outputs: [out]}}",
            shape=(None, 2),
        )
        fixed = made.fixed("KF010")
        assert fixed.models["head"].nodes["out"].target.arguments["units"] == 3  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("shape", "target", "loss", "severity"),
        [
            ((None, 3), VALUES, "mse", Severity.ERROR),
            ((None, 3), TargetInfo("future", TargetKind.VALUES, (4,)), "mse", Severity.ERROR),
            ((None, 1), TargetInfo("future", TargetKind.VALUES, (4,)), "mse", Severity.WARNING),
            ((None, 1), ONE_HOT, "BinaryCrossentropy", Severity.ERROR),
            ((None, 8, 8), VALUES, "mae", Severity.ERROR),
        ],
    )
    def test_an_output_of_another_shape(
        self, shape: tuple[int | None, ...], target: TargetInfo, loss: str, severity: Severity
    ) -> None:
        (found,) = Made(LINEAR, f"{{loss: {loss}}}", target=target, shape=shape).findings("KF010")
        assert found.severity is severity

    @pytest.mark.parametrize(
        "x", ["{Input: {shape: [8, 8]}}", "{Input: {shape: [64]}}", "{Input: {shape: [8, 8, 1]}}"]
    )
    def test_an_autoencoder_is_held_against_what_it_is_fed_with(self, x: str) -> None:
        image = ArrayInfo("image", (8, 8, 1), low=0, high=1)
        shape = {"[8, 8]": (None, 8, 8), "[64]": (None, 64)}.get(x[16:-2], (None, 8, 8, 1))
        made = Made(LINEAR, "{loss: mse}", x=x, data="{targets: {y: image}}", array=image, shape=shape)
        assert made.codes() == set()
        wrong = Made(LINEAR, "{loss: mse}", x=x, data="{targets: {y: image}}", array=image, shape=(None, 7))
        assert [found.code for found in wrong.errors()] == ["KF010"]

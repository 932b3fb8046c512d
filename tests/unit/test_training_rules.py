"""Rules on logits, metrics, callbacks and learning rates."""

from __future__ import annotations

import pytest

from kflab import document
from kflab.diagnose.check import check
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixing import apply

from .made_facts import BINARY, MULTI, VALUES, Made

LOGITS = "{SparseCategoricalCrossentropy: {from_logits: true}}"
LINEAR = "{Dense: {units: 3}}"
HEAD = "{head: {nodes: {z: {Input: {shape: [4]}}, out: {Dense: {units: 3, activation: softmax}, from: z}}, outputs: [out]}}"  # noqa: E501


class TestLogits:
    @pytest.mark.parametrize(
        "made",
        [
            Made(training=f"{{loss: {LOGITS}}}"),
            Made("{Softmax: {}}", f"{{loss: {LOGITS}}}"),
            Made("{Activation: {activation: softmax}}", f"{{loss: {LOGITS}}}"),
            Made("{ops.softmax: {}}", f"{{loss: {LOGITS}}}"),
            Made("{ops.nn.softmax: {}}", f"{{loss: {LOGITS}}}"),
            Made("{model: head}", f"{{loss: {LOGITS}}}", models=HEAD),
            Made(
                "{Reshape: {target_shape: [3]}}",
                f"{{loss: {LOGITS}}}",
                nodes="{h: {Dense: {units: 3, activation: softmax}, from: x}, "
                "d: {Dropout: {rate: 0.5}, from: h}}",
                come_from="d",
            ),
            Made(
                "{share: h}",
                f"{{loss: {LOGITS}}}",
                x="{Input: {shape: [3]}}",
                nodes="{h: {Dense: {units: 3, activation: softmax}, from: x}}",
                come_from="h",
            ),
            Made(
                "{TimeDistributed: {layer: {Dense: {units: 3, activation: softmax}}}}", f"{{loss: {LOGITS}}}"
            ),
            Made(
                "{Dense: {units: 1, activation: sigmoid}}",
                "{loss: {bce: {from_logits: true}}}",
                target=BINARY,
                shape=(None, 1),
            ),
        ],
    )
    def test_probabilities_taken_for_logits(self, made: Made) -> None:
        (found,) = made.findings("KF002")
        assert (found.severity, found.node) == (Severity.WARNING, "y")
        loss = made.fixed("KF002").training.loss_of("y")
        assert loss is not None
        assert "from_logits" not in loss.arguments

    @pytest.mark.parametrize("layer", [LINEAR, "{Dense: {units: 3, activation: linear}}"])
    def test_logits_taken_for_probabilities_of_classes(self, layer: str) -> None:
        made = Made(layer)
        (found,) = made.findings("KF002")
        assert found.severity is Severity.WARNING
        loss = made.fixed("KF002").training.loss_of("y")
        assert loss is not None
        assert loss.arguments == {"from_logits": True}

    @pytest.mark.parametrize("activation", ["linear", "tanh", "relu", "softplus"])
    def test_numbers_taken_for_the_probability_of_one(self, activation: str) -> None:
        output = f"{{Dense: {{units: 1, activation: {activation}}}}}"
        made = Made(output, "{loss: bce}", target=BINARY, shape=(None, 1))
        assert made.fixed("KF002").model.nodes["y"].target.arguments["activation"] == "sigmoid"  # type: ignore[union-attr]

    def test_only_one_of_several_losses_is_changed(self) -> None:
        text = """
        kflab: 1
        data: {source: iris}
        model:
          nodes:
            x: {Input: {shape: [4]}}
            a: {Dense: {units: 3}, from: x}
            b: {Dense: {units: 3, activation: softmax}, from: x}
          outputs: [a, b]
        training: {loss: SparseCategoricalCrossentropy, seed: 1}
        """
        made = Made()
        experiment = document.read_text(text.replace("\n        ", "\n"))
        experiment = apply_targets(experiment)
        (found,) = [one for one in check(experiment, made.info, made.report) if one.code == "KF002"]
        assert found.node == "a"
        assert found.fix is not None
        losses = apply(experiment, found.fix).training.loss
        assert losses["a"].arguments == {"from_logits": True}
        assert losses["b"].arguments == {}

    @pytest.mark.parametrize("metric", ["accuracy", "BinaryAccuracy", "Precision", "Recall"])
    def test_a_metric_of_probabilities_counts_logits(self, metric: str) -> None:
        made = Made(
            "{Dense: {units: 1}}",
            f"{{loss: {{bce: {{from_logits: true}}}}, metrics: [{metric}]}}",
            target=BINARY,
            shape=(None, 1),
        )
        (found,) = made.findings("KF002")
        assert found.path == "training.metrics"
        fixed = made.fixed("KF002")
        assert fixed.model.nodes["y"].target.arguments["activation"] == "sigmoid"  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("layer", "loss", "metric"),
        [
            ("{Dense: {units: 1}}", "{bce: {from_logits: true}}", "{BinaryAccuracy: {threshold: 0.0}}"),
            ("{Dense: {units: 1}}", "{bce: {from_logits: true}}", "{AUC: {from_logits: true}}"),
            ("{Dense: {units: 1}}", "{bce: {from_logits: true}}", "BinaryCrossentropy"),
            ("{Dense: {units: 1, activation: sigmoid}}", "bce", "accuracy"),
            ("{BatchNormalization: {}}", "bce", "accuracy"),
            ("{Dense: {units: 1}}", "mse", "mae"),
            ("{Dense: {units: 1, activation: hard_sigmoid}}", "bce", "accuracy"),
        ],
    )
    def test_what_goes_together_is_silent(self, layer: str, loss: str, metric: str) -> None:
        made = Made(layer, f"{{loss: {loss}, metrics: [{metric}]}}", target=BINARY, shape=(None, 1))
        assert not made.findings("KF002")


def apply_targets(experiment: document.Experiment) -> document.Experiment:
    """The experiment with both of its outputs held against the same target."""
    import msgspec

    data = msgspec.structs.replace(experiment.data, targets={"a": "species", "b": "species"})
    return msgspec.structs.replace(experiment, data=data)


def regression(metrics: str) -> Made:
    training = f"{{loss: mse, metrics: {metrics}}}"
    return Made("{Dense: {units: 1}}", training, target=VALUES, shape=(None, 1))


class TestMetrics:
    @pytest.mark.parametrize("metric", ["accuracy", "acc", "BinaryAccuracy", "Accuracy"])
    def test_accuracy_of_a_regression(self, metric: str) -> None:
        made = regression(f"[{metric}, MeanAbsoluteError]")
        (found,) = made.findings("KF027")
        assert (found.severity, found.path) == (Severity.WARNING, "training.metrics")
        assert [one.name for one in made.fixed("KF027").training.metrics_of("y")] == ["MeanAbsoluteError"]

    def test_accuracy_of_several_labels(self) -> None:
        made = Made(
            "{Dense: {units: 3, activation: sigmoid}}", "{loss: bce, metrics: [accuracy]}", target=MULTI
        )
        assert [one.name for one in made.fixed("KF027").training.metrics_of("y")] == ["BinaryAccuracy"]

    @pytest.mark.parametrize("metric", ["mae", "R2Score", "RootMeanSquaredError", "CosineSimilarity"])
    def test_metrics_of_a_regression_are_silent(self, metric: str) -> None:
        made = regression(f"[{metric}]")
        assert made.codes() == set()


def stopping(watched: str) -> str:
    return f"{{EarlyStopping: {{monitor: {watched}, restore_best_weights: true}}}}"


def callbacks_of(text: str, **more: str) -> Made:
    metrics = more.pop("metrics", "[accuracy]")
    rest = "".join(f", {key}: {value}" for key, value in more.items() if key != "data")
    return Made(training=f"{{callbacks: {text}, metrics: {metrics}{rest}}}", data=more.get("data", "{}"))


class TestMonitors:
    @pytest.mark.parametrize(
        ("callback", "meant"),
        [
            ("{EarlyStopping: {monitor: val_acc, restore_best_weights: true}}", "val_accuracy"),
            ("{EarlyStopping: {monitor: acc, restore_best_weights: true}}", "accuracy"),
            ("{EarlyStopping: {monitor: val_los, restore_best_weights: true}}", "val_loss"),
            ("{ReduceLROnPlateau: {monitor: val_acuracy}}", "val_accuracy"),
            ("{ReduceLROnPlateau: {monitor: validation_loss}}", "val_loss"),
            ("{ModelCheckpoint: {filepath: a.keras, monitor: val_acc}}", "val_accuracy"),
            ("[{EarlyStopping: {monitor: val_acc, restore_best_weights: true}}, "
             "{EarlyStopping: {restore_best_weights: true}}]", "val_accuracy"),
        ],
    )  # fmt: skip
    def test_a_name_that_keras_does_not_log_ends_training(self, callback: str, meant: str) -> None:
        made = callbacks_of(callback)
        (found,) = made.findings("KF021")
        assert found.severity is Severity.ERROR
        assert found.path.endswith(".monitor")
        fixed = made.fixed("KF021")
        assert fixed.training.callbacks[0].arguments["monitor"] == meant

    @pytest.mark.parametrize(
        ("metrics", "watched", "meant"),
        [
            ("[mae]", "val_mean_absolute_error", "val_mae"),
            ("[MeanAbsoluteError]", "val_mae", "val_mean_absolute_error"),
            ("[SparseCategoricalAccuracy]", "val_accuracy", "val_sparse_categorical_accuracy"),
        ],
    )
    def test_another_name_of_the_same_metric_is_found(self, metrics: str, watched: str, meant: str) -> None:
        made = callbacks_of(stopping(watched), metrics=metrics)
        assert made.fixed("KF021").training.callbacks[0].arguments["monitor"] == meant

    def test_a_metric_that_is_watched_and_not_taken_is_taken(self) -> None:
        made = callbacks_of(stopping("val_accuracy"), metrics="[]")
        assert [one.name for one in made.fixed("KF021").training.metrics_of("y")] == ["accuracy"]

    def test_one_that_does_not_fit_the_labels_is_not_offered(self) -> None:
        (found,) = callbacks_of(stopping("val_f1_score"), metrics="[]").findings("KF021")
        assert found.fix is None

    def test_with_a_mode_it_does_nothing_only(self) -> None:
        made = callbacks_of("{EarlyStopping: {monitor: val_acc, mode: max, restore_best_weights: true}}")
        assert [found.severity for found in made.findings("KF021")] == [Severity.WARNING]

    @pytest.mark.parametrize(
        "callback",
        [
            "{EarlyStopping: {restore_best_weights: true}}",
            "{ReduceLROnPlateau: {}}",
            "{ModelCheckpoint: {filepath: a.keras, save_best_only: true}}",
            "{EarlyStopping: {monitor: val_accuracy, restore_best_weights: true}}",
        ],
    )
    def test_without_validation_there_is_no_val_loss(self, callback: str) -> None:
        made = callbacks_of(callback, data="{validation: 0}")
        (found,) = made.findings("KF021")
        assert found.severity is Severity.WARNING
        assert made.fixed("KF021").data.validation == 0.1

    @pytest.mark.parametrize(
        ("callback", "metrics"),
        [
            (stopping("loss"), "[]"),
            (stopping("val_acc"), "[acc]"),
            (stopping("val_accuracy"), "[accuracy]"),
            (stopping("val_sparse_categorical_accuracy"), "[SparseCategoricalAccuracy]"),
            (stopping("val_best"), "[{SparseCategoricalAccuracy: {name: best}}]"),
            (stopping("val_auc"), "[AUC]"),
            (stopping("val_auc_1"), "[AUC]"),
            (stopping("mae"), "[mae]"),
            (stopping("mean_absolute_error"), "[MeanAbsoluteError]"),
            (stopping("logcosh"), "[LogCoshError]"),
            ("{ModelCheckpoint: {}}", "[]"),
            ("{ModelCheckpoint: {filepath: 'e{epoch:02d}-{val_loss:.2f}.keras'}}", "[]"),
            ("{CSVLogger: {}}", "[]"),
            ("{TerminateOnNaN: {}}", "[]"),
        ],
    )
    def test_what_is_logged_is_silent(self, callback: str, metrics: str) -> None:
        assert not callbacks_of(callback, metrics=metrics).findings("KF021")

    @pytest.mark.parametrize(
        ("metric", "watched", "mode"),
        [
            ("FalseNegatives", "val_false_negatives", "min"),
            ("{TruePositives: {name: hits}}", "val_hits", "max"),
        ],
    )
    def test_a_count_needs_a_mode(self, metric: str, watched: str, mode: str) -> None:
        made = callbacks_of(stopping(watched), metrics=f"[{metric}]")
        (found,) = made.findings("KF021")
        assert found.severity is Severity.ERROR
        mended = made.fixed("KF021").training.callbacks[0].arguments
        assert mended["mode"] == mode

    def test_a_checkpoint_that_keeps_all_watches_nothing(self) -> None:
        made = callbacks_of("{ModelCheckpoint: {filepath: a.keras, save_best_only: false}}", data="{validation: 0}")  # fmt: skip # noqa: E501
        assert not made.findings("KF021")

    def test_a_path_that_names_what_is_not_there_ends_training(self) -> None:
        text = "{ModelCheckpoint: {filepath: '{val_loss:.2f}.keras', save_best_only: false}}"
        made = callbacks_of(text, data="{validation: 0}")
        (found,) = made.findings("KF021")
        assert found.severity is Severity.ERROR
        assert made.fixed("KF021").data.validation == 0.1
        assert found.path.endswith(".filepath")

    @pytest.mark.parametrize(
        ("watched", "severities", "mode"),
        [
            ("val_loss", [], ""),
            ("val_a_accuracy", [Severity.ERROR], "max"),
            ("a_loss", [Severity.ERROR], "min"),
            ("val_a_loss, mode: min", [], ""),
            ("val_a_accuracy, mode: max", [], ""),
            ("val_accuracy", [Severity.WARNING], ""),
            ("val_c_accuracy", [Severity.ERROR], ""),
        ],
    )
    def test_values_of_one_output_of_several_need_a_mode(
        self, watched: str, severities: list[Severity], mode: str
    ) -> None:
        experiment = document.read_text(
            f"""
kflab: 1
data: {{source: iris}}
model:
  nodes:
    x: {{Input: {{shape: [4]}}}}
    a: {{Dense: {{units: 3, activation: softmax}}, from: x}}
    b: {{Dense: {{units: 3, activation: softmax}}, from: x}}
  outputs: [a, b]
training:
  loss: SparseCategoricalCrossentropy
  metrics: [accuracy]
  callbacks: {{EarlyStopping: {{monitor: {watched}, restore_best_weights: true}}}}
"""
        )
        found = [one for one in check(experiment) if one.code == "KF021"]
        assert [one.severity for one in found] == severities
        if mode:
            assert found[0].fix is not None
            assert apply(experiment, found[0].fix).training.callbacks[0].arguments["mode"] == mode


class TestCallbacks:
    def test_early_stopping_goes_back_to_the_best(self) -> None:
        for text in ("[EarlyStopping]", "{EarlyStopping: {patience: 3}}", "{EarlyStopping: {restore_best_weights: false}}"):  # fmt: skip # noqa: E501
            made = callbacks_of(text)
            (found,) = made.findings("KF022")
            assert found.severity is Severity.WARNING
            assert made.fixed("KF022").training.callbacks[0].arguments["restore_best_weights"] is True

    @pytest.mark.parametrize(
        "text",
        [
            "{EarlyStopping: {restore_best_weights: true}}",
            "{EarlyStopping: {}, ModelCheckpoint: {filepath: a.keras, save_best_only: true}}",
            "{EarlyStopping: {}, ModelCheckpoint: {}}",
        ],
    )
    def test_where_the_best_is_kept_it_is_silent(self, text: str) -> None:
        assert not callbacks_of(text).findings("KF022")

    @pytest.mark.parametrize(
        ("arguments", "wanted"),
        [
            ("filepath: best", "best.keras"),
            ("filepath: 'w-{epoch}.hdf5'", "w-{epoch}.keras"),
            ("filepath: best.ckpt", "best.keras"),
            ("filepath: best.KERAS", "best.keras"),
            ("filepath: best.h5, save_weights_only: true", "best.weights.h5"),
            ("filepath: best.keras, save_weights_only: true", "best.weights.h5"),
            ("filepath: folder/, save_weights_only: true", "folder.weights.h5"),
        ],
    )
    def test_a_checkpoint_gets_the_ending_that_keras_writes(self, arguments: str, wanted: str) -> None:
        made = callbacks_of(f"{{ModelCheckpoint: {{{arguments}}}}}")
        (found,) = made.findings("KF024")
        assert found.severity is Severity.ERROR
        assert made.fixed("KF024").training.callbacks[0].arguments["filepath"] == wanted

    @pytest.mark.parametrize(
        "arguments",
        ["", "filepath: a.keras", "filepath: a.h5", "filepath: a.weights.h5, save_weights_only: true"],
    )
    def test_what_keras_writes_is_silent(self, arguments: str) -> None:
        assert not callbacks_of(f"{{ModelCheckpoint: {{{arguments}}}}}").findings("KF024")


DECAY = "{Adam: {learning_rate: {ExponentialDecay: {initial_learning_rate: 1e-2, decay_steps: 9, decay_rate: 0.9}}}}"  # noqa: E501


class TestLearningRates:
    @pytest.mark.parametrize(
        ("callbacks", "epochs", "severity"),
        [
            ("{LearningRateScheduler: {schedule: {'0': 0.1}}}", 5, Severity.ERROR),
            ("{ReduceLROnPlateau: {patience: 2}}", 5, Severity.ERROR),
            ("{ReduceLROnPlateau: {}}", 20, Severity.ERROR),
            ("{ReduceLROnPlateau: {}}", 5, Severity.WARNING),
        ],
    )
    def test_a_schedule_lets_no_callback_set_the_rate(
        self, callbacks: str, epochs: int, severity: Severity
    ) -> None:
        made = callbacks_of(callbacks, optimizer=DECAY, epochs=str(epochs))
        (found,) = made.findings("KF023")
        assert found.severity is severity
        assert made.fixed("KF023").training.callbacks == ()

    def test_two_callbacks_undo_each_other(self) -> None:
        made = callbacks_of("{LearningRateScheduler: {schedule: {'0': 0.1}}, ReduceLROnPlateau: {}}")
        (found,) = made.findings("KF023")
        assert found.severity is Severity.WARNING
        assert [one.name for one in made.fixed("KF023").training.callbacks] == ["LearningRateScheduler"]

    def test_one_alone_is_silent(self) -> None:
        assert not callbacks_of("{ReduceLROnPlateau: {}}").findings("KF023")
        assert not callbacks_of("{LearningRateScheduler: {schedule: {'0': 0.1}}}").findings("KF023")
        assert not callbacks_of("{}", optimizer=DECAY).findings("KF023")

    @pytest.mark.parametrize(
        "optimizer",
        [
            "{Adam: {learning_rate: 1}}",
            "{adam: {learning_rate: 10.0}}",
            "{SGD: {learning_rate: 100}}",
            "{RMSprop: {learning_rate: 1e-9}}",
            "{SGD: {learning_rate: 0}}",
            "{LossScaleOptimizer: {inner_optimizer: {Adam: {learning_rate: 1}}}}",
            "{Adam: {learning_rate: {CosineDecay: {initial_learning_rate: 3, decay_steps: 9}}}}",
        ],
    )
    def test_a_rate_that_is_off_by_orders(self, optimizer: str) -> None:
        made = Made(training=f"{{optimizer: {optimizer}}}")
        (found,) = made.findings("KF018")
        assert found.severity is Severity.WARNING
        fixed = made.fixed("KF018")
        assert fixed.training.optimizer != made.experiment.training.optimizer
        assert not [one for one in check(fixed) if one.code == "KF018"]

    @pytest.mark.parametrize(
        "optimizer",
        [
            "Adam",
            "{Adam: {learning_rate: 0.1}}",
            "{Adam: {learning_rate: 1e-6}}",
            "{SGD: {learning_rate: 1}}",
            "{Adadelta: {learning_rate: 1.0}}",
            "{Adagrad: {learning_rate: 1.0}}",
            "{Muon: {learning_rate: 0.02}}",
            "{Lion: {learning_rate: 1e-5}}",
            DECAY,
            "{Adam: {learning_rate: {CosineDecay: "
            "{initial_learning_rate: 0.0, decay_steps: 9, warmup_target: 1e-3, warmup_steps: 5}}}}",
            "{Adam: {learning_rate: {PiecewiseConstantDecay: {boundaries: [9], values: [1.0e-2, 1.0e-3]}}}}",
        ],
    )  # fmt: skip
    def test_usual_rates_are_silent(self, optimizer: str) -> None:
        assert not Made(training=f"{{optimizer: {optimizer}}}").findings("KF018")

    def test_a_rate_that_a_callback_sets_is_not_judged(self) -> None:
        made = callbacks_of("{LearningRateScheduler: {schedule: {'0': 0.1}}}", optimizer="{SGD: {learning_rate: 0}}")  # fmt: skip # noqa: E501
        assert not made.findings("KF018")


class TestOutputKeys:
    @pytest.mark.parametrize(
        ("training", "data", "path"),
        [
            ("{loss: {yy: mse}}", "{}", "training.loss.yy"),
            ("{loss_weights: {z: 1.0}}", "{}", "training.loss_weights.z"),
            ("{metrics: {z: [accuracy]}}", "{}", "training.metrics.z"),
            ("{}", "{targets: {z: species}}", "data.targets.z"),
        ],
    )
    def test_a_key_that_names_no_output_gets_the_name_of_one(
        self, training: str, data: str, path: str
    ) -> None:
        made = Made(training=training, data=data)
        (found,) = made.findings("KF015", "KF111")
        assert (found.code, found.path) == ("KF015", path)
        fixed: list[Finding] = [one for one in check(made.fixed("KF015")) if one.code == "KF015"]
        assert not fixed

    def test_a_key_that_names_no_output_is_taken_out_where_each_has_its_own(self) -> None:
        made = Made(training="{loss: {y: SparseCategoricalCrossentropy, yy: mse}}")
        (found,) = made.findings("KF015")
        assert found.fix is not None
        assert not found.fix.safe
        assert list(made.fixed("KF015").training.loss) == ["y"]

    def test_keys_of_outputs_are_silent(self) -> None:
        made = Made(
            training="{loss: {y: SparseCategoricalCrossentropy}, metrics: {y: [accuracy]}, "
            "loss_weights: {y: 2}}",
            data="{targets: {y: species}}",
        )
        assert made.codes() == set()

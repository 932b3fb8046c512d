"""Rules on data: ids, ranges, missing values, splits, balance, and sizes against the model."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from kflab.catalog.dataset_types import ArrayInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.profiles import ArrayProfile, ClassCount
from kflab.diagnose.check import check
from kflab.diagnose.findings import Severity
from kflab.engine.protocol import Cost, LayerCost, Memory

from .made_facts import BINARY, VALUES, Made, counted, seen

WORDS = ArrayInfo("words", (20,), dtype="int32", ids=10_000, low=0, high=9_999)
IMAGE = ArrayInfo("image", (28, 28, 1), dtype="uint8", low=0, high=255)
NUMBER = "{Dense: {units: 1}}"
CONVOLUTION = "{c: {Conv2D: {filters: 4, kernel_size: 3}, from: x}, f: {Flatten: {}, from: c}}"


def read_by(embedding: str, nodes: str = "", array: ArrayInfo = WORDS, **known: object) -> Made:
    """A model that reads ids by an Embedding, called `e`."""
    text = f"{{{nodes} e: {{{embedding}}}, p: {{GlobalAveragePooling1D: {{}}, from: e}}}}"
    x = "{Input: {shape: [20], dtype: int32}}"
    return Made(nodes=text, come_from="p", x=x, array=array, **known)  # type: ignore[arg-type]


class TestTokenIds:
    def test_ids_beyond_the_rows_are_an_error(self) -> None:
        fed = {"words": seen("words", 0, 9_900)}
        made = read_by("Embedding: {input_dim: 5000, output_dim: 8}, from: x", fed=fed)
        (found,) = made.errors()
        assert (found.code, found.node) == ("KF013", "e")
        fixed = made.fixed("KF013").model.nodes["e"].target
        assert fixed.arguments["input_dim"] == 10_000  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        "between", ["{Dropout: {rate: 0.1}", "{Reshape: {target_shape: [20]}", "{ops.cast: {dtype: int32}"]
    )
    def test_ids_are_followed_through_what_only_moves_them(self, between: str) -> None:
        made = read_by("Embedding: {input_dim: 5000, output_dim: 8}, from: m", f"m: {between}, from: x}},")
        assert made.findings("KF013")

    def test_ids_are_followed_into_a_nested_model(self) -> None:
        nested = (
            "{reader: {nodes: {z: {Input: {shape: [20], dtype: int32}}, "
            "e: {Embedding: {input_dim: 100, output_dim: 8}, from: z}, "
            "p: {GlobalAveragePooling1D: {}, from: e}}, outputs: [p]}}"
        )
        x = "{Input: {shape: [20], dtype: int32}}"
        made = Made(nodes="{r: {model: reader, from: x}}", come_from="r", models=nested, x=x, array=WORDS)
        (found,) = made.findings("KF013")
        assert (found.graph, found.node) == ("reader", "e")
        assert made.fixed("KF013").models["reader"].nodes["e"].target.arguments["input_dim"] == 10_000  # type: ignore[union-attr]

    def test_what_was_seen_counts_for_more_than_what_may_be(self) -> None:
        embedding = "Embedding: {input_dim: 5000, output_dim: 8}, from: x"
        assert not read_by(embedding, fed={"words": seen("words", 0, 4_999)}).findings("KF013")
        assert read_by(embedding, fed={"words": seen("words", 0, 5_000)}).findings("KF013")
        sampled = read_by(embedding, fed={"words": seen("words", 0, 4_000)}, profile={"is_sampled": True})
        assert sampled.findings("KF013")

    def test_ids_that_only_may_be_there_are_a_warning(self) -> None:
        (found,) = read_by("Embedding: {input_dim: 5000, output_dim: 8}, from: x").findings("KF013")
        assert found.severity is Severity.WARNING

    def test_a_negative_id_is_a_warning(self) -> None:
        embedding = "Embedding: {input_dim: 5000, output_dim: 8}, from: x"
        (found,) = read_by(embedding, fed={"words": seen("words", -1, 4_000)}).findings("KF013")
        assert found.severity is Severity.WARNING

    @pytest.mark.parametrize(
        ("embedding", "nodes"),
        [
            ("Embedding: {input_dim: 10000, output_dim: 8}, from: x", ""),
            ("Embedding: {input_dim: 20000, output_dim: 8, mask_zero: true}, from: x", ""),
            ("Embedding: {input_dim: 50, output_dim: 8}, from: h", "h: {Hashing: {num_bins: 50}, from: x},"),
            ("Embedding: {input_dim: 50, output_dim: 8}, from: h", "h: {ops.mod: {x2: 50}, from: x},"),
        ],
    )
    def test_rows_for_all_ids_are_silent(self, embedding: str, nodes: str) -> None:
        assert not read_by(embedding, nodes).findings("KF013")

    def test_numbers_that_are_no_ids_are_not_judged(self) -> None:
        array = ArrayInfo("words", (20,), dtype="int32")
        assert not read_by("Embedding: {input_dim: 50, output_dim: 8}, from: x", array=array).findings(
            "KF013"
        )


class TestScaling:
    def test_pixels_are_divided(self) -> None:
        made = Made(nodes=CONVOLUTION, come_from="f", x="{Input: {shape: [28, 28, 1]}}", array=IMAGE)
        (found,) = made.findings("KF016")
        assert (found.severity, found.node) == (Severity.WARNING, "x")
        assert made.fixed("KF016").data.scale == 255

    def test_columns_of_very_different_size_are_standardised(self) -> None:
        columns = (seen("malic", 0.7, 5.8, deviation=1.1), seen("proline", 278, 1680, deviation=314.0))
        wine = {"features": seen("features", 0.1, 1680, mean=69, deviation=215.0, columns=columns)}
        made = Made(fed=wine)
        assert "proline" in made.findings("KF016")[0].message
        assert made.fixed("KF016").data.scale == "standard"

    @pytest.mark.parametrize(
        "between",
        [
            "{Rescaling: {scale: 0.00392}, from: x}",
            "{Normalization: {}, from: x}",
            "{BatchNormalization: {}, from: x}",
            "{LayerNormalization: {}, from: x}",
            "{ops.divide: {x2: 255}, from: x}",
            "{model: begin, from: x}",
        ],
    )
    def test_a_model_that_scales_by_itself_is_silent(self, between: str) -> None:
        begin = (
            "{begin: {nodes: {z: {Input: {shape: [28, 28, 1]}}, d: {RandomFlip: {}, from: z}, "
            "s: {Rescaling: {scale: 0.01}, from: d}}, outputs: [s]}}"
        )
        made = Made(
            nodes=f"{{b: {between}, c: {{Conv2D: {{filters: 4, kernel_size: 3}}, from: b}}, "
            "f: {Flatten: {}, from: c}}",
            come_from="f",
            models=begin if "begin" in between else "{}",
            x="{Input: {shape: [28, 28, 1]}}",
            array=IMAGE,
        )
        assert not made.findings("KF016")

    def test_a_nested_model_that_does_not_scale_is_looked_into(self) -> None:
        begin = (
            "{begin: {nodes: {z: {Input: {shape: [28, 28, 1]}}, d: {RandomFlip: {}, from: z}, "
            "s: {Conv2D: {filters: 4, kernel_size: 3}, from: d}}, outputs: [s]}}"
        )
        made = Made(
            nodes="{b: {model: begin, from: x}, f: {Flatten: {}, from: b}}",
            come_from="f",
            models=begin,
            x="{Input: {shape: [28, 28, 1]}}",
            array=IMAGE,
        )
        assert made.findings("KF016")

    @pytest.mark.parametrize(
        "profile",
        [
            seen("features", -0.2, 0.2),
            seen("features", 0, 1),
            seen("features", -3, 3, deviation=1.0),
            seen("features", 0, 16),
            # an outlier among numbers that are small
            seen("features", -5, 900, mean=0.1, deviation=1.2),
            # standardised columns, of which one is nearly constant
            seen(
                "features",
                -3,
                3,
                columns=(seen("a", -3, 3, deviation=0.9), seen("b", 0, 0.1, deviation=0.001)),
            ),
        ],
    )
    def test_numbers_of_the_usual_size_are_silent(self, profile: ArrayProfile) -> None:
        assert not Made(fed={"features": profile}).findings("KF016")

    def test_ids_and_trained_weights_are_not_judged(self, tmp_path: Path) -> None:
        made = read_by("Embedding: {input_dim: 10000, output_dim: 8}, from: x")
        assert not made.findings("KF016")
        inside = "TimeDistributed: {layer: {Embedding: {input_dim: 10000, output_dim: 8}}}, from: x"
        made = Made(
            nodes=f"{{t: {{{inside}}}, f: {{Flatten: {{}}, from: t}}}}",
            come_from="f",
            x="{Input: {shape: [20]}}",
            array=ArrayInfo("documents", (20,), low=0, high=99),
        )
        assert not made.findings("KF016")
        started = Made(
            training="{initial_weights: theirs.weights.h5}",
            nodes=CONVOLUTION,
            come_from="f",
            x="{Input: {shape: [28, 28, 1]}}",
            array=IMAGE,
        )
        assert not started.findings("KF016")


class TestValues:
    def test_what_can_not_be_learned_from_is_told_with_its_first_sample(self) -> None:
        columns = (seen("age", 1, 2, missing=3), seen("height", 1, 2))
        holds = seen("features", 0, 1, missing=3, infinite=1, first_unusable=1234, columns=columns)
        (found,) = Made(raw={"features": holds}).findings("KF017")
        for text in ("3 samples", "infinity in 1 sample", "1,234", "'age'"):
            assert text in found.message

    def test_what_was_filled_in_or_is_not_used_is_silent(self) -> None:
        holds, filled = seen("features", 0, 1, missing=3), seen("features", 0, 1)
        mended = "{arguments: {missing: mean}}"
        assert not Made(data=mended, raw={"features": holds}, fed={"features": filled}).findings("KF017")
        assert not Made(raw={"other": seen("other", 0, 1, missing=3)}).findings("KF017")

    def test_a_gap_in_any_split_matters(self) -> None:
        holds, lucky = seen("features", 0, 1, missing=3), seen("features", 0, 1)
        assert Made(raw={"features": holds}, fed={"features": lucky}).findings("KF017")


class TestLengths:
    def test_arrays_of_different_length_are_named(self, tmp_path: Path) -> None:
        numpy = pytest.importorskip("numpy")
        path = tmp_path / "flowers.npz"
        numpy.savez(path, x=numpy.zeros((20, 4)), y=numpy.zeros(19))
        made = Made(source=str(path))
        (found,) = [one for one in check(made.experiment, base=tmp_path) if one.code == "KF014"]
        assert (found.severity, found.path) == (Severity.ERROR, "data.source")
        assert "20 samples" in found.message
        assert "19" in found.message
        numpy.savez(path, x=numpy.zeros((20, 4)), y=numpy.zeros(20))
        assert not [one for one in check(made.experiment, base=tmp_path) if one.code == "KF014"]


def held_back(*counts: int) -> dict[str, object]:
    classes = tuple(ClassCount(str(index), count) for index, count in enumerate(counts))
    return {"validation_classes": {"species": classes}, "train": 800, "validation": sum(counts)}


class TestSplits:
    @pytest.mark.parametrize("counts", [(0, 0, 20), (20,)])
    def test_validation_samples_of_one_class(self, counts: tuple[int, ...]) -> None:
        made = Made(data="{split: time}", raw={"species": counted("species", 50, 50, 50)}, profile=held_back(*counts))  # fmt: skip # noqa: E501
        (found,) = made.findings("KF025")
        assert (found.severity, found.path) == (Severity.WARNING, "data.split")
        assert made.fixed("KF025").data.split == "stratified"

    @pytest.mark.parametrize("counts", [(5, 7, 8), (0, 10, 10), (0, 0, 3)])
    def test_a_class_that_is_missing_by_chance_is_silent(self, counts: tuple[int, ...]) -> None:
        made = Made(raw={"species": counted("species", 50, 50, 50)}, profile=held_back(*counts))
        assert not made.findings("KF025")


class TestBalance:
    @pytest.mark.parametrize("counts", [(950, 50), (10, 990), (820, 90, 90), (500, 480, 20)])
    def test_rare_classes_are_to_count_more(self, counts: tuple[int, ...]) -> None:
        made = Made(raw={"species": counted("species", *counts)})
        (found,) = made.findings("KF028")
        assert found.severity is Severity.WARNING
        assert made.fixed("KF028").training.class_weight == "balanced"

    @pytest.mark.parametrize(
        "counts", [(500, 500), (70, 30), (212, 357), (60, 30, 10), (3000, *[20] * 45, 1500)]
    )
    def test_classes_of_the_usual_sizes_are_silent(self, counts: tuple[int, ...]) -> None:
        assert not Made(raw={"species": counted("species", *counts)}).findings("KF028")

    @pytest.mark.parametrize(
        "training",
        [
            "{class_weight: balanced}",
            "{class_weight: {'0': 1, '1': 5}}",
            "{loss: {BinaryFocalCrossentropy: {apply_class_balancing: true}}}",
            "{loss: mse}",
        ],
    )
    def test_what_is_done_about_it_already_is_silent(self, training: str) -> None:
        raw = {"species": counted("species", 950, 50)}
        made = Made(
            "{Dense: {units: 1, activation: sigmoid}}", training, target=BINARY, shape=(None, 1), raw=raw
        )
        assert not made.findings("KF028")


def predicting(activation: str, low: float, high: float, mean: float, loss: str = "mse") -> Made:
    output = f"{{Dense: {{units: 1, activation: {activation}}}}}"
    raw = {"species": seen("species", low, high, mean)}
    return Made(output, f"{{loss: {loss}}}", target=VALUES, shape=(None, 1), raw=raw)


class TestRanges:
    @pytest.mark.parametrize(
        ("activation", "low", "high", "mean", "severity"),
        [
            ("sigmoid", 25, 346, 152, Severity.ERROR),
            ("tanh", 25, 346, 152, Severity.ERROR),
            ("softsign", -500, -10, -200, Severity.ERROR),
            ("relu", -346, -25, -152, Severity.ERROR),
            ("sigmoid", -1.7, 2.5, 0.0, Severity.WARNING),
            ("relu", -1.7, 2.5, 0.0, Severity.WARNING),
            ("softplus", -1.7, 2.5, 0.1, Severity.WARNING),
            ("relu6", 0, 50, 20, Severity.ERROR),
        ],
    )
    def test_targets_that_the_output_can_not_give(
        self, activation: str, low: float, high: float, mean: float, severity: Severity
    ) -> None:
        made = predicting(activation, low, high, mean)
        (found,) = made.findings("KF032")
        assert (found.severity, found.node) == (severity, "y")
        assert made.fixed("KF032").model.nodes["y"].target.arguments == {"units": 1}  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("activation", "low", "high", "loss"),
        [
            ("linear", -1e6, 1e6, "mse"),
            ("sigmoid", 0, 1, "mse"),
            ("sigmoid", 0, 1.001, "bce"),
            ("tanh", -1, 1, "mse"),
            ("softplus", 0, 500, "mse"),
            ("exponential", 0, 500, "Poisson"),
            ("relu", 0, 500, "Poisson"),
            ("relu", 0, 500, "MeanSquaredLogarithmicError"),
            ("leaky_relu", -5, 5, "mse"),
            ("elu", -0.5, 5, "mse"),
            ("gelu", 0, 5, "mse"),
        ],
    )
    def test_targets_that_it_can_give_are_silent(
        self, activation: str, low: float, high: float, loss: str
    ) -> None:
        assert not predicting(activation, low, high, (low + high) / 2, loss).findings("KF032")

    def test_a_relu_on_a_number_is_a_warning(self) -> None:
        (found,) = predicting("relu", 25, 346, 152).findings("KF032")
        assert found.severity is Severity.WARNING
        assert found.fix is not None

    def test_pictures_drawn_by_a_relu_are_silent(self) -> None:
        image = ArrayInfo("image", (8, 8, 1), low=0, high=1)
        made = Made(
            "{Conv2D: {filters: 1, kernel_size: 3, padding: same, activation: relu}}",
            "{loss: mse}",
            x="{Input: {shape: [8, 8, 1]}}",
            data="{targets: {y: image}}",
            array=image,
            shape=(None, 8, 8, 1),
        )
        assert made.codes() == set()

    def test_pictures_from_minus_one_to_one_are_out_of_reach_of_a_sigmoid(self) -> None:
        image = ArrayInfo("image", (8, 8, 1), low=-1, high=1)
        made = Made(
            "{Conv2D: {filters: 1, kernel_size: 3, padding: same, activation: sigmoid}}",
            "{loss: mse}",
            x="{Input: {shape: [8, 8, 1]}}",
            data="{targets: {y: image}}",
            array=image,
            shape=(None, 8, 8, 1),
        )
        assert [found.severity for found in made.findings("KF032")] == [Severity.WARNING]

    def test_an_arguments_of_an_activation_counts(self) -> None:
        activation = "{relu: {max_value: 500}}"
        assert not predicting(activation, 0, 400, 100, "Poisson").findings("KF032")
        assert predicting("{relu: {max_value: 5}}", 0, 400, 100, "Poisson").findings("KF032")
        assert not predicting("{relu: {negative_slope: 0.1}}", -5, 5, 0, "Poisson").findings("KF032")


class TestSizes:
    def test_a_model_far_larger_than_the_data(self) -> None:
        (found,) = Made(params=4_000_000, train=150).findings("KF034")
        assert found.severity is Severity.WARNING

    def test_a_model_for_the_data_is_silent(self) -> None:
        assert not Made(params=90_000, train=20, training="{batch_size: 4}").findings("KF034")
        assert not Made(params=4_000_000, train=50_000).findings("KF034")
        assert not Made(params=4_000_000, train=150, training="{initial_weights: a.keras}").findings("KF034")

    def test_a_batch_larger_than_the_training_set(self) -> None:
        made = Made(training="{batch_size: 256}", train=150)
        (found,) = made.findings("KF034")
        assert found.path == "training.batch_size"
        assert made.fixed("KF034").training.batch_size == 32

    def test_all_samples_in_one_batch_are_silent(self) -> None:
        made = Made(training="{batch_size: 108}", train=150)
        assert not made.findings("KF034")

    def test_a_limit_is_counted(self) -> None:
        assert Made(training="{batch_size: 64}", data="{limit: 40}").findings("KF034")


class TestResources:
    def cost(self, available: int) -> Cost:
        memory = Memory(weights=100, gradients=100, slots=200, activations=32_000, batch=3_200)
        return Cost(memory, available, "gpu:0", nodes=(LayerCost("y", 0, 30_000), LayerCost("x", 0, 10)))

    def test_more_memory_than_there_is(self) -> None:
        made = Made(cost=self.cost(10_000), training="{batch_size: 32}")
        (found,) = made.findings("KF019")
        assert found.severity is Severity.WARNING
        assert "gpu:0" in found.message
        assert "y (30 kB)" in found.message
        assert found.fix is not None
        assert not found.fix.safe
        assert made.fixed("KF019").training.batch_size == 8

    def test_no_batch_is_small_enough(self) -> None:
        (found,) = Made(cost=self.cost(500)).findings("KF019")
        assert found.fix is None

    def test_enough_memory_or_none_known_is_silent(self) -> None:
        assert not Made(cost=self.cost(0)).findings("KF019")
        assert not Made(cost=self.cost(50_000)).findings("KF019")

    def test_tiny_batches_of_many_samples(self) -> None:
        (found,) = Made(training="{batch_size: 1}", train=60_000).findings("KF020")
        assert found.severity is Severity.INFO
        assert not Made(training="{batch_size: 1}", train=1_000).findings("KF020")
        assert not Made(training="{batch_size: 32}", train=10_000_000).findings("KF020")


class TestSeeds:
    def test_without_a_seed_runs_differ(self) -> None:
        made = Made()
        training = msgspec.structs.replace(made.experiment.training, seed=None)
        made.experiment = msgspec.structs.replace(made.experiment, training=training)
        (found,) = made.findings("KF035")
        assert found.severity is Severity.INFO
        assert made.fixed("KF035").training.seed is not None


def test_a_file_with_validation_samples_of_its_own_may_be_watched() -> None:
    callbacks = "{EarlyStopping: {restore_best_weights: true}}"
    training = f"{{callbacks: {callbacks}}}"
    own = Made(training=training, data="{validation: 0}", origin=Origin.FILE, source="mine.npz")
    assert not own.findings("KF021")
    looked_at = Made(training=training, data="{validation: 0}", origin=Origin.FILE, source="mine.npz", profile={"train": 90})  # fmt: skip # noqa: E501
    assert looked_at.findings("KF021")


def test_a_target_of_several_values_is_no_target_of_one() -> None:
    target = TargetInfo("future", TargetKind.VALUES, (3,))
    assert Made(NUMBER, "{loss: mse}", target=target, shape=(None, 3)).codes() == set()

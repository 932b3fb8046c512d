"""Steps of a document prepare samples as they were described, and learn of the training samples alone."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from kflab import document
from kflab.catalog.datasets import describe
from kflab.catalog.preparation import TEXT, Described, after_step
from kflab.catalog.preparation_steps import augment_names, find_step, prepare_names
from kflab.data import load as loading
from kflab.data.arrays import Samples
from kflab.data.augment import Augmentation
from kflab.data.batches import Batches, open_batches, order_of
from kflab.data.class_weights import weights_of
from kflab.data.fitted import load_fitted, open_split, prepare_samples, prepare_source, save_fitted
from kflab.data.load import load
from kflab.data.parts import Part, Splits
from kflab.data.steps import make_step
from kflab.engine.build import build
from kflab.errors import KflabError, UnusableInputError
from kflab.experiment import Experiment, Spec
from kflab.runs.info import EXPERIMENT, RunInfo, write_info
from kflab.runs.plan import Plan
from kflab.train.compiling import compile_model
from kflab.train.feeding import fed_with
from kflab.train.steppers.choosing import make_stepper

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (6, 12, 10, 3)).astype("uint8")
TABLE = RANDOM.normal(5, 3, (40, 4)).astype("float32")
IDS = RANDOM.integers(0, 7, (30, 5)).astype("int64")
CLASSES = (np.arange(30) % 3).astype("int32")
WORDS_ = np.array(["red", "green", "red", "blue", "green", "red"], dtype=object)
TEXTS = np.array(["the red fox", "a fox", "the end", "no fox here at all", "a", "the the"], dtype=object)
SOUND = RANDOM.normal(size=(3, 4000)).astype("float32")

STEPS: list[tuple[str, dict[str, object], np.ndarray]] = [
    ("pad_sequences", {"maxlen": 7, "padding": "post"}, IDS),
    ("pad_sequences", {}, IDS),
    ("to_categorical", {"num_classes": 3}, CLASSES),
    ("cast", {"dtype": "int8"}, CLASSES),
    ("AutoContrast", {}, IMAGES),
    ("CategoryEncoding", {"num_tokens": 7}, IDS),
    ("CategoryEncoding", {"num_tokens": 3, "output_mode": "one_hot"}, CLASSES),
    ("CenterCrop", {"height": 4, "width": 6}, IMAGES),
    ("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": [2, 2]}, IMAGES),
    ("Discretization", {"num_bins": 4}, TABLE),
    ("Discretization", {"bin_boundaries": [1.0, 5.0], "output_mode": "one_hot"}, TABLE[:, 0]),
    ("Equalization", {}, IMAGES),
    ("Hashing", {"num_bins": 5}, WORDS_),
    ("Hashing", {"num_bins": 5}, IDS),
    ("IntegerLookup", {}, IDS),
    ("IntegerLookup", {"output_mode": "multi_hot", "vocabulary": [1, 2, 3]}, IDS),
    ("MelSpectrogram", {"fft_length": 256, "sequence_stride": 128, "num_mel_bins": 16}, SOUND),
    ("Normalization", {}, TABLE),
    ("Normalization", {}, TABLE[:, 0]),
    ("Normalization", {"mean": 2.0, "variance": 4.0}, TABLE),
    ("Normalization", {"axis": None}, TABLE),
    (
        "Pipeline",
        {"layers": [{"Resizing": {"height": 4, "width": 4}}, {"Rescaling": {"scale": 0.5}}]},
        IMAGES,
    ),
    ("Rescaling", {"scale": 1 / 127.5, "offset": -1}, IMAGES),
    ("Resizing", {"height": 8, "width": 8}, IMAGES),
    ("Resizing", {"height": 20, "width": 5, "crop_to_aspect_ratio": True}, IMAGES.astype("float32")),
    ("STFTSpectrogram", {"frame_length": 64, "fft_length": 64}, SOUND[:, :, None]),
    ("StringLookup", {}, WORDS_),
    ("StringLookup", {"output_mode": "one_hot", "num_oov_indices": 0}, WORDS_),
    ("StringLookup", {"output_mode": "tf_idf"}, WORDS_),
    ("TextVectorization", {}, TEXTS),
    ("TextVectorization", {"output_sequence_length": 3, "max_tokens": 5}, TEXTS),
    ("TextVectorization", {"output_mode": "multi_hot"}, TEXTS),
    ("TextVectorization", {"output_mode": "tf_idf"}, TEXTS),
]


def described(array: np.ndarray) -> Described:
    if array.dtype == object:
        return Described(array.shape[1:], TEXT, are_ids=True)
    whole = array.dtype.kind == "i"
    return Described(
        array.shape[1:], array.dtype.name, are_ids=whole, ids=int(array.max()) + 1 if whole else 0
    )


def test_every_step_is_tried_here():
    assert {name for name, _, _ in STEPS} == set(prepare_names())


@pytest.mark.parametrize(
    ("name", "arguments", "array"), STEPS, ids=[f"{one[0]}-{index}" for index, one in enumerate(STEPS)]
)
def test_a_step_gives_what_was_said_of_it_and_the_same_again_from_what_it_learned(name, arguments, array):
    step = make_step(Spec(name, arguments), "x", classes=3)
    state = step.fit(array)
    made = step(array)
    told = after_step(described(array), Spec(name, arguments))
    assert len(made.shape) - 1 == len(told.shape)
    assert all(said in (None, size) for said, size in zip(told.shape, made.shape[1:], strict=True))
    assert made.dtype.name == told.dtype
    if told.low is not None and told.high is not None:
        assert told.low <= made.min()
        assert made.max() <= told.high + 1e-6
    if told.ids:
        assert made.max() < told.ids
    again = make_step(Spec(name, arguments), "x", classes=3)
    again.take(state)
    assert np.array_equal(again(array), made)
    # A few at a time give what all at once give.
    assert np.allclose(np.concatenate([again(array[:2]), again(array[2:])]), made)


class Unread:
    """Rows that are not in memory, and count how many are read at once."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        self.most = 0

    @property
    def shape(self):
        return self._array.shape

    @property
    def dtype(self):
        return self._array.dtype

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, rows):
        read = self._array[rows].copy()
        self.most = max(self.most, len(read))
        return read


@pytest.mark.parametrize(
    ("name", "arguments", "array"),
    [
        ("Normalization", {}, TABLE),
        ("Normalization", {}, TABLE[:, 0]),
        ("Discretization", {"num_bins": 4}, TABLE),
        ("TextVectorization", {}, TEXTS),
        ("StringLookup", {"output_mode": "tf_idf"}, WORDS_),
        ("IntegerLookup", {}, IDS),
    ],
)
def test_a_step_learns_the_same_of_samples_that_are_not_in_memory(name, arguments, array):
    one, other = (make_step(Spec(name, arguments), "x") for _ in range(2))
    one.fit(array)
    other.fit(Unread(array))
    assert np.allclose(one(array), other(array), atol=1e-5)


# Augmentation


@pytest.mark.parametrize("name", augment_names())
def test_augmentation_follows_its_key_alone(name: str):
    entry = find_step(name)
    assert entry is not None
    values: dict[str, object] = {"height": 6, "width": 6, "rate": 0.5, "stddev": 0.5, "factor": 0.4}
    values |= {"height_factor": 0.4, "width_factor": 0.4} | (
        {"factor": 3} if name == "RandomPosterization" else {}
    )
    given = {one.name: values[one.name] for one in entry.arguments if one.required}
    if name.startswith("SpatialDropout"):
        pytest.skip("drops whole maps of one rank only")
    one, other = (Augmentation([Spec(name, given)], "x") for _ in range(2))
    images = IMAGES.astype("float32")
    first = one(images, (1, 0, 0))
    one(images, (1, 0, 1))
    assert np.array_equal(one(images, (1, 0, 0)), first)
    assert np.array_equal(other(images, (1, 0, 0)), first)


def test_augmentation_differs_between_steps_and_treats_arrays_with_the_same_layers_alike():
    specs = [Spec("RandomFlip", {}), Spec("RandomTranslation", {"height_factor": 0.3, "width_factor": 0.3})]
    image, mask = Augmentation(specs, "image"), Augmentation(specs, "mask")
    images = IMAGES.astype("float32")
    assert np.array_equal(image(images, (1, 2)), mask(images, (1, 2)))
    assert not np.array_equal(image(images, (1, 2)), image(images, (1, 3)))


# Whole experiments

DOCUMENT = """
data:
  source: own.npz
  {data}
model:
  nodes:
    a: {{Input: {{shape: [6, 6, 3]}}}}
    flat: {{Flatten: {{}}, from: a}}
    out: {{Dense: {{units: 3, activation: softmax}}, from: flat}}
  outputs: [out]
training: {{loss: {loss}, batch_size: 8, epochs: 2, seed: 3, optimizer: Adam{training}}}
"""

PREPARED = "prepare: {x: [{Resizing: {height: 6, width: 6}}, Normalization], y: [{to_categorical: {}}]}\n"


def experiment(data: str = PREPARED, loss: str = "CategoricalCrossentropy", training: str = "") -> Experiment:
    return document.read_text(DOCUMENT.format(data=data, loss=loss, training=training))


def own(folder: Path, count: int = 60, change: slice | None = None) -> Path:
    random = np.random.default_rng(5)
    x = random.integers(0, 256, (count, 9, 9, 3)).astype("uint8")
    y = np.arange(count) % 3
    if change is not None:
        x[change] = 255
    np.savez(folder / "own.npz", x=x, y=y)
    return folder


def run_of(folder: Path, made: Experiment, splits: Splits) -> Path:
    run = folder / "run"
    run.mkdir()
    (run / EXPERIMENT).write_text(document.dump(made))
    write_info(run, RunInfo(name="run", seed=3, source=str(folder / "experiment.yaml")))
    save_fitted(run, splits.fitted)
    return run


def test_nothing_is_learned_of_what_is_not_trained_on(tmp_path: Path):
    splits = load(experiment(), own(tmp_path), None, 3)
    with np.load(tmp_path / "own.npz") as file:
        x, y = file["x"], file["y"]
    held = np.concatenate([prepared_rows(splits, part, x) for part in (splits.validation, splits.test)])
    x[held] = 255
    np.savez(tmp_path / "own.npz", x=x, y=y)
    again = load(experiment(), tmp_path, None, 3)
    assert np.array_equal(splits.train.inputs["a"], again.train.inputs["a"])
    assert np.allclose(again.train.inputs["a"].mean(axis=(0, 1, 2)), 0, atol=1e-4)
    assert again.test is not None
    assert again.test.inputs["a"].mean() > 0.5


def prepared_rows(splits: Splits, part: Part | None, x: np.ndarray) -> np.ndarray:
    """Which samples of the source a part has."""
    assert part is not None
    whole = prepare_samples({"x": x}, splits.fitted)["a"]
    return np.array([int(np.argmax((whole == sample).all(axis=(1, 2, 3)))) for sample in part.inputs["a"]])


def test_what_was_learned_is_used_again_to_evaluate_and_to_predict(tmp_path: Path):
    made = experiment()
    splits = load(made, own(tmp_path), None, 3)
    run = run_of(tmp_path, made, splits)
    for name, part in (("train", splits.train), ("validation", splits.validation), ("test", splits.test)):
        opened = open_split(run, name)
        assert opened is not None
        assert part is not None
        assert np.array_equal(opened.inputs["a"], part.inputs["a"])
        assert np.array_equal(opened.targets["out"], part.targets["out"])
    with np.load(tmp_path / "own.npz") as file:
        one = prepare_samples({"x": file["x"][:2]}, load_fitted(run))["a"]
        np.savez(tmp_path / "other.npz", x=file["x"][:2], y=np.array([0, 2]))
    part = prepare_source(run, tmp_path / "other.npz")
    assert np.array_equal(part.inputs["a"], one)
    assert part.targets["out"].tolist() == [[1, 0, 0], [0, 0, 1]]


TABLE_DOCUMENT = """
data: {source: sold.csv, arguments: {target: sold, missing: mean}, scale: standard}
model:
  nodes:
    features: {Input: {shape: [5]}}
    out: {Dense: {units: 1, activation: sigmoid}, from: features}
  outputs: [out]
training: {loss: BinaryCrossentropy, batch_size: 16, epochs: 3}
"""


def test_another_table_is_read_as_the_one_that_was_trained_on(tmp_path: Path):
    rows = [
        f"{20 + i},{['Rome', 'Oslo', 'Bern'][i % 3]},{50 + i % 9 if i % 17 else ''},{['no', 'yes'][i % 2]}"
        for i in range(80)
    ]
    (tmp_path / "sold.csv").write_text("\n".join(["age,city,income,sold", *rows, ""]))
    made = document.read_text(TABLE_DOCUMENT)
    run = run_of(tmp_path, made, load(made, tmp_path, None, 3))
    whole = prepare_source(run, tmp_path / "sold.csv")
    # No target, other columns first, fewer categories in another order, a gap.
    (tmp_path / "new.csv").write_text(f"income,age,city\n51,21,Oslo\n,31,Bern\n{50 + 4 % 9},24,Oslo\n")
    new = prepare_source(run, tmp_path / "new.csv")
    assert new.targets == {}
    assert np.array_equal(new.inputs["features"][0], whole.inputs["features"][1])
    assert np.array_equal(new.inputs["features"][2], whole.inputs["features"][4])
    assert new.inputs["features"][1][4] == pytest.approx(0, abs=1e-6)
    (tmp_path / "short.csv").write_text("age,city\n1,Rome\n")
    with pytest.raises(KflabError, match="no column 'income'"):
        prepare_source(run, tmp_path / "short.csv")


def test_data_that_has_changed_since_the_run_is_told(tmp_path: Path):
    made = experiment()
    run = run_of(tmp_path, made, load(made, own(tmp_path), None, 3))
    own(tmp_path, count=90)
    with pytest.raises(KflabError, match="has changed since the run: it had 43 train"):
        open_split(run, "test")


def test_damaged_or_missing_files_of_what_was_learned_are_told(tmp_path: Path):
    made = experiment()
    run = run_of(tmp_path, made, load(made, own(tmp_path), None, 3))
    numbers = run / "preparation" / "numbers.npz"
    numbers.write_bytes(numbers.read_bytes()[:50])
    with pytest.raises(UnusableInputError, match="damaged"):
        load_fitted(run)
    numbers.unlink()
    with pytest.raises(UnusableInputError, match="kept nothing"):
        load_fitted(run)


def test_the_description_of_prepared_data_is_what_the_model_gets(tmp_path: Path):
    made = experiment(PREPARED + "  augment: {x: [RandomFlip]}\n")
    info = describe(made.data, own(tmp_path))
    splits = load(made, tmp_path, None, 3)
    assert splits.train.inputs["a"].shape[1:] == info.inputs[0].shape
    assert splits.train.targets["out"].shape[1:] == info.targets[0].shape == (3,)
    assert (info.targets[0].kind, info.targets[0].classes) == ("one-hot", 3)


@pytest.mark.parametrize("step", ["", "{Resizing: {height: 6, width: 6}}, {Rescaling: {scale: 0.5}}"])
def test_pixels_are_divided_unless_a_step_scaled_them(tmp_path: Path, step: str):
    steps = step or "{Resizing: {height: 6, width: 6}}"
    made = experiment(f"prepare: {{x: [{steps}]}}", "SparseCategoricalCrossentropy")
    train = load(made, own(tmp_path), None, 3).train.inputs["a"]
    assert train.dtype == "float32"
    assert train.max() == pytest.approx(120 if step else 0.95, rel=0.05)


# Training on what is not in memory


def unread(splits: Splits) -> Splits:
    """The same samples, none of them in memory."""

    def part(held: Part | None) -> Part | None:
        if held is None:
            return None
        inputs = {name: Unread(np.asarray(rows[:])) for name, rows in held.inputs.items()}
        return Part(
            inputs, {name: Unread(np.asarray(rows[:])) for name, rows in held.targets.items()}, held.augment
        )

    train = part(splits.train)
    assert train is not None
    return Splits(train, part(splits.validation), part(splits.test), splits.fitted)


def trained(made: Experiment, splits: Splits, *, epochs: int = 2, start: int = 0, model=None) -> keras.Model:
    if model is None:
        keras.utils.set_random_seed(1)
        model = build(made)
        compile_model(model, made.training)
    fed = fed_with(splits.train, made.model, batch_size=8, seed=3, shuffle=made.data.shuffle)
    with open_batches(fed.batches):
        stepper = make_stepper(model, fed, Plan())
        for epoch in range(start, epochs):
            stepper.begin_epoch(epoch)
            stepper.train(0, fed.steps)
    return model


def same(one: keras.Model, other: keras.Model) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def test_training_in_the_order_of_the_file_is_the_same_in_memory_and_in_batches(tmp_path: Path):
    made = experiment(PREPARED + "  shuffle: false\n")
    splits = load(made, own(tmp_path), None, 3)
    assert splits.train.in_memory
    assert same(trained(made, splits), trained(made, unread(splits)))


def test_batches_shuffle_by_seed_and_epoch_and_can_go_on_at_any_epoch(tmp_path: Path):
    made = experiment(PREPARED + "  augment: {x: [RandomFlip]}\n")
    splits = unread(load(made, own(tmp_path), None, 3))
    whole = trained(made, splits, epochs=3)
    half = trained(made, splits, epochs=1)
    assert not same(whole, half)
    assert same(trained(made, splits, epochs=3, start=1, model=half), whole)
    assert sorted(order_of(9, 3, 0)) == list(range(9))
    assert order_of(9, 3, 0).tolist() != order_of(9, 3, 1).tolist()


def test_batches_hold_every_sample_once_and_read_few_at_a_time(tmp_path: Path):
    made = experiment()
    splits = unread(load(made, own(tmp_path), None, 3))
    batches = Batches(splits.train, made.model, batch_size=8, seed=3)
    batches.at_epoch(4)
    fed = [batches[index] for index in range(len(batches))]
    batches.close()
    whole = np.concatenate([x for x, _ in fed])
    assert len(fed) == 6
    assert len(whole) == len(splits.train)
    assert {sample.tobytes() for sample in whole} == {
        sample.tobytes() for sample in splits.train.inputs["a"][:]
    }
    read = splits.train.inputs["a"]
    assert isinstance(read, Unread)
    read.most = 0
    with open_batches(again := Batches(splits.train, made.model, batch_size=8, seed=3)):
        assert np.array_equal(again[0][0], Batches(splits.train, made.model, batch_size=8, seed=3)[0][0])
    assert read.most == 8


def test_augmentation_is_for_training_alone(tmp_path: Path):
    plain = load(experiment(), own(tmp_path), None, 3)
    made = experiment(PREPARED + "  augment: {x: [{RandomBrightness: {factor: 0.5}}]}\n")
    splits = load(made, tmp_path, None, 3)
    assert np.array_equal(splits.validation.inputs["a"], plain.validation.inputs["a"])
    assert np.array_equal(splits.test.inputs["a"], plain.test.inputs["a"])
    assert np.array_equal(splits.train.inputs["a"][:], plain.train.inputs["a"])
    with open_batches(batches := Batches(splits.train, made.model, batch_size=8, seed=3)):
        x, _ = batches[0]
    rows = order_of(len(splits.train), 3, 0)[:8]
    assert x.shape == (8, 6, 6, 3)
    assert not np.allclose(x, plain.train.inputs["a"][rows], atol=0.05)


def test_a_number_that_is_none_ends_training_with_its_sample_when_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    x = np.ones((60, 6, 6, 3), "float32")
    x[41, 2] = np.nan
    np.savez(tmp_path / "own.npz", x=x, y=np.arange(60) % 3)
    read = loading.load_raw

    def from_disk(*given: object, **more: object):
        raw = read(*given, **more)
        train = raw.train
        inputs = {name: Unread(rows) for name, rows in train.inputs.items()}
        return replace(raw, train=Samples(inputs, train.targets))

    monkeypatch.setattr(loading, "load_raw", from_disk)
    made = experiment("validation: 0\n  test: 0", "SparseCategoricalCrossentropy")
    splits = load(made, tmp_path, None, 3)
    assert not splits.train.in_memory
    with pytest.raises(KflabError, match=r"the input 'x' holds NaN in sample 41 .* of the training samples"):
        trained(made, splits)


def test_what_keras_refuses_is_told_with_step_and_array():
    with pytest.raises(KflabError, match="CenterCrop can not prepare 'x'"):
        make_step(Spec("CenterCrop", {"height": 3, "width": 3}), "x")(TABLE)
    with pytest.raises(KflabError, match="expects the numbers of 3 classes, 0 to 2, in 'y'; it holds 0 to 5"):
        make_step(Spec("to_categorical", {"num_classes": 3}), "y")(np.array([0, 5]))


# Class weights


@pytest.mark.parametrize("steps", ["", ", y: [{to_categorical: {}}]"])
def test_classes_are_weighed_alike_in_memory_and_in_batches(tmp_path: Path, steps: str):
    x, y = np.random.default_rng(5).random((60, 6, 6, 3)).astype("float32"), np.repeat([0, 1, 2], [40, 15, 5])
    np.savez(tmp_path / "own.npz", x=x, y=y)
    loss = "CategoricalCrossentropy" if steps else "SparseCategoricalCrossentropy"
    made = experiment(
        f"prepare: {{x: [{{Rescaling: {{scale: 1.0}}}}]{steps}}}\n  shuffle: false\n  test: 0",
        loss,
        ", class_weight: balanced",
    )
    splits = load(made, tmp_path, None, 3)
    weights = weights_of(made.training, splits.train, splits.fitted.held, made.model)
    assert weights is not None
    counts = np.bincount(y[:54], minlength=3)
    there = counts > 0
    assert np.allclose((weights.by_output["out"] * counts)[there], 54 / there.sum())
    one, other = (
        fed_with(part, made.model, batch_size=8, weights=weights)
        for part in (splits.train, unread(splits).train)
    )
    assert other.batches is not None
    _, _, given = other.batches[1]
    assert np.array_equal(given, one.arguments["sample_weight"][8:16])
    keras_weights = {number: float(weight) for number, weight in enumerate(weights.by_output["out"])}
    models = []
    for arguments in (
        one.arguments,
        {k: v for k, v in one.arguments.items() if k != "sample_weight"} | {"class_weight": keras_weights},
    ):
        keras.utils.set_random_seed(1)
        model = build(made)
        compile_model(model, made.training)
        model.fit(**arguments, verbose=0, shuffle=False)
        models.append(model)
    assert same(*models)
    other.batches.close()

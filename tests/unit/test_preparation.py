"""What a document says of preparing data is checked before anything is loaded."""

import pytest

from kflab import catalog, document
from kflab.catalog.class_weight import weights_by_number, with_classes
from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.datasets import describe
from kflab.catalog.preparation import prepared
from kflab.catalog.preparation_problems import preparation_problems
from kflab.catalog.preparation_steps import augment_names, prepare_names
from kflab.diagnose.check import check
from kflab.errors import KflabError, UnusableInputError
from kflab.experiment import Data, Spec
from kflab.tui.rows.setting import Setting
from kflab.tui.rows.setup import setup_rows

INFO = DatasetInfo(
    "own",
    Origin.FILE,
    "",
    inputs=(
        ArrayInfo("image", (32, 32, 3), dtype="uint8", low=0, high=255),
        ArrayInfo("text", (), dtype="string"),
        ArrayInfo("row", (4,)),
    ),
    targets=(
        TargetInfo("kind", TargetKind.CLASSES, dtype="int32", classes=3, labels=("cat", "dog", "owl")),
        TargetInfo("price", TargetKind.VALUES),
    ),
)

DOCUMENT = """
data: {{source: digits{data}}}
model:
  nodes:
    image: {{Input: {{shape: {shape}}}}}
    flat: {{Flatten: {{}}, from: image}}
    digit: {{Dense: {{units: 10, activation: softmax}}, from: flat}}
  outputs: [digit]
training: {{optimizer: Adam, loss: SparseCategoricalCrossentropy, seed: 1{training}}}
"""


def read(data: str = "", training: str = "", shape: str = "[8, 8, 1]"):
    return document.read_text(DOCUMENT.format(data=data, training=training, shape=shape))


def data(array: str, *steps: Spec, part: str = "prepare") -> Data:
    return Data(source="own", **{part: {array: steps}})


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        (
            data("imgae", Spec("Resizing", {"height": 1, "width": 1})),
            "data.prepare.imgae",
            "did you mean image",
        ),
        (data("text", Spec("Normalization")), "data.prepare.text", "needs numbers, and 'text' is text"),
        (data("row", Spec("TextVectorization")), "data.prepare.row", "needs text, and 'row' holds numbers"),
        (data("image", Spec("RandomFlip")), "data.prepare.image", "put it under data.augment"),
        (
            data("image", Spec("Rescaling", {"scale": 2}), part="augment"),
            "data.augment.image",
            "put it under data.prepare",
        ),
        (data("row", Spec("Resizing", {"height": 2, "width": 2})), "data.prepare.row", "has 1 axes here"),
        (data("image", Spec("Resizing", {"height": 2})), "data.prepare.image", "Resizing needs 'width'"),
        (data("image", Spec("MixUp"), part="augment"), "data.augment.image", "more than one array"),
        (data("kind", Spec("Normalization")), "data.prepare.kind", "whose size means nothing"),
        (data("price", Spec("to_categorical")), "data.prepare.price", "measured numbers"),
        (data("text", Spec("TextVectorization", {"ragged": True})), "data.prepare.text", "ragged"),
        (data("text", Spec("TextVectorization"), Spec("StringLookup")), "data.prepare.text", "needs text"),
        (Data(source="own", order_by="tiem"), "data.order_by", "no array 'tiem'"),
    ],
)
def test_a_step_that_can_not_work_is_told_with_its_place(given: Data, path: str, words: str):
    (problem,) = preparation_problems(given, INFO)
    assert problem.path == path
    assert words in problem.message


@pytest.mark.parametrize(
    "given",
    [
        data("text", Spec("TextVectorization"), Spec("pad_sequences", {"maxlen": 3})),
        data("text", Spec("StringLookup", {"output_mode": "one_hot"})),
        data("image", Spec("Resizing", {"height": 8, "width": 8}), Spec("Normalization")),
        data("image", Spec("RandomFlip"), Spec("GaussianNoise", {"stddev": 0.1}), part="augment"),
        data("kind", Spec("to_categorical")),
        data("row", Spec("Discretization", {"num_bins": 3}), Spec("CategoryEncoding", {"num_tokens": 3})),
        data("price", Spec("Normalization")),
    ],
)
def test_what_works_is_left_alone(given: Data):
    assert not list(preparation_problems(given, INFO))


def test_steps_are_told_from_layers_of_other_kinds():
    assert {"Resizing", "TextVectorization", "cast", "to_categorical"} <= set(prepare_names())
    assert {"RandomFlip", "RandomRotation", "GaussianNoise"} <= set(augment_names())
    assert not set(prepare_names()) & set(augment_names())
    assert not {"Dense", "LSTM", "MultiHeadAttention"} & {*prepare_names(), *augment_names()}


def test_the_description_follows_the_steps():
    given = Data(
        source="own",
        prepare={
            "image": (Spec("Resizing", {"height": 8, "width": 6}), Spec("Rescaling", {"scale": 1 / 255})),
            "text": (Spec("TextVectorization", {"max_tokens": 500, "output_sequence_length": 20}),),
            "kind": (Spec("to_categorical"),),
        },
        augment={"image": (Spec("RandomCrop", {"height": 4, "width": 4}),)},
    )
    told = prepared(INFO, given)
    image, text, _ = told.inputs
    assert (image.shape, image.dtype, image.low, image.high) == ((4, 4, 3), "float32", 0, 1)
    assert (text.shape, text.dtype, text.ids) == ((20,), "int32", 500)
    assert (told.targets[0].kind, told.targets[0].shape) == (TargetKind.ONE_HOT, (3,))


def test_unknown_steps_and_arguments_are_refused_when_they_are_read():
    with pytest.raises(UnusableInputError, match=r"no step 'Resizng' .* did you mean Resizing"):
        read(", prepare: {image: [Resizng]}")
    with pytest.raises(UnusableInputError, match="no argument 'hieght'"):
        read(", prepare: {image: [{Resizing: {hieght: 3}}]}")
    with pytest.raises(UnusableInputError, match="no step 'Dense'"):
        read(", augment: {image: [{Dense: {units: 3}}]}")


def test_findings_say_what_can_not_work():
    experiment = read(", prepare: {imag: [{Rescaling: {scale: 2}}]}", ", class_weight: {'11': 3}")
    found = {one.path: one for one in check(experiment, describe(experiment.data))}
    assert "no array 'imag'; did you mean image" in found["data.prepare.imag"].message
    assert "'11' is no class of 'digit'" in found["training.class_weight"].message


def test_weights_are_given_by_label_or_number_to_the_one_output_that_has_them():
    held = {
        "a": INFO.targets[0],
        "b": TargetInfo("urgent", TargetKind.BINARY, classes=2, labels=("no", "yes")),
    }
    assert weights_by_number({"owl": 2, "0": 3}, held) == {"a": {2: 2, 0: 3}}
    assert weights_by_number({"yes": 4}, held) == {"b": {1: 4}}
    with pytest.raises(UnusableInputError, match="a and b all have these classes"):
        weights_by_number({"1": 2}, held)
    with pytest.raises(UnusableInputError, match="'owls' is no class of 'a'; did you mean owl"):
        weights_by_number({"owls": 2}, held)
    with pytest.raises(UnusableInputError, match="no output has classes"):
        with_classes({"c": INFO.targets[1]})


def test_steps_are_edited_in_the_setup():
    experiment = read()

    def rows(experiment):
        made = setup_rows(Setting(catalog.load(), experiment, describe(experiment.data)))
        return {row.label: row for row in made}

    experiment = rows(experiment)["prepare image"].apply(experiment, "Resizing").experiment
    assert rows(experiment)["height"].missing
    for name, value in (("height", 4), ("width", 4)):
        experiment = rows(experiment)[name].apply(experiment, value).experiment
    experiment = rows(experiment)["augment image"].apply(experiment, "RandomFlip").experiment
    experiment = rows(experiment)["split"].apply(experiment, "random").experiment
    experiment = rows(experiment)["class_weight"].apply(experiment, "balanced").experiment
    assert experiment.data.prepare == {"image": (Spec("Resizing", {"height": 4, "width": 4}),)}
    assert document.read_text(document.dump(experiment)) == experiment
    with pytest.raises(KflabError, match="unknown layer 'RandomFlip'"):
        rows(experiment)["prepare image"].apply(experiment, "RandomFlip")
    experiment = rows(experiment)["prepare image"].reset(experiment).experiment
    assert not experiment.data.prepare

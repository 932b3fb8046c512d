"""A typed line is understood as the nodes that a person means, and what is not understood is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kflab import catalog
from kflab.catalog import Argument, ArgumentKind, Entry, Kind
from kflab.experiment import Data, Experiment
from kflab.graph.nodes import Call, Graph, Layer, Node, Op, Share, Target
from kflab.quick_add import LONGEST, understand
from kflab.quick_add.canonical import canonical
from kflab.quick_add.ranks import rank_at
from kflab.quick_add.understood import Understood
from kflab.values import Value

CATALOG = catalog.load()
EXPERIMENT = Experiment(
    data=Data(source="digits"),
    model=Graph(
        nodes={
            "image": Node(Layer("Input", {"shape": [8, 8, 1]})),
            "conv1": Node(Layer("Conv2D", {"filters": 4, "kernel_size": 3}), inputs=("image",)),
            "again": Node(Share("conv1"), inputs=("conv1",)),
        },
        outputs=("again",),
    ),
    models={"encoder": Graph(nodes={"x": Node(Layer("Input", {"shape": [4]}))}, outputs=("x",))},
)


def read(line: str, rank: int | None = None, graph: str = "", cursor: int | None = None) -> Understood:
    return understand(line, CATALOG, EXPERIMENT, graph, rank=rank, cursor=cursor)


def target(line: str, rank: int | None = None) -> Target:
    """The only target of a line that is understood whole."""
    understood = read(line, rank)
    assert understood.complete, understood.problems
    (found,) = understood.targets
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "conv2d 32 3 relu same",
            Layer("Conv2D", {"filters": 32, "kernel_size": 3, "activation": "relu", "padding": "same"}),
        ),
        ("dense 10 softmax", Layer("Dense", {"units": 10, "activation": "softmax"})),
        ("add", Layer("Add")),
        ("lstm 64 bi", Layer("Bidirectional", {"layer": {"LSTM": {"units": 64}}})),
        ("bi lstm 64", Layer("Bidirectional", {"layer": {"LSTM": {"units": 64}}})),
        ("td dense 10", Layer("TimeDistributed", {"layer": {"Dense": {"units": 10}}})),
        ("flatten td", Layer("TimeDistributed", {"layer": "Flatten"})),
        (
            "td bi gru 8 return_sequences",
            Layer(
                "TimeDistributed",
                {"layer": {"Bidirectional": {"layer": {"GRU": {"units": 8, "return_sequences": True}}}}},
            ),
        ),
        (
            "bi lstm 64 sum",
            Layer("Bidirectional", {"layer": {"LSTM": {"units": 64}}, "merge_mode": "sum"}),
        ),
        ("rnn lstmcell 64", Layer("RNN", {"cell": {"LSTMCell": {"units": 64}}})),
        ("dropout .3", Layer("Dropout", {"rate": 0.3})),
        (
            "dense units=64 activation=relu kernel_regularizer=l2(1e-4)",
            Layer("Dense", {"units": 64, "activation": "relu", "kernel_regularizer": {"L2": {"l2": 1e-4}}}),
        ),
        ("dense units = 64", Layer("Dense", {"units": 64})),
        ("dense 64 act=gelu", Layer("Dense", {"units": 64, "activation": "gelu"})),
        ("dense 8 he_normal", Layer("Dense", {"units": 8, "kernel_initializer": "he_normal"})),
        (
            "dense 8 HeNormal(1) zeros",
            Layer(
                "Dense",
                {"units": 8, "kernel_initializer": {"HeNormal": {"seed": 1}}, "bias_initializer": "zeros"},
            ),
        ),
        ("embedding 20000 128", Layer("Embedding", {"input_dim": 20000, "output_dim": 128})),
        ("input 28,28,1", Layer("Input", {"shape": [28, 28, 1]})),
        ("input 28, 28, 1", Layer("Input", {"shape": [28, 28, 1]})),
        ("input 28 28 1", Layer("Input", {"shape": [28, 28, 1]})),
        ("input none,8", Layer("Input", {"shape": [None, 8]})),
        ("input ?x8 int32", Layer("Input", {"shape": [None, 8], "dtype": "int32"})),
        ("conv2d 8 3x5 2", Layer("Conv2D", {"filters": 8, "kernel_size": [3, 5], "strides": 2})),
        ("ops.mean axis=-1", Op("ops.mean", {"axis": -1})),
        ("mean -1", Op("ops.mean", {"axis": -1})),
        ("ops.power 2", Op("ops.power", {"x2": 2})),
        ("matmul", Op("ops.matmul")),
        ("mha 8 64", Layer("MultiHeadAttention", {"num_heads": 8, "key_dim": 64})),
        ("bn .9", Layer("BatchNormalization", {"momentum": 0.9})),
        ("layernorm 1e-6", Layer("LayerNormalization", {"epsilon": 1e-6})),
        ("lstm 64 return_seq .2", Layer("LSTM", {"units": 64, "return_sequences": True, "dropout": 0.2})),
        ("dense 4 nobias", Layer("Dense", {"units": 4, "use_bias": False})),
        ("dense 4 -use_bias", Layer("Dense", {"units": 4, "use_bias": False})),
        ("dense 4 use_bias=false", Layer("Dense", {"units": 4, "use_bias": False})),
        ("einsumdense ab,bc->ac 64", Layer("EinsumDense", {"equation": "ab,bc->ac", "output_shape": [64]})),
        ("permute 2 1", Layer("Permute", {"dims": [2, 1]})),
        ("concat -1", Layer("Concatenate", {"axis": -1})),
        ("relu", Layer("ReLU")),
        ("swish", Layer("Activation", {"activation": "silu"})),
        ("upsample2d 2", Layer("UpSampling2D", {"size": 2})),
        (
            "pipeline [randomflip(horizontal), randomrotation(.1)]",
            Layer(
                "Pipeline",
                {"layers": [{"RandomFlip": {"mode": "horizontal"}}, {"RandomRotation": {"factor": 0.1}}]},
            ),
        ),
        (
            'layers.Conv2D(32, (3, 3), activation="relu", padding="same")',
            Layer("Conv2D", {"filters": 32, "kernel_size": [3, 3], "activation": "relu", "padding": "same"}),
        ),
        (
            "keras.layers.Bidirectional(layers.LSTM(64, return_sequences=True))",
            Layer("Bidirectional", {"layer": {"LSTM": {"units": 64, "return_sequences": True}}}),
        ),
        (
            "tf.keras.layers.Dense(8, 'relu', kernel_regularizer=keras.regularizers.l2(1e-4))",
            Layer("Dense", {"units": 8, "activation": "relu", "kernel_regularizer": {"L2": {"l2": 1e-4}}}),
        ),
        ("keras.ops.mean(axis=None)", Op("ops.mean", {"axis": None})),
        ("Flatten()", Layer("Flatten")),
        ("model encoder", Call("encoder")),
        ("encoder", Call("encoder")),
        ("share conv1", Share("conv1")),
        ("share again", Share("conv1")),
    ],
)
def test_a_line_is_understood_as_it_is_meant(line: str, expected: Target):
    assert target(line) == expected


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("BatchNormalization", "BatchNormalization"),
        ("batch_normalization", "BatchNormalization"),
        ("batchnorm", "BatchNormalization"),
        ("bn", "BatchNormalization"),
        ("gap2d", "GlobalAveragePooling2D"),
        ("globalavgpool2d", "GlobalAveragePooling2D"),
        ("max_pooling2d", "MaxPooling2D"),
        ("MaxPool2D", "MaxPooling2D"),
        ("ln", "LayerNormalization"),
        ("drop", "Dropout"),
        ("flat", "Flatten"),
        ("zeropad1d", "ZeroPadding1D"),
    ],
)
def test_a_layer_goes_by_many_names(word: str, name: str):
    (found,) = read(word).targets
    assert found == Layer(name)


@pytest.mark.parametrize(
    ("line", "rank", "name"),
    [
        ("conv 8 3", 1, "Conv1D"),
        ("conv 8 3", 2, "Conv2D"),
        ("conv_transpose 8 3", 3, "Conv3DTranspose"),
        ("maxpool", 2, "MaxPooling2D"),
        ("gap", 1, "GlobalAveragePooling1D"),
        ("convlstm 4 3", 3, "ConvLSTM2D"),
        ("td conv 8 3", 3, "TimeDistributed"),
        ("conv 8 3 td", 3, "TimeDistributed"),
        ("td maxpool | conv 8 3 td", 3, "TimeDistributed"),
        ("bi convlstm 4 3", 3, "Bidirectional"),
    ],
)
def test_the_shape_of_the_feed_tells_the_dimensions(line: str, rank: int, name: str):
    found = read(line, rank).targets[-1]
    assert isinstance(found, Layer)
    assert found.layer == name
    if "layer" in found.arguments:
        assert "2D" in canonical(found)


def test_dimensions_follow_the_line():
    line = "input 28,28,1 | conv 8 3 | bn | relu | maxpool | conv 8 3 | gap | dense 10 softmax"
    understood = read(line)
    assert understood.complete
    names = [found.layer for found in understood.targets if isinstance(found, Layer)]
    assert names == [
        "Input", "Conv2D", "BatchNormalization", "ReLU", "MaxPooling2D", "Conv2D", "GlobalAveragePooling2D",
        "Dense",
    ]  # fmt: skip
    sequence = read("input 200 | embedding 5000 64 | conv 32 5 | maxpool | lstm 32")
    assert [getattr(found, "layer", "") for found in sequence.targets][2:4] == ["Conv1D", "MaxPooling1D"]


def test_layers_tell_their_dimensions_without_keras():
    nodes = {
        **EXPERIMENT.model.nodes,
        "volume": Node(Layer("Input", {"batch_shape": [None, 4, 8, 8, 1]})),
        "relu": Node(Layer("ReLU"), inputs=("again",)),
        "flat": Node(Layer("Flatten"), inputs=("relu",)),
        "loop": Node(Layer("ReLU"), inputs=("loop",)),
        "sum": Node(Op("ops.sum"), inputs=("relu",)),
    }
    graph = Graph(nodes=nodes)
    ranks = {name: rank_at(CATALOG, graph, name) for name in nodes}
    assert ranks == {
        "image": 2, "conv1": 2, "again": 2, "volume": 3, "relu": 2, "flat": 0, "loop": None, "sum": None,
    }  # fmt: skip
    assert rank_at(CATALOG, graph, "nobody") is None


def test_nodes_have_names_and_further_inputs():
    understood = read("c1: conv2d 8 3 same | bn name=c2 | add +conv1 + c1 +again:1 | share c1")
    assert understood.complete, understood.problems
    assert [segment.name for segment in understood.segments] == ["c1", "c2", "", ""]
    assert understood.segments[2].inputs == ("conv1", "c1", "again:1")
    assert understood.targets[3] == Share("c1")


def test_the_call_has_arguments_and_tensors_by_name():
    (segment,) = read("mha 2 8 +conv1 use_causal_mask training=false value=conv1").segments
    assert segment.inputs == ("conv1",)
    assert segment.call == {"use_causal_mask": True, "training": False}
    assert segment.tensors == (("value", "conv1"),)
    (wrapped,) = read("bi lstm 3 initial_state=[+conv1, again:1] training").segments
    assert wrapped.call == {"training": True}
    assert wrapped.tensors == (("initial_state", "conv1"), ("initial_state", "again:1"))
    assert target("ops.add x2=3") == Op("ops.add", {"x2": 3})
    assert read("ops.add x2=+conv1").segments[0].tensors == (("x2", "conv1"),)
    line = canonical(
        Layer("LSTM", {"units": 3}), "", (), {"initial_state": ["conv1", "again"]}, {"training": True}
    )
    (again,) = read(line).segments
    assert (again.tensors, again.call) == (
        (("initial_state", "conv1"), ("initial_state", "again")), {"training": True},
    )  # fmt: skip


@pytest.mark.parametrize(
    "line", ["c9: dense 3", "c9 : dense 3", "c9:dense 3", "c9 = Dense(3)", "dense 3 name='c9'"]
)
def test_a_node_is_named_in_several_ways(line: str):
    understood = read(line)
    assert understood.complete, understood.problems
    assert understood.segments[0].name == "c9"
    assert understood.targets == (Layer("Dense", {"units": 3}),)


@pytest.mark.parametrize(
    ("line", "place", "said"),
    [
        ("dense 64 32", (9, 11), "no place for 32"),
        ("dense many", (6, 10), "takes no 'many'"),
        ("dense units=many", (6, 16), "units: expected a whole number, got many"),
        ("dense 3 unit=3", (8, 14), "given twice"),
        ("dense 3 sise=3", (8, 12), "no argument 'sise'"),
        ("dense units", (6, 11), "units needs a value"),
        ("conv2d 8 3 sane", (11, 15), "did you mean same?"),
        ("conv 8 3", (0, 4), "Conv1D, Conv2D or Conv3D"),
        ("gn 8", (0, 2), "GroupNormalization or GaussianNoise"),
        ("convolute", (0, 9), "no layer or operation 'convolute'"),
        ("lambda", (0, 6), "Lambda holds code"),
        ("dense 3 | ", (10, 10), "missing here"),
        ("dense 3 kernel_regularizer=l2(1e-4 | relu", (8, 41), "')' is missing"),
        ("dense 3 kernel_regularizer=l3", (8, 29), "got 'l3'"),
        ("model decoder", (6, 13), "no nested model 'decoder'"),
        ("model", (0, 5), "needs the name"),
        ("share image", (6, 11), "no layer of its own"),
        ("share conv2", (6, 11), "did you mean conv1?"),
        ("conv1: dense 3", (0, 5), "already a node 'conv1'"),
        ("a b: dense 3", (0, 1), "a may be"),
        ("7: dense 3", (0, 1), "no name for a node"),
        ("dense 3 name=conv1", (13, 18), "already a node 'conv1'"),
        ("add +conv9", (4, 10), "no node 'conv9'; did you mean conv1?"),
        ("Conv2D(3, 3", (0, 11), "')' is missing"),
        ("Dense(3)(x)", (8, 11), "no place for (x)"),
        ("lstm 3 initial_state=conv9", (21, 26), "no node 'conv9'"),
        ("lstm 3 initial_state=", (7, 21), "needs the name of a node"),
        ("mha 2 8 value=conv1,conv1", (14, 25), "takes one tensor"),
        ("dense 3 | input 4", (10, 15), "can only come first"),
    ],
)
def test_what_is_not_understood_is_told_where_it_stands(line: str, place: tuple[int, int], said: str):
    problem = read(line).problems[0]
    assert said in problem.message
    assert (problem.start, problem.end) == place


def test_a_nested_model_is_not_offered_to_itself():
    (problem,) = read("model encoder", graph="encoder").problems
    assert "would call itself" in problem.message
    assert "encoder" not in [one.label for one in read("", graph="encoder").completions]


def test_missing_arguments_are_named_and_are_no_problem():
    understood = read("conv2d 32")
    assert understood.complete
    assert understood.segments[0].missing == ("kernel_size",)
    wrapped = read("lstm bi")
    assert wrapped.complete
    assert wrapped.segments[0].missing == ("units",)


def test_words_are_shown_with_the_arguments_they_gave():
    (segment,) = read("conv2d 32 3 relu same").segments
    assert [(one.argument, one.start, one.end) for one in segment.matched] == [
        ("filters", 7, 9), ("kernel_size", 10, 11), ("activation", 12, 16), ("padding", 17, 21),
    ]  # fmt: skip


def test_the_lines_of_the_readme_are_understood():
    section = (Path(__file__).parents[2] / "README.md").read_text().partition("### Adding by a line")[2]
    table = section.partition("## ")[0]
    rows = [row.partition("|")[2].replace("\\|", "/").partition("|")[0] for row in table.splitlines()]
    lines = [line.replace("/", "|") for row in rows for line in re.findall(r"`([^`]+)`", row)]
    assert len(lines) > 10
    nodes = {
        name: Node(Layer("Dense", {"units": 3}), inputs=()) for name in ("x2", "left", "h", "c", "conv1")
    }
    experiment = Experiment(data=EXPERIMENT.data, model=Graph(nodes=nodes), models=EXPERIMENT.models)
    for line in lines:
        understood = understand(line, CATALOG, experiment, rank=2)
        assert understood.complete, (line, understood.problems)
        assert not any(segment.missing for segment in understood.segments), line


# Completions and help


def labels(line: str, cursor: int | None = None, rank: int | None = None) -> list[str]:
    return [one.label for one in read(line, rank=rank, cursor=cursor).completions]


def test_an_empty_line_offers_everything_in_its_groups():
    completions = read("").completions
    groups = list(dict.fromkeys(one.group for one in completions))
    assert groups[:3] == ["core", "convolution", "pooling"]
    assert "nested models" in groups
    assert "shared layers" in groups
    names = {one.label for one in completions}
    assert names >= {entry.name for entry in CATALOG.entries(Kind.LAYER) if not entry.unsafe}
    assert names >= {entry.name for entry in CATALOG.entries(Kind.OP) if not entry.unsafe}
    assert "Lambda" not in names


def test_the_likeliest_name_comes_first():
    assert labels("conv2d")[0] == "Conv2D"
    assert labels("bn")[0] == "BatchNormalization"
    assert labels("conv")[:3] == ["Conv1D", "Conv2D", "Conv3D"]
    assert labels("conv", rank=2)[0] == "Conv2D"
    assert labels("pool")[:3] == ["MaxPooling1D", "MaxPooling2D", "MaxPooling3D"]
    assert labels("lea")[0] == "LeakyReLU"
    assert labels("max")[0] == "ops.max", "what is meant comes first, then layers"
    assert labels("max")[1] == "Maximum"
    assert "GlobalAveragePooling1D" in labels("pool average 1d")
    assert "Embedding" in labels("indexes vectors"), "found by Keras' words on it"
    assert labels("conv 32 3", rank=None)[:3] == ["Conv1D", "Conv2D", "Conv3D"]


def test_every_name_that_is_offered_is_understood():
    for offered in read("").completions:
        line, cursor = read("").completed(offered)
        understood = read(line, cursor=cursor)
        assert understood.complete, (line, understood.problems)
        assert len(understood.targets) == 1


def test_arguments_are_offered_needed_ones_first():
    assert labels("conv2d ")[:2] == ["filters=", "kernel_size="]
    assert labels("conv2d 32 3 ")[0] == "strides="
    assert "filters=" not in labels("conv2d 32 ")
    offered = read("conv2d 32 3 ").completions
    assert offered[0].detail == "ints · [1, 1]"
    assert "activation=" not in labels("relu "), "what is called has no such argument"


def test_values_flags_and_wrappers_are_offered():
    assert labels("conv2d 8 3 sam") == ["same"]
    assert labels("conv2d 8 3 padding=") == ["valid", "same"]
    assert labels("dense 3 use_bias=t") == ["true"]
    assert "HeNormal" in labels("dense 3 kernel_initializer=he")
    assert labels("lstm 3 return_se")[0] == "return_sequences"
    assert "no_bias" in labels("dense 3 no")
    assert "bidirectional" in labels("lstm 3 ")
    assert labels("add +con") == ["+conv1"]
    assert labels("lstm 3 initial_state=conv1,ag") == ["+again", "+image"]
    assert "training=" in labels("dropout .1 ")
    assert "initial_state=" in labels("lstm 3 init")


def test_a_completion_takes_the_place_of_its_word():
    line = "conv2d 8 3 sam | relu"
    understood = read(line, cursor=14)
    assert understood.completed(understood.completions[0]) == ("conv2d 8 3 same | relu", 16)
    state = read("lstm 3 initial_state=conv1,ag")
    assert state.completed(state.completions[0])[0] == "lstm 3 initial_state=conv1,+again "
    shared = read("share con")
    assert shared.completed(shared.completions[0])[0] == "share conv1 "
    named = read("c9: dro")
    assert named.completed(named.completions[0])[0] == "c9: Dropout "
    python = read("c9 = dro")
    assert python.completed(python.completions[0])[0] == "c9 = Dropout "
    value = read("conv2d 8 3 padding=sa")
    assert value.completed(value.completions[0])[0] == "conv2d 8 3 padding=same "


def test_help_is_about_what_stands_at_the_cursor():
    line = "conv2d 32 3 relu | dropout .5"
    assert read(line, cursor=3).help.title == "Conv2D"
    assert "convolution" in read(line, cursor=3).help.text
    assert read(line, cursor=9).help.title == "filters"
    assert "a whole number" in read(line, cursor=9).help.text
    assert read(line, cursor=14).help.title == "activation"
    assert read(line, cursor=22).help.title == "Dropout"
    assert read(line, cursor=29).help.title == "rate"
    assert read("lstm 3 bi").help.title == "Bidirectional"
    assert read("conv2d 8 3 rel").help.title == "relu"


# Nothing breaks it

_TYPED = """
conv2d conv dense lstm bi td add mha relu same 3 .5 3,3 3x3 -1 1e999 none | || +conv1 + = units= units=3
x: x:dense name= share model conv1 encoder ( ) [ ] { } " ' l2(1e-4) l2( lstm(64) , ops.mean axis= no_bias
- ! \\ × é ٣ input layers=[ a=b=c einsumdense rearrange pipeline cells=[lstmcell(3)] trainable ops. ?x? from=
"""
_WORDS = st.sampled_from(_TYPED.split())


@settings(max_examples=300, deadline=None)
@given(st.lists(_WORDS, max_size=9).map(" ".join) | st.text(max_size=60), st.integers(-2, 70))
@example("٣: dense ٣", 3)
@example("dense ٣,٣", 9)
@example("input ²", 7)
@example("bi bi bi bi bi bi", 17)
@example("bi " * 200, 600)
@example("pipeline " + "[" * 500, 5)
@example("pipeline " + "bi(" * 200, 5)
@example("dense kernel_initializer=" + "l2(" * 300, 5)
def test_no_line_breaks_it(line: str, cursor: int):
    for rank in (None, 2):
        understood = read(line, rank, cursor=cursor)
        for problem in understood.problems:
            assert 0 <= problem.start <= problem.end <= len(line)
            assert problem.message
        start, end = understood.replaced
        assert 0 <= start <= end <= len(line)
        for offered in understood.completions[:3]:
            text, column = understood.completed(offered)
            assert 0 <= column <= len(text)
        for segment in understood.segments:
            if understood.complete:
                assert segment.target is not None


def test_a_line_that_is_too_long_is_told():
    (problem,) = read("dense 3 |" * LONGEST).problems
    assert "at most 2,000 characters" in problem.message


def needed_values(argument: Argument) -> Value:
    """A value for a required argument."""
    match argument.kind:
        case ArgumentKind.INT | ArgumentKind.INTS | ArgumentKind.ANY:
            return 3
        case ArgumentKind.FLOAT | ArgumentKind.FLOATS:
            return 0.25
        case ArgumentKind.SHAPE | ArgumentKind.LIST:
            return [None, 3]
        case ArgumentKind.CHOICE:
            return argument.choices[-1]
        case ArgumentKind.ACTIVATION:
            return "gelu"
        case ArgumentKind.CONSTRAINT:
            return {"MaxNorm": {"max_value": 2}}
        case ArgumentKind.MAPPING:
            return {"a": 1.5, "b": [2, 3]}
        case ArgumentKind.LAYER:
            return {"LSTMCell": {"units": 3}}
        case ArgumentKind.BOOL:
            return True
    return "ab,bc->ac | it's"


CALLABLE = [entry for kind in (Kind.LAYER, Kind.OP) for entry in CATALOG.entries(kind) if not entry.unsafe]


def test_every_layer_and_operation_is_understood_again_from_its_canonical_line():
    for entry in CALLABLE:
        arguments = {one.name: needed_values(one) for one in entry.arguments if one.required}
        assert_round_trip(entry, arguments)


def assert_round_trip(entry: Entry, arguments: dict[str, Value]) -> None:
    called: Target = Layer(entry.name, arguments) if entry.kind is Kind.LAYER else Op(entry.name, arguments)
    line = canonical(called, "fresh", ("conv1",))
    understood = read(line)
    assert understood.complete, (line, understood.problems)
    assert understood.targets == (called,), line
    assert understood.segments[0].name == "fresh"
    assert understood.segments[0].inputs == ("conv1",)
    assert not understood.segments[0].missing


def test_needed_arguments_are_taken_in_keras_order():
    for entry in CALLABLE:
        fed = entry.tensors[0].name if entry.tensors else ""
        needed = [one for one in entry.arguments if one.required]
        if any(one.kind is ArgumentKind.LAYER for one in needed) or fed in {one.name for one in needed}:
            continue
        arguments = {one.name: needed_values(one) for one in needed}
        words = [
            canonical(Layer("Dense", {"units": value})).partition("=")[2] for value in arguments.values()
        ]
        understood = read(" ".join((entry.name, *words)))
        assert understood.complete, (entry.name, words, understood.problems)
        (found,) = understood.targets
        assert isinstance(found, Layer | Op)
        assert found.arguments == arguments


_TEXTS = st.text(min_size=1, max_size=8).filter(
    lambda text: text.strip().lower() not in {"none", "null", "~"}
)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), entry=st.sampled_from(CALLABLE))
def test_any_arguments_are_understood_again(data: st.DataObject, entry: Entry):
    arguments: dict[str, Value] = {}
    for argument in entry.arguments:
        if argument.required or data.draw(st.booleans()):
            arguments[argument.name] = data.draw(values(argument))
    assert_round_trip(entry, arguments)


def values(argument: Argument) -> st.SearchStrategy[Value]:
    match argument.kind:
        case ArgumentKind.INT:
            return st.integers(-99, 99)
        case ArgumentKind.FLOAT:
            return st.floats(allow_nan=False, allow_infinity=False)
        case ArgumentKind.INTS:
            return st.integers(0, 9) | st.lists(st.integers(0, 9), min_size=2, max_size=3)
        case ArgumentKind.FLOATS:
            return st.floats(0, 1) | st.lists(st.floats(0, 1), min_size=2, max_size=2)
        case ArgumentKind.BOOL:
            return st.booleans()
        case ArgumentKind.TEXT:
            return _TEXTS
        case ArgumentKind.REGULARIZER:
            return st.builds(lambda rate: {"L2": {"l2": rate}}, st.floats(0, 1))
        case ArgumentKind.INITIALIZER:
            return st.sampled_from(["he_normal", "Zeros", {"RandomNormal": {"mean": 0.5, "seed": 3}}])
    return st.just(needed_values(argument))

"""The experiment: model, data and training as one immutable value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

import msgspec

from kflab.graph.nodes import Call, Graph
from kflab.runs.plan import DataPath
from kflab.values import Arguments

VERSION = 1
"""The number of the document format that this kflab writes."""

EVERY_OUTPUT = ""
"""The key of a loss or of metrics that hold for every output of the model."""

Positive = Annotated[int, msgspec.Meta(ge=1)]
Fraction = Annotated[float, msgspec.Meta(ge=0, lt=1)]

PolicyName = Literal["", "float32", "mixed_bfloat16", "mixed_float16", "bfloat16", "float16", "float64"]
"""What a dtype policy of a document is called; "" leaves it to Keras."""

POLICIES: tuple[PolicyName, ...] = get_args(PolicyName)


class Spec(msgspec.Struct, frozen=True):
    """A named Keras object and its arguments: `Adam`, or `{Adam: {learning_rate: 1e-3}}` in the document."""

    name: str
    arguments: Arguments = {}


class Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where the samples come from.

    Attributes:
        source: the name of a dataset of the catalog, or the path of a file or folder of one's own: `.npz`,
            `.npy`, CSV, TSV, Parquet, JSON lines, images or texts by class; "" while none is chosen.
        arguments: arguments of the dataset, such as `num_words` of `imdb`, or `target` of a table.
        inputs: which array of the dataset feeds which Input of the model, where their names differ; several
            columns of a table are put side by side.
        targets: which array of the dataset each output of the model is held against, where their names
            differ; an input's name makes an autoencoder.
        validation: the fraction of the training samples held back to validate each epoch.
        test: the fraction held back for the test, where the dataset brings no test split of its own.
        scale: a number divides every numeric input by it; `standard` brings each feature to mean 0 and
            standard deviation 1, fitted on the training split. Nothing given: images in whole numbers are
            divided by 255.
        limit: only the first so many training samples; nothing given: all.
        prepare: what is done to an array of the dataset before the model sees it, by the array's name, in
            order: preprocessing layers of Keras (`Resizing`, `Normalization`, `StringLookup`,
            `TextVectorization`), `pad_sequences`, `to_categorical` or `cast`. What has to be fitted is fitted
            on the training split.
        augment: the random layers of Keras that change training samples, by the array's name, in order.
        split: how validation and test are held back: `random`, `stratified` (every class keeps its share) or
            `time` (the last samples); "" stands for `time` where the samples follow each other in time, else
            for `stratified` where there are classes.
        order_by: the column that tells the order of the samples in time.
        shuffle: whether samples are shuffled before they are split, and in each epoch; by the seed.
    """

    source: str = ""
    arguments: Arguments = {}
    inputs: Mapping[str, str | tuple[str, ...]] = {}
    targets: Mapping[str, str] = {}
    validation: Fraction = 0.1
    test: Fraction = 0.2
    scale: Annotated[float, msgspec.Meta(gt=0)] | str | None = None
    limit: Positive | None = None
    prepare: Mapping[str, tuple[Spec, ...]] = {}
    augment: Mapping[str, tuple[Spec, ...]] = {}
    split: Literal["", "random", "stratified", "time"] = ""
    order_by: str = ""
    shuffle: bool = True


class PlanSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the document fixes of how the steps are made; what it leaves out is measured.

    Attributes:
        steps_per_execution: so many steps are given to the device at once.
        data: where batches come from: `device`, `memory`, `cached` or `streamed`.
        jit_compile: whether XLA compiles the steps.
    """

    steps_per_execution: Positive | None = None
    data: DataPath | None = None
    jit_compile: bool | None = None


class Training(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the model is trained.

    Attributes:
        optimizer: the optimizer.
        loss: the loss of each output by the output's name, or of all under `EVERY_OUTPUT`.
        loss_weights: the weight of each output's loss.
        metrics: the metrics of each output, or of all under `EVERY_OUTPUT`.
        callbacks: the callbacks in the order they run.
        batch_size: samples in one step.
        epochs: passes over the training samples.
        seed: fixes initial weights, order and dropout; nothing given: a fresh one is drawn and recorded.
        class_weight: how much the samples of each class count, by the class's label or number; `balanced`
            makes all classes count the same; nothing given: every sample counts 1.
        initial_weights: the `.weights.h5` or `.keras` file whose weights it starts from; a relative path
            starts at the experiment's file. Layers that it does not have start fresh; "" means that all do.
        dtype_policy: what layers compute in and keep their weights in, as `mixed_bfloat16`; "" is Keras' own
            setting, `float32` as a rule. A layer with a `dtype` of its own keeps that.
        deterministic: whether equal seeds give equal weights where a faster way would not; slower on GPUs.
        plan: what is fixed of how the steps are made.
        snapshot_seconds: how often a snapshot is taken inside of long epochs; one is taken after each epoch.
    """

    optimizer: Spec = Spec("Adam")
    loss: Mapping[str, Spec] = {}
    loss_weights: Mapping[str, float] = {}
    metrics: Mapping[str, tuple[Spec, ...]] = {}
    callbacks: tuple[Spec, ...] = ()
    batch_size: Positive = 32
    epochs: Positive = 10
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] | None = None
    class_weight: Mapping[str, float] | Literal["balanced"] | None = None
    initial_weights: str = ""
    dtype_policy: PolicyName = ""
    deterministic: bool = False
    plan: PlanSettings = PlanSettings()
    snapshot_seconds: Annotated[float, msgspec.Meta(gt=0)] = 60.0

    def loss_of(self, output: str) -> Spec | None:
        """The loss that holds for one output."""
        return self.loss.get(output, self.loss.get(EVERY_OUTPUT))

    def metrics_of(self, output: str) -> tuple[Spec, ...]:
        """The metrics that hold for one output."""
        return self.metrics.get(output, self.metrics.get(EVERY_OUTPUT, ()))


class Experiment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A model, its data and its training: all that is needed to run it again.

    Attributes:
        kflab: the number of the document format.
        title: one line that says what it is.
        notes: what a person wants to say about it.
        result: what a run should reach on the test split, as `accuracy: ">= 0.95"`.
        data: where the samples come from.
        model: the graph that is trained.
        models: graphs that are called by others, by name.
        training: how it is trained.
        ignore: the codes of the rules that are switched off, as `KF022`.
    """

    kflab: int = VERSION
    title: str = ""
    notes: str = ""
    result: Mapping[str, str] = {}
    data: Data = Data()
    model: Graph
    models: Mapping[str, Graph] = {}
    training: Training = Training()
    ignore: tuple[str, ...] = ()

    def graph(self, name: str = "") -> Graph:
        """The nested model called `name`, or the main model.

        Raises:
            KeyError: there is no such nested model.
        """
        return self.models[name] if name else self.model

    def model_name(self, name: str = "") -> str:
        """The name of the Keras model of a graph: of a nested one its own, unless a node beside it has it."""
        if not name:
            return self.model.name
        graphs = (self.model, *self.models.values())
        taken = {
            node_name
            for graph in graphs
            for node_name, node in graph.nodes.items()
            if node.target != Call(name) and any(other.target == Call(name) for other in graph.nodes.values())
        }
        unique = name
        while unique in taken:
            unique += "_model"
        return unique

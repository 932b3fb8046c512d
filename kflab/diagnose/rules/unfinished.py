"""Rules about what an experiment lacks, or names and has not: without it nothing can be built or run."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.catalog.matching import stranger
from kflab.catalog.preparation import TEXT
from kflab.diagnose import codes
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, SetArguments
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.starting_weights import weights_problem
from kflab.diagnose.training_arguments import missing_arguments
from kflab.diagnose.wording import shape_text
from kflab.graph.nodes import Layer


def _told(facts: Facts, code: str) -> Iterator[Finding]:
    return (finding for finding in facts.told if finding.code == code)


@rule(codes.NO_INPUT, "no-input", Severity.ERROR, ignorable=False)
def no_input(facts: Facts) -> Iterator[Finding]:
    """A model has no Input, or its `inputs` do not list each Input once.

    A functional model starts at its Inputs: they say which shape the data has. Where the order of the
    inputs matters, `inputs` lists them all.

        model:
          nodes:
            hidden: {Dense: {units: 8}}

    Start with an Input that has the shape of one sample:

        model:
          nodes:
            x: {Input: {shape: [4]}}
            hidden: {Dense: {units: 8}, from: x}
    """
    yield from _told(facts, codes.NO_INPUT)


@rule(codes.NO_OUTPUT, "no-output", Severity.ERROR, ignorable=False)
def no_output(facts: Facts) -> Iterator[Finding]:
    """A model has no outputs, or lists one of them twice.

    Losses and metrics are held against the outputs: `outputs` names the nodes whose results the model
    returns, each once.

        model:
          nodes: {...}
          outputs: []

    Name the last node:

        model:
          nodes: {...}
          outputs: [digit]
    """
    yield from _told(facts, codes.NO_OUTPUT)


@rule(codes.UNKNOWN_REFERENCE, "unknown-reference", Severity.ERROR, ignorable=False)
def unknown_reference(facts: Facts) -> Iterator[Finding]:
    """A node, an output or a call names something that the document does not have.

    `from`, `share`, `model` and `outputs` refer to nodes and models by name.

        pooled: {GlobalAveragePooling2D: {}, from: joinde}

    Write the name as the node has it:

        pooled: {GlobalAveragePooling2D: {}, from: joined}
    """
    yield from _told(facts, codes.UNKNOWN_REFERENCE)


@rule(codes.CIRCLE, "circle", Severity.ERROR, ignorable=False)
def circle(facts: Facts) -> Iterator[Finding]:
    """Nodes feed each other in a circle, or models call each other in one.

    A functional model is computed from its Inputs to its outputs, so no node can wait for its own result.

        a: {Add: {}, from: [x, b]}
        b: {Dense: {units: 4}, from: a}

    Take the edge that leads back away; to use a layer again on its own result, call it again:

        a: {Dense: {units: 4}, from: x}
        b: {share: a, from: a}
    """
    yield from _told(facts, codes.CIRCLE)


@rule(codes.MISSING_ARGUMENT, "missing-argument", Severity.ERROR, ignorable=False)
def missing_argument(facts: Facts) -> Iterator[Finding]:
    """A layer, an optimizer, a loss, a metric or a callback lacks an argument that Keras needs.

    Most arguments have a default; these have none, because no value would do for all.

        hidden: {Dense: {}, from: x}

    Give it:

        hidden: {Dense: {units: 64}, from: x}
    """
    yield from _told(facts, codes.MISSING_ARGUMENT)
    yield from missing_arguments(facts.experiment.training)


@rule(codes.NUMBER_OF_INPUTS, "number-of-inputs", Severity.ERROR, ignorable=False)
def number_of_inputs(facts: Facts) -> Iterator[Finding]:
    """A node is fed by more or fewer tensors than what it calls takes.

    Most layers take one tensor; merging layers take a list, attention takes a query and a value, a nested
    model as many as it has Inputs.

        joined: {Dense: {units: 8}, from: [left, right]}

    Merge the tensors first:

        both: {Concatenate: {}, from: [left, right]}
        joined: {Dense: {units: 8}, from: both}
    """
    yield from _told(facts, codes.NUMBER_OF_INPUTS)


@rule(codes.REFUSED, "call-refused", Severity.ERROR, ignorable=False)
def call_refused(facts: Facts) -> Iterator[Finding]:
    """Keras refuses to call a layer, a model or an operation on these shapes or with these arguments.

    The message says what was expected and what came; shapes are those of one sample, the batch axis is
    left out, and `?` is an axis of varying size.

        x: {Input: {shape: [64]}}
        grid: {Reshape: {target_shape: [8, 9]}, from: x}

    Bring what came and what is expected together: here 64 numbers make a grid of 8×8.

        grid: {Reshape: {target_shape: [8, 8]}, from: x}
    """
    yield from _told(facts, codes.REFUSED)


@rule(codes.MERGES_ONE, "merges-one", Severity.WARNING)
def merges_one(facts: Facts) -> Iterator[Finding]:
    """A merging layer is fed by one node only, so there is nothing to merge.

        sum: {Add: {}, from: [left]}

    Connect the other branch, or take the layer out:

        sum: {Add: {}, from: [left, right]}
    """
    yield from _told(facts, codes.MERGES_ONE)


@rule(codes.UNUSED_MODEL, "unused-model", Severity.WARNING)
def unused_model(facts: Facts) -> Iterator[Finding]:
    """No node calls a nested model, so it is no part of what is trained.

        models:
          encoder: {...}

    Call it, or take it out of the document:

        code: {model: encoder, from: image}
    """
    yield from _told(facts, codes.UNUSED_MODEL)


@rule(codes.NOT_CHOSEN, "not-chosen", Severity.ERROR, ignorable=False)
def not_chosen(facts: Facts) -> Iterator[Finding]:
    """No dataset or no loss is chosen, so there is nothing to train on or for.

        data: {}
        training: {optimizer: Adam}

    Choose both; `kflab list datasets` and `kflab list losses` tell what there is:

        data: {source: digits}
        training: {optimizer: Adam, loss: SparseCategoricalCrossentropy}
    """
    if not facts.experiment.data.source:
        yield Finding("choose a dataset to train on", path="data.source")
    if not facts.experiment.training.loss:
        yield Finding("there is no loss, so nothing could be trained", path="training.loss")


@rule(codes.DATA_DOES_NOT_FIT, "data-does-not-fit", Severity.ERROR, ignorable=False)
def data_does_not_fit(facts: Facts) -> Iterator[Finding]:
    """The arrays of the dataset can not be brought to the Inputs and outputs of the model.

    Arrays feed the Inputs that have their names, or that `data.inputs` names; a single array feeds a single
    Input. Their samples have to have the shape of the Input, where axes of 1 do not count and a flat Input
    takes any shape of as many numbers. Outputs and targets go together in the same way.

        data: {source: digits}            # images of 8×8×1
        model:
          nodes:
            x: {Input: {shape: [28, 28, 1]}}

    Give the Input the shape of the data, or prepare the data (`data.prepare`):

            x: {Input: {shape: [8, 8, 1]}}
    """
    matching = facts.matching
    if matching is None:
        return
    at = {message: name for name, message in matching.misfits.items()}
    # A target for an output that the model does not have is named as such, with the keys of losses.
    outputs = facts.experiment.model.output_names()
    told = {stranger("targets", name, outputs) for name in facts.experiment.data.targets}
    for problem in matching.problems:
        if problem in told:
            continue
        node = at.get(problem, "")
        yield Finding(problem, node=node, path="data", fix=_as_the_data(facts, node))


def _as_the_data(facts: Facts, name: str) -> Fix | None:
    """What gives an Input the shape that its data has."""
    array = facts.matching.inputs.get(name) if facts.matching is not None else None
    node = facts.experiment.model.nodes.get(name)
    target = node.target if node is not None else None
    is_open = isinstance(target, Layer) and "shape" in target.arguments
    if array is None or array.dtype == TEXT or not is_open:
        return None
    step = SetArguments(name, {"shape": list(array.shape)})
    return Fix(f"give {name} the shape of the data: {shape_text((None, *array.shape))}", (step,), safe=False)


@rule(codes.NO_STARTING_WEIGHTS, "no-starting-weights", Severity.ERROR, ignorable=False)
def no_starting_weights(facts: Facts) -> Iterator[Finding]:
    """The file of weights that training is to start from can not be read.

    A relative path starts at the experiment's own file.

        training: {initial_weights: weigths.weights.h5}

    Name a `.weights.h5` or `.keras` file that is there, or leave the setting out to start fresh.
    """
    if problem := weights_problem(facts.experiment.training, facts.base):
        yield Finding(problem, path="training.initial_weights")

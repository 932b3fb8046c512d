"""The operations of `kflab edit`, in one table: its help, its checks and its errors are made from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kflab import catalog, clipboard
from kflab.commands.changing import check_node, check_understood, end_of, refuse_missing
from kflab.commands.operations import Editing, Operation, Option, Takes
from kflab.commands.settings import check_setting, reset_setting, set_setting
from kflab.document.assign import assign
from kflab.errors import UnusableInputError, did_you_mean
from kflab.experiment import Experiment
from kflab.graph import edits
from kflab.graph.edits import Edited, EditRefusedError, Slot
from kflab.graph.nodes import Layer, Op, index_of, source_of
from kflab.graph.references import plain_reference
from kflab.quick_add import understand
from kflab.quick_add.chains import add_chain, changed_to
from kflab.quick_add.ranks import rank_at

# What the words are


def _node(editing: Editing, word: str) -> None:
    check_node(editing.value, word)


def _reference(editing: Editing, word: str) -> None:
    source, colon, index = word.partition(":")
    check_node(editing.value, source)
    if colon and not (index.isascii() and index.isdecimal()):
        raise UnusableInputError(f"{index!r} is no number of an output, as in {source}:1")


def _input(editing: Editing, word: str) -> None:
    if not word.isdecimal():
        _reference(editing, word)


def _place(_editing: Editing, word: str) -> None:
    if not word.isdecimal() or not int(word):
        raise UnusableInputError(f"expected a place, counted from 1, got {word!r}")


def _nested(editing: Editing, word: str) -> None:
    models = editing.experiment.models
    if word not in models:
        hint = did_you_mean(word, models) or ("" if models else "; the experiment has none")
        raise UnusableInputError(f"there is no nested model {word!r}{hint}")


def _model(editing: Editing, word: str) -> None:
    if word != editing.experiment.model.name:
        _nested(editing, word)


NODE = Takes("NODE", _node)
NODES = Takes("NODE", _node, many=True)

# What they do


def _delete(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    return editing.after(edits.delete_all(editing.experiment, editing.graph, words))


def _rename(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    name, new = words
    return editing.after(edits.rename(editing.experiment, editing.graph, name, new))


def _connect(editing: Editing, words: Sequence[str], argument: str) -> Editing:
    source, name = words
    return editing.after(edits.connect(editing.experiment, editing.graph, source, name, argument))


def _disconnect(editing: Editing, words: Sequence[str], argument: str) -> Editing:
    source, name = words
    fed = edits.slots(editing.value.nodes[name])
    places = [(slot, reference) for slot, reference in fed if argument in {"", slot.argument}]
    slot = _slot(source, argument or name, places) or Slot(int(source) - 1, argument)
    return editing.after(edits.disconnect(editing.experiment, editing.graph, name, slot))


def _slot(word: str, what: str, fed: Sequence[tuple[Slot, str]]) -> Slot | None:
    """The one among the inputs of `what` that a word means; none where it is a number."""
    if word.isdecimal():
        return None
    exact = [slot for slot, reference in fed if plain_reference(reference) == plain_reference(word)]
    found = exact or [slot for slot, reference in fed if ":" not in word and source_of(reference) == word]
    if len(found) > 1:
        raise UnusableInputError(
            f"{word!r} feeds {what!r} {len(found)} times: say which by its number, counted from 1"
        )
    if not found:
        sources = ", ".join(reference for _, reference in fed) or "nothing"
        raise UnusableInputError(f"{word!r} does not feed {what!r}, which is fed by {sources}")
    return found[0]


def _move_input(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    name, source, place = words
    fed = [
        (slot, reference) for slot, reference in edits.slots(editing.value.nodes[name]) if not slot.argument
    ]
    slot = _slot(source, name, fed) or Slot(int(source) - 1)
    moved = edits.move_input(editing.experiment, editing.graph, name, slot.position, int(place) - 1)
    return editing.after(moved)


def _set(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    name, *settings = words
    for setting in settings:
        editing = editing.after(set_setting(editing.experiment, editing.graph, name, setting))
    return editing


def _reset(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    name, *settings = words
    for setting in settings:
        editing = editing.after(reset_setting(editing.experiment, editing.graph, name, setting))
    return editing


def _setup(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    try:
        experiment = assign(editing.experiment, words)
    except UnusableInputError as error:
        raise UnusableInputError(error.message, path=error.path) from None
    return editing.after(Edited(experiment, f"set {', '.join(words)}"))


def _change(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    name, line = words
    experiment, graph = editing.experiment, editing.graph
    node = editing.value.nodes[name]
    if node.is_input:
        raise EditRefusedError(f"{name!r} is an Input and stays one; it can only be deleted")
    offers = catalog.load()
    sources = node.sources()
    rank = rank_at(offers, editing.value, sources[0]) if sources else None
    understood = understand(line, offers, experiment, graph, rank=rank)
    check_understood(understood)
    added = add_chain(experiment, graph, understood.segments, changed_to(graph, name))
    nodes = added.edited.experiment.graph(graph).nodes
    for new, segment in zip(added.nodes, understood.segments, strict=True):
        target = nodes[new].target
        given = target.arguments if isinstance(target, Layer | Op) else {}
        for missing in segment.missing:
            if missing not in given:
                refuse_missing(segment, missing)
    return editing.after(added.edited)


def _share(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    name, owner = words
    return editing.after(edits.share(editing.experiment, editing.graph, name, owner))


def _unshare(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    return editing.after(edits.unshare(editing.experiment, editing.graph, words[0]))


def _group(editing: Editing, words: Sequence[str], model: str) -> Editing:
    tensors = editing.tensors(editing.experiment, editing.graph)
    return editing.after(edits.group(editing.experiment, editing.graph, words, tensors, model))


def _ungroup(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    return editing.after(edits.ungroup(editing.experiment, editing.graph, words[0]))


def _freeze(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    return editing.after(edits.freeze(editing.experiment, editing.graph, words))


def _unfreeze(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    return editing.after(edits.freeze(editing.experiment, editing.graph, words, frozen=False))


def _duplicate(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    return editing.after(edits.duplicate(editing.experiment, editing.graph, words))


def _copy(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    clip = edits.copy(editing.experiment, editing.graph, words)
    return editing.after(Edited(editing.experiment, f"copy {', '.join(clip.nodes)}"), clip)


def _cut(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    clip, edited = edits.cut(editing.experiment, editing.graph, words)
    return editing.after(edited, clip)


def _paste(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    after = words[0] if words else end_of(editing.value, "NODE")
    clip = editing.clip or clipboard.kept()
    if clip is None:
        raise EditRefusedError("nothing was copied yet")
    return editing.after(edits.paste(editing.experiment, editing.graph, after, clip))


def _output(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    for word in words:
        reference = f"{source_of(word)}:{index_of(word)}"
        if plain_reference(word) in map(plain_reference, editing.value.outputs):
            raise EditRefusedError(f"{word!r} is an output already")
        editing = editing.after(edits.toggle_output(editing.experiment, editing.graph, reference))
    return editing


def _no_output(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    for word in words:
        outputs = editing.value.outputs
        known = map(plain_reference, outputs) if ":" in word else map(source_of, outputs)
        if (plain_reference(word) if ":" in word else word) not in known:
            raise EditRefusedError(f"{word!r} is no output; those are {', '.join(outputs) or 'none'}")
        editing = editing.after(edits.toggle_output(editing.experiment, editing.graph, word))
    return editing


def _order_outputs(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    def outputs(experiment: Experiment) -> tuple[str, ...]:
        return experiment.graph(editing.graph).outputs

    return _order(editing, words, "output", outputs, edits.move_output)


def _order_inputs(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    def inputs(experiment: Experiment) -> tuple[str, ...]:
        return experiment.graph(editing.graph).input_names()

    return _order(editing, words, "input", inputs, edits.move_model_input)


def _order(
    editing: Editing,
    words: Sequence[str],
    what: str,
    items: Callable[[Experiment], tuple[str, ...]],
    move: Callable[[Experiment, str, int, int], Edited],
) -> Editing:
    """Brings what is named to the front, in that order; the others follow as they are."""
    experiment = editing.experiment
    wanted = [plain_reference(word) for word in words]
    for place, word in enumerate(wanted):
        now = [plain_reference(item) for item in items(experiment)]
        if word not in now or word in wanted[:place]:
            wrong = "comes twice" if word in now else f"is no {what} of the model"
            raise EditRefusedError(f"{word!r} {wrong}; its {what}s are {', '.join(now) or 'none'}")
        experiment = move(experiment, editing.graph, now.index(word), place).experiment
    done = f"order the {what}s: {', '.join(items(experiment))}"
    return editing.after(Edited(experiment, done, source_of(words[0])))


def _rename_model(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    model, new = words
    nested = model if model in editing.experiment.models else ""
    return editing.after(edits.rename_model(editing.experiment, nested, new))


def _delete_model(editing: Editing, words: Sequence[str], _option: str) -> Editing:
    if words[0] == editing.graph:
        raise EditRefusedError(f"{words[0]!r} is being edited; leave out --model to delete it")
    return editing.after(edits.delete_model(editing.experiment, words[0]))


ARGUMENT = Option("--argument", "NAME")

OPERATIONS = {
    "delete": Operation((NODES,), "Delete nodes and close the gaps.", _delete),
    "rename": Operation((NODE, Takes("NEW")), "Give a node another name, everywhere it is used.", _rename),
    "connect": Operation(
        (Takes("SOURCE", _reference), NODE),
        "Feed a node with one more: as its last input, or by the name of an argument.",
        _connect,
        ARGUMENT,
    ),
    "disconnect": Operation(
        (Takes("INPUT", _input), NODE),
        "Take away what feeds a node: by its name, or by its number among the inputs.",
        _disconnect,
        ARGUMENT,
    ),
    "move-input": Operation(
        (NODE, Takes("INPUT", _input), Takes("PLACE", _place)),
        "Move an input of a node to another place among them, counted from 1.",
        _move_input,
    ),
    "set": Operation(
        (NODE, Takes("ARGUMENT=VALUE", check_setting, many=True)),
        "Set arguments: units=64, kernel_initializer=HeNormal, kernel_initializer.seed=1, training=false.",
        _set,
    ),
    "reset": Operation(
        (NODE, Takes("ARGUMENT", many=True)), "Bring arguments back to their defaults.", _reset
    ),
    "setup": Operation(
        (Takes("PATH=VALUE", many=True),),
        "Change data and training as --set of `kflab run` does: training.epochs=3, data.limit=100.",
        _setup,
    ),
    "change": Operation(
        (NODE, Takes("LINE")),
        'Let a node call something else, as `kflab add` writes it: "gru 64"; arguments that fit stay.',
        _change,
    ),
    "share": Operation((NODE, Takes("OWNER", _node)), "Let a node call the layer of another one.", _share),
    "unshare": Operation((NODE,), "Give a node that shares a layer one of its own.", _unshare),
    "group": Operation(
        (NODES,),
        "Make nodes a nested model; this one needs Keras for the shapes.",
        _group,
        Option("--as", "NAME"),
    ),
    "ungroup": Operation((NODE,), "Put the nodes of a nested model in the place of its call.", _ungroup),
    "freeze": Operation((NODES,), "Leave the weights of layers or nested models alone in training.", _freeze),
    "unfreeze": Operation((NODES,), "Let them be trained again.", _unfreeze),
    "duplicate": Operation((NODES,), "Copy nodes beside themselves, fed by what feeds them.", _duplicate),
    "copy": Operation((NODES,), "Copy nodes for pasting, here or in the lab.", _copy, changes=False),
    "cut": Operation((NODES,), "Take nodes away, for pasting.", _cut),
    "paste": Operation(
        (Takes("NODE", _node, optional=True),), "Put what was copied last behind a node.", _paste
    ),
    "output": Operation((Takes("NODE", _reference, many=True),), "Make nodes outputs of the model.", _output),
    "no-output": Operation((Takes("NODE", _reference, many=True),), "Take that back.", _no_output),
    "order-outputs": Operation(
        (Takes("OUTPUT", _reference, many=True),), "Put these outputs first, in this order.", _order_outputs
    ),
    "order-inputs": Operation(
        (Takes("INPUT", _reference, many=True),), "Put these inputs first, in this order.", _order_inputs
    ),
    "rename-model": Operation(
        (Takes("MODEL", _model), Takes("NEW")), "Rename a nested model or the main one.", _rename_model
    ),
    "delete-model": Operation(
        (Takes("MODEL", _nested),), "Delete a nested model that nothing calls any more.", _delete_model
    ),
}
"""Every operation by the name that is typed, in the order that help lists them."""

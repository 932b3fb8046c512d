"""The catalog, read from the installed Keras: `python -m kflab.engine.introspect` writes it anew."""

from __future__ import annotations

import collections
import dataclasses
import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import keras
import msgspec

import kflab.catalog
from kflab.catalog import Argument, ArgumentKind, Entry, Kind, Snapshot, TensorArgument
from kflab.catalog.groups import CHOSEN_BY_LOSS, group_of, ordered
from kflab.engine import argument_kinds, docstrings, private, suggestions, tensors, trial
from kflab.engine.docstrings import Docstring
from kflab.engine.objects import MODULES

BASES: Mapping[Kind, type] = {
    Kind.LAYER: keras.Layer,
    Kind.OPTIMIZER: keras.Optimizer,
    Kind.LOSS: keras.Loss,
    Kind.METRIC: keras.Metric,
    Kind.CALLBACK: keras.callbacks.Callback,
    Kind.SCHEDULE: keras.optimizers.schedules.LearningRateSchedule,
    Kind.INITIALIZER: keras.Initializer,
    Kind.REGULARIZER: keras.Regularizer,
    Kind.CONSTRAINT: keras.constraints.Constraint,
}
"""The class that all classes of a kind come from."""

_NOT_FOR_DOCUMENTS = {
    "InputLayer": "made by Input",
    "CallbackList": "made by fit",
    "History": "added by fit",
    "ProgbarLogger": "added by fit",
    "MultiOptimizer": "maps the variables of a built model",
}
_LOADS_CODE = {"TFSMLayer": "runs the program of a SavedModel"}
_FOR_EACH_CHANNEL = {"Rescaling": {"scale", "offset"}}
"""A number in Keras' words, where its own architectures give a list with one for each channel."""

_NOT_ARGUMENTS = {
    Kind.LAYER: {"name", "tensor"},  # a layer is called as its node is
    Kind.CALLBACK: {"model"},
}
_SYMBOLIC = re.compile(r"(\w+)\([^()]*(?:\([^()]*\)[^()]*)*\)\s*\.symbolic_call")
_HELPERS = {"get", "serialize", "deserialize"}
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclasses.dataclass(frozen=True)
class _Found:
    """A public class or function before it is described."""

    kind: Kind
    name: str
    target: Callable[..., object]
    aliases: tuple[str, ...]
    doc: Docstring
    words: Mapping[str, str]


def snapshot() -> Snapshot:
    """The catalog of the installed Keras."""
    found = [item for kind in MODULES for item in _find(kind)]
    borrowed = _common_words(found)
    entries = [entry for item in found if (entry := _entry(item, borrowed))]
    entries = suggestions.added(entries)
    return Snapshot(keras=keras.__version__, entries=ordered([*entries, *_chosen_by_loss()]))


def dump(catalog: Snapshot) -> str:
    """A snapshot as it is stored: JSON with one entry a line."""
    entries = ",\n".join(msgspec.json.encode(entry).decode() for entry in catalog.entries)
    return f'{{"keras": "{catalog.keras}", "entries": [\n{entries}\n]}}\n'


def _find(kind: Kind) -> Iterator[_Found]:
    """Everything of one kind that is public, each once."""
    public: dict[int, list[tuple[str, Callable[..., object]]]] = collections.defaultdict(list)
    for name, target in _public(MODULES[kind], "ops." if kind is Kind.OP else ""):
        if _belongs(kind, target):
            public[id(target)].append((name, target))
    strings = _identifiers(kind)
    for names in public.values():
        target = names[0][1]
        own_name = getattr(target, "__name__", "")
        # The name it was defined with, or else the one with the fewest dots.
        name = min(
            (name for name, _ in names), key=lambda name: (name.count("."), name.split(".")[-1] != own_name)
        )
        aliases = (
            {alias for alias, _ in names}
            | strings.get(_snake(own_name), set())
            | strings.get(own_name, set())
        )
        doc = docstrings.parse(target)
        yield _Found(kind, name, target, tuple(sorted(aliases - {name})), doc, _words(target, doc))


def _public(module: types.ModuleType, prefix: str) -> Iterator[tuple[str, Callable[..., object]]]:
    for name, target in sorted(vars(module).items()):
        if name.startswith("_") or name in _HELPERS or name in _NOT_FOR_DOCUMENTS:
            continue
        if inspect.ismodule(target):
            if prefix:
                yield from _public(target, f"{prefix}{name}.")
        elif callable(target):
            yield f"{prefix}{name}", target


def _belongs(kind: Kind, target: Callable[..., object]) -> bool:
    if target is keras.Input:
        return kind is Kind.LAYER
    if kind in (Kind.OP, Kind.ACTIVATION):
        return inspect.isfunction(target)
    base = BASES[kind]
    if not (inspect.isclass(target) and issubclass(target, base)):
        return False
    # A layer without a call of its own, such as Wrapper, is there to be derived from.
    return target is not base and not (kind is Kind.LAYER and _call_of(target) is _call_of(base))


def _call_of(layer: type) -> object:
    return inspect.getattr_static(layer, "call")


def _identifiers(kind: Kind) -> Mapping[str, set[str]]:
    """The strings that Keras takes for a class or function, by its name and its name in snake case."""
    package = MODULES[kind].__name__.removeprefix("keras.")
    strings: dict[str, set[str]] = collections.defaultdict(set)
    if kind in (Kind.LAYER, Kind.OP, Kind.CALLBACK, Kind.SCHEDULE):
        return strings
    for string, target in private.identifiers(package).items():
        if kind is not Kind.METRIC or string not in {
            name for entry in _chosen_by_loss() for name in _names(entry)
        }:
            strings[_snake(getattr(target, "__name__", ""))].add(string)
    return strings


def _names(entry: Entry) -> tuple[str, ...]:
    return entry.name, *entry.aliases


def _operation(function: Callable[..., object]) -> str:
    """What Keras names an operation after: the class that its function makes for a symbolic tensor.

    Only the function's own text tells the class; nothing public does.
    """
    made = set(_SYMBOLIC.findall(inspect.getsource(function)))
    return _snake(made.pop()) if len(made) == 1 else ""


def _snake(name: str) -> str:
    """Keras' snake case: `KLDivergence` -> `kl_divergence`."""
    broken = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", broken).lower()


def _words(target: Callable[..., object], doc: Docstring) -> Mapping[str, str]:
    """Keras' words on each argument; a class that does not say takes them from the classes it comes from."""
    words: dict[str, str] = {}
    for base in reversed(inspect.getmro(target)) if inspect.isclass(target) else ():
        if base is not object and base.__doc__:
            words.update(docstrings.parse(base).arguments)
    return {**words, **doc.arguments}


def _common_words(found: list[_Found]) -> Mapping[tuple[Kind, str, str], str]:
    """The most common words on an argument of one name and default within a kind, where one has none."""
    counts: dict[tuple[Kind, str, str], collections.Counter[str]] = collections.defaultdict(
        collections.Counter
    )
    for item in found:
        for name, default in _parameters(item):
            # What is required is too much the entry's own to borrow words on it.
            if item.words.get(name) and default is not inspect.Parameter.empty:
                counts[item.kind, name, repr(default)][item.words[name]] += 1
        for name, words in item.doc.call_arguments.items():
            # What follows the first sentence is about the layer at hand.
            counts[item.kind, _in_call(name), ""][words.partition(". ")[0].removesuffix(".") + "."] += 1
    # Whoever borrows words may take no fewer choices than they list, so those that list most come first.
    return {
        key: max(
            counter, key=lambda words: (len(argument_kinds.choices_in(words, None)), counter[words], words)
        )
        for key, counter in counts.items()
    }


def _in_call(name: str) -> str:
    """The name of an argument of `call`, apart from those of the constructor."""
    return f"call({name})"


def _parameters(item: _Found) -> Iterator[tuple[str, object]]:
    for parameter in inspect.signature(item.target).parameters.values():
        if parameter.kind not in _VARIADIC and parameter.name not in _NOT_ARGUMENTS.get(item.kind, ()):
            yield parameter.name, parameter.default


def _entry(item: _Found, borrowed: Mapping[tuple[Kind, str, str], str]) -> Entry | None:
    """What the catalog says about it; nothing for a function of `keras.ops` that takes no tensors."""
    arguments = [
        argument_kinds.argument(
            name, default, item.words.get(name) or borrowed.get((item.kind, name, repr(default)), "")
        )
        for name, default in _parameters(item)
    ]
    several = _FOR_EACH_CHANNEL.get(item.name, ())
    arguments = [
        msgspec.structs.replace(one, kind=ArgumentKind.FLOATS) if one.name in several else one
        for one in arguments
    ]
    called_with: tuple[TensorArgument, ...] = ()
    call: tuple[Argument, ...] = ()
    if item.kind is Kind.OP:
        called_with = tensors.of_operation(item.target, item.words)
        if not called_with:
            return None
        plain = tensors.also_plain(item.target, called_with, arguments)
        names = {tensor.name for tensor in called_with}
        arguments = [*plain, *(argument for argument in arguments if argument.name not in names)]
    elif item.kind is Kind.ACTIVATION:
        del arguments[0]  # the tensor itself
    elif item.kind is Kind.LAYER and inspect.isclass(item.target):
        arguments = trial.with_all_choices(item.target, arguments)
        called_with = tensors.of_layer(item.target, item.doc.call_arguments, arguments)
        call = tuple(_of_call(item.target, item.doc.call_arguments, borrowed))
        arguments += trial.taken(
            item.target, arguments, _of_every_layer(item.target, {one.name for one in arguments}, borrowed)
        )
    elif inspect.isclass(item.target):
        arguments = trial.with_all_choices(item.target, arguments)
    return Entry(
        kind=item.kind,
        name=item.name,
        group=group_of(item.kind, item.name, item.target.__module__),
        summary=item.doc.summary,
        text=item.doc.text,
        arguments=tuple(arguments),
        aliases=item.aliases,
        tensors=called_with,
        call=call,
        operation=_operation(item.target) if item.kind is Kind.OP else "",
        unsafe=item.name in _LOADS_CODE or tensors.holds_code([argument.name for argument in arguments]),
    )


def _of_every_layer(
    layer: type, own: set[str], borrowed: Mapping[tuple[Kind, str, str], str]
) -> Iterator[Argument]:
    """The arguments of the Layer class that a layer passes on to it, so far as Keras documents them."""
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in inspect.signature(layer).parameters.values()):
        return
    words = docstrings.parse(keras.Layer).arguments
    for name, parameter in inspect.signature(keras.Layer.__init__).parameters.items():
        said = words.get(name) or borrowed.get((Kind.LAYER, name, repr(parameter.default)), "")
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and said and name not in own | {"name"}:
            yield argument_kinds.argument(name, parameter.default, said)


def _of_call(
    layer: type[keras.Layer], words: Mapping[str, str], borrowed: Mapping[tuple[Kind, str, str], str]
) -> Iterator[Argument]:
    """The arguments of a layer's `call` that are no tensors.

    Whether it is called for training is decided by whoever calls the model, where the call does not say.
    """
    for name, parameter in inspect.signature(layer.call).parameters.items():
        if parameter.kind in _VARIADIC or not tensors.is_setting(parameter):
            continue
        said = words.get(name) or borrowed.get((Kind.LAYER, _in_call(name), ""), "")
        if name == tensors.TRAINING:
            yield Argument(name, ArgumentKind.BOOL, nullable=True, help=said)
        else:
            yield argument_kinds.argument(name, parameter.default, said)


def _chosen_by_loss() -> tuple[Entry, ...]:
    """The metrics that have no class of their own: Keras takes the one that fits the loss."""
    return tuple(
        Entry(
            kind=Kind.METRIC,
            name=name,
            group=CHOSEN_BY_LOSS,
            summary=f"The {words} that fits the loss and the output: binary, categorical or sparse.",
            aliases=(short,),
        )
        for name, short, words in (("accuracy", "acc", "accuracy"), ("crossentropy", "ce", "crossentropy"))
    )


def main() -> None:
    """Writes the catalog's snapshot anew."""
    path = Path(kflab.catalog.__file__).with_name("snapshot.json")
    path.write_text(dump(snapshot()), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Where arguments stand in an experiment, from a layer or an optimizer inwards to any depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from kflab.catalog import Argument
from kflab.catalog.check import named_object
from kflab.experiment import Experiment
from kflab.graph.edited import Edited
from kflab.values import Arguments, Value


class Holder(msgspec.Struct, frozen=True):
    """What holds arguments: a node's layer, a loss, an object inside one of their arguments.

    Its functions look at the experiment that they are given, so they hold for any later one, too.

    Attributes:
        owner: what the outermost arguments belong to, in the name of an edit: `conv1`.
        read: the arguments that are given.
        put: the experiment with an argument given.
        drop: the experiment with an argument left out.
        path: the way here from the owner: `("kernel_initializer",)`.
    """

    owner: str
    read: Callable[[Experiment], Arguments]
    put: Callable[[Experiment, str, Value], Edited]
    drop: Callable[[Experiment, str], Edited]
    path: tuple[str, ...] = ()

    def set(self, experiment: Experiment, name: str, value: Value) -> Edited:
        """An argument given, as `set kernel_initializer.seed of conv1`."""
        return msgspec.structs.replace(self.put(experiment, name, value), name=self._done("set", name))

    def reset(self, experiment: Experiment, name: str) -> Edited:
        """An argument left out, as `reset kernel_initializer.seed of conv1`."""
        return msgspec.structs.replace(self.drop(experiment, name), name=self._done("reset", name))

    def _done(self, verb: str, name: str) -> str:
        return f"{verb} {'.'.join((*self.path, name))} of {self.owner}"

    def value(self, experiment: Experiment, argument: Argument) -> Value:
        """The value of an argument, given or by default."""
        return self.read(experiment).get(argument.name, argument.default)


def inside(holder: Holder, argument: Argument, item: int | None = None) -> Holder:
    """What holds the arguments of the object that an argument names.

    An object that is back at its own defaults is written as its name alone, and is left out where it is what
    holds anyway.

    Args:
        holder: what holds the argument.
        argument: the argument.
        item: which object, counted from 0, where the argument takes a list of them.
    """

    def object_of(experiment: Experiment) -> tuple[str, Arguments]:
        value = holder.value(experiment, argument)
        if item is not None:
            value = items(value)[item]
        return named_object(value) or ("", {})

    def replaced(experiment: Experiment, arguments: Arguments) -> Value:
        name, _ = object_of(experiment)
        new: Value = {name: arguments} if arguments else name
        if item is None:
            return new
        every = items(holder.value(experiment, argument))
        return [*every[:item], new, *every[item + 1 :]]

    def put(experiment: Experiment, name: str, value: Value) -> Edited:
        _, arguments = object_of(experiment)
        return holder.put(experiment, argument.name, replaced(experiment, {**arguments, name: value}))

    def drop(experiment: Experiment, name: str) -> Edited:
        _, arguments = object_of(experiment)
        value = replaced(experiment, without(arguments, name))
        if value == argument.default and not argument.required:
            return holder.drop(experiment, argument.name)
        return holder.put(experiment, argument.name, value)

    place = (argument.name,) if item is None else (argument.name, str(item + 1))
    return Holder(
        holder.owner, lambda experiment: object_of(experiment)[1], put, drop, (*holder.path, *place)
    )


def items(value: Value) -> Sequence[Value]:
    """The items of a list; of anything else, none."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def without(arguments: Mapping[str, Value], name: str) -> dict[str, Value]:
    """The arguments with one left out."""
    return {key: value for key, value in arguments.items() if key != name}

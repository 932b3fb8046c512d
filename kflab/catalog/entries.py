"""What one entry of the catalog says: a class or function of Keras and its arguments."""

from __future__ import annotations

import enum

import msgspec

from kflab.values import Value


class Kind(enum.StrEnum):
    """What an entry is."""

    LAYER = "layer"
    OP = "op"
    OPTIMIZER = "optimizer"
    LOSS = "loss"
    METRIC = "metric"
    CALLBACK = "callback"
    SCHEDULE = "schedule"
    INITIALIZER = "initializer"
    REGULARIZER = "regularizer"
    CONSTRAINT = "constraint"
    ACTIVATION = "activation"


class ArgumentKind(enum.StrEnum):
    """What values an argument takes.

    The last nine name another object of Keras, written as its name or as `{Name: {arguments}}`.
    """

    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    TEXT = "text"
    CHOICE = "choice"
    INTS = "ints"  # one whole number or several: kernel_size, strides, axis
    FLOATS = "floats"  # one number or several: factor, thresholds, value_range
    SHAPE = "shape"  # a list of whole numbers or nulls: the shape of an Input
    LIST = "list"  # a list of anything
    MAPPING = "mapping"  # free key: value pairs
    ANY = "any"  # what introspection could not tell; not checked
    LAYER = "layer"
    SCHEDULE = "schedule"  # a number or a learning-rate schedule
    INITIALIZER = "initializer"
    REGULARIZER = "regularizer"
    CONSTRAINT = "constraint"
    ACTIVATION = "activation"
    LOSS = "loss"
    METRIC = "metric"
    OPTIMIZER = "optimizer"


class Argument(msgspec.Struct, frozen=True, omit_defaults=True):
    """One argument of an entry.

    Attributes:
        name: its keyword.
        kind: what it takes.
        required: it has no default.
        default: the value when it is left out; `None` when required.
        nullable: `None` is a value of its own.
        choices: the strings it takes, for a choice; some of the strings it takes, for text or any value; the
            names of those it takes, for a layer that may not be every one.
        help: Keras' own words on it.
    """

    name: str
    kind: ArgumentKind
    required: bool = False
    default: Value = None
    nullable: bool = False
    choices: tuple[str, ...] = ()
    help: str = ""


class TensorArgument(msgspec.Struct, frozen=True, omit_defaults=True):
    """One tensor that a layer or operation is called with.

    Attributes:
        name: its keyword in `call`.
        many: it takes a list of tensors (`Concatenate`, `ops.stack`).
        required: the call needs it.
    """

    name: str
    many: bool = False
    required: bool = True


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A class or function of Keras.

    Attributes:
        kind: what it is.
        name: its canonical public name: `GlobalAveragePooling2D`; operations carry their module: `ops.add`.
        group: the group of the Keras documentation it stands in.
        summary: the first line of its docstring.
        text: the rest of its docstring, as plain text.
        arguments: the arguments of its constructor; of an operation, those that are not tensors. Tensor
            arguments that also take a plain number (`x2` of `ops.add`) are among both.
        aliases: other names that Keras knows it by.
        tensors: what it is called with; only layers and operations have them.
        call: what else a layer's call takes, such as `training`.
        operation: what Keras calls an operation that is given no name, where that can be told; the second is
            called the same with `_1`, and so on.
        unsafe: it holds code, so a document can not carry it (`Lambda`).
    """

    kind: Kind
    name: str
    group: str = ""
    summary: str = ""
    text: str = ""
    arguments: tuple[Argument, ...] = ()
    aliases: tuple[str, ...] = ()
    tensors: tuple[TensorArgument, ...] = ()
    call: tuple[Argument, ...] = ()
    operation: str = ""
    unsafe: bool = False

    def argument(self, name: str) -> Argument | None:
        """The argument called `name`, if there is one."""
        return next((argument for argument in self.arguments if argument.name == name), None)

    @property
    def takes_list(self) -> bool:
        """Whether it is called with one list of tensors."""
        return bool(self.tensors) and self.tensors[0].many

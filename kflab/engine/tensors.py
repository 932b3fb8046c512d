"""Which tensors a layer or an operation is called with, told from its signature, its source and by trying it out."""

from __future__ import annotations

import ast
import contextlib
import inspect
import itertools
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence

import keras

from kflab.catalog.entries import Argument, ArgumentKind, TensorArgument

_CODE = re.compile(r"^(f|fn|fun|func|function|pyfunc|body|body_fun|cond|true_fn|false_fn|branches|call_fn|module)$")
_SEVERAL = re.compile(r"\b(sequence|list|tuple)s? of( the following| initial| boolean| input|\w+ state)* (state )?tensors", re.IGNORECASE)
_TENSOR = re.compile(r"\b(tensors?|array|mask|image|signal)\b", re.IGNORECASE)
_SAMPLE_SHAPES = ((2, 8), (2, 8, 8), (2, 8, 8, 3), (2, 4, 4, 4, 3), (2, 3, 8, 8, 3), (2, 3, 4, 4, 4, 3), (2,))
_DTYPES = ("float32", "int32", "bool")

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def holds_code(names: Sequence[str]) -> bool:
    """Whether one of these arguments is a function or a module of another library."""
    return any(_CODE.match(name) for name in names)


def of_layer(
    layer: type[keras.Layer], words: Mapping[str, str], arguments: Sequence[Argument]
) -> tuple[TensorArgument, ...]:
    """The tensors that a layer's `call` takes.

    Args:
        layer: its class.
        words: Keras' words on the arguments of `call`.
        arguments: the arguments of its constructor.
    """
    found: list[TensorArgument] = []
    for name, parameter in itertools.islice(inspect.signature(layer.call).parameters.items(), 1, None):
        required = parameter.default is inspect.Parameter.empty
        if parameter.kind not in _POSITIONAL or name == "training" or isinstance(parameter.default, bool | str):
            continue
        many = bool(_SEVERAL.search(words.get(name, ""))) or "state" in name
        if not found:
            many = _wants_list(layer, arguments)
        found.append(TensorArgument(name, many=many, required=required))
    return tuple(found)


def of_operation(function: Callable[..., object], words: Mapping[str, str]) -> tuple[TensorArgument, ...]:
    """The tensors that a function of `keras.ops` takes; none where it is no function of tensors.

    Each such function hands its tensors to `any_symbolic_tensors` to see whether it is called in a graph: that
    call in its source names them. Those that leave it to another function are tried out.
    """
    parameters = inspect.signature(function).parameters
    first = next(iter(parameters.values()), None)
    if first is None or first.kind not in _POSITIONAL or holds_code(list(parameters)):
        return ()
    named = _named_in_source(function)
    if not named and _TENSOR.search(words.get(first.name, "")) and _gives_tensor(function, parameters):
        named = {first.name: False}
    if first.name not in named:
        return ()
    return tuple(
        TensorArgument(
            name,
            many=named.get(name, False) or bool(_SEVERAL.search(words.get(name, ""))),
            required=parameter.default is inspect.Parameter.empty,
        )
        for name, parameter in parameters.items()
        if name in named or _is_optional_tensor(parameter, words.get(name, ""))
    )


def numbers_too(function: Callable[..., object], tensors: Sequence[TensorArgument]) -> tuple[str, ...]:
    """Which of the two or more tensors of an operation may be a plain number instead (`x2` of `ops.add`)."""
    required = [tensor for tensor in tensors if tensor.required and not tensor.many]
    if len(required) < 2 or len(required) != len(tensors):
        return ()
    return tuple(tensor.name for tensor in required if _takes_number(function, required, tensor.name))


def number_argument(name: str, words: str) -> Argument:
    """The argument of an operation that stands for a tensor given as a plain number."""
    return Argument(name=name, kind=ArgumentKind.FLOAT, help=words)


def _named_in_source(function: Callable[..., object]) -> dict[str, bool]:
    """The names handed to `any_symbolic_tensors`, each with whether it is a list of tensors itself."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return {}
    named: dict[str, bool] = {}
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "any_symbolic_tensors"):
            continue
        for handed in call.args:
            if isinstance(handed, ast.Tuple):
                named.update((item.id, False) for item in handed.elts if isinstance(item, ast.Name))
            else:
                named.update((item.id, True) for item in ast.walk(handed) if isinstance(item, ast.Name))
    return named


def _is_optional_tensor(parameter: inspect.Parameter, words: str) -> bool:
    """Whether an argument without a default of its own is a tensor by Keras' words: `bias`, `mask`."""
    return parameter.default is None and bool(re.search(r"^Optional [\w ]*(tensor|array|scaling factor|add offset)", words))


def _gives_tensor(function: Callable[..., object], parameters: Mapping[str, inspect.Parameter]) -> bool:
    """Whether calling it with a symbolic tensor, and 2 for what else it needs, gives one."""
    rest = [2 for parameter in list(parameters.values())[1:] if parameter.default is inspect.Parameter.empty]
    for sample in _samples():
        with _refusal_counts_as_no():
            result = keras.tree.flatten(function(sample, *rest))
            return any(isinstance(item, keras.KerasTensor) for item in result)
    return False


def _takes_number(function: Callable[..., object], required: Sequence[TensorArgument], name: str) -> bool:
    for dtype in _DTYPES:
        number = 2.0 if dtype == "float32" else 2
        tensor = keras.KerasTensor((2, 8), dtype=dtype)
        with _refusal_counts_as_no():
            function(*(number if argument.name == name else tensor for argument in required))
            return True
    return False


def _wants_list(layer: type[keras.Layer], arguments: Sequence[Argument]) -> bool:
    """Whether the layer refuses one tensor of every rank and takes a list of two."""
    make = _maker(layer, arguments)
    for count in (1, 2) if make else ():
        for sample in _samples():
            with _refusal_counts_as_no():
                make()(sample if count == 1 else [sample, sample])
                return count == 2
    return False


def _maker(layer: type[keras.Layer], arguments: Sequence[Argument]) -> Callable[[], keras.Layer] | None:
    """What makes a layer of a class with samples for the arguments that it needs, if any samples do."""
    required = [argument for argument in arguments if argument.required]
    for nested in (keras.layers.Dense, keras.layers.SimpleRNN, keras.layers.SimpleRNNCell):
        def make(nested: type[keras.Layer] = nested) -> keras.Layer:
            return layer(**{argument.name: _sample_value(argument, nested) for argument in required})

        with _refusal_counts_as_no():
            make()
            return make
    return None


def _sample_value(argument: Argument, nested: type[keras.Layer]) -> object:
    if argument.kind is ArgumentKind.LAYER:
        return [nested(2)] if argument.name.endswith("s") else nested(2)
    samples = {ArgumentKind.FLOAT: 0.5, ArgumentKind.FLOATS: 0.5, ArgumentKind.SHAPE: (2,), ArgumentKind.ACTIVATION: "relu"}
    return samples.get(argument.kind, 2)


def _samples() -> Iterator[keras.KerasTensor]:
    for dtype in ("float32", "int32", "string"):
        for shape in _SAMPLE_SHAPES:
            yield keras.KerasTensor(shape, dtype=dtype)


@contextlib.contextmanager
def _refusal_counts_as_no() -> Iterator[None]:
    """What Keras or its backend raise on a tensor that does not fit depends on the layer and the backend."""
    with contextlib.suppress(Exception):
        yield

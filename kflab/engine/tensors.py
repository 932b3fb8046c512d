"""Which tensors a layer or an operation is called with: by its signature, its source and by trying it out."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence

import keras
import msgspec

from kflab.catalog.entries import Argument, ArgumentKind, TensorArgument
from kflab.engine import trial
from kflab.engine.trial import refusal_counts_as_no

_CODE = re.compile(
    r"^(f|fn|fun|func|function|pyfunc|body|body_fun|cond|true_fn|false_fn|branches|call_fn|module)$|^on_"
)
_SEVERAL = re.compile(
    r"\b(sequence|list|tuple)s? of( the following| initial| boolean| input|\w+ state)* (state )?tensors",
    re.IGNORECASE,
)
_SAMPLE_SHAPES = (
    (2, 8),
    (2, 8, 8),
    (2, 8, 8, 3),
    (2, 4, 4, 4, 3),
    (2, 3, 8, 8, 3),
    (2, 3, 4, 4, 4, 3),
    (2,),
    (),
)

TRAINING = "training"
"""The argument of a layer's `call` that says whether it is called for training."""

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
        if parameter.kind not in _POSITIONAL or is_setting(parameter):
            continue
        many = bool(_SEVERAL.search(words.get(name, ""))) or "state" in name
        if not found:
            many = _wants_list(layer, arguments)
        found.append(TensorArgument(name, many=many, required=required))
    return tuple(found)


def is_setting(parameter: inspect.Parameter) -> bool:
    """Whether a parameter of a layer's `call` is no tensor, but says how it is called."""
    return parameter.name == TRAINING or isinstance(parameter.default, bool | str)


def of_operation(function: Callable[..., object], words: Mapping[str, str]) -> tuple[TensorArgument, ...]:
    """The tensors that a function of `keras.ops` takes; none where it is no function of tensors.

    Each such function hands its tensors to `any_symbolic_tensors` to see whether it is called in a graph:
    that call in its source names them. Those that need nothing but one tensor are tried out, too.
    """
    parameters = inspect.signature(function).parameters
    first = next(iter(parameters.values()), None)
    if first is None or first.kind not in _POSITIONAL or holds_code(list(parameters)):
        return ()
    named = _named_in_source(function)
    required = [
        name for name, parameter in parameters.items() if parameter.default is inspect.Parameter.empty
    ]
    if not named and (not words.get(first.name) or _is_tensor(first, words[first.name])):
        named = {first.name: False}
    if named and required == [first.name]:
        named = _tried(function, first.name, named)
    if first.name not in named:
        return ()
    return tuple(
        TensorArgument(
            name,
            many=named.get(name, False) or bool(_SEVERAL.search(words.get(name, ""))),
            required=parameter.default is inspect.Parameter.empty,
        )
        for name, parameter in parameters.items()
        if name in named or _is_tensor(parameter, words.get(name, ""))
    )


def also_plain(
    function: Callable[..., object], tensors: Sequence[TensorArgument], arguments: Sequence[Argument]
) -> tuple[Argument, ...]:
    """The tensors of an operation that may be plain numbers instead (`x2` of `ops.add`), as arguments.

    Args:
        function: the operation.
        tensors: what it is called with.
        arguments: all its arguments, tensors among them.
    """
    if len(tensors) < 2:
        return ()
    by_name = {argument.name: argument for argument in arguments}
    return tuple(
        _relaxed(by_name[tensor.name], plain)
        for tensor in tensors
        if not tensor.many and (plain := _plain_sample(function, tensor.name, tensors, arguments)) is not None
    )


def _relaxed(argument: Argument, plain: float | Sequence[int]) -> Argument:
    """The argument where it stands for a tensor: never required, for the tensor can come from a node."""
    kind = argument.kind
    if kind is not ArgumentKind.SHAPE:
        listed = not isinstance(plain, float)
        kind = ArgumentKind.INTS if listed else ArgumentKind.FLOATS
    return msgspec.structs.replace(argument, kind=kind, required=False, choices=())


def _plain_sample(
    function: Callable[..., object],
    name: str,
    tensors: Sequence[TensorArgument],
    arguments: Sequence[Argument],
) -> float | Sequence[int] | None:
    """A number or list that the operation takes in the place of one of its tensors, if it takes any."""
    required = {tensor.name for tensor in tensors if tensor.required}
    every = {tensor.name for tensor in tensors}
    rest = {argument.name: trial.sample(argument) for argument in arguments if argument.required}
    for dtype, shape, others in itertools.product(("float32", "int32"), _SAMPLE_SHAPES, (required, every)):
        given = rest | dict.fromkeys(others, keras.KerasTensor(shape, dtype=dtype))
        for plain in (2.0 if dtype == "float32" else 2, list(shape), [0] * len(shape)):
            with refusal_counts_as_no():
                result = function(**(given | {name: plain}))
                if any(isinstance(item, keras.KerasTensor) for item in keras.tree.flatten(result)):
                    return float(plain) if isinstance(plain, int | float) else plain
    return None


def _named_in_source(function: Callable[..., object]) -> dict[str, bool]:
    """The names handed to `any_symbolic_tensors`, each with whether it is a list of tensors itself."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return {}
    named: dict[str, bool] = {}
    for call in ast.walk(tree):
        if not (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == "any_symbolic_tensors"
        ):
            continue
        for handed in call.args:
            if isinstance(handed, ast.Tuple):
                named.update((item.id, False) for item in handed.elts if isinstance(item, ast.Name))
            else:
                single = {
                    id(name) for part in ast.walk(handed) if isinstance(part, ast.List) for name in part.elts
                }
                names = (part for part in ast.walk(handed) if isinstance(part, ast.Name))
                named.update((part.id, id(part) not in single) for part in names)
    return named


def _is_tensor(parameter: inspect.Parameter, words: str) -> bool:
    """Whether Keras' words call an argument a tensor: `kernel` of `ops.conv`, `mask` where it is optional."""
    if parameter.default is inspect.Parameter.empty:
        return bool(re.match(r"(an? )?([\w-]+ )?(tensor|array)\b(?! or)", words, re.IGNORECASE))
    return parameter.default is None and bool(
        re.match(
            r"(Optional [\w ]*(tensor|array|scaling factor|add offset)|Weight tensor|Tensor of weights)",
            words,
        )
    )


def _tried(function: Callable[..., object], first: str, named: dict[str, bool]) -> dict[str, bool]:
    """What the source told, set right by calling it with one tensor and with a list of two.

    `ops.shape` takes a tensor and gives none, so it can be no node; `ops.stack` wants a list.
    """
    for many in (False, True):
        for sample in _samples():
            with refusal_counts_as_no():
                result = keras.tree.flatten(function([sample, sample] if many else sample))
                gives = any(isinstance(item, keras.KerasTensor) for item in result)
                return {**named, first: many or named.get(first, False)} if gives else {}
    return named if inspect.signature(function).parameters.keys() - {first} else {}


def _wants_list(layer: type[keras.Layer], arguments: Sequence[Argument]) -> bool:
    """Whether the layer refuses one tensor of every rank and takes a list of two."""
    make = trial.maker(layer, arguments)
    if make is None:
        return False
    for count in (1, 2):
        for sample in _samples():
            with refusal_counts_as_no():
                layer_made = make()
                assert callable(layer_made)
                layer_made(sample if count == 1 else [sample, sample])
                return count == 2
    return False


def _samples() -> Iterator[keras.KerasTensor]:
    for dtype in ("float32", "int32", "string"):
        for shape in _SAMPLE_SHAPES:
            yield keras.KerasTensor(shape, dtype=dtype)

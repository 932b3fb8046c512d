"""The architectures of `keras.applications` in a file, and the functions that stand beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.imports.python import composite, imagenet
from kflab.imports.python.attributes import Attributes
from kflab.imports.python.graphs import model_of_graph
from kflab.imports.python.recorded import Tensor
from kflab.imports.python.tensor_lists import tensors_in
from kflab.imports.python.things import Place, Unreadable, causes_in
from kflab.values import Arguments

Applications = Callable[[str, Arguments], Experiment]
"""Asked for an architecture of `keras.applications` by its name and arguments."""


class Architectures(Attributes):
    """Answers what comes of asking for an architecture.

    Attributes:
        applications: asked for an architecture; None where nobody can tell.
    """

    applications: Applications | None = None

    def application(
        self, path: str, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """An architecture of `keras.applications`, as the calls that it is made of."""
        name = path.rpartition(".")[2]
        if not name[:1].isupper():
            return self._helper(path, positional, named, place)
        if self.applications is None:
            return place.unknown("is an architecture of keras.applications, which is not at hand here", name)
        given = dict(
            zip(("include_top", "weights", "input_tensor", "input_shape"), positional, strict=False)
        ) | dict(named)
        if causes_in(given.values()):
            raise Unreadable(causes_in(given.values()))
        tensor = given.pop("input_tensor", None)
        weights = given.pop("weights", "imagenet")
        if isinstance(tensor, Tensor) and given.get("input_shape") is None:
            shape = self.shape(tensor, place)
            if isinstance(shape, tuple):
                given["input_shape"] = shape[1:]
        arguments = {
            key: self.arguments.value(value, place, f"the {key} of {name}")
            for key, value in given.items()
            if value is not None
        }
        try:
            made = model_of_graph(self, self.applications(name, arguments), place.line)
        except KflabError as error:
            raise Unreadable([place.cause(f"cannot be brought in: {error}", name)]) from error
        if weights is not None:
            self.note(
                f"the {weights} weights of {name} are not brought along; it starts from new ones", place.line
            )
        made.application = name
        self.models.append(made)
        if isinstance(tensor, Tensor):
            made.calls.clear()
            return composite.inlined(self, made, tensor, place)
        return made

    def _helper(
        self, path: str, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """What a function beside the architectures gives."""
        unknown = causes_in([*positional, *named.values()])
        if unknown:
            raise Unreadable(unknown)
        match path.rpartition(".")[2]:
            case "preprocess_input" if tensors_in([*positional, *named.values()]):
                return imagenet.prepare(self, path, positional, named, place)
            case "correct_pad":
                return imagenet.correct_pad(self, positional, named, place)
            case "obtain_input_shape" | "_obtain_input_shape":
                return imagenet.input_shape(positional, named)
        return place.unknown("is not read", definable=True)

"""What the commands that change a file share: which file and which graph, the place for a line, the write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kflab.errors import UnusableInputError, did_you_mean

if TYPE_CHECKING:
    from kflab.commands.arguments import Named
    from kflab.document import FileState
    from kflab.experiment import Experiment
    from kflab.graph.nodes import Graph
    from kflab.quick_add.understood import Segment, Understood

model_option = click.option(
    "--model", "nested", default="", metavar="NAME", help="A nested model instead of the main one."
)
output_option = click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write this file instead."
)


def output_path(output: Path | None, path: Path) -> Path:
    """The file to write: the one that was named, or else the one that was read.

    Raises:
        UnusableInputError: that would be a preset.
    """
    from kflab import presets

    if output is None and path.resolve().parent == presets.folder().resolve():
        raise UnusableInputError("a preset stays as it is; -o FILE.yaml says where to write", file=path.stem)
    return output or path


def graph_of(experiment: Experiment, nested: str, file: str) -> Graph:
    """The nested model of that name, or with "" the main model.

    Raises:
        UnusableInputError: there is no such nested model.
    """
    if nested and nested not in experiment.models:
        hint = did_you_mean(nested, experiment.models)
        raise UnusableInputError(f"there is no nested model {nested!r}{hint}", file=file)
    return experiment.graph(nested)


def check_node(graph: Graph, name: str) -> None:
    """Holds the name of a node against those that there are.

    Raises:
        UnusableInputError: there is no such node.
    """
    if name not in graph.nodes:
        raise UnusableInputError(f"there is no node {name!r}{did_you_mean(name, graph.nodes)}")


def end_of(graph: Graph, needed: str) -> str:
    """The node behind which goes what nothing was said about; "" in a graph without nodes.

    Raises:
        UnusableInputError: there are several such; `needed` is what would say which.
    """
    from kflab.graph.nodes import source_of

    ends = list(dict.fromkeys(source_of(reference) for reference in graph.outputs))
    if len(ends) > 1:
        raise UnusableInputError(f"{needed} is needed: the model has the outputs {', '.join(ends)}")
    return ends[0] if ends else next(reversed(list(graph.nodes)), "")


def check_understood(understood: Understood) -> None:
    """Refuses a line that says nothing or was not understood.

    Raises:
        UnusableInputError: what was not understood, and where it stands.
    """
    if not understood.text.strip():
        raise UnusableInputError(
            'an empty line has nothing to add; one is such as "conv2d 32 3 relu | maxpool 2"'
        )
    for problem in understood.problems:
        raise UnusableInputError(f"{problem.message} (column {problem.start + 1} of {understood.text!r})")


def refuse_missing(segment: Segment, missing: str) -> None:
    """Refuses a node without an argument that it can not do without.

    Raises:
        UnusableInputError: what is missing.
    """
    from kflab.catalog.check import expected

    assert segment.entry is not None
    argument = segment.entry.argument(missing)
    takes = f": {expected(argument)}" if argument else ""
    raise UnusableInputError(f"{segment.entry.name} needs {missing}{takes}")


def save(experiment: Experiment, named: Named, path: Path, *, expecting: FileState | None = None) -> None:
    """Write what became of an experiment; the comments of the file that it was read from stay.

    Args:
        experiment: what to write.
        named: what was read.
        path: the file to write.
        expecting: the state that the file must still be in, where it was read from there.

    Raises:
        ChangedOnDiskError: the file is in another state.
        UnusableInputError: it can not be written.
    """
    from kflab import document
    from kflab.document.files import replace

    try:
        replace(path, document.dump(experiment, named.text).encode(), expecting=expecting)
    except OSError as error:
        raise UnusableInputError(f"can not be written: {error.strerror}", file=str(path)) from None

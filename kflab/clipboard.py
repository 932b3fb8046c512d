"""What was copied last, in a file of the state folder, so that all labs of a person can paste it.

The file is an experiment document of its own, as JSON: the nodes, with an Input or a layer standing for each
node that they refer to and that was not copied, and their names under `copied`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from kflab import document, paths
from kflab.document.files import replace, text_of
from kflab.errors import KflabError, UnusableInputError
from kflab.experiment import Data, Experiment
from kflab.graph.edits import Clip
from kflab.graph.nodes import INPUT, Graph, Layer, Node, Share, source_of
from kflab.values import Value

COPIED = "copied"
"""The key of the names of the nodes that were copied."""


def path() -> Path:
    """The file."""
    return paths.state_dir() / "clipboard.json"


def keep(clip: Clip) -> None:
    """Keep a clip for every lab, in the place of the one before.

    Raises:
        KflabError: the file can not be written.
    """
    file = path()
    try:
        replace(file, dump(clip).encode(), mode=0o600)
    except OSError as error:
        raise KflabError(f"{file}: other labs can not paste it: {error.strerror}") from None


def kept() -> Clip | None:
    """The clip that was kept last, by this lab or another one; none where nothing was.

    Raises:
        UnusableInputError: the file is damaged.
    """
    file = path()
    return read(text_of(file), str(file)) if file.exists() else None


def dump(clip: Clip) -> str:
    """The text of a clip."""
    outside = [source_of(reference) for reference in clip.outside()]
    around: dict[str, Node] = {name: Node(Layer(INPUT)) for name in outside}
    around |= {name: Node(layer) for name, layer in clip.owners.items()}
    graph = Graph(nodes={**around, **clip.nodes})
    plain = document.encode(Experiment(data=Data(), model=graph, models=clip.models))
    return msgspec.json.encode({COPIED: list(clip.nodes), **plain}).decode()


def read(text: str, file: str = "") -> Clip:
    """The clip in a text.

    Raises:
        UnusableInputError: it holds none.
    """
    try:
        plain = msgspec.json.decode(text, type=dict[str, Value])
    except msgspec.DecodeError as error:
        raise UnusableInputError(f"damaged, so nothing can be pasted: {error}", file=file) from None
    names = plain.get(COPIED)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise UnusableInputError("expected the names of the nodes that were copied", file=file, path=COPIED)
    experiment = document.decode({key: value for key, value in plain.items() if key != COPIED}, file)
    everything = experiment.model.nodes
    if missing := [name for name in names if name not in everything]:
        raise UnusableInputError(f"there is no node {missing[0]!r}", file=file, path=COPIED)
    nodes = {name: node for name, node in everything.items() if name in names}
    shared = {node.target.node for node in nodes.values() if isinstance(node.target, Share)} - nodes.keys()
    owners = {name: layer for name in shared if isinstance(layer := everything[name].target, Layer)}
    return Clip(nodes, owners, experiment.models)

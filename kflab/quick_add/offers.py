"""Everything that a node can call, ranked by what was typed of its name."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kflab.catalog import Catalog, Entry, Kind
from kflab.graph.nodes import Layer
from kflab.quick_add.help_texts import entry_text
from kflab.quick_add.names import names_of, plain
from kflab.quick_add.segments import MODEL, SHARE, Around, own_layers
from kflab.quick_add.understood import Completion

_MODELS = "nested models"
_SHARED = "shared layers"


class _Offered(NamedTuple):
    """A completion and what it is found by: its name, its short name, other words, the first line of help."""

    completion: Completion
    name: str
    short: str
    words: str
    said: str


def ranked(text: str, around: Around) -> Iterator[Completion]:
    """Everything that a node can call, the likeliest first; all of it, in groups, for no text."""
    layers, operations = _offers(around.catalog)
    wanted = plain(text).split()
    calls = tuple(_calls(around, wanted))
    if not wanted:
        yield from (offered.completion for offered in (*layers, *calls, *operations))
        return
    looked = names_of(around.catalog).look_up(text.strip(), around.rank)
    meant = [looked.meaning.entry] if looked.meaning else looked.candidates
    order = {plain(entry.name): place for place, entry in enumerate(meant)}
    places: list[tuple[tuple[int, int, int], Completion]] = []
    for part, offers in enumerate((layers, calls, operations)):
        for offered in offers:
            place = _place(offered, wanted, order)
            if place is not None:
                places.append(((place[0], part, place[1]), offered.completion))
    yield from (completion for _, completion in sorted(places, key=lambda one: one[0]))


def _place(offered: _Offered, wanted: Sequence[str], meant: Mapping[str, int]) -> tuple[int, int] | None:
    """Where a completion stands among its like; nothing where it lacks some of what was typed.

    What was meant comes first, then what begins so, what has it in its name, its other words, its help; of
    these the shorter name first.
    """
    if offered.name in meant:
        return 0, meant[offered.name]
    depth = 0
    for word in wanted:
        if word not in offered.name:
            depth = max(depth, 1 if word in offered.words else 2)
            if depth == 2 and word not in offered.said:
                return None
    if depth:
        return 2 + depth, 0
    first = wanted[0]
    begins = offered.name.startswith(first) or offered.short.startswith(first)
    return 1 if begins else 2, len(offered.name)


@functools.lru_cache(maxsize=4)
def _offers(catalog: Catalog) -> tuple[tuple[_Offered, ...], tuple[_Offered, ...]]:
    """The layers and the operations of a catalog."""
    layers, operations = (
        tuple(_offer(entry) for entry in catalog.entries(kind) if not entry.unsafe)
        for kind in (Kind.LAYER, Kind.OP)
    )
    return layers, operations


def _offer(entry: Entry) -> _Offered:
    is_layer = entry.kind is Kind.LAYER
    needed = " ".join(argument.name for argument in entry.arguments if argument.required)
    completion = Completion(
        entry.name,
        f"{entry.name} ",
        detail=needed,
        group=entry.group if is_layer else f"operations: {entry.group}",
        help=entry_text(entry),
        called=True,
    )
    short = "" if is_layer else plain(entry.name.rpartition(".")[2])
    said = entry.summary.lower()
    return _Offered(completion, plain(entry.name), short, f"{completion.group} {needed}", said)


def _calls(around: Around, wanted: Sequence[str]) -> Iterator[_Offered]:
    """The nested models that can be called, and the layers of other nodes that can be shared.

    Those that lack some of what is wanted are left out: there may be a thousand.
    """
    for name in around.experiment.models:
        key = f"{MODEL} {plain(name)}"
        if name != around.graph and all(word in key for word in wanted):
            said = f"Calls the model {name} with the same weights everywhere."
            completion = Completion(name, f"{MODEL} {name} ", "nested model", _MODELS, said, called=True)
            yield _Offered(completion, key, plain(name), "", "")
    nodes = around.nodes.nodes
    for name in own_layers(around.nodes):
        key = f"{SHARE} {plain(name)}"
        if all(word in key for word in wanted):
            target = nodes[name].target
            assert isinstance(target, Layer)
            said = f"Calls the {target.layer} of {name} once more, with the same weights."
            detail = f"{target.layer}, shared"
            completion = Completion(name, f"{SHARE} {name} ", detail, _SHARED, said, called=True)
            yield _Offered(completion, key, "", "", "")

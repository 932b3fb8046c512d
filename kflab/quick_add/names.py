"""Which layer, activation or operation a word means: a name, an alias, a short form or a beginning."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from kflab.catalog import Catalog, Entry, Kind
from kflab.errors import nearest
from kflab.quick_add.ranks import rank_of, rankless, spatial
from kflab.values import Arguments

_HUMP = re.compile(r"[123]D|[A-Z]+(?=[A-Z][a-z]|[123]D|$)|[A-Z][a-z]*|[a-z]+|\d+")
_MODULES = re.compile(r"(?:\w+\.)*(?:layers|activations)\.|(?:\w+\.)+(?=ops\.)")
_LEAST_INITIALS = 2
_MOST = 3


class Meaning(msgspec.Struct, frozen=True):
    """What a word means: an entry of the catalog, and the arguments that the word already gives."""

    entry: Entry
    arguments: Arguments = {}


class Looked(msgspec.Struct, frozen=True):
    """What was found for a word: one meaning, several candidates, or nothing.

    Attributes:
        meaning: what it means.
        candidates: what it may mean, where that is not one thing.
        family: the candidates differ only in how many spatial axes they work on.
    """

    meaning: Meaning | None = None
    candidates: tuple[Entry, ...] = ()
    family: bool = False


def plain(word: str) -> str:
    """A word as names are compared: lower case, without underscores."""
    return word.lower().replace("_", "")


class Names:
    """The names of a catalog in all the ways that a person types them.

    In this order: a layer's name or alias in any case, with or without underscores; the same without its
    dimensions (`conv`); an activation's name; a layer's initials (`bn`, `gap2d`); an operation's name, with
    or without `ops.`; the beginning of a name or of each of its words (`drop`, `batchnorm`).
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        layers = [entry for entry in catalog.entries(Kind.LAYER) if not entry.unsafe]
        operations = [entry for entry in catalog.entries(Kind.OP) if not entry.unsafe]
        activations = catalog.entries(Kind.ACTIVATION)
        spelled = {entry.name: (entry.name, *entry.aliases) for entry in layers}
        self._layers = layers
        self._unsafe = {plain(entry.name): entry for entry in catalog.entries(Kind.LAYER) if entry.unsafe}
        self._tiers: tuple[dict[str, list[Entry]], ...] = (
            _index((plain(name), entry) for entry in layers for name in spelled[entry.name]),
            _index((plain(rankless(name)), entry) for entry in layers for name in spelled[entry.name]),
            _index((plain(name), entry) for entry in activations for name in (entry.name, *entry.aliases)),
            _index((initials, entry) for entry in layers for initials in _initials(entry.name)),
            _index((plain(name), entry) for entry in operations for name in _op_names(entry)),
        )
        self._humps = [
            (entry, _humps(spelling))
            for entry in layers
            for name in spelled[entry.name]
            for spelling in dict.fromkeys((name, rankless(name)))
        ]
        self._beginnings = [
            [(plain(name), entry) for entry in layers for name in spelled[entry.name]],
            [(plain(name), entry) for entry in activations for name in (entry.name, *entry.aliases)],
            [(plain(name), entry) for entry in operations for name in _op_names(entry)],
        ]
        self._all = [entry.name for entry in layers] + [
            entry.name.rpartition(".")[2] for entry in (*activations, *operations)
        ]

    def look_up(self, word: str, rank: int | None = None) -> Looked:
        """What a word means.

        Args:
            word: what was typed.
            rank: the spatial axes of what the node is fed with, where they are known.
        """
        wanted = plain(_MODULES.sub("", word))
        for tier in self._tiers:
            if wanted in tier:
                return self._one_of(tier[wanted], rank)
        if not wanted:
            return Looked()
        for beginnings in self._beginnings:
            found = _once(entry for name, entry in beginnings if name.startswith(wanted))
            if not found and beginnings is self._beginnings[0]:
                found = _once(entry for entry, humps in self._humps if _abbreviates(wanted, humps))
            if found:
                return self._one_of(found, rank)
        return Looked()

    def _one_of(self, found: Sequence[Entry], rank: int | None) -> Looked:
        families = {rankless(entry.name) for entry in found}
        is_family = len(families) == 1 and len(found) > 1
        if is_family:
            fitting = [entry for entry in found if rank_of(entry.name) == spatial(entry, rank)]
            found = fitting if len(fitting) == 1 else found
        if len(found) > 1:
            return Looked(candidates=tuple(found), family=is_family)
        return Looked(self._meaning(found[0]))

    def _meaning(self, entry: Entry) -> Meaning:
        if entry.kind is Kind.ACTIVATION:
            return Meaning(self.catalog.get(Kind.LAYER, "Activation"), {"activation": entry.name})
        return Meaning(entry)

    def unsafe(self, word: str) -> Entry | None:
        """The layer of that name that a document can not carry, if it is one."""
        return self._unsafe.get(plain(word))

    def nearest(self, word: str) -> list[str]:
        """The names most like a word that means nothing: those it is a part of, or else is spelled like."""
        wanted = plain(word)
        families = dict.fromkeys(rankless(entry.name) for entry in self._layers)
        parts = [name for name in families if wanted and wanted in plain(name)]
        return sorted(parts, key=len)[:_MOST] or nearest(word.removeprefix("ops."), self._all)

    @functools.cached_property
    def wrappers(self) -> tuple[Entry, ...]:
        """The layers that need exactly one other layer, and so can stand around one."""
        return tuple(entry for entry in self._layers if wrapped_argument(entry))

    def wrapper(self, word: str) -> Entry | None:
        """The layer that a word behind a layer's name puts around it: `bi`, `td`, `timedistributed`."""
        wanted = plain(word)
        if len(wanted) < _LEAST_INITIALS:
            return None
        found = [
            entry
            for entry in self.wrappers
            if wanted in _initials(entry.name) or plain(entry.name).startswith(wanted)
        ]
        exact = [entry for entry in found if plain(entry.name) == wanted]
        return (exact or found)[0] if len(exact or found) == 1 else None


def wrapped_argument(entry: Entry) -> str:
    """The one required argument of a layer that is itself one layer, or ""."""
    needed = [argument for argument in entry.arguments if argument.required]
    # The plural takes a list of layers, which is nothing to stand around one.
    singular = [argument.name for argument in needed if argument.kind == "layer" and argument.name[-1] != "s"]
    return singular[0] if len(needed) == len(singular) == 1 else ""


@functools.lru_cache(maxsize=4)
def names_of(catalog: Catalog) -> Names:
    """The names of a catalog."""
    return Names(catalog)


def _index(pairs: Iterable[tuple[str, Entry]]) -> dict[str, list[Entry]]:
    index: dict[str, list[Entry]] = {}
    for key, entry in pairs:
        entries = index.setdefault(key, [])
        if entry not in entries:
            entries.append(entry)
    return index


def _once(entries: Iterable[Entry]) -> list[Entry]:
    found: dict[str, Entry] = {}
    for entry in entries:
        found.setdefault(entry.name, entry)
    return list(found.values())


def _op_names(entry: Entry) -> tuple[str, ...]:
    """`ops.image.resize`, `image.resize` and `resize`."""
    name = entry.name
    return tuple(dict.fromkeys((name, name.removeprefix("ops."), name.rpartition(".")[2])))


def _humps(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: `max`, `pooling`, `2d`."""
    return tuple(hump.lower() for hump in _HUMP.findall(name))


def _initials(name: str) -> Iterator[str]:
    """`gap2d` and `gap` of `GlobalAveragePooling2D`; by words and, for `ReLU` or `RMS`, by capitals."""
    for spelling in dict.fromkeys((name, rankless(name))):
        by_word = "".join(hump if hump[0].isdigit() else hump[0] for hump in _humps(spelling))
        capitals = "".join(re.findall(r"[123]D|[A-Z]", spelling)).lower()
        for initials in dict.fromkeys((by_word, capitals)):
            if len(rankless(initials.upper())) >= _LEAST_INITIALS:
                yield initials


def _abbreviates(wanted: str, humps: Sequence[str]) -> bool:
    """Whether a word is made of the beginnings of a name's words: `batchnorm`, `upsample2d`."""
    if not wanted:
        return True
    if not humps:
        return False
    first, rest = humps[0], humps[1:]
    if first[0].isdigit():
        return wanted == first[: len(wanted)] or (
            wanted.startswith(first) and _abbreviates(wanted[len(first) :], rest)
        )
    verb = f"{first.removesuffix('ing')}e" if first.endswith("ing") else first
    for spelling in dict.fromkeys((first, verb)):
        shared = _shared(wanted, spelling)
        if any(_abbreviates(wanted[length:], rest) for length in range(shared, 1, -1)):
            return True
    return False


def _shared(first: str, second: str) -> int:
    """How many letters two words begin with alike."""
    length = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        length += 1
    return length

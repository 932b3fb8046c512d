"""What Keras and kflab offer, as data: layers, optimizers, losses, metrics, callbacks, datasets."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources

import msgspec

from kflab.catalog.entries import Argument, ArgumentKind, Entry, Kind, TensorArgument
from kflab.errors import did_you_mean

__all__ = [
    "Argument",
    "ArgumentKind",
    "Catalog",
    "Entry",
    "Kind",
    "Snapshot",
    "TensorArgument",
    "UnknownNameError",
    "load",
]


class Snapshot(msgspec.Struct, frozen=True):
    """The catalog as it is stored: the Keras version it was made from, and its entries."""

    keras: str
    entries: tuple[Entry, ...]


class UnknownNameError(LookupError):
    """A name that the catalog does not have; its text says so and gives the nearest names."""


class Catalog:
    """Every entry, by kind and name; aliases find their entry, too."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.keras = snapshot.keras
        self._by_kind: dict[Kind, dict[str, Entry]] = {kind: {} for kind in Kind}
        self._aliases: dict[Kind, dict[str, Entry]] = {kind: {} for kind in Kind}
        for entry in snapshot.entries:
            self._by_kind[entry.kind][entry.name] = entry
            self._aliases[entry.kind].update(dict.fromkeys(entry.aliases, entry))

    def find(self, kind: Kind, name: str) -> Entry | None:
        """The entry of that kind and name or alias, if there is one."""
        return self._by_kind[kind].get(name) or self._aliases[kind].get(name)

    def get(self, kind: Kind, name: str) -> Entry:
        """The entry of that kind and name or alias.

        Raises:
            UnknownNameError: there is none; the text names the nearest.
        """
        entry = self.find(kind, name)
        if entry is None:
            raise UnknownNameError(f"unknown {kind} {name!r}{did_you_mean(name, self.names(kind))}")
        return entry

    def names(self, kind: Kind) -> tuple[str, ...]:
        """The canonical names of one kind, in the catalog's order."""
        return tuple(self._by_kind[kind])

    def entries(self, kind: Kind) -> tuple[Entry, ...]:
        """The entries of one kind, in the catalog's order."""
        return tuple(self._by_kind[kind].values())

    def groups(self, kind: Kind) -> Mapping[str, tuple[Entry, ...]]:
        """The entries of one kind by group, in the order of the Keras documentation."""
        groups: dict[str, list[Entry]] = {}
        for entry in self._by_kind[kind].values():
            groups.setdefault(entry.group, []).append(entry)
        return {group: tuple(entries) for group, entries in groups.items()}


@functools.cache
def load() -> Catalog:
    """The catalog that came with this kflab."""
    stored = resources.files("kflab.catalog").joinpath("snapshot.json").read_bytes()
    return Catalog(msgspec.json.decode(stored, type=Snapshot))

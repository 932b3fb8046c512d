"""Words bound to the arguments of an entry: by name, by what only one argument takes, or in Keras' order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry
from kflab.catalog.check import OBJECT_KINDS, expected
from kflab.errors import did_you_mean
from kflab.quick_add.understood import Matched, Misread
from kflab.quick_add.values import SIZES, find_object, read_value
from kflab.quick_add.words import Word, unclosed, unquoted
from kflab.values import Arguments, Value

_KEY = re.compile(r"\s*([A-Za-z_]\w*)\s*=")
_NUMBER = re.compile(r"[-+]?(\d[\d_]*(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_SEVERAL = re.compile(r"[\[(].*[\])]|[^\"'{(\[]*,.*", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_DOTTED = re.compile(r"(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)")
_DTYPE = re.compile(r"(?:mixed_)?(?:b?float|u?int)\d+|bool|string|complex\d+")
_NO = re.compile(r"(?:no[-_]?|[-!])(?=\w)")
_NUMERIC = frozenset(
    {
        ArgumentKind.INT, ArgumentKind.FLOAT, ArgumentKind.INTS, ArgumentKind.FLOATS, ArgumentKind.SHAPE,
        ArgumentKind.LIST, ArgumentKind.SCHEDULE, ArgumentKind.ANY,
    }
)  # fmt: skip
_FRACTIONAL = frozenset({ArgumentKind.FLOAT, ArgumentKind.FLOATS, ArgumentKind.SCHEDULE})
_COUNTED = _FRACTIONAL | {ArgumentKind.INT, ArgumentKind.INTS}
_FREE = frozenset({ArgumentKind.TEXT, ArgumentKind.ANY, ArgumentKind.LIST, ArgumentKind.MAPPING})
_LEAST_BEGINNING = 3
_DEEPEST = 12


def key_of(word: Word) -> str:
    """The key of a `key=value`, or ""."""
    found = _KEY.match(word.text)
    return found[1] if found else ""


def short_name(flag: str) -> str:
    """The short name of a flag: `bias` of `use_bias`."""
    return flag.removeprefix("use_")


class Binder:
    """Binds words to the arguments of one entry, in the order they come."""

    def __init__(
        self, entry: Entry, catalog: Catalog, given: Arguments | None = None, *, depth: int = 0
    ) -> None:
        """Starts with the arguments that are given already."""
        self.entry = entry
        self.values: dict[str, Value] = dict(given or {})
        self.matched: list[Matched] = []
        self.problems: list[Misread] = []
        self._catalog = catalog
        self._depth = depth
        self._last = -1  # the argument that a number was last given to in Keras' order
        fed = entry.tensors[0].name if entry.tensors else ""
        # What feeds the node takes the place of its first tensor.
        self._places = tuple(argument for argument in entry.arguments if argument.name != fed)

    def bind(self, word: Word) -> None:
        """Takes one word; what it can not be is a problem."""
        bare = unquoted(word)
        if key_of(word):
            self._by_key(word)
        elif not (self._by_meaning(bare) or self._by_place(word) or self._by_beginning(bare)):
            self._unknown(word)

    def takes(self, word: Word) -> bool:
        """Takes one word if it fits, and else leaves everything as it was."""
        before = dict(self.values), list(self.matched), list(self.problems), self._last
        self.bind(word)
        if len(self.problems) == len(before[2]):
            return True
        self.values, self.matched, self.problems, self._last = before
        return False

    @property
    def missing(self) -> tuple[str, ...]:
        """The required arguments that nothing was given for."""
        return tuple(
            argument.name
            for argument in self.entry.arguments
            if argument.required and argument.name not in self.values
        )

    def _free(self) -> Iterator[Argument]:
        return (argument for argument in self.entry.arguments if argument.name not in self.values)

    def _give(self, argument: Argument, value: Value, word: Word) -> None:
        self.values[argument.name] = value
        self.matched.append(Matched(argument.name, value, word.start, word.end))

    def _wrong(self, word: Word, message: str) -> None:
        self.problems.append(Misread(word.start, word.end, message))

    def _read(self, argument: Argument, word: Word) -> Value:
        return read_value(argument, word, self._catalog, self._inside)

    def _inside(self, entry: Entry, words: Sequence[Word]) -> Arguments:
        """The arguments of an object inside this one."""
        if self._depth >= _DEEPEST:
            raise ValueError("it is nested too deeply")
        binder = Binder(entry, self._catalog, depth=self._depth + 1)
        for word in words:
            binder.bind(word)
        if binder.problems:
            raise ValueError(binder.problems[0].message)
        return binder.values

    # By name

    def _by_key(self, word: Word) -> None:
        key = key_of(word)
        found = self._named(key)
        if not found:
            known = [argument.name for argument in self.entry.arguments]
            takes = did_you_mean(key, known) or ("" if known else "; it takes none")
            at_key = Word(key, word.start, word.start + len(key))
            self._wrong(at_key, f"{self.entry.name} has no argument {key!r}{takes}")
            return
        fitting = [argument for argument in found if self._fits(argument, word.after("="))]
        argument = fitting[0] if len(fitting) == 1 else found[0]
        if argument.name in self.values:
            self._wrong(word, f"{argument.name} is given twice")
        elif len(found) > 1 and len(fitting) != 1:
            self._wrong(word, f"{key} begins {listed([argument.name for argument in found])}")
        else:
            self._take(argument, word, word.after("="))

    def _named(self, key: str) -> list[Argument]:
        """The argument that a key names, or those whose names it begins."""
        lower = key.lower()
        whole = [argument for argument in self.entry.arguments if argument.name.lower() == lower]
        return whole or [
            argument for argument in self.entry.arguments if argument.name.lower().startswith(lower)
        ]

    def _fits(self, argument: Argument, value: Word) -> bool:
        try:
            self._read(argument, value)
        except ValueError:
            return False
        return True

    # By what it is

    def _by_meaning(self, word: Word) -> bool:
        """Gives a word to the first argument that takes it by what it says."""
        text = word.text
        lower = text.lower()
        name = _DOTTED.match(text)
        for argument in self._free():
            if argument.kind in OBJECT_KINDS:
                if name is not None and self._is_object(argument, name[1]):
                    return self._take(argument, word)
                continue
            value: Value = next((choice for choice in argument.choices if choice.lower() == lower), None)
            if argument.kind is ArgumentKind.BOOL:
                value = self._truth(argument, lower)
            elif value is None and argument.name.endswith("dtype") and _DTYPE.fullmatch(lower):
                value = lower
            if value is not None:
                self._give(argument, value, word)
                return True
        return False

    def _truth(self, argument: Argument, word: str) -> bool | None:
        """What a word says of a flag: `use_bias` and `bias` that it is set, `nobias` and `-use_bias` not."""
        names = {argument.name, short_name(argument.name)}
        if word in names:
            return True
        no = _NO.match(word)
        return False if no and word[no.end() :] in names else None

    def _is_object(self, argument: Argument, name: str) -> bool:
        entry, _ = find_object(OBJECT_KINDS[argument.kind], name, self._catalog)
        # Where only some layers will do, no other is meant for it.
        is_layer = argument.kind is ArgumentKind.LAYER and bool(argument.choices)
        return entry is not None and (not is_layer or entry.name in argument.choices)

    def _take(self, argument: Argument, word: Word, value: Word | None = None) -> bool:
        """Gives a word to the argument that it is meant for, or says why it does not fit."""
        try:
            self._give(argument, self._read(argument, value or word), word)
        except ValueError as error:
            self._wrong(word, unclosed(word) or f"{argument.name}: {error}")
        return True

    # In Keras' order

    def _by_place(self, word: Word) -> bool:
        text = word.text
        is_number = bool(_NUMBER.fullmatch(text))
        if not (is_number or _SEVERAL.fullmatch(text) or SIZES.fullmatch(text)):
            return self._by_free_place(word)
        needed = next((place for place in self._places if self._needs(place)), None)
        if needed is not None:
            return self._take_place(needed, word)
        if is_number and self._extends(word):
            return True
        following = [
            place
            for index, place in enumerate(self._places)
            if index > self._last and place.name not in self.values
        ]
        if is_number and not _is_whole(text):
            following = [place for place in following if place.kind in _FRACTIONAL]
        if following and following[0].kind in _NUMERIC:
            return self._take_place(following[0], word)
        return self._too_many(word, following)

    def _needs(self, argument: Argument) -> bool:
        return argument.required and argument.name not in self.values

    def _take_place(self, argument: Argument, word: Word) -> bool:
        self._last = self._places.index(argument)
        return self._take(argument, word)

    def _by_free_place(self, word: Word) -> bool:
        """Gives any other word to a required argument that takes whatever comes."""
        needed = next((place for place in self._places if self._needs(place)), None)
        if needed is None or needed.kind not in _FREE:
            return False
        return self._take_place(needed, word)

    def _extends(self, word: Word) -> bool:
        """Makes one more whole number a further size of a shape: `input 28 28 1`, `permute 2 1`."""
        if self._last < 0 or not _is_whole(word.text) or not self.matched:
            return False
        argument, last = self._places[self._last], self.matched[-1]
        following = self._places[self._last + 1 : self._last + 2]
        is_shape = argument.kind is ArgumentKind.SHAPE
        is_last = argument.kind is ArgumentKind.INTS and not any(
            place.kind in _NUMERIC for place in following
        )
        if last.argument != argument.name or not (is_shape or is_last):
            return False
        sizes = last.value if isinstance(last.value, list) else [last.value]
        value: Value = [*sizes, int(word.text)]
        self.values[argument.name] = value
        self.matched[-1] = Matched(argument.name, value, last.start, word.end)
        return True

    def _too_many(self, word: Word, following: Sequence[Argument]) -> bool:
        free = [
            place.name for place in self._places if place.kind in _COUNTED and place.name not in self.values
        ]
        names = f"; by name it takes {listed(free[:3])}" if free else ""
        comes = f"; {following[0].name} comes next and is {expected(following[0])}" if following else ""
        self._wrong(word, f"{self.entry.name} has no place for {word.text}{names or comes}")
        return True

    # By its beginning

    def _by_beginning(self, word: Word) -> bool:
        """Gives a word to the flag or the choice that nothing else begins like: `return_seq`."""
        lower = word.text.lower()
        if len(lower) < _LEAST_BEGINNING or not _WORD.fullmatch(lower):
            return False
        found: list[tuple[Argument, Value]] = []
        for argument in self._free():
            if argument.kind is ArgumentKind.BOOL and argument.name.startswith(lower):
                found.append((argument, True))
            found += [(argument, choice) for choice in argument.choices if choice.lower().startswith(lower)]
        if len(found) != 1:
            return False
        self._give(*found[0], word)
        return True

    def _unknown(self, word: Word) -> None:
        text = word.text
        open_end = unclosed(word)
        argument = self.entry.argument(text.lower())
        if open_end:
            self._wrong(word, open_end)
        elif argument is not None:
            given = argument.name in self.values
            says = (
                "is given already"
                if given
                else f"needs a value, as {argument.name}=...: {expected(argument)}"
            )
            self._wrong(word, f"{argument.name} {says}")
        else:
            like = did_you_mean(text, self._takes()) or "; an argument is given as name=value"
            self._wrong(word, f"{self.entry.name} takes no {text!r}{like}")

    def _takes(self) -> Iterator[str]:
        """The words that would be taken: names of arguments, choices, and objects for one that is free."""
        for argument in self._free():
            yield argument.name
            yield from argument.choices
            if argument.kind is ArgumentKind.ACTIVATION:
                yield from self._catalog.names(OBJECT_KINDS[argument.kind])


def _is_whole(text: str) -> bool:
    return not set(text) & set(".eE")


def listed(names: Sequence[str]) -> str:
    """Names to choose from: `a, b or c`."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last

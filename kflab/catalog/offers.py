"""A dataset that kflab offers: its name, its arguments, and how it is described once they are chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Origin, TargetInfo
from kflab.catalog.entries import Argument, ArgumentKind
from kflab.errors import UnusableInputError, did_you_mean
from kflab.values import Arguments, Value


class Setting(msgspec.Struct, frozen=True):
    """An argument of a dataset with the range that its value must keep to."""

    argument: Argument
    low: float | None = None
    high: float | None = None


class Settings:
    """The arguments of a dataset, checked, with defaults filled in."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def value(self, name: str) -> Value:
        """The argument `name`."""
        return self._values[name]

    def has(self, name: str) -> bool:
        """Whether there is such an argument."""
        return name in self._values

    def whole(self, name: str) -> int:
        """The argument `name`, a whole number."""
        value = self._values[name]
        assert isinstance(value, int)
        return value

    def whole_or_none(self, name: str) -> int | None:
        """The argument `name`, a whole number or nothing."""
        return None if self._values[name] is None else self.whole(name)

    def number(self, name: str) -> float:
        """The argument `name`, a number."""
        value = self._values[name]
        assert isinstance(value, int | float)
        return float(value)

    def flag(self, name: str) -> bool:
        """The argument `name`, true or false."""
        return bool(self._values[name])

    def text(self, name: str) -> str:
        """The argument `name`, a word."""
        return str(self._values[name])


class Content(msgspec.Struct, frozen=True):
    """What a dataset holds for given settings; the fields are those of `DatasetInfo`."""

    inputs: tuple[ArrayInfo, ...]
    targets: tuple[TargetInfo, ...]
    train: int = 0
    test: int = 0


class Offer(msgspec.Struct, frozen=True):
    """A dataset that `data.source` can name.

    Attributes:
        name: what `data.source` calls it.
        origin: where it comes from.
        summary: one line about it.
        content: says what it holds for given settings.
        settings: what can be chosen about it.
        download_bytes: what the first use downloads.
        files: what Keras keeps of it in its cache, relative to the cache's `datasets` folder.
        instead: a dataset that needs no network and can stand in for it.
    """

    name: str
    origin: Origin
    summary: str
    content: Callable[[Settings], Content]
    settings: tuple[Setting, ...] = ()
    download_bytes: int = 0
    files: tuple[str, ...] = ()
    instead: str = ""

    def describe(self, arguments: Arguments) -> DatasetInfo:
        """What it holds with these arguments.

        Raises:
            UnusableInputError: an argument is unknown, or its value is not one that it takes.
        """
        held = self.content(self.fill(arguments))
        return DatasetInfo(
            name=self.name,
            origin=self.origin,
            summary=self.summary,
            inputs=held.inputs,
            targets=held.targets,
            train=held.train,
            test=held.test,
            arguments=tuple(setting.argument for setting in self.settings),
            download_bytes=self.download_bytes,
        )

    def fill(self, arguments: Arguments) -> Settings:
        """The given arguments, checked, and the defaults of the others.

        Raises:
            UnusableInputError: an argument is unknown, or its value is not one that it takes.
        """
        known = {setting.argument.name: setting for setting in self.settings}
        for name, value in arguments.items():
            path = f"data.arguments.{name}"
            if name not in known:
                takes = f"it takes {', '.join(known)}" if known else "it takes none"
                raise UnusableInputError(
                    f"{self.name} has no argument {name!r}; {takes}{did_you_mean(name, known)}", path=path
                )
            complaint = complain(known[name], value)
            if complaint:
                raise UnusableInputError(complaint, path=path)
        return Settings({name: arguments.get(name, known[name].argument.default) for name in known})


_EXPECTED = {
    ArgumentKind.INT: "a whole number",
    ArgumentKind.FLOAT: "a number",
    ArgumentKind.BOOL: "true or false",
}


def complain(setting: Setting, value: Value) -> str:
    """What is wrong with a value for an argument of a dataset; "" when nothing is."""
    argument = setting.argument
    if value is None and argument.nullable:
        return ""
    if argument.kind is ArgumentKind.CHOICE:
        expected = f"one of {', '.join(argument.choices)}"
        return "" if value in argument.choices else f"expected {expected}, got {value!r}"
    accepts: dict[ArgumentKind, type | tuple[type, ...]] = {
        ArgumentKind.INT: int,
        ArgumentKind.FLOAT: (int, float),
        ArgumentKind.BOOL: bool,
    }
    expected = _EXPECTED[argument.kind]
    is_bool = argument.kind is ArgumentKind.BOOL
    if not isinstance(value, accepts[argument.kind]) or isinstance(value, bool) is not is_bool:
        return f"expected {expected}, got {value!r}"
    if isinstance(value, int | float) and not is_bool:
        if setting.low is not None and not value >= setting.low:
            return f"expected {expected} of at least {setting.low:g}, got {value}"
        if setting.high is not None and not value <= setting.high:
            return f"expected {expected} of at most {setting.high:g}, got {value}"
    return ""


def whole(
    name: str,
    default: int | None,
    text: str,
    *,
    low: int = 1,
    high: int | None = None,
    nullable: bool = False,
) -> Setting:
    """An argument that takes a whole number."""
    return Setting(
        Argument(name=name, kind=ArgumentKind.INT, default=default, nullable=nullable, help=text), low, high
    )


def number(name: str, default: float, text: str, *, low: float = 0.0, high: float | None = None) -> Setting:
    """An argument that takes a number."""
    return Setting(Argument(name=name, kind=ArgumentKind.FLOAT, default=default, help=text), low, high)


def flag(name: str, default: bool, text: str) -> Setting:
    """An argument that takes true or false."""
    return Setting(Argument(name=name, kind=ArgumentKind.BOOL, default=default, help=text))


def choice(name: str, choices: tuple[str, ...], text: str) -> Setting:
    """An argument that takes one of several words; the first is the default."""
    return Setting(
        Argument(name=name, kind=ArgumentKind.CHOICE, default=choices[0], choices=choices, help=text)
    )

"""An experiment as a Keras script that runs alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from kflab.code import recipes
from kflab.code.blocks import Block, joined
from kflab.code.data import KEPT, DataCode, data_code
from kflab.code.layout import call, lines
from kflab.code.models import MODEL, model_code
from kflab.code.objects import ARRAY, CodeError, Objects
from kflab.code.precision import ORDERED, policy_code
from kflab.code.prose import docstring
from kflab.code.training import callbacks_code, compile_code, end_code, fit_code, weights_code
from kflab.diagnose.findings import Finding, first_error
from kflab.diagnose.structure import structure
from kflab.engine.protocol import Report
from kflab.errors import KflabError
from kflab.experiment import Experiment

Result = TypeVar("Result")

DATA = "Data"
"""The title of the section that gets the samples."""

_WORD = re.compile(r"[A-Za-z_]\w*")
_FROM = re.compile(r"from (\S+) import (\w+)")
_MODULE = re.compile(r"(?<![\w.])(layers|ops)(?=\.)")
"""The modules of Keras that are written without `keras.` in front."""

_STRING = re.compile(r""" "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' """, re.VERBOSE)


class Section(msgspec.Struct, frozen=True):
    """A part of a script.

    Attributes:
        title: what it does, in a word.
        functions: the functions that it defines.
        body: the statements after them.
    """

    title: str
    functions: tuple[Block, ...] = ()
    body: Block = Block()

    @property
    def block(self) -> Block:
        """Its lines."""
        return joined((*self.functions, self.body), blank=2)


class Script(msgspec.Struct, frozen=True):
    """A script.

    Attributes:
        title: one line that says what it is; "" where nobody said it.
        notes: what else a person wants to say about it.
        sections: its parts, in order; the first one has the imports.
        problems: what no code could be written for, in sentences.
    """

    title: str
    notes: str
    sections: tuple[Section, ...]
    problems: tuple[str, ...] = ()

    @property
    def block(self) -> Block:
        """All of its lines."""
        whole = Block(tuple(docstring(self.title, self.notes)))
        was_function = False
        for section in self.sections:
            body = section.body
            if section.title and body.lines:
                body = joined((Block((f"# {section.title}",)), body))
            part = joined((*section.functions, body), blank=2)
            whole = joined((whole, part), blank=2 if section.functions or was_function else 1)
            was_function = bool(section.functions) and not body.lines
        return whole

    @property
    def text(self) -> str:
        """The script as text."""
        return self.block.text


def write(
    experiment: Experiment,
    base: Path | None = None,
    *,
    report: Report | None = None,
    folder: Path | None = None,
) -> Script:
    """The script of an experiment.

    Args:
        experiment: the experiment.
        base: the folder that a relative path in it starts from.
        report: what Keras says of it, where that is known: which nodes return several tensors.
        folder: the folder that the script will be run in; nothing given: the current one.

    Raises:
        KflabError: the experiment cannot be built or trained; the text says why.
    """
    error = first_error(structure(experiment))
    if error:
        raise CodeError(error)
    written = _Writer(experiment, base, report, folder, with_loose=False).script()
    if written.problems:
        raise CodeError(written.problems[0])
    return written


def sketch(
    experiment: Experiment,
    base: Path | None = None,
    *,
    report: Report | None = None,
    folder: Path | None = None,
) -> Script:
    """The script of an experiment that may not be complete; `problems` say what is missing.

    Nodes that no output depends on are comments in it. The arguments are those of `write`.
    """
    return _Writer(experiment, base, report, folder, with_loose=True).script()


class _Writer:
    def __init__(
        self,
        experiment: Experiment,
        base: Path | None,
        report: Report | None,
        folder: Path | None,
        *,
        with_loose: bool,
    ) -> None:
        self._experiment, self._base, self._report, self._folder = experiment, base, report, folder
        self._with_loose = with_loose
        self._objects = Objects()
        self._problems: list[str] = []

    def script(self) -> Script:
        experiment, objects = self._experiment, self._objects
        trains = bool(experiment.data.source and experiment.training.loss)
        data = DataCode()
        if trains:
            data = self._tried(lambda: data_code(experiment, self._base, self._folder), data)
        # What weighs the samples may need functions, which stand where the data is.
        training = self._training(data) if experiment.training.loss else Section("Training")
        model = model_code(experiment, objects, self._report, _kept(data), with_loose=self._with_loose)
        problems = [*model.problems, *self._problems]
        after: list[str] = []
        if model.is_whole:
            after = weights_code(experiment, self._base, self._folder)
            after += [] if trains else lines(call(f"{MODEL}.summary"))
        # What prepares and augments the data is made before, and keeps to the usual policy.
        policy = _block(policy_code(experiment.training))
        body = joined((policy, model.body, _block(after)))
        sections = [self._data(data), Section("Model", model.functions, body)]
        if model.is_whole:
            end = end_code(data) if trains else []
            sections += [training, Section("Test" if "test" in data.parts else "Save", (), _block(end))]
        first = self._imports(data, sections)
        written = (first, *filter(_has_lines, sections))
        return Script(experiment.title, experiment.notes, written, tuple(problems))

    def _training(self, data: DataCode) -> Section:
        experiment, objects = self._experiment, self._objects
        compiled = self._tried(lambda: compile_code(experiment, objects), list[str]())
        if not data.parts:
            return Section("Training", (), _block(compiled))
        nothing: tuple[list[list[str]], list[str]] = ([], [])
        functions, callbacks = self._tried(lambda: callbacks_code(experiment, objects), nothing)
        fitted = self._tried(lambda: fit_code(experiment, data), list[str]())
        statements = [*compiled, *callbacks, *fitted]
        return Section("Training", tuple(map(_block, functions)), _block(statements))

    def _tried(self, make: Callable[[], Result], otherwise: Result) -> Result:
        try:
            return make()
        except KflabError as error:
            self._problems.append(str(error))
            return otherwise

    def _data(self, data: DataCode) -> Section:
        functions = recipes.with_needed(data.recipes)
        data.imports |= {statement for recipe in functions.values() for statement in recipe.imports}
        return Section(DATA, tuple(recipe.block for recipe in functions.values()), _block(data.lines))

    def _imports(self, data: DataCode, sections: Iterable[Section]) -> Section:
        text = joined(section.block for section in sections if section.title != DATA).text
        wanted = {"import keras", *data.imports, *(f"from keras import {name}" for name in _used(text))}
        if ARRAY in _STRING.sub('""', text):
            wanted.add("import numpy as np")
        seed = self._experiment.training.seed
        seeded = [] if seed is None else lines(call("keras.utils.set_random_seed", str(seed)))
        ordered = _block(ORDERED) if self._experiment.training.deterministic else Block()
        return Section("", (), joined((_block(_sorted(wanted)), _block(seeded), ordered), blank=1))


def _kept(data: DataCode) -> set[str]:
    """The variables of the data that are used behind the model, which must leave them alone."""
    used = (_WORD.findall(expression) for both in data.parts.values() for expression in both)
    return {*KEPT, *(name for names in used for name in names)}


def is_about_training(experiment: Experiment, finding: Finding) -> bool:
    """Whether a finding only says that there is no data or no loss yet: the model has code without them."""
    if finding.path == "data.source":
        return not experiment.data.source
    return finding.path == "training.loss"


def _has_lines(section: Section) -> bool:
    return bool(section.block.lines)


def _block(written: Iterable[str]) -> Block:
    return Block(tuple(written))


def _used(text: str) -> set[str]:
    """The modules that code refers to by their bare names."""
    return set(_MODULE.findall(_STRING.sub('""', text)))


def _sorted(statements: Collection[str]) -> list[str]:
    """Import statements in the order that people and tools expect, one for each module."""
    standard = [statement for statement in statements if _module(statement) in sys.stdlib_module_names]
    others = [statement for statement in statements if statement not in standard]
    return [*_joined(standard), *([""] if standard else []), *_joined(others)]


def _module(statement: str) -> str:
    return statement.split()[1].partition(".")[0]


def _joined(statements: Iterable[str]) -> list[str]:
    """Import statements in order; what comes from the same module is on one line."""
    plain, members = list[str](), dict[str, list[str]]()
    for statement in sorted(statements):
        found = _FROM.fullmatch(statement)
        if found:
            members.setdefault(found[1], []).append(found[2])
        else:
            plain.append(statement)
    from_modules = sorted(members.items(), key=lambda item: item[0].lower())
    return [*plain, *(f"from {module} import {', '.join(names)}" for module, names in from_modules)]

"""Opening an experiment: a preset's name, a file, or nothing yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from kflab import document, presets
from kflab.catalog import datasets
from kflab.catalog.datasets import ArrayInfo, DatasetInfo
from kflab.catalog.looks import Look
from kflab.diagnose import codes
from kflab.diagnose.findings import Finding
from kflab.engine.protocol import Report
from kflab.errors import KflabError, UnusableInputError
from kflab.experiment import Data, Experiment, Spec, Training
from kflab.graph.history import History
from kflab.graph.nodes import INPUT, Graph, Layer, Node
from kflab.tui.rows.data import dataset_help
from kflab.tui.rows.row import Option
from kflab.tui.session import Session


def open_session(path: Path) -> Session:
    """The session of a file. A preset has no file of its own: saving asks for one.

    Raises:
        UnusableInputError: the file is no experiment.
    """
    path = path.resolve()
    experiment, disk = document.read_with_state(path)
    is_preset = path.parent == presets.folder().resolve()
    return Session(
        history=History(experiment),
        path=None if is_preset else path,
        source=path.stem,
        folder=path.parent,
        saved=experiment,
        disk=None if is_preset else disk,
    )


def situated(session: Session) -> Session:
    """The session with what is known of its dataset and what is wrong with it."""
    report = None if session.stale else session.report
    info, findings = found_in(session.experiment, session.folder, report, session.look)
    return session.situated(info, findings)


def found_in(
    experiment: Experiment, folder: Path | None, report: Report | None, look: Look | None
) -> tuple[DatasetInfo | None, tuple[Finding, ...]]:
    """What the dataset of an experiment is said to hold, and what is wrong.

    Args:
        experiment: the experiment.
        folder: where relative paths start.
        report: the engine's report on it, where it has come.
        look: what was seen in its data, where it was looked at.
    """
    # Late: the graph is drawn before anything is looked for.
    from kflab.diagnose.check import check

    profile = look.profile if look else None
    info, unknown = (profile.info, "") if profile else _described(experiment.data, folder)
    found = check(experiment, info, report, folder, profile)
    if look is not None and look.unusable:
        unknown = unknown or look.error
    is_told = any(finding.path.startswith("data") or finding.explains for finding in found)
    if unknown and not is_told:
        found = (Finding(unknown, path="data.source", code=codes.DATA_DOES_NOT_FIT), *found)
    return info, found


def _described(data: Data, folder: Path | None) -> tuple[DatasetInfo | None, str]:
    """What a dataset is said to hold, or why that can not be said."""
    if not data.source:
        return None, ""
    try:
        return datasets.describe(data, folder), ""
    except UnusableInputError as problem:
        return None, problem.message


def new_session(source: str = "digits") -> Session:
    """A session with nothing but an Input for each array of a dataset; with nothing at all without one."""
    if not source:
        return Session(history=History(Experiment(model=Graph())), source="new", folder=Path.cwd())
    data = Data(source=source)
    info = datasets.describe(data)
    nodes = {array.name: Node(Layer(INPUT, _input_arguments(array))) for array in info.inputs}
    experiment = Experiment(
        data=data, model=Graph(name=source, nodes=nodes), training=Training(optimizer=Spec("Adam"))
    )
    return Session(history=History(experiment), source=f"new_{source}", folder=Path.cwd())


def _input_arguments(array: ArrayInfo) -> dict[str, list[int | None] | str]:
    arguments: dict[str, list[int | None] | str] = {"shape": list(array.shape)}
    if array.ids or array.dtype == "string":
        arguments["dtype"] = array.dtype
    return arguments


def preset_options() -> list[Option]:
    """The presets."""
    return [
        Option(name, name, group="presets", help=_words(presets.path(name)), words=("preset",))
        for name in presets.names()
    ]


def file_options(folder: Path) -> Iterator[Option]:
    """The experiments in a folder."""
    for path in sorted({*folder.glob("*.yaml"), *folder.glob("*.yml")}):
        words = _words(path)
        if words:
            yield Option(str(path), path.name, group=f"files in {folder}", help=words)


def _words(path: Path) -> str:
    """Title and notes of an experiment, read without understanding the rest; nothing where it is none."""
    try:
        text = path.read_text("utf-8", errors="replace")[:20_000]
    except OSError:
        return ""
    if not re.search(r"^kflab:", text, re.MULTILINE):
        return ""
    found = [_field(text, name) for name in ("title", "notes", "result")]
    return "\n\n".join(part for part in found if part) or path.name


def _field(text: str, name: str) -> str:
    match = re.search(rf"^{name}:[ \t]*(.*(?:\n(?:[ \t]+.*|(?=\n)))*)", text, re.MULTILINE)
    if match is None:
        return ""
    lines = [line.strip() for line in match[1].splitlines()]
    if lines and lines[0] in {">", "|", ">-", "|-", ">+", "|+"}:
        lines = lines[1:]
    return " ".join(line for line in lines if line).strip("'\"")


def dataset_choices() -> list[Option]:
    """The datasets that a new experiment can start with, and none."""
    choices = []
    for name in datasets.names():
        info = datasets.describe(Data(source=name))
        choices.append(Option(name, name, group=info.origin, help=dataset_help(info), words=(info.origin,)))
    return [*choices, Option("", "no data yet", help="An empty graph; the setup chooses the data later.")]


def save_path(text: str, folder: Path) -> Path:
    """The file that a person means by `text`; an ending is added where there is none.

    Raises:
        KflabError: it is a folder, or in no folder that is there.
    """
    path = Path(text).expanduser()
    path = path if path.is_absolute() else folder / path
    if not path.suffix:
        path = path.with_suffix(".yaml")
    if path.suffix not in {".yaml", ".yml"}:
        raise KflabError(f"{path.name}: expected the name of a .yaml file")
    if path.is_dir():
        raise KflabError(f"{path} is a folder; expected a file")
    if not path.parent.is_dir():
        raise KflabError(f"there is no folder {path.parent}")
    if path.parent.resolve() == presets.folder().resolve():
        raise KflabError("the presets' own folder; save your experiment elsewhere")
    return path

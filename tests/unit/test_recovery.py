"""Recovery files: what was not saved comes back, whatever happened to the lab, the folder or the file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from kflab import document, paths, presets, recovery
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.graph.history import History
from kflab.graph.nodes import Layer, Node
from kflab.recovery import Speller, Unsaved
from kflab.runs.process import identify


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("KFLAB_STATE_DIR", str(folder))
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "work" / "model.yaml"
    path.parent.mkdir()
    path.write_text(presets.path("digits_mlp").read_text())
    return path


def edited(history: History, units: int) -> History:
    model = history.now.model
    first, number = next(iter(model.nodes)), len(model.nodes)
    added = Node(Layer("Dense", {"units": units}), (first,))
    graph = msgspec.structs.replace(model, nodes={**model.nodes, f"dense_{number}": added})
    return history.edit(msgspec.structs.replace(history.now, model=graph), f"add dense_{number}")


def unsaved_of(path: Path | None, history: History, source: str = "model") -> Unsaved:
    base = document.read_with_state(path)[1] if path else None
    return Speller().unsaved(
        history, path=path, source=source, folder=Path.cwd(), base=base, edits=len(history.done)
    )


def of_dead_process(unsaved: Unsaved) -> Unsaved:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        owner = identify(process.pid)
    return msgspec.structs.replace(unsaved, process=owner)


def history_of(path: Path, steps: int = 3) -> History:
    history = History(document.read(path))
    for step in range(steps):
        history = edited(history, 10 + step)
    return history


def test_what_was_kept_comes_back_with_what_can_be_undone(file: Path) -> None:
    history = history_of(file)
    place = recovery.keep(unsaved_of(file, history))
    assert place == file.with_name(".model.yaml.kflab-unsaved")
    assert place.stat().st_mode & 0o777 == 0o600
    (found,) = recovery.find(file)
    assert found.unsaved is not None
    assert found.unsaved.history() == msgspec.structs.replace(history, undone=())
    assert found.unsaved.edits == 3
    assert found.unsaved.base == document.read_with_state(file)[1]
    recovery.remove(place)
    assert recovery.find(file) == []


def test_a_place_is_written_again_and_again_and_nothing_else_is_left(file: Path) -> None:
    history, place = history_of(file, 1), None
    for units in range(5):
        history = edited(history, units + 1)
        place = recovery.keep(unsaved_of(file, history), place)
    assert sorted(path.name for path in file.parent.iterdir()) == [".model.yaml.kflab-unsaved", "model.yaml"]
    assert recovery.find(file)[0].unsaved.experiment() == history.now  # type: ignore[union-attr]


def test_two_labs_on_one_file_do_not_take_each_others_place(file: Path) -> None:
    first = recovery.keep(unsaved_of(file, history_of(file, 1)))
    second = recovery.keep(unsaved_of(file, history_of(file, 2)))
    assert first != second
    assert [len(found.unsaved.steps) for found in recovery.find(file) if found.unsaved] == [2, 1]


def test_a_living_lab_is_told_from_one_that_has_crashed(file: Path) -> None:
    unsaved = unsaved_of(file, history_of(file))
    assert not unsaved.is_open  # this process itself
    assert not of_dead_process(unsaved).is_open
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        alive = msgspec.structs.replace(unsaved, process=identify(process.pid))
        assert alive.is_open
        earlier = msgspec.structs.replace(alive.process, start=alive.process.start - 100)
        # The number went to another process meanwhile.
        assert not msgspec.structs.replace(alive, process=earlier).is_open
        elsewhere = msgspec.structs.replace(alive.process, host="another")
        assert not msgspec.structs.replace(alive, process=elsewhere).is_open


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b'{"format": 1}',
        b"null",
        b"[" * 100_000,
        b'{"format": 99, "source": "x"}',
    ],
)
def test_a_damaged_file_is_told_and_set_aside(file: Path, content: bytes) -> None:
    place = file.with_name(".model.yaml.kflab-unsaved")
    place.write_bytes(content)
    (found,) = recovery.find(file)
    assert found.unsaved is None
    assert found.problem
    aside = recovery.set_aside(place)
    assert aside.read_bytes() == content
    assert recovery.find(file) == []


def test_every_torn_file_is_damaged_and_nothing_worse(file: Path) -> None:
    place = recovery.keep(unsaved_of(file, history_of(file, 1)))
    whole = place.read_bytes()
    for length in range(1, len(whole), 97):
        place.write_bytes(whole[:length])
        (found,) = recovery.find(file)
        assert found.unsaved is None
        assert found.problem
    place.write_bytes(b"")  # taken by a lab that ended before it wrote: nothing to offer, nothing to tell
    assert recovery.find(file) == []


def test_an_experiment_that_is_none_any_more_is_damaged(file: Path) -> None:
    unsaved = unsaved_of(file, history_of(file))
    strange = msgspec.structs.replace(unsaved, document=msgspec.Raw(b'{"kflab": 1, "model": 3}'))
    with pytest.raises(recovery.DamagedError):
        strange.experiment()
    step = msgspec.structs.replace(unsaved.steps[0], document=msgspec.Raw(b"3"))
    partly = msgspec.structs.replace(unsaved, steps=(step, *unsaved.steps[1:]))
    assert [step.name for step in partly.history().done] == [step.name for step in unsaved.steps[1:]]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_can_not_be_written_leaves_the_state_folder(file: Path) -> None:
    file.parent.chmod(0o500)
    try:
        place = recovery.keep(unsaved_of(file, history_of(file)))
        assert place.parent == paths.state_dir() / "unsaved"
        assert [found.place for found in recovery.find(file)] == [place]
        assert recovery.find_nameless() == []
    finally:
        file.parent.chmod(0o700)


def test_a_folder_that_went_leaves_the_state_folder(file: Path) -> None:
    history = history_of(file)
    unsaved = unsaved_of(file, history)
    place = recovery.keep(unsaved)
    for path in file.parent.iterdir():
        path.unlink()
    file.parent.rmdir()
    file.parent.write_text("a file where the folder was")
    again = recovery.keep(unsaved, place)
    assert again.parent == paths.state_dir() / "unsaved"
    assert recovery.find(file)[0].place == again


def test_no_place_at_all_is_told(file: Path, state_dir: Path) -> None:
    state_dir.write_text("no folder")
    unsaved = msgspec.structs.replace(unsaved_of(file, history_of(file)), file="")
    with pytest.raises(KflabError, match="can not be kept"):
        recovery.keep(unsaved)


def test_experiments_without_a_file_are_found_by_what_they_were_made_from(file: Path) -> None:
    history = history_of(file)
    recovery.keep(unsaved_of(None, history, "new_digits"))
    recovery.keep(unsaved_of(None, history, "digits_mlp"))
    assert {found.unsaved.name for found in recovery.find_nameless() if found.unsaved} == {
        "new_digits",
        "digits_mlp",
    }
    (found,) = recovery.find_nameless("digits_mlp")
    assert found.unsaved is not None
    assert found.unsaved.experiment() == history.now


def test_only_so_many_bytes_of_history_are_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = history_of(file, 80)
    assert len(unsaved_of(file, history).steps) == recovery.MOST_STEPS
    monkeypatch.setattr(recovery, "MOST_STEP_BYTES", 20_000)
    steps = unsaved_of(file, history).steps
    assert 0 < len(steps) < recovery.MOST_STEPS
    assert [step.name for step in steps] == [step.name for step in history.done[-len(steps) :]]


def test_an_experiment_is_spelled_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spelled: list[Experiment] = []
    encode = document.encode
    monkeypatch.setattr(
        document, "encode", lambda experiment: spelled.append(experiment) or encode(experiment)
    )
    speller, history = Speller(), history_of(file, 3)
    for units in range(3):
        history = edited(history, 20 + units)
        speller.unsaved(history, path=file, source="model", folder=None, base=None, edits=1)
    assert len(spelled) == len({id(experiment) for experiment in spelled}) == 7


def test_the_difference_is_told_in_yaml(file: Path) -> None:
    lines = recovery.difference(unsaved_of(file, history_of(file, 1)), file.read_text())
    assert any(line.startswith("+") and "Dense: {units: 10}" in line for line in lines)
    assert lines[0].startswith("--- model.yaml")


def test_a_file_that_somebody_else_has_written_is_not_overwritten(file: Path) -> None:
    experiment, state = document.read_with_state(file)
    file.write_text(file.read_text() + "# theirs\n")
    with pytest.raises(document.ChangedOnDiskError):
        document.write(experiment, file, expecting=state)
    assert file.read_text().endswith("# theirs\n")
    assert sorted(path.name for path in file.parent.iterdir()) == ["model.yaml"]
    _, now = document.read_with_state(file)
    after = document.write(edited(History(experiment), 7).now, file, expecting=now)
    assert "# theirs" in file.read_text()
    assert document.read_with_state(file)[1] == after


def test_a_file_that_was_only_touched_has_not_changed(file: Path) -> None:
    experiment, state = document.read_with_state(file)
    os.utime(file, ns=(1, 1))
    document.write(edited(History(experiment), 7).now, file, expecting=state)
    assert "units: 7" in file.read_text()


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to(file)
    document.write(edited(History(document.read(link)), 7).now, link)
    assert link.is_symlink()
    assert "units: 7" in file.read_text()

"""Problems in the lab: listed, gone to, fixed, switched off, explained, and what data and runs add."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from kflab import presets
from kflab.catalog.datasets import describe
from kflab.catalog.looks import Look
from kflab.catalog.profiles import Profile
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.rules.rule import Rule, rule
from kflab.experiment import Data, Experiment
from kflab.graph import edits
from kflab.graph.nodes import Layer
from kflab.runs.listing import list_runs
from kflab.tui.app import Lab
from kflab.tui.headless import screen_text
from kflab.tui.keys import Pane
from kflab.tui.screens.explanation import Explanation
from kflab.tui.screens.lab import LabScreen
from kflab.tui.widgets.form import Form
from kflab.tui.widgets.problems import ProblemsPane
from kflab.values import Value
from tests.tui.conftest import (
    OpenLab,
    engine_of,
    graph_of,
    lab_of,
    wait_for,
    wait_for_lab,
    wait_for_text,
)


def use(monkeypatch: pytest.MonkeyPatch, *found: Rule) -> None:
    """Lets these rules alone be looked for."""
    monkeypatch.setattr("kflab.diagnose.rules.ALL", found)


@rule("KF901", "too-few-filters", Severity.WARNING)
def too_few(facts: Facts) -> Iterator[Finding]:
    """A convolution has few filters.

    It sees little.

        left: {Conv2D: {filters: 16}}
    """
    for name in ("left", "right"):
        node = facts.experiment.model.nodes.get(name)
        if node is not None and isinstance(node.target, Layer) and node.target.arguments["filters"] == 16:
            fix = Fix("use 32", (Assign(("model", "nodes", name, "Conv2D", "filters"), 32),))
            yield Finding(f"{name} has 16 filters", Severity.WARNING, node=name, fix=fix)


@rule("KF902", "short-training", Severity.INFO)
def short(facts: Facts) -> Iterator[Finding]:
    """Few epochs."""
    if facts.experiment.training.epochs < 5:
        fix = Fix("train 20 epochs", (Assign(("training", "epochs"), 20),), safe=False)
        yield Finding("3 epochs are few", Severity.INFO, path="training.epochs", fix=fix)


@rule("KF903", "no-training", Severity.ERROR)
def impossible(facts: Facts) -> Iterator[Finding]:
    """It can not be trained."""
    yield Finding("it is all wrong", node="digit")


def pane_of(pilot: Pilot[None]) -> ProblemsPane:
    return pilot.app.screen.query_one(ProblemsPane)


def listed(pilot: Pilot[None]) -> list[str]:
    return [row.finding.code if row.finding else row.heading for row in pane_of(pilot).rows]


def filters_of(pilot: Pilot[None], name: str) -> Value:
    target = graph_of(pilot).nodes[name].target
    assert isinstance(target, Layer)
    return target.arguments["filters"]


def lab_screen(pilot: Pilot[None]) -> LabScreen:
    screen = pilot.app.screen
    assert isinstance(screen, LabScreen)
    return screen


async def test_an_empty_list_teaches(open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch)
    async with open_lab() as pilot:
        await pilot.press("p")
        await wait_for_text(pilot, "Nothing is wrong.")
        await wait_for_text(pilot, "K tells what it will cost")
        await pilot.press("p")
        await wait_for_text(pilot, "image · Input")


async def test_the_worst_come_first_and_the_header_counts_them(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, short, too_few, impossible)
    async with open_lab() as pilot:
        await wait_for_text(pilot, "1 ✗ 2 ▲")
        await pilot.press("p")
        await wait_for(pilot, lambda: listed(pilot) == ["KF903", "KF901", "KF901", "KF902"])
        await wait_for_text(pilot, "1 error · 2 warnings · 1 note")
        assert "it is all wrong" in screen_text(pilot.app)


async def test_enter_goes_to_the_node_and_to_the_setting(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, short, too_few)
    async with open_lab() as pilot:
        await pilot.press("p", "down", "enter")
        assert lab_of(pilot).now.selected == "right"
        assert lab_screen(pilot).pane is Pane.GRAPH
        await pilot.press("p", "end", "enter")
        assert lab_screen(pilot).pane is Pane.SETUP
        current = pilot.app.screen.query_one("#setup", Form).current
        assert current is not None
        assert current.label == "epochs"


async def test_enter_goes_into_the_nested_model(open_lab: OpenLab) -> None:
    path = presets.path("digits_autoencoder")
    async with open_lab(path=path) as pilot:
        lab = lab_of(pilot)
        odd = Finding("is odd", graph="encoder", node="edges", code="KF107")
        engine_of(pilot).complain = lambda _: (odd,)
        lab.put(lab.now.edited(edits.rename(lab.now.experiment, "encoder", "halved", "smaller")))
        await wait_for(pilot, lambda: any(found.message == "is odd" for found in lab.now.findings))
        await pilot.press("p", "home")
        place = next(
            at for at, row in enumerate(pane_of(pilot).rows) if row.finding and row.finding.node == "edges"
        )
        await pilot.press(*["down"] * place, "enter")
        assert (lab.now.graph_name, lab.now.selected) == ("encoder", "edges")
        await pilot.press("escape")
        assert lab.now.graph_name == ""


async def test_f_fixes_in_one_step_and_the_cursor_stays(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, short, too_few)
    async with open_lab() as pilot:
        await pilot.press("p", "down", "f")
        await wait_for(pilot, lambda: listed(pilot) == ["KF901", "KF902"])
        lab = lab_of(pilot)
        assert filters_of(pilot, "right") == 32
        assert [step.name for step in lab.now.history.done] == ["use 32"]
        assert pane_of(pilot).current is not None
        await pilot.press("u")
        await wait_for(pilot, lambda: listed(pilot) == ["KF901", "KF901", "KF902"])


async def test_f_fixes_from_the_graph_and_from_the_setup(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, short, too_few)
    async with open_lab() as pilot:
        lab = lab_of(pilot)
        await pilot.press("f")  # The Input has nothing to fix.
        assert not lab.now.history.done
        await pilot.press("j", "f")
        await wait_for(pilot, lambda: [step.name for step in lab.now.history.done] == ["use 32"])
        assert filters_of(pilot, "left") == 32
        await pilot.press("g", "f")
        await wait_for(pilot, lambda: lab.now.experiment.training.epochs == 20)


async def test_all_that_is_safe_is_fixed_in_one_step(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, short, too_few)
    async with open_lab() as pilot:
        lab = lab_of(pilot)
        await pilot.press("p", "F")
        await wait_for(pilot, lambda: listed(pilot) == ["KF902"])
        assert [step.name for step in lab.now.history.done] == ["fix 2 problems"]
        assert lab.now.experiment.training.epochs == 3


async def test_what_an_earlier_fix_has_mended_is_not_fixed_again(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def few_epochs(code: str, better: int) -> Rule:
        @rule(code, "few-epochs", Severity.WARNING)
        def find(facts: Facts) -> Iterator[Finding]:
            """Few epochs."""
            if facts.experiment.training.epochs < 5:
                fix = Fix(f"train {better} epochs", (Assign(("training", "epochs"), better),))
                yield Finding("few epochs", Severity.WARNING, path="training.epochs", fix=fix)

        return find

    use(monkeypatch, few_epochs("KF905", 20), few_epochs("KF906", 10))
    async with open_lab() as pilot:
        lab = lab_of(pilot)
        await pilot.press("p", "F")
        await wait_for(pilot, lambda: not lab.now.findings)
        assert lab.now.experiment.training.epochs == 20
        assert [step.name for step in lab.now.history.done] == ["train 20 epochs"]


async def test_a_rule_is_switched_off_in_the_document(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch, experiment_file: Path
) -> None:
    use(monkeypatch, short, too_few)
    async with open_lab() as pilot:
        await pilot.press("p", "i")
        await wait_for(pilot, lambda: listed(pilot) == ["KF902"])
        assert lab_of(pilot).now.experiment.ignore == ("KF901",)
        await pilot.press("w")
        await wait_for(pilot, lambda: "KF901" in experiment_file.read_text())


async def test_the_whole_explanation_is_read(open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, too_few)
    async with open_lab() as pilot:
        await pilot.press("p")
        await wait_for_text(pilot, "A convolution has few filters.")
        await pilot.press("x")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, Explanation))
        await wait_for_text(pilot, "left: {Conv2D: {filters: 16}}")
        await pilot.press("escape")
        await wait_for_lab(pilot)
        assert not lab_of(pilot).now.history.done
        await pilot.press("x", "f")
        await wait_for_lab(pilot)
        await wait_for(pilot, lambda: [step.name for step in lab_of(pilot).now.history.done] == ["use 32"])


async def test_rows_stay_while_the_engine_works(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        engine = engine_of(pilot)
        engine.complain = lambda it: (
            Finding("one", node="left", code="KF107"),
            Finding("two", node="right", code="KF107"),
        )
        await pilot.press("end", "o")
        await wait_for(pilot, lambda: len(lab_of(pilot).now.findings) > 1)
        await pilot.press("p", "home", "down")
        before = [row.key for row in pane_of(pilot).rows]
        current = pane_of(pilot).current
        engine.hold.clear()
        await pilot.press("u")
        await wait_for(pilot, lambda: any(row.pending for row in pane_of(pilot).rows))
        assert [row.key for row in pane_of(pilot).rows] == before
        assert pane_of(pilot).current == current
        engine.hold.set()
        await wait_for(pilot, lambda: not any(row.pending for row in pane_of(pilot).rows))


async def test_a_run_with_errors_is_refused_by_name(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch, runs_dir: Path
) -> None:
    use(monkeypatch, impossible)
    async with open_lab() as pilot:
        await pilot.press("t")
        await wait_for_text(pilot, "Not started, 1 error: KF903 digit: it is all wrong")
    assert list_runs(runs_dir) == []


async def test_what_is_seen_in_the_data_reaches_the_rules(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch, seen: dict[str, Look]
) -> None:
    @rule("KF904", "few-samples", Severity.WARNING)
    def few(facts: Facts) -> Iterator[Finding]:
        """Few samples."""
        if facts.profile is not None and facts.profile.train < 10:
            yield Finding("only 7 samples", Severity.WARNING, path="data.source")

    use(monkeypatch, few)
    seen["digits"] = Look(Profile(describe(Data(source="digits")), train=7))
    async with open_lab() as pilot:
        await wait_for_text(pilot, "1 ▲")
        assert lab_of(pilot).now.profile is not None
        lab = lab_of(pilot)
        lab.put(lab.now.edited_to(_on("iris", lab), "other data"))
        await wait_for(pilot, lambda: not lab.now.looking)
        assert lab.now.profile is None
        await pilot.press("u")
        assert lab.now.profile is not None  # It is remembered.


def _on(source: str, lab: Lab) -> Experiment:
    return msgspec.structs.replace(lab.now.experiment, data=Data(source=source))


async def test_data_that_can_not_be_used_is_an_error(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch, seen: dict[str, Look]
) -> None:
    use(monkeypatch)
    seen["digits"] = Look(error="digits.csv: row 12 has 3 fields, expected 4", unusable=True)
    async with open_lab() as pilot:
        await wait_for_text(pilot, "1 ✗")
        assert lab_of(pilot).now.errors[0].path == "data.source"


async def test_a_run_that_is_over_is_judged(
    open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch, stub_trainer: Callable[..., None]
) -> None:
    use(monkeypatch)
    found = (Finding("it learns by heart from epoch 3", Severity.WARNING, code="KF201"),)
    monkeypatch.setattr("kflab.diagnose.verdict.verdict_on", lambda *_, **__: found)
    stub_trainer("--epochs", "2", "--pace", "0.001")
    async with open_lab() as pilot:
        await pilot.press("t")
        await wait_for_text(pilot, "▲ KF201 it learns by heart from epoch 3")
        await pilot.press("p")
        await wait_for(pilot, lambda: listed(pilot) == ["After the run", "KF201"])

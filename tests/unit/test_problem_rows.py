"""What the rows of the problems say, which place each is about, and where the cursor stays."""

from __future__ import annotations

import pytest

from kflab import catalog, document, presets
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, Remove
from kflab.graph.history import History
from kflab.tui.problems import (
    AFTER_THE_RUN,
    Problem,
    counts_text,
    going_to,
    pieces,
    place_after,
    problems,
    reflowed,
    row_about,
    rows_above,
    trail_to,
    widths,
)
from kflab.tui.rows.node import node_rows
from kflab.tui.rows.setting import Setting
from kflab.tui.rows.setup import setup_rows
from kflab.tui.session import Session
from kflab.tui.training_facts import verdict_lines

WRONG = Finding("Concatenate expected the same shapes", node="joined", code="KF008")
ODD = Finding(
    "it is\nodd", Severity.WARNING, path="training.loss", code="KF022", fix=Fix("mend", (Remove("a"),))
)
NOTE = Finding("no seed", Severity.INFO, path="training.seed", code="KF035")
NAMELESS = Finding("no code", Severity.WARNING, graph="encoder", node="edges")


def written(rows: list[Problem], width: int) -> list[str]:
    return ["".join(words for words, _ in pieces(row, widths(rows, width))) for row in rows]


@pytest.mark.parametrize("width", [10, 20, 30, 50, 76, 200])
def test_rows_line_up_and_none_is_wider_than_there_is_room(width: int) -> None:
    rows = problems([NOTE, ODD, WRONG, NAMELESS], [NOTE])
    drawn = written(rows, width)
    assert max(map(len, drawn)) <= max(width, len(AFTER_THE_RUN))
    assert all("\n" not in line for line in drawn)
    if width >= 76:
        assert (
            len(
                {
                    line.index(word)
                    for line, word in zip(drawn, ("Conc", "it is", "no code", "no seed"), strict=False)
                }
            )
            == 1
        )


def test_the_worst_come_first_and_each_has_a_mark_of_its_own() -> None:
    rows = problems([NOTE, ODD, WRONG])
    assert [line[0] for line in written(rows, 80)] == ["✗", "▲", "i"]
    assert [row.fixable for row in rows] == [False, True, False]
    assert counts_text([NOTE, ODD, WRONG, ODD]) == "1 error · 2 warnings · 1 note"


def test_codes_and_signs_of_fixes_take_no_room_where_there_are_none() -> None:
    [line] = written(problems([NAMELESS]), 60)
    assert line == "▲ encoder/edges  no code"


def test_what_a_run_turned_out_to_be_stands_below_a_heading() -> None:
    rows = problems([WRONG], [NOTE, ODD])
    assert [row.finding or row.heading for row in rows] == [WRONG, AFTER_THE_RUN, NOTE, ODD]
    assert [row.heading for row in problems([WRONG], [])] == [""]


def test_rows_keep_their_places_while_shapes_are_worked_out() -> None:
    before = problems([WRONG, ODD])
    waiting = problems([ODD], before=before, stale=True)
    assert [(row.finding, row.pending) for row in waiting] == [(WRONG, True), (ODD, False)]
    assert [row.finding for row in problems([ODD], before=waiting)] == [ODD]
    fresh = problems([ODD, NOTE], before=before, stale=True)
    assert [row.finding for row in fresh] == [WRONG, ODD, NOTE]


def test_the_cursor_stays_on_its_problem_or_else_in_its_place() -> None:
    before = problems([WRONG, ODD, NOTE])
    assert place_after(before, 1, problems([ODD, NOTE])) == 0
    assert place_after(before, 1, problems([WRONG, NOTE])) == 1
    assert place_after(before, 2, problems([WRONG])) == 0
    assert place_after(before, 0, []) == 0
    other_words = Finding("other shapes", node="joined", code="KF008")
    assert place_after(before, 0, problems([other_words, ODD])) == 0


def test_several_of_one_rule_at_one_place_are_told_apart() -> None:
    one, two = (Finding(words, node="joined", code="KF008") for words in ("first", "second"))
    before = problems([one, two])
    assert place_after(before, 1, problems([one, two])) == 1
    assert [row.finding for row in problems([one, two], before=before, stale=True)] == [one, two]


def test_the_way_to_a_nested_model() -> None:
    experiment = document.read(presets.path("digits_autoencoder"))
    session = Session(history=History(experiment))
    assert trail_to(experiment, "encoder") == ("encoder",)
    shown = going_to(session, Finding("", graph="encoder", node="edges"))
    assert shown is not None
    assert (shown.trail, shown.selected) == (("encoder",), "edges")
    back = going_to(shown, Finding("", node="decoded"))
    assert back is not None
    assert (back.trail, back.selected) == ((), "decoded")
    assert going_to(session, Finding("", graph="gone", node="edges")) is None
    assert going_to(session, Finding("", node="gone")) is None


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("data", "dataset"),
        ("data.source", "dataset"),
        ("data.validation", "validation"),
        ("data.scale", "scale"),
        ("training.batch_size", "batch_size"),
        ("training.seed", "seed"),
        ("training.loss", "loss"),
        ("training.loss.digit", "loss"),
        ("training.loss.digit.from_logits", "from_logits"),
        ("training.metrics", "metrics"),
        ("training.optimizer", "optimizer"),
        ("training.optimizer.Adam.learning_rate", "learning_rate"),
        ("training.callbacks.EarlyStopping", "EarlyStopping"),
        ("training.callbacks.EarlyStopping.restore_best_weights", "restore_best_weights"),
        ("training.callbacks.ReduceLROnPlateau.monitor", "monitor"),
        ("ignore", "ignore"),
        ("title", "title"),
    ],
)
def test_a_setting_is_found_among_the_rows(path: str, label: str) -> None:
    experiment = document.read(presets.path("digits_branches"))
    rows = setup_rows(Setting(catalog.load(), experiment))
    row = row_about(rows, path)
    assert row is not None
    assert row.label == label
    if label == "monitor":
        assert "ReduceLROnPlateau" in row.key
        assert [above.label for above in rows_above(rows, row)] == ["ReduceLROnPlateau"]


def test_an_argument_of_a_node_is_found_among_its_rows() -> None:
    experiment = document.read(presets.path("digits_branches"))
    rows = node_rows(catalog.load(), experiment, "", "left")
    row = row_about(rows, "kernel_size")
    assert row is not None
    assert row.label == "kernel_size"
    assert row_about(rows, "no_such_argument") is None


def test_a_verdict_takes_a_line_or_two_and_says_where_the_rest_is() -> None:
    for found, count in (([NOTE], 1), ([ODD, NOTE], 1), ([ODD, WRONG, NOTE], 2), ([NOTE, NOTE], 1), ([], 0)):
        lines = verdict_lines(found, 60)
        drawn = ["".join(run.text for run in line) for line in lines]
        assert len(drawn) == count
        assert all(len(line) <= 60 for line in drawn)
        assert not drawn or drawn[-1].endswith("more on p") == (len(found) > count)


def test_paragraphs_are_wrapped_anew_and_examples_are_not() -> None:
    text = "One\nline.\n\n    a: 1\n    b: 2\n\nAnd\nanother."
    assert reflowed(text) == "One line.\n\n    a: 1\n    b: 2\n\nAnd another."

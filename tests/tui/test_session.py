"""The lab's state as a value."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kflab import catalog, document, presets
from kflab.catalog import Kind
from kflab.diagnose.findings import Finding, Severity
from kflab.engine.protocol import Report
from kflab.experiment import Data
from kflab.graph import edits
from kflab.graph.edits import Edited
from kflab.graph.history import History
from kflab.tui.layer_text import layer_text
from kflab.tui.opening import new_session, open_session, situated
from kflab.tui.rows.node import node_rows, target_options
from kflab.tui.rows.row import Row
from kflab.tui.rows.setting import Setting
from kflab.tui.rows.setup import setup_rows
from kflab.tui.screens.choose import matches
from kflab.tui.session import Session
from kflab.tui.text import bytes_text, count_text, fit, shape_text, to_ascii
from tests.tui.conftest import BRANCHES

EXPERIMENT = document.read_text(BRANCHES)
START = Session(history=History(EXPERIMENT), saved=EXPERIMENT)


def test_an_edit_is_unsaved_until_it_is_undone() -> None:
    edited = START.edited(edits.delete(EXPERIMENT, "", "pooled"))
    assert edited.unsaved
    assert not edited.undone().unsaved
    assert edited.undone().redone().experiment == edited.experiment


def test_selection_survives_edits_and_falls_back_to_what_came_before() -> None:
    session = START.selecting("digit").edited(edits.delete(EXPERIMENT, "", "pooled"))
    added = START.edited(edits.add_after(EXPERIMENT, "", "pooled", EXPERIMENT.model.nodes["pooled"].target))
    assert session.undone().selected in EXPERIMENT.model.nodes
    assert added.selected != "pooled"
    assert added.undone().selected == "pooled"


def test_report_is_stale_after_an_edit_of_the_model_only() -> None:
    told = START.told(Report(), EXPERIMENT)
    assert not told.stale
    [epochs] = [row for row in setup_rows(Setting(catalog.load(), EXPERIMENT)) if row.label == "epochs"]
    assert epochs.apply is not None
    assert not told.edited(epochs.apply(EXPERIMENT, 7)).stale
    assert told.edited(edits.delete(EXPERIMENT, "", "pooled")).stale


def test_worst_finding_marks_the_node() -> None:
    findings = (
        Finding("odd", severity=Severity.WARNING, node="left"),
        Finding("wrong", node="left"),
        Finding("elsewhere", node="gone"),
    )
    session = START.situated(None, findings)
    assert session.marks() == {"left": Severity.ERROR}
    assert [finding.message for finding in session.findings_of("left")] == ["wrong", "odd"]


def test_finding_in_a_nested_model_marks_its_calls() -> None:
    session = open_session(presets.path("digits_autoencoder"))
    model = next(iter(session.experiment.models))
    inner = next(iter(session.experiment.models[model].nodes))
    marked = session.situated(None, (Finding("wrong", graph=model, node=inner),))
    assert len(marked.marks()) == 1
    assert marked.entering(model).marks() == {inner: Severity.ERROR}


def test_new_experiment_says_what_it_lacks() -> None:
    session = situated(new_session("iris"))
    assert session.errors
    assert session.unsaved
    assert session.path is None


def test_an_experiment_without_data_asks_for_it_and_a_wrong_name_is_told() -> None:
    session = situated(new_session(""))
    assert session.info is None
    assert [finding.path for finding in session.findings if finding.path == "data.source"] == ["data.source"]
    setting = Setting(catalog.load(), session.experiment, session.info, session.folder, session.findings)
    row = next(row for row in setup_rows(setting) if row.label == "dataset")
    assert (row.shown, row.changed, row.severity) == ("none chosen", False, Severity.ERROR)
    wrong = msgspec.structs.replace(session.experiment, data=Data(source="irsi"))
    told = situated(session.edited(Edited(wrong, "data irsi"))).findings
    assert any("did you mean iris" in finding.message for finding in told)


def test_every_preset_has_rows_for_every_node_and_a_setup() -> None:
    known = catalog.load()
    for name in presets.names():
        session = situated(open_session(presets.path(name)))
        for graph in ("", *session.experiment.models):
            for node in session.experiment.graph(graph).nodes:
                assert node_rows(known, session.experiment, graph, node)
                assert layer_text(known, session.experiment.graph(graph), node)
        setting = Setting(known, session.experiment, session.info, session.folder, session.findings)
        labels = [row.label for row in setup_rows(setting)]
        assert {"dataset", "optimizer", "batch_size", "epochs"} <= set(labels)
        assert set(known.names(Kind.CALLBACK)) - set(labels) == {
            entry.name for entry in known.entries(Kind.CALLBACK) if entry.unsafe
        }


def test_every_row_of_the_setup_applies_its_own_value_and_resets() -> None:
    setting = Setting(catalog.load(), EXPERIMENT, situated(START).info)
    for row in setup_rows(setting):
        if row.apply and row.value is not None and not row.label.startswith("metrics"):
            assert document.encode(row.apply(EXPERIMENT, row.value).experiment)
        if row.reset:
            assert document.encode(row.reset(EXPERIMENT).experiment)


def test_callback_is_switched_on_with_its_arguments_below() -> None:
    known = catalog.load()
    row = _row(setup_rows(Setting(known, EXPERIMENT)), "EarlyStopping")
    assert row.shown == "off"
    assert row.apply is not None
    changed = row.apply(EXPERIMENT, row.next_value()).experiment
    rows = setup_rows(Setting(known, changed))
    assert _row(rows, "EarlyStopping").shown == "on"
    assert _row(rows, "patience").indent == 1


def _row(rows: list[Row], label: str) -> Row:
    return next(row for row in rows if row.label == label)


def test_palette_finds_by_name_alias_and_group() -> None:
    options = target_options(catalog.load(), EXPERIMENT, "")
    assert matches(options, "dense")[0].label == "Dense"
    assert matches(options, "conv2d")[0].label == "Conv2D"
    assert matches(options, "add")[0].label in {"Add", "ops.add"}
    assert {option.group for option in matches(options, "pooling")} >= {"pooling"}
    assert matches(options, "no such thing") == []


def test_words_of_columns() -> None:
    assert shape_text((8, None, 16)) == "8×?×16"
    assert shape_text(()) == "scalar"
    assert count_text(1_392_097) == "1,392,097"
    assert count_text(1_392_097, narrow=True) == "1.39 M"
    assert count_text(160_000_000_000, narrow=True) == "160 G"
    assert bytes_text(512) == "512 B"
    assert bytes_text(3_500_000) == "3.5 MB"
    assert fit("GlobalAveragePooling2D", 8) == "GlobalA…"
    assert to_ascii("├─● 3×3…") == "+-* 3x3~"


def test_row_of_text_shows_what_matters() -> None:
    known = catalog.load()
    assert layer_text(known, EXPERIMENT.model, "left") == "Conv2D 16 3×3 relu"
    assert layer_text(known, EXPERIMENT.model, "joined") == "Concatenate"
    siamese = open_session(presets.path("digits_siamese")).experiment
    shared = [layer_text(known, siamese.model, name) for name in siamese.model.nodes]
    assert any(" = " in text for text in shared)


def test_presets_are_never_saved_over() -> None:
    assert open_session(presets.path("digits_mlp")).path is None
    assert Path(open_session(presets.path("digits_mlp")).folder or "").is_dir()

"""Marks in the session: per graph, in order, and through edits, undo and new names."""

from __future__ import annotations

from kflab import catalog, document, presets
from kflab.graph import edits
from kflab.graph.history import History
from kflab.graph.nodes import Layer
from kflab.quick_add import understand
from kflab.quick_add.chains import add_chain, changed_to
from kflab.tui.session import Session


def opened(preset: str) -> Session:
    return Session(history=History(document.read(presets.path(preset))))


def test_marks_keep_their_order_and_outlive_edits_as_far_as_their_nodes_do() -> None:
    session = opened("digits_branches").marking("right", "left", "mixed")
    assert session.subjects == ("right", "left", "mixed")
    without = session.edited(edits.delete(session.experiment, "", "left"))
    assert without.marked == ("right", "mixed")
    assert without.undone().marked == ("right", "left", "mixed")
    added = session.edited(edits.add_after(session.experiment, "", "left", Layer("ReLU")))
    assert added.marked == session.marked


def test_an_edit_that_they_were_made_for_takes_the_marks_away() -> None:
    session = opened("digits_branches").marking("right", "left")
    merged = session.edited(edits.add_merge(session.experiment, "", session.marked, Layer("Add")))
    assert merged.marked == ()
    assert merged.subjects == ("add",)


def test_each_graph_has_marks_of_its_own() -> None:
    session = opened("digits_autoencoder").marking("encoded")
    inside = session.entering("encoder")
    assert inside.marked == ()
    assert inside.marking("edges").leaving().marked == ("encoded",)


def test_marks_selection_and_the_way_in_follow_new_names() -> None:
    session = opened("digits_autoencoder").marking("encoded").entering("encoder").marking("edges", "code")
    session = session.selecting("halved")
    renamed = session.edited(edits.rename(session.experiment, "encoder", "edges", "lines"))
    assert renamed.marked == ("lines", "code")
    model = renamed.edited(edits.rename_model(renamed.experiment, "encoder", "squeeze"))
    assert model.trail == ("squeeze",)
    assert (model.marked, model.selected) == (("lines", "code"), "lines")
    assert model.leaving().marked == ("encoded",)


def test_marks_selection_and_the_way_in_follow_names_that_are_undone() -> None:
    session = opened("digits_autoencoder").marking("encoded").entering("encoder").marking("edges", "code")
    session = session.selecting("edges")
    model = session.edited(edits.rename_model(session.experiment, "encoder", "squeeze"))
    node = model.edited(edits.rename(model.experiment, "squeeze", "edges", "lines"))
    undone = node.undone()
    assert (undone.trail, undone.marked, undone.selected) == (("squeeze",), ("edges", "code"), "edges")
    undone = undone.undone()
    assert (undone.trail, undone.marked, undone.selected) == (("encoder",), ("edges", "code"), "edges")
    assert undone.leaving().marked == ("encoded",)
    redone = undone.redone().redone()
    assert (redone.trail, redone.marked, redone.selected) == (("squeeze",), ("lines", "code"), "lines")
    # Names of a graph that is not shown follow just as well.
    outside = redone.leaving().undone().entering("squeeze")
    assert (outside.marked, outside.selected) == (("edges", "code"), "edges")


def test_undoing_a_new_name_and_layer_selects_the_node_by_its_old_name() -> None:
    session = opened("digits_branches").selecting("left")
    segments = understand("lens: depthwiseconv2d | bn", catalog.load(), session.experiment).segments
    added = add_chain(session.experiment, "", segments, changed_to("", "left"))
    changed = session.edited(added.edited)
    assert changed.selected == "batch_normalization"
    assert changed.undone().selected == "left"


def test_a_model_that_goes_while_it_is_shown_leads_back_out() -> None:
    session = opened("digits_autoencoder")
    session = session.edited(edits.delete(session.experiment, "", "decoded")).entering("decoder")
    assert session.edited(edits.delete_model(session.experiment, "decoder")).trail == ()

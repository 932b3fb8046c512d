"""The lab's state as one immutable value: the experiment, its history, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from kflab.catalog.datasets import DatasetInfo
from kflab.catalog.looks import Look
from kflab.catalog.profiles import Profile
from kflab.diagnose.findings import Finding, Severity, worst_first
from kflab.document.files import FileState
from kflab.engine.protocol import GraphReport, Report, Smoked
from kflab.experiment import Experiment
from kflab.graph.edits import Edited
from kflab.graph.folding import Folding, at_first, folds_of, hiding
from kflab.graph.history import SAME_NAMES, History, Renamed
from kflab.graph.nodes import Graph
from kflab.graph.order import topological
from kflab.graph.picture import Picture, picture


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """All that the screen is drawn from.

    Attributes:
        history: the experiment as it is, was, and would be again.
        path: its file; none for a preset or a new one.
        source: what it was opened from, in a word: a preset's name.
        folder: where relative paths of data start.
        saved: the experiment as its file has it.
        disk: the state of the file when it was read or written last; none where there is no file.
        trail: the nested models that were gone into; the last is shown.
        selections: the selected node of each graph, by the graph's name.
        markings: the nodes of each graph that were marked, in that order, by the graph's name.
        foldings: what of each graph is folded, by the graph's name, where somebody has folded or unfolded it.
        inside: the key of the row under the cursor where that is one inside a call, which can only be read.
        report: what the engine said last.
        reported: the experiment that it said that of.
        info: what the dataset holds.
        findings: what is wrong.
        look: what was seen in the data; none where it was not looked at.
        looking: it is being looked at.
        verdict: what the run that is followed turned out to be, once it is over.
        smoked: what the last smoke step measured.
        smoked_of: the experiment that it was of.
    """

    history: History
    path: Path | None = None
    source: str = ""
    folder: Path | None = None
    saved: Experiment | None = None
    disk: FileState | None = None
    trail: tuple[str, ...] = ()
    selections: Mapping[str, str] = {}
    markings: Mapping[str, tuple[str, ...]] = {}
    foldings: Mapping[str, Folding] = {}
    inside: str = ""
    report: Report | None = None
    reported: Experiment | None = None
    info: DatasetInfo | None = None
    findings: tuple[Finding, ...] = ()
    look: Look | None = None
    looking: bool = False
    verdict: tuple[Finding, ...] = ()
    smoked: Smoked | None = None
    smoked_of: Experiment | None = None

    @property
    def experiment(self) -> Experiment:
        """The experiment as it is."""
        return self.history.now

    @property
    def graph_name(self) -> str:
        """The graph that is shown: a nested model, or "" for the main one."""
        return self.trail[-1] if self.trail else ""

    @property
    def graph(self) -> Graph:
        """The graph that is shown."""
        return self.experiment.graph(self.graph_name)

    @property
    def selected(self) -> str:
        """The selected node of the graph that is shown, or "" where it has none."""
        chosen = self.selections.get(self.graph_name, "")
        return chosen if chosen in self.graph.nodes else next(iter(self.graph.nodes), "")

    @property
    def marked(self) -> tuple[str, ...]:
        """The marked nodes of the graph that is shown, in the order they were marked."""
        nodes = self.graph.nodes
        return tuple(name for name in self.markings.get(self.graph_name, ()) if name in nodes)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The nodes that an action for several acts on: the marked ones, or those under the cursor."""
        return self.marked or self.block or ((self.selected,) if self.selected else ())

    @property
    def block(self) -> tuple[str, ...]:
        """The nodes of the fold under the cursor, where it stands on one."""
        shown = self.picture
        row = shown.row_of.get(self.row)
        fold = shown.lines[row].fold if row is not None else None
        return fold.nodes if fold else ()

    @property
    def folding(self) -> Folding:
        """What of the graph that is shown is folded; at first, it depends on the size it was opened with."""
        known = self.foldings.get(self.graph_name)
        if known is not None:
            return known
        opened = self.history.done[0].experiment if self.history.done else self.experiment
        is_there = not self.graph_name or self.graph_name in opened.models
        return at_first(opened.graph(self.graph_name) if is_there else self.graph)

    @property
    def picture(self) -> Picture:
        """The rows of the graph that is shown."""
        return picture(self.experiment, self.graph_name, self.folding)

    @property
    def row(self) -> str:
        """The key of the row under the cursor: the selected node's, or one inside the call that it is."""
        return self.inside if self.inside in self.picture.row_of else self.selected

    @property
    def on_node(self) -> bool:
        """Whether the cursor stands on a node of the graph that is shown, not on a fold or inside a call."""
        shown = self.picture
        row = shown.row_of.get(self.row)
        return row is not None and shown.lines[row].fold is None and not shown.lines[row].depth

    @property
    def unsaved(self) -> bool:
        """Whether there is something that no file has."""
        return self.experiment is not self.saved and self.experiment != self.saved

    @property
    def edits(self) -> int:
        """How many edits are not saved, as far as the history tells."""
        done, undone = self.history.done, self.history.undone
        if not self.unsaved:
            return 0
        for steps in (done, undone):
            for back, step in enumerate(reversed(steps), start=1):
                if step.experiment is self.saved:
                    return back
        return len(done)

    @property
    def stale(self) -> bool:
        """Whether the report is about an earlier state of the model."""
        now, then = self.experiment, self.reported
        if then is None:
            return True
        return now is not then and (now.model, now.models) != (then.model, then.models)

    @property
    def graph_report(self) -> GraphReport:
        """What the engine said last of the graph that is shown."""
        if self.report is None:
            return GraphReport()
        if not self.graph_name:
            return self.report.model
        return self.report.models.get(self.graph_name, GraphReport())

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop a run."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    def marks(self) -> dict[str, Severity]:
        """The worst finding of each node that is shown; those of a nested model stand at its calls, too.

        What only explains marks no node.
        """
        marks: dict[str, Severity] = {}
        for finding in self.findings:
            if finding.severity is Severity.INFO:
                continue
            for name in self._nodes_of(finding):
                if marks.get(name) is not Severity.ERROR:
                    marks[name] = finding.severity
        return marks

    def notes(self) -> dict[str, str]:
        """What the worst finding of each node says."""
        notes: dict[str, str] = {}
        for finding in worst_first(self.findings):
            for name in self._nodes_of(finding) if finding.severity is not Severity.INFO else ():
                notes.setdefault(name, finding.message)
        return notes

    def findings_of(self, name: str) -> tuple[Finding, ...]:
        """What is wrong with one node of the graph that is shown, errors first."""
        found = [finding for finding in self.findings if name in self._nodes_of(finding)]
        return worst_first(found)

    def _nodes_of(self, finding: Finding) -> tuple[str, ...]:
        if finding.graph == self.graph_name:
            return (finding.node,) if finding.node in self.graph.nodes else ()
        if not finding.graph:
            return ()
        return tuple(
            name
            for name, node in self.graph.nodes.items()
            if getattr(node.target, "model", "") == finding.graph
        )

    def selecting(self, name: str) -> Session:
        """The session with another node selected; a fold that hides it opens."""
        selections = {**self.selections, self.graph_name: name}
        return msgspec.structs.replace(self, selections=selections, inside="")._revealing(name)

    def _revealing(self, name: str) -> Session:
        if hiding(self.graph, self.folding, name) is None:
            return self
        return self.folded_to(self.folding.revealing(folds_of(self.graph), name))

    def standing_on(self, key: str) -> Session:
        """The session with the cursor on a row of the picture, which may be a fold or inside a call."""
        shown = self.picture
        if key not in shown.row_of:
            return self
        line = shown.lines[shown.row_of[key]]
        name = key.partition("/")[0] if line.depth else line.node
        selections = {**self.selections, self.graph_name: name}
        return msgspec.structs.replace(self, selections=selections, inside=key if line.depth else "")

    def folded_to(self, folding: Folding) -> Session:
        """The session with something else of the graph folded."""
        return msgspec.structs.replace(self, foldings={**self.foldings, self.graph_name: folding})

    def marking(self, *names: str) -> Session:
        """The session with these nodes of the graph that is shown marked, and no others."""
        return msgspec.structs.replace(self, markings={**self.markings, self.graph_name: names})

    def entering(self, model: str) -> Session:
        """The session with a nested model shown."""
        return msgspec.structs.replace(self, trail=(*self.trail, model), inside="")

    def leaving(self) -> Session:
        """The session with the graph shown that the nested model was entered from."""
        return msgspec.structs.replace(self, trail=self.trail[:-1], inside="")

    def edited(self, edited: Edited) -> Session:
        """The session after an edit."""
        renamed = Renamed(self.graph_name, edited.renamed, edited.renamed_models)
        changed = self._with(self.history.edit(edited.experiment, edited.name, renamed), renamed)
        changed = changed.marking() if edited.settles and changed.marked else changed
        return changed.selecting(edited.node) if edited.node else changed

    def _following(self, renamed: Renamed) -> Session:
        """The session that says of nodes and nested models by their new names what it said by the old."""
        return msgspec.structs.replace(
            self,
            trail=tuple(map(renamed.model, self.trail)),
            selections={
                renamed.model(graph): renamed.node(graph, name) for graph, name in self.selections.items()
            },
            markings={
                renamed.model(graph): tuple(renamed.node(graph, name) for name in names)
                for graph, names in self.markings.items()
            },
            foldings={
                renamed.model(graph): folding.following(renamed.nodes) if graph == renamed.graph else folding
                for graph, folding in self.foldings.items()
            },
            inside="",
        )

    def edited_to(self, experiment: Experiment, name: str) -> Session:
        """The session with another experiment in place of its own, as one edit."""
        return self._with(self.history.edit(experiment, name))

    def with_history(self, history: History) -> Session:
        """The session with another history."""
        return self._with(history)

    def undone(self) -> Session:
        """The session with the last edit taken back."""
        done = self.history.done
        return self._with(self.history.undo(), done[-1].renamed.back() if done else SAME_NAMES)

    def redone(self) -> Session:
        """The session with the last undone edit done again."""
        undone = self.history.undone
        return self._with(self.history.redo(), undone[-1].renamed if undone else SAME_NAMES)

    def _with(self, history: History, renamed: Renamed = SAME_NAMES) -> Session:
        """The session with another experiment; what was selected stays, or what came before it is instead."""
        named = self._following(renamed) if renamed else self
        trail = named.trail
        while trail and trail[-1] not in history.now.models:
            trail = trail[:-1]
        changed = msgspec.structs.replace(named, history=history, trail=trail)
        graph = changed.graph
        stays = trail == named.trail
        selected = renamed.node(self.graph_name, self.selected)
        if stays and selected not in graph.nodes:
            order = topological(self.graph)
            before = order[: order.index(self.selected)] if self.selected in order else ()
            sources = self.graph.nodes[self.selected].sources() if self.selected else ()
            near = (renamed.node(self.graph_name, name) for name in (*sources, *reversed(before)))
            kept = next((name for name in near if name in graph.nodes), "")
            return changed.selecting(kept) if kept else changed
        hidden = hiding(self.graph, self.folding, self.selected)
        if stays and hidden is not None and selected == changed.selected:
            now = hiding(graph, changed.folding, selected)
            if now is None or now.key == hidden.key:
                return changed  # The cursor stood on a fold, and may go on to.
        return changed._revealing(changed.selected)

    def told(self, report: Report, experiment: Experiment) -> Session:
        """The session with an answer of the engine."""
        return msgspec.structs.replace(self, report=report, reported=experiment)

    @property
    def profile(self) -> Profile | None:
        """The figures of the data, where it was looked at."""
        return self.look.profile if self.look else None

    def looked(self, look: Look | None, *, looking: bool = False) -> Session:
        """The session with what was seen in the data, or with nothing seen as yet."""
        return msgspec.structs.replace(self, look=look, looking=looking)

    def measured(self, smoked: Smoked, experiment: Experiment) -> Session:
        """The session with what a smoke step of an experiment measured."""
        return msgspec.structs.replace(self, smoked=smoked, smoked_of=experiment)

    def saved_to(self, path: Path, experiment: Experiment, disk: FileState) -> Session:
        """The session after an experiment was written to a file; it may have been edited meanwhile.

        Args:
            path: the file.
            experiment: what was written.
            disk: the state of the file now.
        """
        return msgspec.structs.replace(
            self, path=path, source=path.stem, folder=path.parent, saved=experiment, disk=disk
        )

    def on_disk(self, saved: Experiment | None, disk: FileState | None) -> Session:
        """The session after its file was found to hold something else, or nothing that can be read."""
        return msgspec.structs.replace(self, saved=saved, disk=disk)

    def reloaded(self, saved: Experiment, disk: FileState) -> Session:
        """The session with what its file holds now; what it was before can be had back by undo."""
        changed = self.edited_to(saved, f"load {self.source} from disk")
        return msgspec.structs.replace(changed, saved=changed.experiment, disk=disk)

    def situated(self, info: DatasetInfo | None, findings: tuple[Finding, ...]) -> Session:
        """The session with what is known of the dataset and what is wrong."""
        return msgspec.structs.replace(self, info=info, findings=findings)

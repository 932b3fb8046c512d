"""Copies of the marked nodes or the selected one: beside them, or for pasting here or in another lab."""

from __future__ import annotations

from kflab import clipboard
from kflab.errors import KflabError
from kflab.graph import edits
from kflab.graph.edits import Clip
from kflab.tui.actions.base import LabBase
from kflab.tui.text import plural


class ClipboardActions(LabBase):
    """What the keys do with copies."""

    def __init__(self) -> None:
        super().__init__()
        self._unshared: Clip | None = None  # what could not be written where other labs find it

    def action_duplicate(self) -> None:
        """Copies nodes beside themselves."""
        graph, names = self.session.graph_name, self.session.subjects
        self.edit(lambda experiment: edits.duplicate(experiment, graph, names))

    def action_copy(self) -> None:
        """Copies nodes for pasting."""
        session = self.session
        clip = edits.copy(session.experiment, session.graph_name, session.subjects)
        self._keep(clip, "copied")
        self.lab.put(self.session.marking())

    def action_cut(self) -> None:
        """Takes nodes away, for pasting elsewhere."""
        session = self.session
        try:
            clip, edited = edits.cut(session.experiment, session.graph_name, session.subjects)
        except KflabError as refusal:
            self.say(str(refusal))
            return
        self.lab.put(session.edited(edited))
        self._keep(clip, "cut")

    def _keep(self, clip: Clip, done: str) -> None:
        self._unshared = None
        try:
            clipboard.keep(clip)
        except KflabError as problem:
            self._unshared = clip
            self.say(str(problem), error=True)
            return
        what = next(iter(clip.nodes)) if len(clip.nodes) == 1 else plural(len(clip.nodes), "node")
        self.say(f"{done} {what}; P pastes, in any lab of yours")

    def action_paste(self) -> None:
        """Puts what was copied last, in this lab or another one, after the selected node."""
        try:
            clip = self._unshared or clipboard.kept()
        except KflabError as problem:
            self.say(str(problem), error=True)
            return
        if clip is None:
            self.say("Nothing was copied yet: Y copies the selected node, or the marked ones.")
            return
        graph, after = self.session.graph_name, self.session.selected
        self.edit(lambda experiment: edits.paste(experiment, graph, after, clip))

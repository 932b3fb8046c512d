"""Looking at the data: figures, points and samples, leafed through beside the keys."""

from __future__ import annotations

import enum
import textwrap
from dataclasses import dataclass, field

from rich.text import Text

from kflab.catalog.looks import Asked, Look, Sample, ask
from kflab.catalog.profiles import Profile
from kflab.pictures.cells import Line, Tone, cut, said
from kflab.pictures.style import Style
from kflab.tui.actions.base import LabBase
from kflab.tui.data_link import look
from kflab.tui.keys import Pane
from kflab.tui.session import Session
from kflab.tui.text import plural
from kflab.tui.widgets.data import DataPane

BATCH = 60
"""Samples that are fetched at a time: to leaf among them takes no time."""


class View(enum.Enum):
    """What the pane shows of the data."""

    FIGURES = "figures"
    POINTS = "points"
    SAMPLES = "samples"


@dataclass
class Leafing:
    """Where a person is in the samples, and those that have been fetched.

    Attributes:
        view: what is shown.
        label: the class that is shown alone; "" for all.
        augmented: whether samples are shown with what augmentation makes of them.
        about: the look at the data that they belong to.
        answer: what came with the newest of them.
        fetched: those that came, by their place among all of the class.
        is_fetching: more are on their way.
        first: the place of the first that is shown.
        shown: how many there was room for.
        turned: the first ones of the pages before.
    """

    view: View = View.FIGURES
    label: str = ""
    augmented: bool = False
    about: Look | None = None
    answer: Look | None = None
    fetched: dict[int, Sample] = field(default_factory=dict)
    is_fetching: bool = False
    first: int = 0
    shown: int = 0
    turned: list[int] = field(default_factory=list)

    def forget(self) -> None:
        """Gives up what was fetched, and goes back to the first sample."""
        self.answer, self.fetched, self.is_fetching = None, {}, False
        self.first, self.shown, self.turned = 0, 0, []

    def at_hand(self) -> list[Sample]:
        """The samples from the first that is shown on."""
        places = range(self.first, self.first + BATCH)
        return [self.fetched[at] for at in places if at in self.fetched]

    def lacks(self) -> bool:
        """Whether samples have to be fetched: those at hand, or, in time, those of the next pages."""
        if self.is_fetching or (self.answer is not None and self.answer.error):
            return False
        return self.answer is None or len(self.at_hand()) < min(BATCH // 2, self.answer.of - self.first)

    def next(self) -> None:
        """Goes to the next page, where there is one."""
        if self.shown and self.answer is not None and self.first + self.shown < self.answer.of:
            self.turned.append(self.first)
            self.first += self.shown

    def previous(self) -> None:
        """Goes back to the page before, where there is one."""
        if self.turned:
            self.first = self.turned.pop()

    def told(self) -> str:
        """Which samples are shown, in a few words."""
        if self.answer is None or self.answer.error:
            return ""
        last = min(self.first + self.shown, self.answer.of)
        told = f"{self.first + 1:,}–{last:,} of {self.answer.of:,}" if last else "none"
        return f"{told} of class {self.label}" if self.label else told


class DataActions(LabBase):
    """What the keys do with the data."""

    def __init__(self) -> None:
        super().__init__()
        self._leafing = Leafing()

    @property
    def pane(self) -> Pane:
        """The pane that has the focus."""
        raise NotImplementedError

    def compose_data(self) -> DataPane:
        """The pane."""
        return DataPane(lambda action: getattr(self, f"action_{action}")(), id="data")

    def action_data(self) -> None:
        """The data in place of the node, and back."""
        self.go(Pane.NODE if self.pane is Pane.DATA else Pane.DATA)

    # What is shown

    def show_data(self, session: Session) -> None:
        """Draws what is known of the data."""
        at = self._leafing
        if session.look is not at.about:
            at.about = session.look
            if at.label not in _classes(session.profile):
                at.label = ""
            at.forget()
        # Figures are looked at first, and meanwhile the samples come.
        if session.profile is not None and at.lacks():
            self._fetch()
        pane = self.query_one(DataPane)
        pane.show(self._draw, (at.view, at.label, at.first))
        self._entitle_data(session)

    def _entitle_data(self, session: Session) -> None:
        pane = self.query_one(DataPane)
        name, profile = session.experiment.data.source, session.profile
        told = plural(profile.train, "training sample") if profile is not None and profile.train else ""
        if profile is not None and self._leafing.view is View.SAMPLES:
            told = self._leafing.told()
        # Names and labels may hold what looks like markup.
        pane.border_title, pane.border_subtitle = Text(f"Data · {name}" if name else "Data"), Text(told)

    def _draw(self, style: Style, rows: int) -> list[Line]:
        at, session = self._leafing, self.session
        if not session.experiment.data.source:
            return _said(_TEACHING, style)
        if session.look is None:
            return _said("Looking at the data …", style)
        if session.profile is None:
            return _failed(session.look, style)
        if at.view is View.FIGURES:
            # The first frame of the lab needs none of what draws data.
            from kflab.pictures.overview import overview

            return overview(session.profile, style)
        if at.answer is not None and at.answer.error:
            return _failed(at.answer, style)
        if at.view is View.POINTS and at.answer is not None and at.answer.points is not None:
            from kflab.pictures.dots import scatter

            return scatter(at.answer.points, style.width, rows, style.depth, plain=style.plain)
        chosen = at.at_hand()
        if not chosen:
            return _said("Fetching samples …" if at.is_fetching else "There are no samples.", style)
        from kflab.pictures import samples

        page = samples.page(chosen, style, rows)
        at.shown = page.shown
        return page.lines

    # Samples

    def _fetch(self) -> None:
        """Asks for the samples at hand and for those that come next."""
        at, session = self._leafing, self.session
        at.is_fetching = True
        asked = ask(
            session.experiment,
            str(session.folder or ""),
            samples=2 * BATCH,
            skip=at.first,
            label=at.label,
            profile=False,
            augmented=at.augmented,
        )
        self.run_worker(self._take_samples(asked, at.about), group="samples", exclusive=True)

    async def _take_samples(self, asked: Asked, about: Look | None) -> None:
        answer = await look(asked)
        at = self._leafing
        if about is not at.about or (asked.label, asked.augmented) != (at.label, at.augmented):
            return  # Other data, or another class, is asked for by now.
        at.is_fetching, at.answer = False, answer
        at.fetched |= {asked.skip + place: sample for place, sample in enumerate(answer.samples)}
        self.show_data(self.session)

    # What the keys do

    def action_data_view(self) -> None:
        """Turns from the figures to the points and the samples, and back."""
        info = self.session.info
        in_plane = info is not None and len(info.inputs) == 1 and info.inputs[0].shape == (2,)
        views = [view for view in View if in_plane or view is not View.POINTS]
        at = views.index(self._leafing.view) if self._leafing.view in views else 0
        self._turn_to(views[(at + 1) % len(views)])

    def _turn_to(self, view: View) -> None:
        self._leafing.view = view
        self.show_data(self.session)

    def action_data_next(self) -> None:
        """Leafs on to the next samples."""
        if self._leafing.view is View.SAMPLES:
            self._leafing.next()
        self._turn_to(View.SAMPLES)

    def action_data_previous(self) -> None:
        """Leafs back to the samples before."""
        self._leafing.previous()
        self._turn_to(View.SAMPLES)

    def action_data_next_class(self) -> None:
        """Shows the samples of the next class alone."""
        self._turn_class(1)

    def action_data_previous_class(self) -> None:
        """Shows the samples of the class before alone."""
        self._turn_class(-1)

    def _turn_class(self, step: int) -> None:
        classes, at = _classes(self.session.profile), self._leafing
        if len(classes) < 2:
            self.say("There are no classes to choose from.")
            return
        now = classes.index(at.label) if at.label in classes else 0
        at.label = classes[(now + step) % len(classes)]
        at.forget()
        self._turn_to(View.SAMPLES)

    def action_data_augmented(self) -> None:
        """Shows beside each image what augmentation makes of it, or no longer."""
        self._leafing.augmented = not self._leafing.augmented
        self._leafing.forget()
        self._turn_to(View.SAMPLES)


_TEACHING = "No data is chosen yet: g opens the setup, where source names a dataset, a file or a folder."


def _classes(profile: Profile | None) -> tuple[str, ...]:
    """The classes of the first target that has any, and in front of them what stands for all."""
    if profile is None:
        return ("",)
    for target in profile.info.targets:
        array = profile.raw.get(target.name)
        if array is not None and array.classes:
            return ("", *(one.label for one in array.classes))
    return ("",)


def _said(text: str, style: Style, tone: Tone = Tone.QUIET) -> list[Line]:
    return [said(cut(line, style.width), tone) for line in textwrap.wrap(text, style.width)]


def _failed(found: Look, style: Style) -> list[Line]:
    """Why nothing is there to see: what can be downloaded is no fault."""
    return _said(found.error, style, Tone.QUIET if found.missing else Tone.ERROR)

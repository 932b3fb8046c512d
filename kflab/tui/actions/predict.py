"""Predictions: what the model of a run says of samples, cell by cell and one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from kflab import paths
from kflab.errors import KflabError, UnusableInputError
from kflab.pictures.cells import Line, Tone, cut, said
from kflab.pictures.style import Style
from kflab.predict.results import Kind, OutputResult, Predictions, SampleResult, Which
from kflab.tui.actions.base import LabBase
from kflab.tui.keys import Pane
from kflab.tui.text import plural
from kflab.tui.widgets.predict import PredictPane

_ABOVE = 4  # lines of the pane above the first row of the matrix


class PredictActions(LabBase):
    """What the keys do with predictions."""

    def __init__(self) -> None:
        super().__init__()
        self._predictions: Predictions | None = None
        self._predicted_run: Path | None = None
        self._predict_problem = ""
        self._is_predicting = False
        self._which: Which | None = None
        self._source = ""
        self._output_name = ""
        self._cell = (0, 0)
        self._listed: tuple[str, Sequence[SampleResult]] | None = None
        self._first_listed = 0
        self._shown_listed = 0
        self._pages: list[int] = []

    @property
    def pane(self) -> Pane:
        """The pane that has the focus."""
        raise NotImplementedError

    @property
    def followed_dir(self) -> Path | None:
        """The folder of the run that is followed."""
        raise NotImplementedError

    @property
    def training_alive(self) -> bool:
        """Whether the followed run is at work."""
        raise NotImplementedError

    def action_back(self) -> None:
        """Goes back to the graph."""
        raise NotImplementedError

    def compose_predict(self) -> PredictPane:
        """The pane."""
        return PredictPane(lambda action: getattr(self, f"action_{action}")(), id="predict")

    def action_predict(self) -> None:
        """The predictions in place of the node, and back."""
        self.go(Pane.NODE if self.pane is Pane.PREDICT else Pane.PREDICT)

    # What is predicted

    def open_predict(self) -> None:
        """Predicts where that was not done yet, and shows what there is."""
        self.show_predict()
        self.run_worker(self._ask_for_predictions(), group="predict", exclusive=True)

    def predict_after_run(self) -> None:
        """Predicts anew when the run that is followed has ended, if somebody looks."""
        is_seen = self.query_one(PredictPane).display
        if is_seen and not self._is_predicting and not self.training_alive:
            is_new = self._predicted_run != self.followed_dir
            is_early = self._predictions is not None and self._predictions.model == "best" and not self._which
            if self.followed_dir is not None and (is_new or is_early):
                self.open_predict()

    async def _ask_for_predictions(self) -> None:
        from kflab.predict.asking import Asked
        from kflab.tui.predict_link import predict

        run_dir = self.followed_dir or await asyncio.to_thread(_newest_with_a_model)
        self._predict_problem = ""
        if run_dir != self._predicted_run:
            self._predictions, self._listed, self._cell = None, None, (0, 0)
        self._predicted_run = run_dir
        if run_dir is None:
            self.show_predict()
            return
        self._is_predicting = True
        self.show_predict()
        try:
            answer = await predict(Asked(str(run_dir), "test", self._source, self._which))
            if answer.predictions is None and "no test split" in answer.error:
                answer = await predict(Asked(str(run_dir), "validation", self._source, self._which))
        except (KflabError, OSError) as problem:
            self._predictions, self._predict_problem = None, str(problem)
            if isinstance(problem, UnusableInputError) and self.training_alive:
                self._predict_problem = "No model yet: the first one is kept after an epoch."
        else:
            if answer.predictions is not self._predictions:
                self._listed = None
            self._predictions, self._predict_problem = answer.predictions, answer.error
            self._settle_on_outputs()
        self._is_predicting = False
        self.show_predict()

    def _settle_on_outputs(self) -> None:
        output = self._output
        if output is None:
            return
        if self._predictions is not None and output.kind is Kind.CLASSES and output.accuracy is None:
            # Nothing is known to be true, so there is no matrix to choose from.
            self.action_predict_open()
            return
        count = len(output.matrix)
        true, named = self._cell
        if not count or (max(self._cell) < count and output.matrix[true][named] and self._cell != (0, 0)):
            return
        from kflab.pictures.confusion import mistakes

        found = mistakes(output)
        most = max(range(count), key=lambda number: output.matrix[number][number])
        # The most frequent mistake is what one would look for first.
        self._cell = (found[0].true, found[0].predicted) if found else (most, most)

    @property
    def _output(self) -> OutputResult | None:
        found = self._predictions
        if found is None:
            return None
        return found.output(self._output_name) or found.output("")

    # What is shown

    def show_predict(self) -> None:
        """Draws what was predicted, or why nothing was."""
        pane = next(iter(self.query(PredictPane)), None)
        if pane is None:
            return  # The lab was left meanwhile.
        pane.show(
            self._draw_predictions,
            (self._predicted_run, self._listed and self._listed[0], self._first_listed),
        )
        found = self._predictions
        title = "Predictions"
        if found is not None:
            where = Path(found.source).name if found.source else f"{found.split} split"
            title += f" · {found.model} model · {where}"
        told = "predicting…" if self._is_predicting else ""
        if found is not None and not told:
            count = (
                f"{found.samples:,} samples"
                if found.samples == found.of
                else (f"{found.samples:,} of {found.of:,} samples")
            )
            # Of a run that is followed, the training pane tells the name.
            told = count if self.followed_dir else f"{count} · {found.run}"
        pane.border_title, pane.border_subtitle = Text(title), Text(told)

    def _draw_predictions(self, style: Style, rows: int) -> list[Line]:
        from kflab.pictures import predicted

        found, output = self._predictions, self._output
        if found is None or output is None:
            return self._nothing_predicted(style)
        if self._listed is not None:
            return self._samples(style, rows, found)
        lines = [said(cut(predicted.figures(found, output), style.width), Tone.TITLE), ()]
        if output.matrix:
            return lines + self._matrix(style, rows, output)
        if output.points:
            lines += predicted.scatter(output, style, max(4, min(16, rows - 6)))
            lines += [(), said("enter lists the samples that are off the most", Tone.QUIET)]
            return lines
        if output.scores:
            from kflab.pictures.confusion import scores

            return lines + scores(output, style)
        lines.append(said("enter lists samples, those that are off the most first", Tone.QUIET))
        return lines

    def _matrix(self, style: Style, rows: int, output: OutputResult) -> list[Line]:
        from kflab.pictures import confusion

        lines = confusion.matrix(output, style, confusion.Cell(*self._cell))
        true, named = self._cell
        number = output.matrix[true][named]
        whole = sum(output.matrix[true])
        what = "told right" if true == named else f"taken for {output.labels[named]}"
        lines += [
            (),
            said(cut(f"{output.labels[true]}: {number:,} of {whole:,} {what}", style.width), Tone.ACCENT),
        ]
        if len(lines) + len(output.scores) + 4 <= rows:
            lines += [(), *confusion.scores(output, style)]
        return lines

    def _nothing_predicted(self, style: Style) -> list[Line]:
        import textwrap

        if self._is_predicting:
            text, tone = "Predicting: the model is loaded and asked about each sample…", Tone.QUIET
        elif self._predict_problem:
            text, tone = " ".join(self._predict_problem.split()), Tone.ERROR
        elif self._predicted_run is None:
            text, tone = (
                "No run to predict with yet. t trains one; here you then see what its model takes each test "
                "sample for, and o asks it about a file of your own. R lists earlier runs.",
                Tone.QUIET,
            )
        else:
            text, tone = "There is nothing to predict.", Tone.QUIET
        return [said(line, tone) for line in textwrap.wrap(text, style.width)]

    def _samples(self, style: Style, rows: int, found: Predictions) -> list[Line]:
        from kflab.pictures.predicted import sample

        assert self._listed is not None
        title, listed = self._listed
        lines: list[Line] = [said(cut(title, style.width), Tone.TITLE)]
        self._shown_listed = 0
        for each in listed[self._first_listed :]:
            block = [(), *sample(each, found.outputs, style)]
            if self._shown_listed and len(lines) + len(block) > rows - 1:
                break
            lines += block
            self._shown_listed += 1
        if not listed:
            return [*lines, (), said("no such sample is kept", Tone.QUIET)]
        last = self._first_listed + self._shown_listed
        place = f"{self._first_listed + 1:,}–{last:,} of {len(listed):,} · ←→ leaf, escape back"
        while len(lines) < rows - 1:
            lines.append(())
        return [*lines, said(cut(place, style.width), Tone.QUIET)]

    # What the keys do

    def action_predict_up(self) -> None:
        """Goes one cell up, or scrolls."""
        self._move(-1, 0)

    def action_predict_down(self) -> None:
        """Goes one cell down, or scrolls."""
        self._move(1, 0)

    def action_predict_left(self) -> None:
        """Goes one cell to the left, or leafs back."""
        self._move(0, -1)

    def action_predict_right(self) -> None:
        """Goes one cell to the right, or leafs on."""
        self._move(0, 1)

    def _move(self, down: int, across: int) -> None:
        pane, output = self.query_one(PredictPane), self._output
        if self._listed is not None and across:
            self._leaf(across)
        elif self._listed is not None or output is None or not output.matrix:
            pane.scroll_relative(y=down, animate=False)
        else:
            last = len(output.matrix) - 1
            true, named = self._cell
            self._cell = (max(0, min(last, true + down)), max(0, min(last, named + across)))
            pane.keep_in_sight(_ABOVE + self._cell[0])
            self.show_predict()

    def _leaf(self, way: int) -> None:
        assert self._listed is not None
        if way < 0 and self._pages:
            self._first_listed = self._pages.pop()
        elif way > 0 and self._first_listed + self._shown_listed < len(self._listed[1]):
            self._pages.append(self._first_listed)
            self._first_listed += self._shown_listed
        self.show_predict()

    def action_predict_open(self) -> None:
        """Lists the samples of the cell under the cursor, or those that are off the most."""
        found, output = self._predictions, self._output
        if found is None or output is None or self._listed is not None:
            return
        if output.matrix and output.kind is Kind.CLASSES:
            true, named = self._cell
            rows = [
                row
                for row in found.rows
                if (row.outputs[output.name].true, row.outputs[output.name].predicted) == self._cell
            ]
            number = output.matrix[true][named]
            kept = f", {len(rows)} of them kept" if len(rows) < number else ""
            what = "told right" if true == named else f"taken for {output.labels[named]}"
            self._list(f"{output.labels[true]} {what}: {plural(number, 'sample')}{kept}", rows)
        elif output.accuracy is None and output.values is None and output.error is None:
            self._list(plural(len(found.rows), "sample"), found.rows)
        else:
            rows = sorted(found.rows, key=lambda row: -(row.outputs[output.name].error or 0.0))
            self._list("Samples that are off the most", rows)

    def action_predict_mistakes(self) -> None:
        """Lists all mistakes, the surest first."""
        found, output = self._predictions, self._output
        if found is None or output is None:
            return
        if output.kind is not Kind.CLASSES or output.accuracy is None:
            self._listed = None
            self.action_predict_open()
            return
        rows = [row for row in found.rows if row.is_wrong(output.name)]
        rows.sort(key=lambda row: -row.outputs[output.name].shares[0][1])
        self._list(f"Mistakes, the surest first: {plural(len(rows), 'sample')}", rows)

    def _list(self, title: str, rows: Sequence[SampleResult]) -> None:
        self._listed, self._first_listed, self._pages = (title, rows), 0, []
        self.show_predict()

    def action_predict_back(self) -> None:
        """Goes back from the samples to the matrix, and from there to the graph."""
        if self._listed is None:
            self.action_back()
            return
        self._listed = None
        self.show_predict()

    def action_predict_source(self) -> None:
        """Asks for a file or folder to predict."""

        def taken(text: str) -> None:
            given = text.strip()
            if given and not Path(given).expanduser().exists():
                raise UnusableInputError("no such file or folder", file=given)
            self._source = str(Path(given).expanduser().resolve()) if given else ""
            self._listed, self._predictions = None, None
            self.open_predict()

        self.ask(
            "Predict a file or folder of your own",
            self._source,
            taken,
            hint="an image, a folder of images, a table, .npz; empty: the test split",
        )

    def action_predict_model(self) -> None:
        """Turns to the best model, or back to the one at the end."""
        now = self._predictions.model if self._predictions else "final"
        self._which = "final" if now == "best" else "best"
        self._listed = None
        self.open_predict()

    def action_predict_output(self) -> None:
        """Turns to the next output of the model."""
        found, output = self._predictions, self._output
        if found is None or output is None or len(found.outputs) < 2:
            self.say("The model has one output.")
            return
        names = [each.name for each in found.outputs]
        self._output_name = names[(names.index(output.name) + 1) % len(names)]
        self._listed, self._cell = None, (0, 0)
        self._settle_on_outputs()
        self.show_predict()


def _newest_with_a_model() -> Path | None:
    """The newest run that has a model."""
    from kflab.predict.cache import model_file
    from kflab.runs.listing import list_runs

    try:
        runs = list_runs(paths.runs_dir())
    except (KflabError, OSError):
        return None
    for run in runs:
        try:
            model_file(Path(run.path), None)
        except KflabError:
            continue
        return Path(run.path)
    return None

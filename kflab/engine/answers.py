"""The answers to an engine's requests: the protocol's messages on one side, Keras on the other."""

from __future__ import annotations

import time

import keras

from kflab import document
from kflab.engine.build import BuildError
from kflab.engine.inspect import Inspector
from kflab.engine.protocol import Hello, Inspect, Inspected, Summarize, Summarized
from kflab.engine.summary import summary_text
from kflab.errors import UnusableInputError, did_you_mean


class Answers:
    """Answers requests; remembers what it saw between them."""

    def __init__(self) -> None:
        self._inspector = Inspector()
        self._remembered = document.Remembered()

    def hello(self, devices: tuple[str, ...]) -> Hello:
        """What this engine is."""
        return Hello(keras.backend.backend(), keras.version(), devices)

    def inspect(self, request: Inspect) -> Inspected:
        """The report on an experiment.

        Raises:
            UnusableInputError: the document is none.
        """
        begin = time.perf_counter()
        report = self._inspector.inspect(document.decode(request.document, remembered=self._remembered))
        return Inspected(request.id, report, time.perf_counter() - begin)

    def summarize(self, request: Summarize) -> Summarized:
        """The Keras summary of a graph, or the findings that stand in its way.

        Raises:
            UnusableInputError: the document is none, or it has no such graph.
        """
        experiment = document.decode(request.document, remembered=self._remembered)
        if request.graph and request.graph not in experiment.models:
            hint = did_you_mean(request.graph, experiment.models)
            raise UnusableInputError(f"there is no model {request.graph!r}{hint}")
        try:
            return Summarized(request.id, summary_text(experiment, request.width, request.graph))
        except BuildError as error:
            return Summarized(request.id, findings=error.findings)

"""Small experiments with what would be known of them, made by hand: no Keras, no data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kflab import document
from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.profiles import ArrayProfile, ClassCount, Profile
from kflab.diagnose.check import check
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixing import apply
from kflab.engine.protocol import Cost, GraphReport, NodeReport, Report, Shape, TensorReport, Totals
from kflab.experiment import Experiment

NUMBERS = TargetInfo("species", TargetKind.CLASSES, dtype="int32", classes=3)
BINARY = TargetInfo("species", TargetKind.BINARY, dtype="int32", classes=2)
ONE_HOT = TargetInfo("species", TargetKind.ONE_HOT, (3,), classes=3)
MULTI = TargetInfo("species", TargetKind.MULTI, (3,), classes=3)
VALUES = TargetInfo("species", TargetKind.VALUES)
FEATURES = ArrayInfo("features", (4,))


class Made:
    """An experiment of one Input, `x`, and one output, `y`, and what is known of it.

    Args:
        y: the output node's layer, as the document writes it.
        training: the training section; a seed and a loss are there already.
        data: the data section, but for the source.
        nodes: nodes between.
        come_from: what feeds the output node.
        models: nested models.
        target: what the dataset holds the output against.
        array: what feeds the Input.
        shape: the output's shape.
        shapes: those of other nodes.
        profile: what was seen in the data.
        train: training samples.
        params: weights that are trained.
        cost: what training costs.
    """

    def __init__(
        self,
        y: str = "{Dense: {units: 3, activation: softmax}}",
        training: str = "{}",
        *,
        data: str = "{}",
        nodes: str = "{}",
        come_from: str = "x",
        models: str = "{}",
        x: str = "{Input: {shape: [4]}}",
        target: TargetInfo = NUMBERS,
        array: ArrayInfo = FEATURES,
        shape: Shape = (None, 3),
        shapes: Mapping[str, Shape] | None = None,
        raw: Mapping[str, ArrayProfile] | None = None,
        fed: Mapping[str, ArrayProfile] | None = None,
        profile: Mapping[str, Any] | None = None,
        train: int = 1000,
        params: int = 100,
        cost: Cost | None = None,
        origin: Origin = Origin.BUNDLED,
        source: str = "iris",
    ) -> None:
        text = f"""
kflab: 1
data: {{}}
model:
  name: made
  nodes:
    x: {x}
  outputs: [y]
training: {{seed: 1, loss: SparseCategoricalCrossentropy}}
"""
        plain = document.encode(document.read_text(_valid(text)))
        model = dict(plain["model"])  # type: ignore[arg-type, call-overload]
        model["nodes"] = {**model["nodes"], **_yaml(nodes), "y": {**_yaml(y), "from": come_from}}
        model["outputs"] = ["y"]
        plain["model"] = model
        plain["models"] = _yaml(models)
        plain["data"] = {"source": source, **_yaml(data)}
        plain["training"] = {"seed": 1, "loss": "SparseCategoricalCrossentropy", **_yaml(training)}
        self.experiment: Experiment = document.decode({k: v for k, v in plain.items() if v})
        self.info = DatasetInfo(source, origin, "", (array,), (target,), train=train)
        known: dict[str, Shape] = {"x": (None, *array.shape), "y": shape, **(shapes or {})}
        nodes_of = {
            name: NodeReport("", (TensorReport(given, "float32"),), inputs=())
            for name, given in known.items()
        }
        totals = Totals(total=params, trainable=params)
        self.report = Report(GraphReport(nodes_of, totals), cost=cost or Cost())
        self.profile = None
        if raw is not None or fed is not None or profile is not None:
            self.profile = Profile(self.info, raw=raw or {}, fed=fed or {}, **(profile or {}))

    def findings(self, *codes: str) -> list[Finding]:
        """What is found, of the rules with these codes."""
        found = check(self.experiment, self.info, self.report, None, self.profile)
        return [one for one in found if one.code in codes]

    def codes(self) -> set[str]:
        """The codes of what is found of the rules on data and training."""
        found = check(self.experiment, self.info, self.report, None, self.profile)
        return {one.code for one in found if one.code in MINE}

    def errors(self) -> list[Finding]:
        """The errors among what is found of the rules on data and training."""
        found = check(self.experiment, self.info, self.report, None, self.profile)
        return [one for one in found if one.code in MINE and one.severity is Severity.ERROR]

    def fixed(self, code: str) -> Experiment:
        """The experiment with the only finding of a rule mended."""
        (found,) = self.findings(code)
        assert found.fix is not None
        return apply(self.experiment, found.fix)


MINE = frozenset(f"KF{number:03}" for number in (1, 2, 3, 10, *range(13, 29), 32, 34, 35) if number != 26)
"""The rules on data and training."""


def counted(name: str, *counts: int) -> ArrayProfile:
    """What was seen in a target of classes."""
    classes = tuple(ClassCount(str(index), count) for index, count in enumerate(counts))
    return ArrayProfile(name, "int32", samples=sum(counts), classes=classes)


def seen(name: str, low: float, high: float, mean: float | None = None, **known: Any) -> ArrayProfile:
    """What was seen in an array of numbers."""
    middle = (low + high) / 2 if mean is None else mean
    known.setdefault("deviation", (high - low) / 4)
    return ArrayProfile(name, "float32", low=low, high=high, mean=middle, **known)


def _yaml(text: str) -> dict[str, Any]:
    from ruamel.yaml import YAML

    return dict(YAML(typ="safe").load(text) or {})


def _valid(text: str) -> str:
    return text.replace("  outputs: [y]", "  outputs: [x]")

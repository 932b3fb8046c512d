"""What layers compute in and how sums are added up: from a document to a script, and from a script back."""

from __future__ import annotations

import pytest

from kflab import catalog, document, presets
from kflab.code import script
from kflab.diagnose.findings import Severity
from kflab.engine.protocol import Cost, GraphReport, NodeReport, Report, TensorReport
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.graph.nodes import Layer
from kflab.imports.python import read
from kflab.tui.rows.setting import Setting
from kflab.tui.rows.setup import setup_rows

from .made_facts import Made

CHANGED = {"dtype_policy": "mixed_bfloat16", "deterministic": True}


def preset(**training: object) -> Experiment:
    plain = document.encode(document.read(presets.find("iris_mlp")))
    return document.decode({**plain, "training": {**plain["training"], **training}})  # type: ignore[dict-item]


def test_a_script_sets_the_policy_before_the_model_and_behind_the_data() -> None:
    text = script(preset(**CHANGED))
    policy = text.index('keras.config.set_dtype_policy("mixed_bfloat16")')
    assert text.index("train_test_split(") < policy < text.index("layers.Dense")
    assert text.index("enable_op_determinism()") < text.index("# Data")
    compile(text, "script.py", "exec")


def test_a_script_says_nothing_of_what_is_as_usual() -> None:
    text = script(preset())
    assert "dtype_policy" not in text
    assert "determinis" not in text


def test_what_a_script_sets_comes_back_from_it() -> None:
    training = read(script(preset(**CHANGED))).experiment.training
    assert (training.dtype_policy, training.deterministic) == ("mixed_bfloat16", True)


@pytest.mark.parametrize(
    "statement",
    [
        "keras.mixed_precision.set_global_policy('mixed_float16')",
        "keras.mixed_precision.set_global_policy(keras.mixed_precision.Policy('mixed_float16'))",
        "keras.config.set_dtype_policy(policy=keras.DTypePolicy('mixed_float16'))",
        "tf.keras.mixed_precision.experimental.set_policy('mixed_float16')",
    ],
)
def test_every_way_to_set_a_policy_is_understood(statement: str) -> None:
    text = f"import keras\nimport tensorflow as tf\n{statement}\ni = keras.Input((8,))\n"
    imported = read(f"{text}model = keras.Model(i, keras.layers.Dense(2)(i))\n")
    assert imported.experiment.training.dtype_policy == "mixed_float16"


def test_a_policy_that_no_document_has_is_left_out() -> None:
    text = "import keras\nkeras.config.set_dtype_policy('int8_from_float32')\ni = keras.Input((8,))\n"
    imported = read(f"{text}model = keras.Model(i, keras.layers.Dense(2)(i))\n")
    assert imported.experiment.training.dtype_policy == ""


class TestRules:
    def test_an_output_in_half_precision_is_told_and_mended(self) -> None:
        made = Made(training="{dtype_policy: mixed_float16}")
        nodes = {**made.report.model.nodes, "y": NodeReport("", (TensorReport((None, 3), "float16"),))}
        made.report = Report(GraphReport(nodes), cost=Cost(device="gpu:0"))
        (found,) = made.findings("KF036", "KF037")
        assert (found.code, found.node) == ("KF036", "y")
        target = made.fixed("KF036").model.nodes["y"].target
        assert isinstance(target, Layer)
        assert target.arguments["dtype"] == "float32"

    def test_float16_is_slow_on_a_cpu_and_nowhere_else(self) -> None:
        for device, codes in (("cpu", ["KF037"]), ("gpu:0", [])):
            made = Made(training="{dtype_policy: mixed_float16}", cost=Cost(device=device))
            assert [one.code for one in made.findings("KF037")] == codes
        assert not Made(training="{dtype_policy: mixed_bfloat16}", cost=Cost(device="cpu")).findings("KF037")

    @pytest.mark.parametrize(
        ("added", "epochs", "severity"),
        [(8, 1, Severity.WARNING), (8, 5, Severity.INFO), (4, 1, None), (2, 1, None), (3, 1, Severity.INFO)],
    )
    def test_gradients_that_are_added_up_in_vain(
        self, added: int, epochs: int, severity: Severity | None
    ) -> None:
        made = Made(
            training=f"{{batch_size: 250, epochs: {epochs}, "
            f"optimizer: {{Adam: {{gradient_accumulation_steps: {added}}}}}}}",
            data="{validation: 0.0, test: 0.0}",
            train=1000,
        )
        assert [one.severity for one in made.findings("KF038")] == ([severity] if severity else [])
        if severity is Severity.WARNING:
            assert made.fixed("KF038").training.optimizer.arguments["gradient_accumulation_steps"] == 4


def test_the_form_sets_precision_and_plan() -> None:
    rows = {row.path: row for row in setup_rows(Setting(catalog.load(), preset()))}
    policy, steps = (
        rows["training", "how", "dtype_policy"],
        rows["training", "how", "plan", "steps_per_execution"],
    )
    assert policy.apply is not None
    assert steps.apply is not None
    changed = steps.apply(policy.apply(preset(), "mixed_bfloat16").experiment, 16).experiment
    assert changed.training.dtype_policy == "mixed_bfloat16"
    assert changed.training.plan.steps_per_execution == 16
    with pytest.raises(KflabError, match="mixed_float16"):
        policy.apply(preset(), "half")
    with pytest.raises(KflabError, match="got 0"):
        steps.apply(preset(), 0)
    again = {row.path: row for row in setup_rows(Setting(catalog.load(), changed))}
    reset = again["training", "how", "plan", "steps_per_execution"].reset
    assert reset is not None
    assert reset(changed).experiment.training.plan.steps_per_execution is None
    assert again["training", "how"].shown == "dtype_policy, steps_per_execution"


@pytest.mark.parametrize("words", ["half precision", "reproducible", "checkpoint"])
def test_settings_are_found_under_the_words_that_people_use(words: str) -> None:
    assert any(words in row.help for row in setup_rows(Setting(catalog.load(), preset())))

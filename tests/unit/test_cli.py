"""The command line, as far as it needs no Keras: names, errors and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from kflab import catalog, presets
from kflab.cli import run
from kflab.commands import COMMANDS
from kflab.document.schema import schema


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "--help")
    assert code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in out


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("presets", "digits_mlp"),
        ("datasets", "mnist"),
        ("layers", "Conv2D"),
        ("ops", "ops.add"),
        ("optimizers", "AdamW"),
        ("losses", "Huber"),
        ("metrics", "accuracy"),
        ("callbacks", "EarlyStopping"),
        ("schedules", "CosineDecay"),
    ],
)
def test_what_there_is_can_be_listed_and_looked_at(
    capsys: pytest.CaptureFixture[str], what: str, name: str
) -> None:
    code, out, _ = call(capsys, "list", what)
    assert code == 0
    assert name in out
    code, out, _ = call(capsys, "list", what, "--json")
    assert name in {entry["name"] for entry in json.loads(out)}
    code, out, _ = call(capsys, "list", what, name)
    assert code == 0
    assert len(out.splitlines()) > 2
    code, out, _ = call(capsys, "list", what, name, "--json")
    assert json.loads(out)["name"] == name


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "digits_mpl"), "digits_mlp"),
        (("check", "no/such/file.yaml"), "no such file"),
        (("list", "layers", "Conv2d_"), "Conv2D"),
        (("list", "datasets", "minst"), "mnist"),
        (("list", "things"), "things"),
        (("run", "digits_mlp", "--set", "training.epoch=3"), "epochs"),
        (("run", "digits_mlp", "--set", "data.source=minst"), "mnist"),
        (("show", "last"), "no runs"),
        (("stop", "nothing-like-it"), "nothing-like-it"),
        (("watch", "nothing-like-it"), "nothing-like-it"),
        (("digits_mpl",), "digits_mlp"),
        (("open", "digits_mlp", "--headless", "--size", "wide"), "120x40"),
    ],
)
def test_unusable_input_is_told_in_one_line_with_exit_code_2(
    capsys: pytest.CaptureFixture[str], runs_dir: Path, arguments: tuple[str, ...], words: str
) -> None:
    code, out, err = call(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert words in err
    assert "Traceback" not in err


def test_errors_are_json_when_asked_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("kflab: 1\ndata: {source: iris}\nmodel: {}\nmodle: {}\n")
    code, out, _ = call(capsys, "check", str(bad), "--json")
    told = json.loads(out)
    assert code == 2
    assert (told["file"], told["line"], told["path"]) == (str(bad), 4, "modle")
    assert "model" in told["error"]


def test_a_run_that_can_not_work_is_refused_before_anything_starts(
    capsys: pytest.CaptureFixture[str], runs_dir: Path
) -> None:
    code, _, err = call(capsys, "run", "digits_mlp", "--set", "data.source=iris")
    assert code == 2
    assert "shape" in err
    assert list(runs_dir.iterdir()) == []


def test_no_runs_yet_says_how_to_make_one(capsys: pytest.CaptureFixture[str], runs_dir: Path) -> None:
    code, out, _ = call(capsys, "runs")
    assert code == 0
    assert "kflab run" in out
    assert json.loads(call(capsys, "runs", "--json")[1]) == []


def test_the_graph_needs_no_keras_without_shapes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "graph", "digits_branches", "--no-shapes", "--ascii")
    assert code == 0
    assert out.isascii()
    assert "*-+ joined" in " ".join(out.split())


def test_doctor_tells_where_things_are_kept(capsys: pytest.CaptureFixture[str], runs_dir: Path) -> None:
    code, out, _ = call(capsys, "doctor", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["folders"]["runs"] == str(runs_dir)
    assert told["versions"]["keras"]
    assert told["backends"]["tensorflow"][0].isdigit()
    assert told["devices"]["a run now"] == "cpu"


def test_the_schema_accepts_every_preset_and_refuses_what_the_reader_refuses(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import jsonschema

    from kflab.document.yaml_text import parse

    code, out, _ = call(capsys, "schema")
    assert code == 0
    validator = jsonschema.Draft202012Validator(json.loads(out))
    for name in presets.names():
        validator.validate(parse(presets.path(name).read_text()).value)
    document = msgspec.to_builtins(parse(presets.path("digits_mlp").read_text()).value)
    for path, value in {"epochs": 0, "optimizer": "Adamm", "epoch": 3}.items():
        broken = {**document, "training": {**document["training"], path: value}}
        assert not validator.is_valid(broken), path


def test_the_schema_is_derived_from_the_catalog() -> None:
    offers = catalog.load()
    node = schema(offers)["$defs"]["node"]["properties"]  # type: ignore[index,call-overload]
    layers = {entry.name for entry in offers.entries(catalog.Kind.LAYER) if not entry.unsafe}
    assert layers <= set(node)

"""`kflab explain` and `kflab list rules`: what each rule is, for a person and for a script."""

from __future__ import annotations

import json

import pytest

from kflab.cli import run
from kflab.commands.explaining import every


def test_a_rule_is_explained_by_its_code_or_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "KF006"]) == 0
    by_code = capsys.readouterr().out
    assert by_code.startswith("KF006 stacked-without-sequences (error)\n")
    assert "return_sequences: true" in by_code
    assert run(["explain", "stacked-without-sequences"]) == 0
    assert capsys.readouterr().out == by_code
    assert run(["list", "rules", "kf006"]) == 0
    assert capsys.readouterr().out == by_code


def test_every_rule_is_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [rule.code for rule in every()]
    assert run(["explain", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {rule["code"] for rule in told} == {rule.code for rule in every()}


def test_every_mistake_of_the_list_has_its_rule() -> None:
    known = {rule.code for rule in every()}
    assert {f"KF{number:03}" for number in range(1, 36)} <= known


def test_an_unknown_code_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "KF06"]) == 2
    assert "KF006" in capsys.readouterr().err

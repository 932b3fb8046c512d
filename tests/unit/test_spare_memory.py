from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from kflab.spare_memory import spare_memory

MACHINE = 8_000_000_000


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    available = psutil.virtual_memory()._replace(available=MACHINE)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: available)


def test_of_a_machine_without_limits(tmp_path: Path) -> None:
    assert spare_memory(tmp_path) == MACHINE
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert spare_memory(tmp_path) == MACHINE


def test_a_limit_counts_what_could_be_dropped_as_spare(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("2500\n")
    assert spare_memory(tmp_path) == 500
    (tmp_path / "memory.stat").write_text("anon 1000\ninactive_file 700\nactive_file 800\n")
    assert spare_memory(tmp_path) == 1200


def test_older_groups_and_one_that_is_over_its_limit(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("3000\n")
    (tmp_path / "memory" / "memory.usage_in_bytes").write_text("3100\n")
    assert spare_memory(tmp_path) == 0
    (tmp_path / "memory" / "memory.stat").write_text("inactive_file 50\ntotal_inactive_file 300\n")
    assert spare_memory(tmp_path) == 200

"""Damaged documents and data files: a result or one clear error each, and nothing in them is ever run."""

from __future__ import annotations

from pathlib import Path

from tests.bench.fuzzing import fuzz


def test_damaged_documents_and_data_end_in_a_result_or_a_clear_error(tmp_path: Path) -> None:
    outcome = fuzz(0, 60, seed=7, keep=tmp_path)
    assert outcome.faults == [], (tmp_path / "output.log").read_text()[-2000:]
    # Damage that nothing survives would test nothing.
    assert {"document, used", "document, refused", "data, used", "data, refused"} <= set(outcome.counts)

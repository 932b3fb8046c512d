"""The marks of findings, the same wherever they are shown."""

from __future__ import annotations

from kflab.diagnose.findings import Severity

MARKS = {Severity.ERROR: "✗", Severity.WARNING: "▲", Severity.INFO: "i"}
"""What stands for a severity, so that no colour is needed to tell."""

PARTS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "quiet"}
"""The part of the look that a severity is."""

"""What commands print: JSON or text, findings and errors in one form."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from kflab.diagnose.findings import Finding

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(value: object) -> None:
    """Print one value as one line of JSON."""
    import msgspec

    click.echo(msgspec.json.encode(value).decode())


def finding_lines(file: str, findings: Iterable[Finding]) -> list[str]:
    """Findings as lines: `file: node: KF001 message`, `file: node: KF022 [*] warning: message`.

    What is no error says so; `[*]` marks what a fix can mend that changes nothing else.
    """
    return [
        ": ".join(part for part in (file, finding.place, _marked(finding)) if part) for finding in findings
    ]


def _marked(finding: Finding) -> str:
    from kflab.diagnose.findings import Severity

    mark = "[*]" if finding.fix is not None and finding.fix.safe else ""
    severity = "" if finding.severity is Severity.ERROR else f"{finding.severity}:"
    return " ".join(part for part in (finding.code, mark, severity, finding.message) if part)


def verdict_lines(findings: Iterable[Finding]) -> list[str]:
    """The verdict on a run as lines: `KF201 overfitting from epoch 12 on: ...`, its fix below it."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.code} {finding.message}")
        if finding.fix is not None:
            lines.append(f"      try {finding.fix.title}")
    return lines


def table(rows: Sequence[Sequence[str]], right: Iterable[int] = (), gap: int = 2) -> list[str]:
    """Rows as lines whose columns line up; the columns in `right` are aligned to the right."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    to_right = set(right)
    lines = []
    for row in rows:
        cells = [
            text.rjust(width) if column in to_right else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((" " * gap).join(cells).rstrip())
    return lines


def wide() -> int:
    """The columns that a line of output may have."""
    import shutil

    return shutil.get_terminal_size((120, 24)).columns if sys.stdout.isatty() else 160


def plain(values: Mapping[str, float | None]) -> str:
    """Logs in one line: `loss 0.1234  accuracy 0.9712`."""
    return "  ".join(
        f"{name} {value:.4f}" if value is not None else f"{name} nan" for name, value in values.items()
    )

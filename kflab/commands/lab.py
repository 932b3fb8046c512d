"""`kflab open`: the lab, on the terminal or without one."""

from __future__ import annotations

from pathlib import Path

import click

from kflab.commands.choosing import use_backend_option, use_device_option
from kflab.errors import UnusableInputError


@click.command("open")
@click.argument("experiment", required=False)
@click.option(
    "--runs-dir", type=click.Path(file_okay=False, path_type=Path), help="Where run folders are kept."
)
@use_backend_option
@use_device_option
@click.option("--recover", is_flag=True, help="Restore what was edited and not saved.")
@click.option("--ascii", "plain", is_flag=True, help="Draw with plain ASCII.")
@click.option("--headless", is_flag=True, help="Drive the lab without a terminal, for tests and demos.")
@click.option("--size", default="120x40", show_default=True, help="With --headless: columns x rows.")
@click.option("--press", default="", help="With --headless: keys, as in a,d,e,n,s,e,enter or ctrl+p.")
@click.option("--until", default="", help="With --headless: wait for this text; exit 1 if it never shows.")
@click.option("--timeout", default=60.0, show_default=True, help="With --headless: seconds to wait for it.")
@click.option("--screenshot", type=click.Path(path_type=Path), help="With --headless: write .svg or .txt.")
def open_lab(
    experiment: str | None,
    runs_dir: Path | None,
    *,
    recover: bool,
    plain: bool,
    headless: bool,
    size: str,
    press: str,
    until: str,
    timeout: float,
    screenshot: Path | None,
) -> int:
    """Open the lab, with EXPERIMENT if it is given: a preset's name or a YAML file."""
    import os

    from kflab import presets
    from kflab.commands import opening

    name = experiment or presets.DEFAULT
    if runs_dir is not None:
        os.environ["KFLAB_RUNS_DIR"] = str(runs_dir.resolve())
    if headless:
        from kflab.tui import headless as driver

        return driver.run(
            opening.find(name, recover=recover),
            size=_size(size),
            keys=press,
            until=until,
            timeout=timeout,
            screenshot=screenshot,
            plain=plain,
            recover=recover,
        )
    return opening.open_lab(experiment or "", plain=plain, recover=recover)


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.lower().partition("x")
    if not (columns.isdigit() and rows.isdigit() and 0 < int(columns) <= 1000 and 0 < int(rows) <= 1000):
        raise UnusableInputError(f"expected a size such as 120x40, got {text!r}", path="--size")
    return int(columns), int(rows)

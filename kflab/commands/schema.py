"""`kflab schema`."""

from __future__ import annotations

import click


@click.command()
def schema() -> None:
    """Print the JSON schema of the experiment document, for editors and validators."""
    import msgspec

    from kflab import catalog
    from kflab.document.schema import schema as describe

    click.echo(msgspec.json.format(msgspec.json.encode(describe(catalog.load())), indent=2).decode())

"""The sub-commands of `millstream edge record` as typer knows them; imported when they are called."""

from pathlib import Path
from typing import Annotated

import typer

from millstream.language import Words
from millstream.starting import guarded


def add_record(app: typer.Typer, text: Words) -> None:
    """Add export and replay."""
    _add_export(app, text)
    _add_replay(app, text)


def _add_export(app: typer.Typer, text: Words) -> None:
    @app.command("export", help=text("edge.record_export"))
    def export(
        config: Annotated[Path, typer.Option("--config", "-c", help=text("edge.config"))],
        device: Annotated[str, typer.Argument(metavar="DEVICE", help=text("edge.record_device"))],
        output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help=text("edge.record_output"))],
    ) -> None:
        def export() -> int:
            from edge_agent.recorder.commands import ExportOptions, export

            return export(ExportOptions(config, device, output))

        raise typer.Exit(guarded(text, "edge record export", "edge", export))


def _add_replay(app: typer.Typer, text: Words) -> None:
    @app.command("replay", help=text("edge.record_replay"))
    def replay(
        files: Annotated[list[Path], typer.Argument(metavar="FILE", help=text("edge.record_file"))],
        port: Annotated[int, typer.Option(metavar="N", help=text("edge.record_port"), min=0, max=65535)] = 0,
        speed: Annotated[float, typer.Option(metavar="X", help=text("edge.record_speed"), min=0.01, max=100_000)] = 1.0,
    ) -> None:
        def replay() -> int:
            from edge_agent.recorder.commands import PlayOptions, replay

            return replay(PlayOptions(files, port, speed))

        raise typer.Exit(guarded(text, "edge record replay", "edge", replay))

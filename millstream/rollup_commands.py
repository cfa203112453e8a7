"""`millstream cloud rollups` as typer knows it."""

from typing import Annotated

import typer

from millstream.language import Words
from millstream.starting import guarded


def add_rollups(app: typer.Typer, text: Words) -> None:
    """Add status, rebuild and verify to `cloud rollups`."""
    path_option = typer.Option("--path", metavar="GLOB", help=text("rollups.path"))
    from_option = typer.Option("--from", metavar="TIME", help=text("rollups.from"))
    to_option = typer.Option("--to", metavar="TIME", help=text("rollups.to"))
    json_option = typer.Option("--json", help=text("cloud.json"))

    @app.command("status", help=text("rollups.status"))
    def status(as_json: Annotated[bool, json_option] = False) -> None:
        def run() -> int:
            from cloud_api.rollups.commands import status

            return status(text, as_json=as_json)

        raise typer.Exit(guarded(text, "cloud rollups status", "cloud", run))

    @app.command("rebuild", help=text("rollups.rebuild"))
    def rebuild(
        path: Annotated[str, path_option] = "**",
        from_: Annotated[str | None, from_option] = None,
        to: Annotated[str | None, to_option] = None,
        is_waiting: Annotated[bool, typer.Option("--wait/--no-wait", help=text("rollups.wait"))] = True,
    ) -> None:
        def run() -> int:
            from cloud_api.rollups.commands import Window, rebuild

            return rebuild(text, Window(path, from_, to), is_waiting=is_waiting)

        raise typer.Exit(guarded(text, "cloud rollups rebuild", "cloud", run))

    @app.command("verify", help=text("rollups.verify"))
    def verify(
        path: Annotated[str, path_option] = "**",
        from_: Annotated[str | None, from_option] = None,
        to: Annotated[str | None, to_option] = None,
        count: Annotated[int, typer.Option(help=text("rollups.count"), min=1, max=1_000_000)] = 200,
        seed: Annotated[int | None, typer.Option(help=text("rollups.seed"))] = None,
        as_json: Annotated[bool, json_option] = False,
    ) -> None:
        def run() -> int:
            from cloud_api.rollups.commands import Window, verify

            return verify(text, Window(path, from_, to), count, seed, as_json=as_json)

        raise typer.Exit(guarded(text, "cloud rollups verify", "cloud", run))

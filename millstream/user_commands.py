"""`millstream cloud user` as typer knows it."""

from pathlib import Path
from typing import Annotated

import typer

from millstream.language import Words
from millstream.starting import guarded


def add_users(app: typer.Typer, text: Words) -> None:
    """Add create, list, reset, disable and enable to `cloud user`."""
    name_argument = typer.Argument(help=text("user.name"))
    json_option = typer.Option("--json", help=text("cloud.json"))

    @app.command("create", help=text("user.create"))
    def create(
        name: Annotated[str, name_argument],
        role: Annotated[str, typer.Option(help=text("user.role"))],
        display_name: Annotated[str | None, typer.Option(help=text("user.display_name"))] = None,
        password_file: Annotated[Path | None, typer.Option(help=text("user.password_file"))] = None,
        as_json: Annotated[bool, json_option] = False,
    ) -> None:
        def run() -> int:
            from cloud_api.users.commands import create

            return create(name, role, display_name, password_file, as_json=as_json)

        raise typer.Exit(guarded(text, "cloud user create", "cloud", run))

    @app.command("list", help=text("user.list"))
    def show(as_json: Annotated[bool, json_option] = False) -> None:
        def run() -> int:
            from cloud_api.users.commands import show

            return show(as_json=as_json)

        raise typer.Exit(guarded(text, "cloud user list", "cloud", run))

    @app.command("reset", help=text("user.reset"))
    def reset(name: Annotated[str, name_argument], as_json: Annotated[bool, json_option] = False) -> None:
        def run() -> int:
            from cloud_api.users.commands import reset

            return reset(name, as_json=as_json)

        raise typer.Exit(guarded(text, "cloud user reset", "cloud", run))

    @app.command("disable", help=text("user.disable"))
    def disable(name: Annotated[str, name_argument]) -> None:
        raise typer.Exit(guarded(text, "cloud user disable", "cloud", lambda: _set_state(name, "disabled")))

    @app.command("enable", help=text("user.enable"))
    def enable(name: Annotated[str, name_argument]) -> None:
        raise typer.Exit(guarded(text, "cloud user enable", "cloud", lambda: _set_state(name, "enabled")))


def _set_state(name: str, state: str) -> int:
    from cloud_api.users.commands import set_state

    return set_state(name, state)

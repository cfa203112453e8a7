"""The sub-commands as typer knows them; what they do is imported when they are called."""

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from millstream.alarm_commands import add_alarms
from millstream.audit_commands import add_audit
from millstream.edge_commands import add_commissioning
from millstream.journal_commands import add_journal
from millstream.language import Language, Words
from millstream.record_commands import add_record
from millstream.rollup_commands import add_rollups
from millstream.starting import guarded, run_agent
from millstream.user_commands import add_users

_HELP = ["-h", "--help"]


def build(text: Words) -> Callable[[Sequence[str]], int]:
    """The parser in one language: takes arguments, gives the exit code."""
    app = _group(text("cli.about"))
    _add_root(app, text)
    _add_demo(app, text)
    app.add_typer(_edge(text), name="edge")
    app.add_typer(_cloud(text), name="cloud")
    _add_plant(app, text)
    _add_version(app, text)
    command: Any = typer.main.get_command(app)

    def run(arguments: Sequence[str]) -> int:
        _translate_help(command, text("cli.help"))
        if _shows_help(command, arguments):
            from millstream.usage import translate

            translate(text)
        try:
            return command.main(args=list(arguments), prog_name="millstream", standalone_mode=False) or 0
        except typer.Abort:
            return 1
        except typer.TyperException as refused:
            from millstream.usage import refuse

            return refuse(text, refused)

    return run


def _add_root(app: typer.Typer, text: Words) -> None:
    def show_version(is_asked: bool) -> None:
        if is_asked:
            print(f"millstream {version('millstream')}")
            raise typer.Exit

    @app.callback()
    def root(
        lang: Annotated[Language | None, typer.Option("--lang", help=text("cli.lang"), metavar="en|zh")] = None,
        is_version: Annotated[
            bool, typer.Option("--version", help=text("cli.version"), callback=show_version, is_eager=True)
        ] = False,
    ) -> None:
        """What stands before every sub-command."""


def _add_demo(app: typer.Typer, text: Words) -> None:
    @app.command("demo", help=text("demo.about"))
    def demo(  # noqa: PLR0913, PLR0917 one argument an option
        data: Annotated[Path, typer.Option(help=text("demo.data"))] = Path("millstream-data"),
        port: Annotated[int, typer.Option(help=text("demo.port"))] = 8080,
        console_port: Annotated[int, typer.Option(help=text("demo.console_port"))] = 8081,
        mqtt_port: Annotated[int, typer.Option(help=text("demo.mqtt_port"))] = 1883,
        duration: Annotated[float, typer.Option(help=text("demo.duration"))] = 0.0,
        opcua_port: Annotated[int, typer.Option(help=text("demo.opcua_port"))] = 0,
        modbus_port: Annotated[int, typer.Option(help=text("demo.modbus_port"))] = 0,
        seed: Annotated[int, typer.Option(help=text("demo.seed"))] = 1,
        speed: Annotated[float, typer.Option(help=text("demo.speed"))] = 1.0,
    ) -> None:
        from millstream.demo.options import DemoOptions

        options = DemoOptions(data, port, console_port, mqtt_port, opcua_port, modbus_port, duration, seed, speed)

        def run() -> int:
            from millstream.demo.supervisor import run

            return run(options, text)

        raise typer.Exit(guarded(text, "demo", "demo", run))


def _edge(text: Words) -> typer.Typer:
    app = _group(text("edge.about"))
    config_option = typer.Option("--config", "-c", help=text("edge.config"))

    @app.command("run", help=text("edge.run"))
    def run(config: Annotated[Path, config_option]) -> None:
        raise typer.Exit(run_agent(text, config))

    @app.command("check", help=text("edge.check"))
    def check(
        config: Annotated[Path, config_option],
        as_json: Annotated[bool, typer.Option("--json", help=text("edge.json"))] = False,
    ) -> None:
        def check() -> int:
            from edge_agent.checking import check

            return check(config, as_json)

        raise typer.Exit(guarded(text, "edge check", "edge", check))

    add_commissioning(app, text)
    record = _group(text("edge.record"))
    add_record(record, text)
    app.add_typer(record, name="record")
    return app


def _cloud(text: Words) -> typer.Typer:
    app = _group(text("cloud.about"))

    @app.command("run", help=text("cloud.run"))
    def run(
        role: Annotated[list[str] | None, typer.Option(help=text("cloud.role"))] = None,
    ) -> None:
        def run() -> int:
            from cloud_api.__main__ import run

            return run(role or [])

        raise typer.Exit(guarded(text, "cloud run", "cloud", run))

    @app.command("migrate", help=text("cloud.migrate"))
    def migrate() -> None:
        def migrate() -> int:
            from cloud_api.__main__ import migrate

            return migrate()

        raise typer.Exit(guarded(text, "cloud migrate", "cloud", migrate))

    app.add_typer(_cloud_key(text), name="key")
    users = _group(text("user.about"))
    add_users(users, text)
    app.add_typer(users, name="user")
    alarms = _group(text("alarms.about"))
    add_alarms(alarms, text)
    app.add_typer(alarms, name="alarms")
    journal = _group(text("journal.about"))
    add_journal(journal, text)
    app.add_typer(journal, name="journal")
    audit = _group(text("audit.about"))
    add_audit(audit, text)
    app.add_typer(audit, name="audit")
    rollups = _group(text("rollups.about"))
    add_rollups(rollups, text)
    app.add_typer(rollups, name="rollups")
    return app


def _cloud_key(text: Words) -> typer.Typer:
    app = _group(text("cloud.key"))

    @app.command("create", help=text("cloud.key_create"))
    def create(
        name: Annotated[str, typer.Option(help=text("cloud.key_name"))],
        role: Annotated[str | None, typer.Option(help=text("cloud.key_role"))] = None,
        scope: Annotated[list[str] | None, typer.Option(help=text("cloud.key_scope"))] = None,
        days: Annotated[int | None, typer.Option(help=text("cloud.key_days"))] = None,
        as_json: Annotated[bool, typer.Option("--json", help=text("cloud.json"))] = False,
    ) -> None:
        def create() -> int:
            from cloud_api.__main__ import create_key

            return create_key(name, role, as_json=as_json, scopes=scope or (), days=days)

        raise typer.Exit(guarded(text, "cloud key create", "cloud", create))

    @app.command("revoke", help=text("cloud.key_revoke"))
    def revoke(prefix: Annotated[str, typer.Argument(help=text("cloud.key_prefix"))]) -> None:
        def revoke() -> int:
            from cloud_api.__main__ import revoke_key

            return revoke_key(prefix)

        raise typer.Exit(guarded(text, "cloud key revoke", "cloud", revoke))

    return app


def _add_plant(app: typer.Typer, text: Words) -> None:
    @app.command("plant", help=text("plant.about"))
    def plant(
        opcua_port: Annotated[int, typer.Option(help=text("plant.opcua_port"))] = 0,
        modbus_port: Annotated[int, typer.Option(help=text("plant.modbus_port"))] = 0,
        seed: Annotated[int, typer.Option(help=text("plant.seed"))] = 1,
        speed: Annotated[float, typer.Option(help=text("plant.speed"), min=0.01, max=100.0)] = 1.0,
    ) -> None:
        def run() -> int:
            from millstream.plant.process import PlantOptions, run

            return run(PlantOptions(opcua_port, modbus_port, seed, speed))

        raise typer.Exit(guarded(text, "plant", "demo", run))


def _add_version(app: typer.Typer, text: Words) -> None:
    @app.command("version", help=text("cli.version"))
    def show() -> None:
        print(f"millstream {version('millstream')} (Python {sys.version.split()[0]})")


def _group(about: str) -> typer.Typer:
    return typer.Typer(
        help=about,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": _HELP},
    )


def _shows_help(command: Any, arguments: Sequence[str]) -> bool:
    """Whether a command line asks for help, or ends at a group, which answers with its help."""
    for word in arguments:
        command = getattr(command, "commands", {}).get(word)
    return hasattr(command, "commands") or bool(set(arguments) & set(_HELP))


def _translate_help(command: Any, help_text: str) -> None:
    """The library makes the help option itself, with an English text."""
    option = command.get_help_option(typer.Context(command, help_option_names=_HELP))
    if option is not None:
        option.help = help_text
    for child in getattr(command, "commands", {}).values():
        _translate_help(child, help_text)

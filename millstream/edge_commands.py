"""The commissioning sub-commands of `millstream edge` as typer knows them; imported when they are called."""

from pathlib import Path
from typing import Annotated

import typer

from millstream.language import Words
from millstream.starting import guarded


def add_commissioning(app: typer.Typer, text: Words) -> None:
    """Add read, write, browse, init, probe and scan."""
    _add_read(app, text)
    _add_write(app, text)
    _add_browse(app, text)
    _add_init(app, text)
    _add_probe(app, text)
    _add_scan(app, text)


def _add_read(app: typer.Typer, text: Words) -> None:
    @app.command("read", help=text("edge.read"))
    def read(
        config: Annotated[Path, typer.Option("--config", "-c", help=text("edge.config"))],
        tags: Annotated[list[str] | None, typer.Argument(metavar="[TAG]...", help=text("edge.read_tags"))] = None,
        as_json: Annotated[bool, typer.Option("--json", help=text("edge.read_json"))] = False,
    ) -> None:
        def read() -> int:
            from edge_agent.commissioning.commands import read

            return read(config, tags or (), as_json)

        raise typer.Exit(guarded(text, "edge read", "edge", read))


def _add_write(app: typer.Typer, text: Words) -> None:
    @app.command("write", help=text("edge.write"), context_settings={"ignore_unknown_options": True})
    def write(
        config: Annotated[Path, typer.Option("--config", "-c", help=text("edge.config"))],
        tag: Annotated[str, typer.Argument(metavar="TAG", help=text("edge.write_tag"))],
        value: Annotated[str, typer.Argument(metavar="VALUE", help=text("edge.write_value"))],
    ) -> None:
        def write() -> int:
            from edge_agent.commissioning.commands import write

            return write(config, tag, value)

        raise typer.Exit(guarded(text, "edge write", "edge", write))


def _add_browse(app: typer.Typer, text: Words) -> None:
    @app.command("browse", help=text("edge.browse"))
    def browse(
        url: Annotated[str, typer.Argument(metavar="URL", help=text("edge.browse_url"))],
        match: Annotated[str | None, typer.Option(metavar="GLOB", help=text("edge.browse_match"))] = None,
        write: Annotated[Path | None, typer.Option(metavar="FILE", help=text("edge.browse_write"))] = None,
        drift: Annotated[Path | None, typer.Option(metavar="FILE", help=text("edge.browse_drift"))] = None,
        setting: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help=text("edge.set"))] = None,
    ) -> None:
        def browse() -> int:
            from edge_agent.commissioning.commands import BrowseOptions, browse_device

            return browse_device(BrowseOptions(url, setting or (), match, write, drift))

        raise typer.Exit(guarded(text, "edge browse", "edge", browse))


def _add_init(app: typer.Typer, text: Words) -> None:
    @app.command("init", help=text("edge.init"))
    def init(
        file: Annotated[Path, typer.Argument(metavar="[FILE]", help=text("edge.init_file"))] = Path("agent.toml"),
    ) -> None:
        def init() -> int:
            from edge_agent.commissioning.commands import init

            return init(file)

        raise typer.Exit(guarded(text, "edge init", "edge", init))


def _add_probe(app: typer.Typer, text: Words) -> None:
    @app.command("probe", help=text("edge.probe"))
    def probe(  # noqa: PLR0913, PLR0917 one argument an option
        kind: Annotated[str, typer.Argument(metavar="KIND", help=text("edge.probe_kind"))],
        url: Annotated[str, typer.Argument(metavar="URL", help=text("edge.probe_url"))],
        place: Annotated[str, typer.Option("--range", metavar="RANGE", help=text("edge.probe_range"))],
        unit: Annotated[int | None, typer.Option(metavar="N", help=text("edge.probe_unit"))] = None,
        near: Annotated[str | None, typer.Option(metavar="VALUE", help=text("edge.probe_near"))] = None,
        name: Annotated[str, typer.Option(metavar="NAME", help=text("edge.probe_name"))] = "unnamed",
        setting: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help=text("edge.set"))] = None,
        as_json: Annotated[bool, typer.Option("--json", help=text("edge.probe_json"))] = False,
    ) -> None:
        def probe() -> int:
            from edge_agent.commissioning.commands import ProbeOptions, further_values, probe

            settings = [*(setting or ()), *([] if unit is None else [f"unit={unit}"])]
            return probe(ProbeOptions(kind, url, place, settings, near, name, as_json), further_values())

        raise typer.Exit(guarded(text, "edge probe", "edge", probe))


def _add_scan(app: typer.Typer, text: Words) -> None:
    @app.command("scan", help=text("edge.scan"))
    def scan(
        targets: Annotated[list[str], typer.Argument(metavar="RANGE...", help=text("edge.scan_range"))],
        port: Annotated[list[str] | None, typer.Option(metavar="PORT", help=text("edge.scan_port"))] = None,
        units: Annotated[str, typer.Option(metavar="UNITS", help=text("edge.scan_units"))] = "1",
        timeout: Annotated[float, typer.Option(help=text("edge.scan_timeout"), min=0.05, max=60)] = 1.0,
        pause: Annotated[float, typer.Option(help=text("edge.scan_pause"), min=0, max=60)] = 0.1,
        as_json: Annotated[bool, typer.Option("--json", help=text("edge.scan_json"))] = False,
    ) -> None:
        def scan() -> int:
            from edge_agent.commissioning.commands import ScanOptions, scan_network

            return scan_network(ScanOptions(targets, port or (), units, timeout, pause, as_json))

        raise typer.Exit(guarded(text, "edge scan", "edge", scan))

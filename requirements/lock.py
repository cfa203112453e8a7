"""Writes requirements/locked/*.txt from requirements/*.txt: the same versions, with the hashes of all files that fit.

`make pins` runs it. uv says which files each release has; kept are the source and the wheels for Linux on x86_64 and
aarch64 and Python 3.11 to 3.13. No address of a registry is written down: pip asks where it is configured to ask.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

FOLDER = Path(__file__).resolve().parent
LOCKED = FOLDER / "locked"
PYTHONS = ("311", "312", "313")
MACHINES = ("x86_64", "aarch64")
HEAD = "# By `make pins` from requirements/{name}.txt, with hashes for pip's --require-hashes. Do not edit.\n"
_ABI3 = re.compile(r"cp3(\d+)")


def main() -> int:
    """Write every locked file; 1 when a release has no file for a Python or a machine."""
    LOCKED.mkdir(exist_ok=True)
    missing: list[str] = []
    for source in sorted(FOLDER.glob("*.txt")):
        packages = files_of(source)
        missing += [f"{source.name}: {each}" for package in packages for each in uncovered(package)]
        text = "".join(requirement(package) for package in packages)
        (LOCKED / source.name).write_text(HEAD.format(name=source.stem) + text, encoding="utf-8")
        print(f"{source.name}: {len(packages)} packages")
    print("\n".join(missing), file=sys.stderr)
    return int(bool(missing))


def files_of(source: Path) -> list[dict[str, Any]]:
    """Ask which files the pinned releases have."""
    with TemporaryDirectory() as folder:
        answer = Path(folder) / "pylock.toml"
        command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-deps", "--no-header", "--no-config"]
        command += [
            "--universal",
            "--python-version",
            "3.11",
            "--format",
            "pylock.toml",
            "--output-file",
            str(answer),
            str(source),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found: dict[str, Any] = tomllib.loads(answer.read_text(encoding="utf-8"))
    return sorted(found["packages"], key=lambda package: package["name"])


def requirement(package: dict[str, Any]) -> str:
    """One package as pip reads it."""
    files = [file for name, file in named_files(package) if is_wanted(name)]
    hashes = sorted(file["hashes"]["sha256"] for file in files)
    lines = "".join(f" \\\n    --hash=sha256:{each}" for each in hashes)
    return f"{package['name']}=={package['version']}{lines}\n"


def uncovered(package: dict[str, Any]) -> Iterator[str]:
    """Say for which Python on which machine there is neither a wheel nor a source."""
    names = [name for name, _ in named_files(package)]
    if any(not name.endswith(".whl") for name in names):
        return
    for python in PYTHONS:
        for machine in MACHINES:
            if not any(fits(name, python, machine) for name in names):
                yield f"{package['name']}=={package['version']} has no file for Python {python} on {machine}"


def named_files(package: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The files of a release by their names."""
    for file in [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]:
        yield file.get("name") or file["url"].rpartition("/")[2], file


def is_wanted(name: str) -> bool:
    """Whether a file is a source, or a wheel for one of ours."""
    return not name.endswith(".whl") or any(fits(name, python, machine) for python in PYTHONS for machine in MACHINES)


def fits(name: str, python: str, machine: str) -> bool:
    """Whether a wheel goes with a Python on a machine with Linux."""
    try:
        tags = parse_wheel_filename(name)[3]
    except InvalidWheelFilename:
        return False
    return any(
        _fits_python(tag.interpreter, tag.abi, python)
        and (tag.platform == "any" or (tag.platform.endswith(machine) and "linux" in tag.platform))
        for tag in tags
    )


def _fits_python(interpreter: str, abi: str, python: str) -> bool:
    if interpreter in {"py3", f"py{python}"}:
        return True
    if abi == "abi3" and (match := _ABI3.fullmatch(interpreter)):
        return int(match[1]) <= int(python[1:])
    return interpreter == f"cp{python}" and abi in {f"cp{python}", "none"}


if __name__ == "__main__":
    sys.exit(main())

"""Runs the benchmarks: `python -m tests.benchmarks [name …]`; each is a bench_<name>.py with run() -> list[Row]."""

import importlib
import sys
import time
from pathlib import Path

from tests.benchmarks.report import machine, table

FOLDER = Path(__file__).resolve().parent


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; 2 for an unknown name."""
    known = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"No benchmark {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    print(f"Machine: {machine()}\nProduct and reference alternated, medians of at least three windows.\n")
    for name in names or known:
        started = time.monotonic()
        rows = importlib.import_module(f"tests.benchmarks.bench_{name}").run()
        print(f"{name} ({time.monotonic() - started:.0f} s)\n{table(rows)}\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Runs Python as if it were another day: `python -m tests.clock "2028-02-29 23:55" -m pytest tests/integration/shares`.

The day counts for the processes that the run starts as well, databases among them; not for those of `millstream demo`,
whose environment is its own. Needs a C compiler.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

SOURCE = Path(__file__).with_name("shifted.c")


def main(words: list[str]) -> int:
    """Run Python with these words on that day; its exit code."""
    day, *command = words
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        # A database is run by a user of its own.
        Path(folder).chmod(0o755)
        library = Path(folder) / "shifted.so"
        compiler = shutil.which("cc")
        if compiler is None:
            print("another day needs a C compiler, `cc` (Debian, Ubuntu: sudo apt-get install gcc libc6-dev)")
            return 2
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
        ahead = {"MILLSTREAM_TEST_CLOCK_AHEAD_S": str(round(at.timestamp() - time.time())), "LD_PRELOAD": str(library)}
        return subprocess.run([sys.executable, *command], check=False, env=os.environ | ahead).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

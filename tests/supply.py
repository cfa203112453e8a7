"""The supply chain, as `make check` looks at it: a list of components, known weaknesses, secrets in what is tracked.

build/sbom.cdx.json is a CycloneDX document of what a release installs. Known weaknesses need data from outside: where
none is in reach this is said, loudly, and is no failure. A secret that .secrets.baseline does not know is one.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parent.parent
LOCKED = ROOT / "requirements" / "locked" / "demo.txt"
SBOM = ROOT / "build" / "sbom.cdx.json"
BASELINE = ROOT / ".secrets.baseline"
AUDIT_S = 120
# Files of hashes, and the API's description; texts longer than this are tables.
UNLOOKED = ("package-lock.json", "openapi.json", ".secrets.baseline")
LONGEST_BYTES = 200_000
# Not the ones that guess by entropy (golden bytes and hashes of tests are all they find here), nor those of services
# that nobody here uses: each looks at each line.
DETECTORS = (
    *("AWSKeyDetector", "BasicAuthDetector", "GitHubTokenDetector", "JwtTokenDetector", "KeywordDetector"),
    *("NpmDetector", "PrivateKeyDetector", "PypiTokenDetector", "SlackDetector"),
)
FILTERS = (
    "detect_secrets.filters.allowlist.is_line_allowlisted",
    "detect_secrets.filters.heuristic.is_indirect_reference",
    "detect_secrets.filters.heuristic.is_templated_secret",
    "detect_secrets.filters.heuristic.is_sequential_string",
)

# A word such as "password" says nothing in tests, which make people up, nor in texts, which label fields.
KEYWORD = "Secret Keyword"
WORDS_SAY_NOTHING = re.compile(r"tests/|.*/texts/[^/]+\.toml$")

Known = dict[str, list[dict[str, str]]]


def main(arguments: list[str]) -> int:
    """Write the list, ask for weaknesses, look for secrets; 1 when something is wrong."""
    if arguments == ["--accept"]:
        write_baseline(found_secrets(tracked_files()))
        return 0
    return int(any([write_sbom(), audit(), tell_secrets()]))


def write_sbom() -> bool:
    """Write the list of components, by a maintained tool that also validates it; True when that failed."""
    SBOM.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(LOCKED), "--pyproject", "pyproject.toml"]
    command += ["--sv", "1.6", "--of", "JSON", "--output-reproducible", "--validate", "-o", str(SBOM)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"SBOM: {done.stderr.strip()[-2000:]}")
        return True
    count = len(json.loads(SBOM.read_text(encoding="utf-8"))["components"])
    print(f"SBOM: {count} components in {SBOM.relative_to(ROOT)} (CycloneDX 1.6, valid)")
    return False


def audit() -> bool:
    """Ask whether what is pinned has known weaknesses; True when it has."""
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "-r", str(LOCKED)]
    command += ["-s", "osv", "-f", "json", "--timeout", "5", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=AUDIT_S)
        answer: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        print("KNOWN WEAKNESSES: NOT AUDITED, no vulnerability data (OSV) can be reached from here")
        return False
    weak = [each for each in answer["dependencies"] if each.get("vulns")]
    for each in weak:
        names = ", ".join(vuln["id"] for vuln in each["vulns"])
        print(f"KNOWN WEAKNESS: {each['name']} {each['version']}: {names}")
    if not weak:
        print(f"Known weaknesses: none in {len(answer['dependencies'])} packages (OSV)")
    return bool(weak)


def tell_secrets() -> bool:
    """Hold what is tracked against the baseline; True when there is something new."""
    known: Known = json.loads(BASELINE.read_text(encoding="utf-8"))
    files = tracked_files()
    found = found_secrets(files)
    new = {name: [each for each in these if each not in known.get(name, [])] for name, these in found.items()}
    for name, these in sorted(new.items()):
        for each in these:
            print(f"SECRET? {name}: {each['type']}; if it is none: `make secrets` after a look at it")
    if not any(new.values()):
        print(f"Secrets: nothing new in {len(files)} tracked files")
    return any(new.values())


def tracked_files() -> list[str]:
    """What git would give away."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in done.stdout.split("\0") if name and Path(name).name not in UNLOOKED]
    paths = ((name, ROOT / name) for name in names if not name.startswith("requirements/locked/"))
    return [name for name, path in paths if path.is_file() and path.stat().st_size <= LONGEST_BYTES]


def found_secrets(files: list[str]) -> Known:
    """What looks like a secret, by file; where in the file does not matter."""
    settings = {
        "plugins_used": [{"name": name} for name in DETECTORS],
        "filters_used": [{"path": path} for path in FILTERS],
    }
    with transient_settings(settings):
        collection = SecretsCollection(root=str(ROOT))
        for name in files:
            collection.scan_file(name)
    found: Known = {}
    for name, secret in collection:
        entry = {"type": secret.type, "hash": secret.secret_hash}
        if secret.type == KEYWORD and WORDS_SAY_NOTHING.match(name):
            continue
        if entry not in found.setdefault(name, []):
            found[name].append(entry)
    return {name: sorted(these, key=lambda each: (each["type"], each["hash"])) for name, these in sorted(found.items())}


def write_baseline(found: Known) -> None:
    """Keep what was looked at."""
    BASELINE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"{BASELINE.name}: {sum(len(these) for these in found.values())} in {len(found)} files")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

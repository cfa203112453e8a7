"""What the caller can read: the format by Accept, the packing by Accept-Encoding."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from cloud_api.problems import FieldProblem, Kinds, Problem


class Format(StrEnum):
    """Media types of tables."""

    JSON = "application/json"
    CSV = "text/csv"
    ARROW = "application/vnd.apache.arrow.stream"
    PARQUET = "application/vnd.apache.parquet"


class Packing(StrEnum):
    """Content codings, the one that we like best first."""

    ZSTD = "zstd"
    GZIP = "gzip"
    IDENTITY = "identity"


def choose_format(accept: str | None, offered: Sequence[Format] = tuple(Format)) -> Format:
    """The format that the caller likes best, JSON where all are alike; a Problem (406) where none is."""
    wanted = _weights(accept) or {"*/*": 1.0}
    found = {each: _weight(each.value, wanted) for each in offered}
    best = max(offered, key=lambda each: found[each])
    if found[best] > 0:
        return best
    allowed = ", ".join(offered)
    detail = "names no format that this address answers in"
    fields = [FieldProblem(field="Accept", value=(accept or "")[:200], detail=detail, allowed=allowed)]
    raise Problem(Kinds.NOT_ACCEPTABLE, f"Accept {detail}", fields=fields)


def choose_packing(accept_encoding: str | None) -> Packing:
    """The content coding that the caller likes best; none where it names none."""
    wanted = _weights(accept_encoding)
    found = {each: wanted.get(each.value, wanted.get("*", 0.0)) for each in (Packing.ZSTD, Packing.GZIP)}
    best = max(found, key=lambda each: found[each])
    return best if found[best] > 0 else Packing.IDENTITY


def _weight(name: str, wanted: Mapping[str, float]) -> float:
    """RFC 9110, 12.5.1: the most precise range decides."""
    kind = name.partition("/")[0]
    for text in (name, f"{kind}/*", "*/*"):
        if text in wanted:
            return wanted[text]
    return 0.0


def _weights(header: str | None) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in (header or "")[:2_000].split(","):
        name, *parameters = [piece.strip() for piece in part.split(";")]
        weight = next((piece[2:] for piece in parameters if piece.lower().startswith("q=")), "1")
        if name:
            weights[name.lower()] = float(weight) if weight.replace(".", "", 1).isdecimal() else 0.0
    return weights

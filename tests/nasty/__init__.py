"""Models that generators get wrong, one module a theme; each becomes a contract of its own."""

from collections.abc import Mapping

from tests.nasty import (
    binary,
    choices,
    containers,
    functions,
    names,
    numbers,
    presence,
    shapes,
    tags,
    times,
    values,
)
from tests.nasty.case import Case, Cases, Row, contract

MODULES: Mapping[str, Cases] = {
    "binary": binary.CASES,
    "choices": choices.CASES,
    "coded": binary.CODED,
    "containers": containers.CASES,
    "functions": functions.CASES,
    "hexed": binary.HEXED,
    "names": names.CASES,
    "numbers": numbers.CASES,
    "presence": presence.CASES,
    "shapes": shapes.CASES,
    "tags": tags.CASES,
    "times": times.CASES,
    "values": values.CASES,
    "values_bytes": values.BYTES,
}

__all__ = ["MODULES", "Case", "Cases", "Row", "contract"]

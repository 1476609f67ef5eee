"""The vectors of tests/vectors: frames of real peers, hostile frames, and what they stand for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[1] / "vectors"


def vectors(*names: str) -> list[dict[str, Any]]:
    """The vectors of some files, in their order."""
    return [
        vector
        for name in names
        for vector in json.loads((VECTORS / f"{name}.json").read_text("utf-8"))["vectors"]
    ]


def frames(vector: dict[str, Any]) -> Iterator[bytes]:
    """The frames of a vector: one, or all beginnings of one."""
    if "all_proper_prefixes_of" in vector:
        whole = bytes.fromhex(vector["all_proper_prefixes_of"])
        yield from (whole[:size] for size in range(len(whole)))
    elif "build" in vector:
        yield b"".join(bytes.fromhex(piece) * count for piece, count in vector["build"])
    else:
        yield bytes.fromhex(vector["hex"])

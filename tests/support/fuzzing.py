"""Frames that mean something, and frames that are broken somewhere."""

import json
import random
from pathlib import Path

from bytesocket_app.wire import BINARY, JSON

VECTORS = Path(__file__).parent.parent / "vectors"
ORDER = {
    "items": [{"kind": "a", "n": 1}, {"kind": "b", "at": "2026-11-30T12:00:00Z"}],
    "by": {"ann": [1.5, None], "bob": []},
    "key": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
}
"""Payload with most of what types can ask for."""


def frames() -> list[bytes]:
    """Frames that mean something: the origin's own, and ours."""
    found = [
        bytes.fromhex(vector["hex"])
        for name in ("messages", "values", "bundles", "more_types")
        for vector in json.loads((VECTORS / f"{name}.json").read_text())["vectors"]
        if "hex" in vector and len(vector["hex"]) < 2000
    ]
    for message in (
        {"event": "note", "data": {"n": 1}, "id": 1},
        {"event": "order", "data": ORDER, "id": "one"},
        {"event": "order", "data": {**ORDER, "items": [{}, {"kind": "c"}] * 9}},
        {"room": "lobby", "event": "note", "data": {"n": 1}},
        {"rooms": ["lobby", "lobby"], "event": "note", "data": {"n": 1}},
        {"type": 9, "room": "lobby"},
        {"type": 15, "rooms": ["lobby", "doc:1"]},
        {"type": 4, "data": None},
    ):
        found += [JSON.encode(message), BINARY.encode(message)] * 20
    return found


def mutated(frame: bytes, rng: random.Random) -> bytes:
    """The frame with a few bytes changed, cut out, doubled, or taken from elsewhere."""
    raw = bytearray(frame)
    for _ in range(rng.randrange(4)):
        if not raw:
            break
        at = rng.randrange(len(raw))
        how = rng.randrange(4)
        if how == 0:
            raw[at] = rng.randrange(256)
        elif how == 1:
            del raw[at : at + rng.randrange(1, 8)]
        elif how == 2:
            raw[at:at] = raw[at : at + rng.randrange(1, 8)]
        else:
            raw[at] = rng.choice(b'{}[]":,0-\xc1\xd6\xc7\xdf\xdd\xc6\xdb\xcb')
    return bytes(raw)

"""The frames of real peers, and hostile ones, from tests/vectors (see the README there)."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bytesocket_app.errors import DecodeError
from bytesocket_app.wire import BINARY, decode
from bytesocket_app.wire.portable import UNDEFINED

VECTORS = Path(__file__).parents[1] / "vectors"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DEPTH = 200
"""The depth that the vectors are made for; the application's own limit is lower."""


def load(*names: str) -> list[Any]:
    loaded = [
        vector
        for name in names
        for vector in json.loads((VECTORS / f"{name}.json").read_text("utf-8"))["vectors"]
    ]
    return [pytest.param(vector, id=vector["id"]) for vector in loaded]


def untag(value: Any) -> Any:
    """Make the Python value of a file's "tagged JSON"."""
    match value:
        case {"$float": text}:
            return float(text)
        case {"$bigint": text}:
            return int(text)
        case {"$undefined": True}:
            return UNDEFINED
        case {"$bytes": text}:
            return bytes.fromhex(text)
        case {"$date": None}:
            return None
        case {"$date": {"s": seconds, "ns": nanoseconds}}:
            return EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)
        case {"$map": pairs}:
            return {key: untag(item) for key, item in pairs}
        case dict():
            return {key: untag(item) for key, item in value.items()}
        case list():
            return [untag(item) for item in value]
        case _:
            return value


def same(got: Any, tagged: Any) -> bool:
    """Compare a decoded value with one of a file, by the rules of the vectors' README."""
    match tagged:
        case {"$float": "nan"}:
            return isinstance(got, float) and math.isnan(got)
        case {"$float": text}:
            return type(got) in {int, float} and float(got) == float(text)
        case {"$bigint": text}:
            return type(got) is int and got == int(text)
        case {"$undefined": True}:
            return got is None
        case dict() if not any(key in tagged for key in ("$bytes", "$date", "$map")):
            return (
                isinstance(got, dict)
                and got.keys() == tagged.keys()
                and all(same(got[key], tagged[key]) for key in tagged)
            )
        case {"$map": pairs}:
            return (
                isinstance(got, dict)
                and got.keys() == {key for key, _ in pairs}
                and all(same(got[key], item) for key, item in pairs)
            )
        case list():
            return isinstance(got, list) and len(got) == len(tagged) and all(map(same, got, tagged))
        case bool() | None | str() | dict():
            return type(got) is type(untag(tagged)) and got == untag(tagged)
        case _:
            return type(got) in {int, float} and got == tagged


def frames(vector: dict[str, Any]) -> Iterator[bytes]:
    if "all_proper_prefixes_of" in vector:
        whole = bytes.fromhex(vector["all_proper_prefixes_of"])
        yield from (whole[:size] for size in range(len(whole)))
    elif "build" in vector:
        yield b"".join(bytes.fromhex(piece) * count for piece, count in vector["build"])
    else:
        yield bytes.fromhex(vector["hex"])


@pytest.mark.parametrize("vector", load("messages", "values", "bundles"))
def test_reads_what_a_real_peer_packs(vector: dict[str, Any]) -> None:
    frame = bytes.fromhex(vector["hex"])
    try:
        got = decode(frame, is_binary=True, max_depth=DEPTH)
    except DecodeError:
        assert vector.get("wide_date")
        return
    allowed = [vector["value"], *vector.get("value_alt", [])]
    assert vector.get("wide_date") or any(same(got, value) for value in allowed)


@pytest.mark.parametrize("vector", load("refuse"))
def test_refuses_broken_and_hostile_frames(vector: dict[str, Any]) -> None:
    for frame in frames(vector):
        with pytest.raises(DecodeError):
            decode(frame, is_binary=True, max_depth=DEPTH)


@pytest.mark.parametrize("vector", load("survive"))
def test_survives_unusual_frames(vector: dict[str, Any]) -> None:
    for frame in frames(vector):
        try:
            decode(frame, is_binary=True, max_depth=DEPTH)
        except DecodeError:
            pass


# A small BigInt ("needs_bigint_type") has no Python type of its own: an int is a number.
@pytest.mark.parametrize(
    "vector",
    [p for p in load("encode") if "needs_bigint_type" not in p.values[0]],  # noqa: PD011
)
def test_writes_the_reference_bytes(vector: dict[str, Any]) -> None:
    value = untag(vector["value"])
    frame = BINARY.encode(value)
    assert frame.hex() == vector["hex"]
    assert same(decode(frame, is_binary=True), vector.get("ts_value", vector["value"])) or (
        "milliseconds" in vector.get("note", "")
    )


@pytest.mark.parametrize("vector", load("text"))
@pytest.mark.parametrize("as_bytes", [False, True], ids=["str", "bytes"])
def test_reads_text_frames(vector: dict[str, Any], as_bytes: bool) -> None:
    text = "".join(piece * count for piece, count in vector.get("build_text", ()))
    text = vector.get("text", text)
    try:
        got = decode(text.encode() if as_bytes else text, is_binary=False, max_depth=DEPTH)
    except DecodeError:
        assert vector.get("survive") or not vector["accept"]
        return
    allowed = [vector["value"], *vector.get("value_alt", [])] if "value" in vector else []
    assert vector.get("survive") or any(same(got, value) for value in allowed)

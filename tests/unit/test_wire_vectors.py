"""The frames of real peers, and hostile ones, from tests/vectors (see the README there)."""

import math
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bytesocket_app.errors import DecodeError
from bytesocket_app.wire import BINARY, decode
from bytesocket_app.wire.portable import UNDEFINED, kind_of
from tests.support.wire_vectors import frames, vectors

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DEPTH = 200
"""The depth that the vectors are made for; the application's own limit is lower."""


def load(*names: str) -> list[Any]:
    return [pytest.param(vector, id=vector["id"]) for vector in vectors(*names)]


def untag(value: Any) -> Any:
    """Make the Python value of a file's "tagged JSON"."""
    kind = kind_of(value)
    if kind is list:
        return [untag(item) for item in value]
    if kind is not dict:
        return value
    for tag, make in TAGS.items():
        if tag in value:
            return make(value[tag])
    return {key: untag(item) for key, item in value.items()}


def moment(parts: Any) -> datetime | None:
    if parts is None:
        return None
    return EPOCH + timedelta(seconds=parts["s"], microseconds=parts["ns"] // 1000)


NUMBERS: tuple[object, object] = (int, float)
TAGS: dict[str, Callable[[Any], Any]] = {
    "$float": float,
    "$bigint": int,
    "$undefined": lambda _: UNDEFINED,
    "$bytes": bytes.fromhex,
    "$date": moment,
    "$map": lambda pairs: {key: untag(item) for key, item in pairs},
}


def same(got: Any, expected: Any) -> bool:
    """Compare a decoded value with one of a file, by the rules of the vectors' README."""
    kind = kind_of(expected)
    if kind is int or kind is float:
        if kind_of(got) not in NUMBERS:
            return False
        return bool(got == expected) if kind is int else same_float(float(got), expected)
    if expected is UNDEFINED:
        return got is None
    if kind is not kind_of(got):
        return False
    if kind is dict:
        return got.keys() == expected.keys() and all(same(got[k], expected[k]) for k in got)
    if kind is list:
        return len(got) == len(expected) and all(map(same, got, expected))
    return bool(got == expected)


def same_float(got: float, expected: float) -> bool:
    return got == expected or (math.isnan(got) and math.isnan(expected))


@pytest.mark.parametrize("vector", load("messages", "values", "bundles"))
def test_reads_what_a_real_peer_packs(vector: dict[str, Any]) -> None:
    frame = bytes.fromhex(vector["hex"])
    try:
        got = decode(frame, is_binary=True, max_depth=DEPTH)
    except DecodeError:
        assert vector.get("wide_date")
        return
    allowed = [vector["value"], *vector.get("value_alt", [])]
    assert vector.get("wide_date") or any(same(got, untag(value)) for value in allowed)


@pytest.mark.parametrize("vector", load("more_types"))
def test_reads_what_msgpackr_packs_with_more_types_and_big_integers(
    vector: dict[str, Any],
) -> None:
    got = decode(bytes.fromhex(vector["hex"]), is_binary=True, max_depth=DEPTH)
    assert same(got, untag(vector["value"]))


@pytest.mark.parametrize("vector", load("refuse"))
def test_refuses_broken_and_hostile_frames(vector: dict[str, Any]) -> None:
    for frame in frames(vector):
        with pytest.raises(DecodeError):
            decode(frame, is_binary=True, max_depth=DEPTH)


@pytest.mark.parametrize("vector", load("survive"))
def test_survives_unusual_frames(vector: dict[str, Any]) -> None:
    for frame in frames(vector):
        with suppress(DecodeError):
            decode(frame, is_binary=True, max_depth=DEPTH)


# A small BigInt ("needs_bigint_type") has no Python type of its own: an int is a number.
@pytest.mark.parametrize(
    "vector",
    [p for p in load("encode") if "needs_bigint_type" not in str(p.values[0])],
)
def test_writes_the_reference_bytes(vector: dict[str, Any]) -> None:
    value = untag(vector["value"])
    frame = BINARY.encode(value)
    assert frame.hex() == vector["hex"]


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
    assert vector.get("survive") or any(same(got, untag(value)) for value in allowed)

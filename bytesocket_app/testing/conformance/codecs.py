"""Check of a codec: it decodes its own output, and fails with `DecodeError` only."""

from typing import Any

from bytesocket_app.errors import DecodeError
from bytesocket_app.wire import HOLE, Codec, decode

VALUES: tuple[Any, ...] = (
    {},
    {"type": 9, "room": "lobby"},
    {"event": "e", "data": None},
    {"event": 7, "data": [True, False, None]},
    {"data": [0, 1, -1, 63, 64, 72, 127, 128, 255, 256, 65_535, 65_536, -32, -33, -129]},
    {"data": [2**31, 2**32 - 1, 2**32, 2**40, -(2**31), -(2**31) - 1, 2**53, -(2**53)]},
    {"data": [0.5, -1.25, 1e300, 3.141592653589793]},
    {"data": ["", "a", "x" * 31, "x" * 32, "x" * 255, "x" * 256, "x" * 70_000]},
    {"data": 'grüße 🙂 \u0000 \u2028 \\ "'},
    {"": {"": {"": []}}},
    {f"key{n}": n for n in range(40)},
    {"data": list(range(70_000))},
)
"""Messages that every codec can carry."""


async def check_codec(codec: Codec) -> None:
    """Check that a codec decodes its own output, whole and spliced, and refuses broken input.

    Raises:
        AssertionError: The codec does not.
    """
    for value in VALUES:
        payload = codec.encode(value)
        assert isinstance(payload, bytes), f"{type(payload).__name__} instead of bytes"
        found = decode(payload, codec.is_binary, max_depth=200)
        assert found == value, f"{value!r} came back as {found!r}"
    _check_envelope(codec)
    _check_refusals(codec)


def _check_envelope(codec: Codec) -> None:
    for value in VALUES:
        pieces = codec.envelope({"room": HOLE, "event": 64, "data": HOLE})
        assert len(pieces) == 3, f"an envelope with two holes has {len(pieces)} pieces"
        start, middle, end = pieces
        payload = start + codec.encode("lobby") + middle + codec.encode(value) + end
        found = decode(payload, codec.is_binary, max_depth=200)
        message = {"room": "lobby", "event": 64, "data": value}
        assert found == message, f"the envelope of {value!r} gave {found!r}"


def _check_refusals(codec: Codec) -> None:
    """Check that a truncated message, and one with trailing bytes, is a decode error."""
    payload = codec.encode({"event": "e", "data": [1, {"a": "text"}]})
    for broken in [*(payload[:n] for n in range(len(payload))), payload + payload]:
        try:
            decode(broken, codec.is_binary)
        except DecodeError:
            continue
        raise AssertionError(f"{broken!r} was read without an error")

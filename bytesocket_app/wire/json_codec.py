"""Codec of text frames: JSON as the protocol's peers read it (protocol.md section 8.8)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import from_json, to_json

from bytesocket_app.errors import DecodeError, EncodeError
from bytesocket_app.types import CodecName
from bytesocket_app.wire.codec import HOLE, UNLIMITED, is_deeper, too_many
from bytesocket_app.wire.javascript import without_lone_surrogates
from bytesocket_app.wire.portable import UNDEFINED, kind_of, name_of, ordinary

_BOM: Final = "\ufeff"
_ESCAPES: Final = re.compile(
    r"\\\\"  # an escaped backslash, which would hide what follows it
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # one whole character
    r"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)

_NO_SIGNS: Final = bytes(set(range(256)) - set(b'",[{'))
"""All bytes but those that show where elements and texts begin."""
_PIECE: Final = 64 * 1024


class JsonCodec:
    """Codec for JSON text in UTF-8."""

    name: CodecName = "json"
    is_binary: bool = False

    def encode(self, message: object) -> bytes:
        """Encode a value as one line of JSON.

        NaN and the infinities become null, dates ISO text, an exception the list
        `[name, message, cause]`, a lone surrogate U+FFFD. Bytes must be UTF-8 and become text.

        Raises:
            EncodeError: JSON cannot express some part of the value, or the value is nested deeper
                than about 200 levels or contains itself.
        """
        try:
            return to_json(message, inf_nan_mode="null")
        except (ValueError, RecursionError):
            return _encode_carefully(message)

    def envelope(self, message: Mapping[str, object]) -> tuple[bytes, ...]:
        """Encode the parts around the holes: braces, commas, names and the other values."""
        pieces = [b"{"]
        for index, (name, value) in enumerate(message.items()):
            pieces[-1] += (b"," if index else b"") + self.encode(name) + b":"
            if value is HOLE:
                pieces.append(b"")
            else:
                pieces[-1] += self.encode(value)
        pieces[-1] += b"}"
        return tuple(pieces)


def _encode_carefully(message: object) -> bytes:
    try:
        return to_json(_portable(message), inf_nan_mode="null")
    except RecursionError as error:
        raise EncodeError(
            "the message is nested too deep for JSON, or holds itself: send it flat"
        ) from error
    except ValueError as error:
        raise EncodeError(f"the message cannot be written as JSON: {error}") from error


def _portable(value: object) -> object:
    """Convert a tree to JSON's types. Undefined members are left out, as in JavaScript."""
    usual: Any = ordinary(value)
    kind = kind_of(usual)
    if kind is str:
        return without_lone_surrogates(usual)
    if kind is list:
        return [_portable(item) for item in usual]
    if kind is dict:
        return {
            without_lone_surrogates(name_of(key)): _portable(item)
            for key, item in usual.items()
            if item is not UNDEFINED
        }
    return None if usual is UNDEFINED else usual


def decode_json(payload: bytes | str, *, max_depth: int, max_elements: int = UNLIMITED) -> object:
    """Decode a JSON text, with or without a byte order mark.

    Args:
        payload: The whole frame.
        max_depth: Largest nesting of arrays and objects. The parser's own limit is about 200.
        max_elements: Largest number of members of all arrays and objects together, where an empty
            one counts as one. More are refused before anything is made of them.

    Returns:
        Plain Python values. A number beyond a float64 is an infinity, as in JavaScript; a lone
        surrogate is U+FFFD; the last of several members of one name wins.

    Raises:
        DecodeError: The text is not JSON (`NaN` is not), is nested too deep, or has too many
            elements.
    """
    if len(payload) > max_elements and _has_more(payload, max_elements):
        raise too_many(max_elements)
    try:
        value = from_json(payload, allow_inf_nan=False)
    except (ValueError, TypeError):
        value = _decode_carefully(payload)
    if len(payload) > 2 * max_depth and _is_deeper(payload, value, max_depth):
        raise DecodeError(f"the message is nested more than {max_depth} levels deep")
    return value


def _has_more(payload: bytes | str, limit: int) -> bool:
    """Return True if a text has more elements; first rules out those with few signs of them.

    Each element begins a list or an object, or follows a comma.
    """
    raw = payload if isinstance(payload, bytes) else payload.encode("utf-8", "surrogatepass")
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") <= limit:
        return False
    if b"\\" in raw:  # so that every quote that is left begins or ends a text
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    signs = raw.translate(None, _NO_SIGNS)
    count = is_inside = 0
    for start in range(0, len(signs), _PIECE):  # a piece at a time, as a list of all is large
        texts = signs[start : start + _PIECE].split(b'"')
        count += sum(map(len, texts[is_inside::2]))
        if count > limit:
            return True
        is_inside ^= len(texts) & 1 ^ 1
    return False


def _decode_carefully(payload: bytes | str) -> object:
    """Decode text that the strict parser refuses and JavaScript accepts: BOM, lone surrogates."""
    try:
        text = payload if isinstance(payload, str) else payload.decode()
        whole = without_lone_surrogates(text.removeprefix(_BOM))
        return from_json(_ESCAPES.sub(_replace_half, whole), allow_inf_nan=False)
    except ValueError as error:
        raise DecodeError(f"the text frame is not JSON: {error}") from error


def _replace_half(escape: re.Match[str]) -> str:
    return r"\ufffd" if escape["half"] else escape[0]


def _is_deeper(payload: bytes | str, value: object, limit: int) -> bool:
    """Return True if the value is nested deeper; first rules out frames with few brackets."""
    if isinstance(payload, str):
        brackets = payload.count("[") + payload.count("{")
    else:
        brackets = payload.count(b"[") + payload.count(b"{")
    return brackets > limit and is_deeper(value, limit)

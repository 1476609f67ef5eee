"""Dates in MessagePack: the timestamp extension, type -1.

Source: the MessagePack specification, "Timestamp extension type"; protocol.md sections 8.1 and 8.6.
"""

import struct
from datetime import UTC, datetime, timedelta
from typing import Final

from bytesocket_app.errors import DecodeError, EncodeError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONG: Final = struct.Struct(">Iq")
_SECONDS_BITS: Final = 34


def write_timestamp(moment: datetime) -> bytes:
    """Encode an aware datetime in the shortest form, including the extension's head.

    Raises:
        EncodeError: The datetime has no time zone, so it is not a point in time.
    """
    if moment.utcoffset() is None:
        raise EncodeError(
            f"the datetime {moment.isoformat()} has no time zone: give it one (tzinfo=UTC), or "
            "send its text"
        )
    since = moment - _EPOCH
    seconds, nanoseconds = since.days * 86_400 + since.seconds, since.microseconds * 1000
    if nanoseconds == 0 and 0 <= seconds < 1 << 32:
        return b"\xd6\xff" + seconds.to_bytes(4, "big")
    if 0 <= seconds < 1 << _SECONDS_BITS:
        return b"\xd7\xff" + (nanoseconds << _SECONDS_BITS | seconds).to_bytes(8, "big")
    return b"\xc7\x0c\xff" + _LONG.pack(nanoseconds, seconds)


def read_timestamp(data: bytes) -> datetime | None:
    """Decode the extension's data to a datetime, cut to microseconds.

    Returns:
        The datetime; None for data of one byte, which is JavaScript's invalid date.

    Raises:
        DecodeError: The data has no form of a date, or the date is outside the years 1 to 9999.
    """
    match len(data):
        case 1:
            return None
        case 4:
            seconds, nanoseconds = int.from_bytes(data, "big"), 0
        case 8:
            both = int.from_bytes(data, "big")
            seconds, nanoseconds = both & (1 << _SECONDS_BITS) - 1, both >> _SECONDS_BITS
        case 12:
            nanoseconds, seconds = _LONG.unpack(data)
        case length:
            raise DecodeError(f"a date of {length} bytes: there are none but of 4, 8 and 12")
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)
    except OverflowError as error:
        raise DecodeError(
            f"a date {seconds} seconds from 1970: outside the years 1 to 9999"
        ) from error

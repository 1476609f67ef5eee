"""Silence: how long a peer may say nothing."""

import re
from math import inf
from typing import Any, Final

from bytesocket_app.settings import Timeouts
from bytesocket_app.socket import Socket, parameter

BEATS: Final = 1.8
"""Intervals between two pings of a client that may pass in silence: 45 s of 25 s."""

_MILLISECONDS: Final = re.compile(r"[0-9]{1,32}(\.[0-9]{1,32})?(e\+[0-9]{1,3})?|Infinity")


def allowed_silence(socket: Socket[Any], timeouts: Timeouts) -> float:
    """Return the seconds of silence that end a connection; 0 for no such end.

    A client that names a contract pings every 25 s, or says otherwise. A page in a hidden tab may
    be late: browsers let its timers go off once a minute.
    """
    idle, silence = timeouts.idle, timeouts.silence
    if not silence or socket.contract is None or "origin" in socket.handshake.headers:
        return idle
    every = _said_heartbeat(socket.handshake.query)
    if every is None:
        return min(silence, idle or silence)
    return min(max(silence, BEATS * every), idle or inf) if every else idle


def _said_heartbeat(query: str) -> float | None:
    """Return the seconds between a client's pings as it says them, 0 for none; None if it does not.

    Args:
        query: The query of its request, with or without `heartbeat`, in milliseconds.
    """
    text = parameter(query, "heartbeat")
    if text is None or not _MILLISECONDS.fullmatch(text):
        return None
    return float(text) / 1000

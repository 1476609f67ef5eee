"""Sockets handed to a child process: inherited on POSIX, and shared by a message on Windows."""

import base64
import json
import socket
import sys
from collections.abc import Mapping
from typing import Any

INHERITED = sys.platform != "win32"
"""True where a child has the descriptors that its parent names."""


def share(sockets: Mapping[str, socket.socket], pid: int) -> bytes:
    """Return a line for the child's stdin, from which `take` makes the same sockets there."""
    # Only Windows has these functions, and type checkers look at the others.
    shared = {name: _share(one, pid) for name, one in sockets.items()}
    coded = {name: base64.b64encode(data).decode() for name, data in shared.items()}
    return json.dumps(coded).encode() + b"\n"


def take(line: bytes) -> dict[str, socket.socket]:
    """Make the sockets of a line that `share` made for this process."""
    coded: dict[str, str] = json.loads(line)
    return {name: _shared(base64.b64decode(data)) for name, data in coded.items()}


def _share(one: Any, pid: int) -> bytes:
    data: bytes = one.share(pid)
    return data


def _shared(data: bytes) -> socket.socket:
    module: Any = socket
    made: socket.socket = module.fromshare(data)
    return made

"""Conformance suites for any transport or server, without a test framework.

A suite is a plain async function. It takes a `Serve`: a function that serves an application and
gives a `Site` to connect to. The author of an adaptor writes that function, and calls::

    await check_connection(serve)
    await check_rooms(serve, codec="binary")

Each raises `ConformanceError`, which names the cases that failed and the problem of each.
`run_cases` gives the results one by one instead. `WIRE_CASES` need no application of their own:
they can be run against any server that is already running.
"""

from bytesocket_app.testing.conformance.codecs import check_codec
from bytesocket_app.testing.conformance.memory import serve_in_memory
from bytesocket_app.testing.conformance.network import NetworkSite
from bytesocket_app.testing.conformance.running import RunningServer
from bytesocket_app.testing.conformance.stage import (
    Case,
    ConformanceError,
    Ended,
    Peer,
    Refused,
    Result,
    Serve,
    Site,
    Stage,
    run_cases,
)
from bytesocket_app.testing.conformance.suites import (
    SUITES,
    WIRE_CASES,
    check_auth,
    check_bulk_rooms,
    check_connection,
    check_flow,
    check_heartbeat,
    check_lifecycle,
    check_messaging,
    check_rooms,
)

__all__ = [
    "SUITES",
    "WIRE_CASES",
    "Case",
    "ConformanceError",
    "Ended",
    "NetworkSite",
    "Peer",
    "Refused",
    "Result",
    "RunningServer",
    "Serve",
    "Site",
    "Stage",
    "check_auth",
    "check_bulk_rooms",
    "check_codec",
    "check_connection",
    "check_flow",
    "check_heartbeat",
    "check_lifecycle",
    "check_messaging",
    "check_rooms",
    "run_cases",
    "serve_in_memory",
]

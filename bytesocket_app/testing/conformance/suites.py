"""Conformance suites: each a list of cases, and a function that checks them all."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from bytesocket_app.testing.conformance import (
    auth,
    bulk_rooms,
    connection,
    flow,
    heartbeat,
    lifecycle,
    messaging,
    rooms,
)
from bytesocket_app.testing.conformance.stage import (
    Case,
    ConformanceError,
    Result,
    Serve,
    Stage,
    run_cases,
)
from bytesocket_app.types import CodecName

SUITES: Final[Mapping[str, tuple[Case, ...]]] = {
    "connection": connection.CASES,
    "heartbeat": heartbeat.CASES,
    "auth": auth.CASES,
    "lifecycle": lifecycle.CASES,
    "messaging": messaging.CASES,
    "rooms": rooms.CASES,
    "bulk_rooms": bulk_rooms.CASES,
    "flow": flow.CASES,
}
"""Cases that serve their own application, by suite."""

WIRE_CASES: Final[Mapping[str, tuple[Case, ...]]] = {
    "heartbeat": (heartbeat.an_empty_binary_frame_is_answered,),
    "messaging": (
        messaging.a_frame_that_cannot_be_read_closes,
        messaging.a_message_that_is_no_object_closes,
    ),
    "rooms": (rooms.every_join_is_answered, rooms.every_bulk_join_is_answered),
    "connection": (connection.both_codecs_are_spoken,),
}
"""Cases that need nothing of the application, so any running server can be checked, by suite."""


async def _check(suite: str, serve: Serve, codec: CodecName, excused: Collection[str]) -> None:
    failed: list[Result] = []
    async for result in run_cases(SUITES[suite], Stage(serve, codec)):
        if result.name in excused:
            if result.problem is None:
                failed.append(replace(result, problem="it is excused, but it holds"))
        elif result.problem is not None:
            failed.append(result)
    if failed:
        raise ConformanceError(failed)


async def check_connection(
    serve: Serve, *, codec: CodecName = "json", excused: Collection[str] = ()
) -> None:
    """Check opening, refusing and closing; raise ConformanceError for failed cases."""
    await _check("connection", serve, codec, excused)


async def check_heartbeat(
    serve: Serve, *, codec: CodecName = "json", excused: Collection[str] = ()
) -> None:
    """Check pings and the idle timeout; raise ConformanceError for failed cases."""
    await _check("heartbeat", serve, codec, excused)


async def check_auth(
    serve: Serve, *, codec: CodecName = "json", excused: Collection[str] = ()
) -> None:
    """Check authentication by message and by handshake; raise ConformanceError for failed cases."""
    await _check("auth", serve, codec, excused)


async def check_lifecycle(
    serve: Serve, *, codec: CodecName = "json", excused: Collection[str] = ()
) -> None:
    """Check the hooks, their order and their errors; raise ConformanceError for failed cases."""
    await _check("lifecycle", serve, codec, excused)


async def check_messaging(
    serve: Serve, *, codec: CodecName = "json", excused: Collection[str] = ()
) -> None:
    """Check events, replies, refusals and bad input; raise ConformanceError for failed cases."""
    await _check("messaging", serve, codec, excused)


async def check_rooms(
    serve: Serve, *, codec: CodecName = "json", excused: Collection[str] = ()
) -> None:
    """Check rooms one at a time; raise ConformanceError for failed cases."""
    await _check("rooms", serve, codec, excused)


async def check_bulk_rooms(
    serve: Serve, *, codec: CodecName = "json", excused: Collection[str] = ()
) -> None:
    """Check several rooms in one message; raise ConformanceError for failed cases."""
    await _check("bulk_rooms", serve, codec, excused)


async def check_flow(
    serve: Serve, *, codec: CodecName = "json", excused: Collection[str] = ()
) -> None:
    """Check slow readers, pauses and dropped connections; raise ConformanceError for failures."""
    await _check("flow", serve, codec, excused)

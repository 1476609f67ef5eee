"""Every suite over every transport and server, in both codecs, with and without a lifespan.

A new adaptor adds one line to `SITES`.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from bytesocket_app.testing import conformance
from bytesocket_app.types import CodecName
from tests.support import sites

SITES = {
    "memory": (sites.memory, {"asyncio", "trio"}),
    "hypercorn": (sites.on_hypercorn, {"asyncio", "trio"}),
    "uvicorn": (sites.on_uvicorn, {"asyncio"}),
    "picows": (sites.on_picows, {"asyncio"}),
    "granian": (sites.on_granian, {"asyncio"}),
    "websockets": (sites.on_websockets, {"asyncio"}),
}
"""How to serve an application, and the event loops that can."""

CODE = "a_peers_close_code_reaches_the_close_hook"
REASON = "a_peers_close_reason_reaches_the_close_hook"
EXCUSED = {
    # hypercorn 0.18 says 1006 whatever the peer sent, and no reason.
    ("hypercorn", "check_connection"): (CODE, REASON),
    # granian 2.8 gives the code and no reason.
    ("granian", "check_connection"): (REASON,),
}
"""What a server keeps from us; nothing above it can know."""

SUITES: list[Callable[..., Awaitable[None]]] = [
    conformance.check_connection,
    conformance.check_heartbeat,
    conformance.check_auth,
    conformance.check_lifecycle,
    conformance.check_messaging,
    conformance.check_rooms,
    conformance.check_bulk_rooms,
    conformance.check_flow,
]

RUNS = [
    pytest.param(
        (name, loop), id=f"{name}-{loop}", marks=[] if name == "memory" else pytest.mark.slow
    )
    for name, (_, loops) in SITES.items()
    for loop in sorted(loops)
]


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest) -> tuple[str, str]:
    found: tuple[str, str] = request.param
    return found


@pytest.fixture
def anyio_backend(run: tuple[str, str]) -> str:
    return run[1]


@pytest.mark.anyio
@pytest.mark.parametrize("lifespan", [True, False], ids=["lifespan", "bare"])
@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("check", SUITES, ids=[check.__name__ for check in SUITES])
async def test_the_suite_passes(
    check: Callable[..., Awaitable[None]], codec: CodecName, lifespan: bool, run: tuple[str, str]
) -> None:
    serve, _ = SITES[run[0]]
    excused = EXCUSED.get((run[0], check.__name__), ())
    await check(partial(serve, lifespan=lifespan), codec=codec, excused=excused)

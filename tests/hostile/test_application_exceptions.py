"""What an application raises, wherever it runs, ends one connection at most, on every server."""

import re
import signal

import pytest

from tests.support.hostile import DEADLINE, Target, bystanders, target, until
from tests.support.hostile_app import RUNNERS
from tests.support.raising_apps import ERRORS, PLACES
from tests.support.raw_peer import CLOSE, frame

pytestmark = pytest.mark.slow

# Those end the connection, and on ASGI it is the server that logs them.
KINDS = {"picows": tuple(ERRORS)}
ERROR = re.compile(r"^ERROR bytesocket\S* (?:and ([0-9,]+) more in a second)?", re.MULTILINE)
EVENTS = ("do", "plain", "beside", "lent", "told")


def live(served: Target, query: str, *, login: bool) -> None:
    """Do all that one connection can do, whether or not the server has ended it meanwhile."""
    with served.connect() as peer:
        try:
            peer.upgrade(f"/ws?{query}")
            if login:
                peer.say(type=4, data="right")
                peer.hear()
            for number, event in enumerate(EVENTS):
                peer.say(event=event, data={"text": query}, id=number + 1)
            peer.say(type=9, room="room")
            peer.say(type=12, room="room")
            while peer.hear().get("type") not in {13, 14}:
                pass
            peer.send(frame(CLOSE))
            peer.gone()
        except (OSError, AssertionError):
            pass  # refused, or ended


def settled(served: Target) -> tuple[int, int]:
    """Wait until each strike has its line, or is counted in one; returns how many of both."""

    def counted() -> tuple[int, int]:
        log = served.log()
        more = [found.replace(",", "") for found in ERROR.findall(log)]
        return log.count("INFO strikes"), sum(int(number or 1) for number in more)

    return until(counted, lambda found: found[1] >= found[0])


@pytest.mark.parametrize("by", ["message", "handshake"])
@pytest.mark.parametrize("server", RUNNERS)
def test_no_exception_of_the_application_ends_the_server(server: str, by: str) -> None:
    login = by == "message"
    kinds = KINDS.get(
        server, tuple(kind for kind in ERRORS if kind not in {"generator", "keyboard"})
    )
    with target(server, f"tests.support.raising_apps:by_{by}") as served:
        pid = served.pid
        with bystanders(served, token="right" if login else None):
            for place in PLACES:
                for kind in kinds:
                    live(served, f"{place}={kind}", login=login)
        assert served.process.pid == pid
        strikes, errors = settled(served)
        assert strikes >= len(PLACES) * len(kinds)
        assert errors == strikes
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(DEADLINE) == 0, served.log()[-4000:]

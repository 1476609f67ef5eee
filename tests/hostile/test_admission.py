"""Strangers who open too many connections, too fast, or claim to come from elsewhere."""

import time
from collections import Counter
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.admission_app import PER_ADDRESS, PER_USER, UNAUTHENTICATED
from tests.support.hostile import Attacker, Target, bystanders, request, target, until
from tests.support.hostile_app import SERVERS

pytestmark = pytest.mark.slow

APPS = "tests.support.admission_app"
STRANGER = "127.0.0.9"
CROWD = 200

on_every_server = pytest.mark.parametrize("kind", SERVERS)
on_two_servers = pytest.mark.parametrize("kind", ["hypercorn-asyncio", "picows"])


class Crowd:
    """Many connections from one address, whose handshakes are asked for at once."""

    def __init__(self, served: Target, size: int = CROWD) -> None:
        peers = [served.connect(STRANGER) for _ in range(size)]
        for peer in peers:
            peer.send(request())
        self.taken: list[Attacker] = []
        self.answers = Counter[tuple[int, bool]]()
        for peer in peers:
            status, head = peer.answer()
            self.answers[status, b"\r\nretry-after: 5" in head.lower()] += 1
            if status == 101:
                self.taken.append(peer)
            else:
                peer.close()

    def leave(self) -> None:
        """Leave, half of them rudely."""
        for number, peer in enumerate(self.taken):
            (peer.close if number % 2 else peer.reset)()


def places(served: Target, token: str | None = None) -> Any:
    """What the application counts, the asking connection included."""
    with served.upgraded() as peer:
        if token is not None:
            log_in(peer, token)
        return peer.request("places", None)


def log_in(peer: Attacker, token: str) -> None:
    peer.say(type=4, data=token)
    assert peer.hear() == {"type": 5}


def is_taken(served: Target, source: str = STRANGER, **headers: str) -> bool:
    with served.connect(source) as peer:
        peer.send(request(**headers))
        return peer.answer()[0] == 101


@on_every_server
def test_one_address_cannot_take_all_connections(kind: str) -> None:
    with target(kind, f"{APPS}:per_address") as served:
        with bystanders(served):
            for _ in range(2):
                crowd = Crowd(served)
                assert crowd.answers == {
                    (101, False): PER_ADDRESS,
                    (429, True): CROWD - PER_ADDRESS,
                }
                assert places(served)[2] == {"127.0.0.1": 3, STRANGER: PER_ADDRESS}
                crowd.leave()
                until(lambda: places(served)[2], lambda found: found == {"127.0.0.1": 3})
        assert "Traceback" not in served.log()


@on_every_server
def test_a_full_server_says_when_to_come_back(kind: str) -> None:
    with target(kind, f"{APPS}:in_all") as served:
        with bystanders(served):
            crowd = Crowd(served)
            assert crowd.answers == {
                (101, False): PER_ADDRESS - 2,
                (503, True): CROWD - PER_ADDRESS + 2,
            }
            crowd.leave()
            until(lambda: is_taken(served), bool)
            until(lambda: places(served)[0], lambda found: found == 3)
        assert "Traceback" not in served.log()


@on_every_server
def test_strangers_without_credentials_leave_places_to_users(kind: str) -> None:
    with target(kind, f"{APPS}:unauthenticated") as served:
        with bystanders(served, token="ann"):
            crowd = Crowd(served)
            assert crowd.answers == {
                (101, False): UNAUTHENTICATED,
                (503, True): CROWD - UNAUTHENTICATED,
            }
            assert not is_taken(served)
            log_in(crowd.taken[0], "bob")
            with served.upgraded() as late:  # the place of the one who gave good credentials
                assert not is_taken(served)
                log_in(late, "eve")
                crowd.leave()
                until(lambda: places(served, "ann")[:2], lambda found: found == [4, 0])
        assert "Traceback" not in served.log()


@on_every_server
def test_who_leaves_during_its_handshake_is_not_counted(kind: str) -> None:
    with target(kind, f"{APPS}:per_address") as served:
        with bystanders(served):
            for number in range(CROWD):
                peer = served.connect(STRANGER)
                whole = request()
                peer.send(whole if number % 3 else whole[: number % len(whole)])
                (peer.close if number % 2 else peer.reset)()
            until(lambda: places(served)[2], lambda found: found == {"127.0.0.1": 3})
            crowd = Crowd(served)
            assert crowd.answers[101, False] == PER_ADDRESS
            crowd.leave()
        assert "Traceback" not in served.log()


@on_every_server
def test_handshakes_in_a_second_have_a_limit(kind: str) -> None:
    with target(kind, f"{APPS}:handshakes") as served, bystanders(served):
        begin = time.monotonic()
        statuses = Counter[int]()
        for peer in [served.connect(STRANGER) for _ in range(100)]:
            peer.send(request())
            status, head = peer.answer()
            assert (status == 101) != (b"\r\nretry-after: " in head.lower())
            statuses[status] += 1
            peer.close()
        elapsed = time.monotonic() - begin
        assert set(statuses) <= {101, 429}
        assert 2 <= statuses[101] <= 2 + elapsed + 1


@on_every_server
def test_nobody_claims_to_come_from_elsewhere(kind: str) -> None:
    claim = {"X_Forwarded_For": "203.0.113.5"}

    def seen(served: Target, source: str, **headers: str) -> Any:
        with served.upgraded(source=source, **headers) as peer:
            return peer.request("where", None)[0]

    with target(kind, f"{APPS}:behind_proxies") as served:
        # 127.0.0.1 is nobody special, whatever servers believe by themselves.
        assert seen(served, "127.0.0.1", **claim) == "127.0.0.1"
        assert seen(served, STRANGER, **claim) == STRANGER
        assert seen(served, "127.0.0.2", **claim) == "203.0.113.5"
        assert seen(served, "127.0.0.2") == "127.0.0.2"
        twice = {"X_Forwarded_For": "198.51.100.7, 203.0.113.5, 127.0.0.3"}
        assert seen(served, "127.0.0.2", **twice) == "203.0.113.5"
    with target(kind, f"{APPS}:per_address") as served:
        for source in ("127.0.0.1", "127.0.0.2"):
            assert seen(served, source, **claim) == source


@on_two_servers
def test_a_user_who_has_enough_connections_is_to_come_back(kind: str) -> None:
    with target(kind, f"{APPS}:refusing") as served, bystanders(served, token="bob"):
        with ExitStack() as stack:
            peers = [stack.enter_context(served.upgraded()) for _ in range(PER_USER + 3)]
            for peer in peers[:PER_USER]:
                log_in(peer, "ann")
            for peer in peers[PER_USER:]:
                peer.say(type=4, data="ann")
                assert peer.closed() == 1013
        until(lambda: places(served, "eve")[0], lambda found: found == 3)
        with served.upgraded() as another:
            log_in(another, "ann")
            assert another.request("echo", {"text": "hi"}) == "hi"


@on_two_servers
def test_a_user_who_has_enough_connections_gets_429(kind: str) -> None:
    ann = {"Authorization": "ann"}
    with target(kind, f"{APPS}:refusing_handshakes") as served:
        with ExitStack() as stack:
            for _ in range(PER_USER):
                peer = stack.enter_context(served.upgraded(**ann))
                # It is open by now, and not only accepted.
                assert peer.request("echo", {"text": "hi"}) == "hi"
            last = stack.enter_context(served.connect())
            last.send(request(**ann))
            status, head = last.answer()
            assert (status, b"\r\nretry-after: 5" in head.lower()) == (429, True)
        until(lambda: is_taken(served, **ann), bool)


@on_two_servers
@pytest.mark.parametrize("app", ["replacing", "replacing_handshakes"])
def test_the_oldest_connection_of_a_user_makes_room(kind: str, app: str) -> None:
    def ann(served: Target) -> Attacker:
        if app == "replacing_handshakes":
            return served.upgraded(Authorization="ann")
        peer = served.upgraded()
        log_in(peer, "ann")
        return peer

    with target(kind, f"{APPS}:{app}") as served, ExitStack() as stack:
        peers = list[Attacker]()
        for _ in range(PER_USER + 2):
            peers.append(stack.enter_context(ann(served)))
            assert peers[-1].request("echo", {"text": "hi"}) == "hi"
        for old in peers[:2]:
            refusal = old.hear()
            assert (refusal["type"], refusal["data"]["error"]["code"]) == (6, "replaced")
            assert old.closed() == 4003
        for new in peers[2:]:
            assert new.request("echo", {"text": "hi"}) == "hi"


@on_every_server
def test_sleepers_of_one_peer_do_not_hold_up_other_peoples_threads(kind: str) -> None:
    with (
        target(kind, f"{APPS}:sleepers") as served,
        bystanders(served),
        served.upgraded() as greedy,
        served.upgraded() as other,
    ):
        for _ in range(45):
            greedy.say(event="sleep", data=None)
        until(lambda: other.request("asleep", None), lambda found: found == 10)
        for _ in range(100):
            assert other.request("shout", None) == "HERE"
        assert other.request("asleep", None) == 10
        other.request("wake", None)
        until(lambda: other.request("asleep", None), lambda found: found == 45)

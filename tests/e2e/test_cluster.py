"""Several real processes on real brokers, which are killed, frozen and cut off."""

import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest

from tests.support.brokers import BROKERS, Broker, BrokerName, running_broker
from tests.support.cable import Cable
from tests.support.cluster_app import Member, Speaker, house
from tests.support.figures import ROW

pytestmark = pytest.mark.slow

ALL = pytest.mark.parametrize("name", BROKERS)
REDIS = pytest.mark.parametrize("name", [name for name in BROKERS if name != "nats"])

LOST = ("closed the connection", "unexpected EOF", "reset by peer", "Broken pipe")
"""Reasons that the network may give for the loss of a broker that was killed."""


def down(metrics: dict[str, float]) -> bool:
    return not metrics["engine_up"]


@ALL
def test_everything_reaches_sockets_in_another_process(name: BrokerName, tmp_path: Path) -> None:
    with running_broker(name) as broker, house(tmp_path, broker.url, broker.url) as both:
        (ann, bob), (one, two) = both.members, both.speakers
        ann.peer.send({"event": "wave", "data": {"number": 1}, "room": "lobby"})
        bob.until(lambda: any(m.get("event") == "wave" for m in bob.messages), "no relay")
        assert one.command("emit", "member b") == "sent"
        bob.until(lambda: bob.numbers("a") == [0], "nothing for the user")
        assert one.command("count", "lobby") == [2, []]
        assert one.command("join", "member b") == "sent"
        two.until(lambda _: one.command("count", "hall") == [1, []], "it did not join")
        assert one.command("clear", "hall") == "sent"
        two.until(lambda _: one.command("count", "hall") == [0, []], "it did not leave")
        assert one.command("close", "member b") == "sent"
        bob.until(lambda: {"close": 1000} in bob.messages, "it was not closed")
        assert not any(m.get("event") == "wave" for m in ann.messages)
        for speaker in (one, two):
            assert speaker.metrics()["engine_foreign_total"] == 0


@ALL
def test_joined_is_told_when_what_is_said_from_then_on_arrives(
    name: BrokerName, tmp_path: Path
) -> None:
    with running_broker(name) as broker, house(tmp_path, broker.url, broker.url) as both:
        one, port = both.speakers[0], both.processes[1].port
        for turn in range(3):
            member = Member(port, f"guest {turn}", None)
            # No wait between the answer and what is published elsewhere, for the user and the room.
            assert one.command("emit", f"guest {turn}") == "sent"
            member.until(lambda: member.numbers("a") == [0], "the user was not reached")  # noqa: B023
            member.join("hall")
            assert one.command("burst", "hall") == ["sent"] * 400
            member.until(lambda: len(member.numbers("a")) >= 401, "some did not come")  # noqa: B023
            assert member.numbers("a") == [0, *range(400)]
            member.close()


@ALL
@pytest.mark.parametrize(("room", "outages"), [("1000", (2, 5)), ("40", (2,))])
def test_a_broker_that_was_killed_and_came_back_empty_loses_nothing(
    name: BrokerName, room: str, outages: tuple[float, ...], tmp_path: Path
) -> None:
    with (
        running_broker(name) as broker,
        house(tmp_path, broker.url, broker.url, ENGINE_MESSAGES=room) as both,
    ):
        both.talk(0.5)
        for seconds in outages:
            broker.stop()
            both.talk(seconds, 0.02)
            both.unready(*LOST)
            broker.start()
            both.ready()
            both.talk(1)
        both.check(may_drop=room == "40")
        assert bool(both.speakers[0].dropped) == (room == "40")


@REDIS
def test_a_broker_that_came_back_from_a_snapshot_confuses_nobody(
    name: BrokerName, tmp_path: Path
) -> None:
    with running_broker(name) as broker, house(tmp_path, broker.url, broker.url) as both:
        broker.ask("SET", "of-the-snapshot", "here")
        both.talk(0.5)
        assert broker.ask("SAVE") == b"+OK\r\n"
        both.talk(0.5)
        broker.stop()
        both.talk(0.5)
        broker.start()
        both.talk(1)
        broker.until("GET", "of-the-snapshot", has=b"here")
        both.check()


@ALL
def test_a_broker_that_was_frozen_loses_nothing(name: BrokerName, tmp_path: Path) -> None:
    with running_broker(name) as broker, house(tmp_path, broker.url, broker.url) as both:
        both.talk(0.5)
        broker.freeze()
        both.talk(5, 0.02)
        for each in both.speakers:
            each.until(down, "it was not noticed")
        both.unready("silent for 3 s", "stale connection")
        broker.thaw()
        both.ready()
        both.talk(1)
        both.check()


@ALL
@pytest.mark.parametrize("cuts", [10, pytest.param(100, marks=pytest.mark.nightly)])
def test_one_link_that_is_cut_many_times_loses_nothing(
    name: BrokerName, cuts: int, tmp_path: Path
) -> None:
    with running_broker(name) as broker, Cable(broker.port) as cable:
        scheme = broker.url.partition(":")[0]
        with house(tmp_path, f"{scheme}://127.0.0.1:{cable.port}", broker.url) as both:
            for turn in range(1, cuts + 1):
                both.talk(0.1)
                cable.cut()
                both.talk(0.1)
                cable.mend()
                both.speakers[0].until(
                    lambda m: (
                        m["engine_connections_total"] > turn  # noqa: B023
                        and m["engine_waiting"] == 0
                    ),
                    "it did not come back, or what waited did not go out",
                )
            both.check()
            assert both.speakers[1].metrics()["engine_connections_total"] == 1


@REDIS
def test_a_server_that_was_made_a_replica_is_no_broker(name: BrokerName, tmp_path: Path) -> None:
    """Publish and subscribe work on a replica, and what is said there is not heard elsewhere."""
    with running_broker(name) as broker, house(tmp_path, broker.url, broker.url) as both:
        both.talk(0.3)
        broker.ask("REPLICAOF", "127.0.0.1", "1")
        both.talk(0.5)
        both.unready("it is a replica")
        broker.ask("REPLICAOF", "NO", "ONE")
        both.ready()
        both.talk(0.3)
        both.check()


@REDIS
def test_a_connection_that_outlives_a_failover_loses_nothing(
    name: BrokerName, tmp_path: Path
) -> None:
    """One process moves to the new primary at once; the other one's connection looks well."""
    with (
        running_broker(name) as old,
        running_broker(name) as new,
        Cable(old.port) as stays,
        Cable(old.port) as moves,
    ):
        new.ask("REPLICAOF", "127.0.0.1", str(old.port))
        new.until("INFO", "replication", has=b"master_link_status:up")
        scheme = old.url.partition(":")[0]
        urls = [f"{scheme}://127.0.0.1:{cable.port}" for cable in (stays, moves)]
        with house(tmp_path, *urls) as both:
            both.talk(0.3)
            stays.aim(new.port)
            moves.aim(new.port)
            new.ask("REPLICAOF", "NO", "ONE")
            old.ask("REPLICAOF", "127.0.0.1", str(new.port))
            moves.cut()
            moves.mend()
            both.talk(1)
            both.check()
            assert both.speakers[0].metrics()["engine_connections_total"] == 2
            assert b"bytesocket" not in old.ask("CLIENT", "LIST")


@contextmanager
def killed(broker: Broker) -> Generator[None]:
    broker.stop()
    yield
    broker.start()


@contextmanager
def frozen(broker: Broker) -> Generator[None]:
    broker.freeze()
    yield
    broker.thaw()


@contextmanager
def demoted(broker: Broker) -> Generator[None]:
    broker.ask("REPLICAOF", "127.0.0.1", "1")
    yield
    broker.ask("REPLICAOF", "NO", "ONE")


Failure = Callable[[Broker], AbstractContextManager[None]]
FAILURES: list[tuple[Failure, float, bool]] = [
    (killed, 2, False),
    (killed, 5, False),
    (killed, 20, False),
    (killed, 2, True),
    (frozen, 5, False),
    (demoted, 2, False),
]
"""What befalls the broker, for how many seconds, and whether a third process stands still."""


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "failure", "seconds", "stands"),
    [
        pytest.param(name, *each, id=f"{name}-{each[0].__name__}-{each[1]:g}" + "-still" * each[2])
        for name in BROKERS
        for each in FAILURES
        if each[0] is not demoted or name != "nats"
    ],
)
def test_figures_of_failures(
    name: BrokerName,
    failure: Failure,
    seconds: float,
    stands: bool,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    with (
        running_broker(name) as broker,
        house(tmp_path, *[broker.url] * (2 + stands)) as both,
        both.processes[2].hanging() if stands else nullcontext(),
    ):
        both.talk(1, number=2)
        with failure(broker):
            both.talk(seconds, 0.05, number=2)
        begun = time.monotonic()
        both.talk(3, number=2)
        both.check(number=2)
        back = [back_after(both.members[1], both.speakers[0], begun)]
        back.append(back_after(both.members[0], both.speakers[1], begun))
        slowest = max(each.slowest for each in both.speakers)
        accepted = sum(len(each.accepted) for each in both.speakers)
        row = {
            "accepted": accepted,
            "back after, s": f"{max(back):.3f}",
            "slowest emit, ms": f"{slowest * 1000:.1f}",
        }
        record_property(ROW, (f"{name}: {failure.__name__} {seconds:g} s" + STILL * stands, row))
        assert max(back) <= 0.5
        assert slowest <= 0.05


STILL = ", and a process stands still"


def back_after(member: Member, speaker: Speaker, begun: float) -> float:
    """Seconds until the first message of another process came."""
    times = [
        at - begun
        for at, each in zip(member.times, member.messages, strict=False)
        if each.get("event") == "number" and each["data"]["sender"] == speaker.name and at > begun
    ]
    return times[0]

"""Several real processes on real brokers, which are killed, frozen and cut off."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.brokers import BROKERS, BrokerName, running_broker
from tests.support.cable import Cable
from tests.support.cluster_app import Member, Speaker, house

pytestmark = pytest.mark.slow

ALL = pytest.mark.parametrize("name", BROKERS)


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
@pytest.mark.parametrize("room", ["1000", "40"])
def test_a_broker_that_was_killed_and_came_back_empty_loses_nothing(
    name: BrokerName, room: str, tmp_path: Path
) -> None:
    with (
        running_broker(name) as broker,
        house(tmp_path, broker.url, broker.url, ENGINE_MESSAGES=room) as both,
    ):
        both.talk(0.5)
        for _ in range(2):
            broker.stop()
            both.talk(2)
            broker.start()
            both.talk(1)
        both.check(may_drop=room == "40")
        assert bool(both.speakers[0].dropped) == (room == "40")


@ALL
def test_a_broker_that_was_frozen_loses_nothing(name: BrokerName, tmp_path: Path) -> None:
    with running_broker(name) as broker, house(tmp_path, broker.url, broker.url) as both:
        both.talk(0.5)
        broker.freeze()
        both.talk(1, 0.02)
        for each in both.speakers:
            each.until(down, "it was not noticed")
        both.talk(0.5, 0.02)
        broker.thaw()
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


@ALL
def test_a_process_that_was_killed_takes_nobody_with_it(name: BrokerName, tmp_path: Path) -> None:
    with running_broker(name) as broker, house(tmp_path, *[broker.url] * 2) as both:
        both.talk(0.5)
        one = both.speakers[0]
        os.kill(both.processes[1].process.pid, signal.SIGKILL)
        both.speakers.pop().close()
        both.members.pop().close()
        both.talk(0.5)
        assert one.command("count", "lobby")[0] == 1
        one.until(lambda m: m["cluster_nodes"] == 1, "the dead one is still there")
        assert one.command("count", "lobby") == [1, []]
        both.processes.pop()
        both.add(broker.url)  # its clients are back
        both.meet()
        assert one.command("count", "lobby") == [2, []]
        came = Member(both.processes[1].port, "back")
        one.say()
        last = one.said[-1]
        came.until(lambda: last in came.numbers("a"), "who came back gets nothing")
        assert both.members[0].numbers("a") == one.said
        assert not one.dropped
        came.close()


@pytest.mark.parametrize("name", ["redis-6.2", "valkey-9.1"])
def test_a_server_that_was_made_a_replica_is_no_broker_of_others(
    name: BrokerName, tmp_path: Path
) -> None:
    """Publish and subscribe work on a replica: what is said there is heard there."""
    with running_broker(name) as broker, house(tmp_path, broker.url, broker.url) as both:
        both.talk(0.3)
        broker.ask("REPLICAOF", "127.0.0.1", "1")
        both.talk(0.5)
        broker.ask("REPLICAOF", "NO", "ONE")
        both.talk(0.3)
        both.check()


@pytest.mark.nightly
@ALL
@pytest.mark.parametrize("seconds", [2.0, 5.0, 20.0])
def test_figures_of_an_outage(
    name: BrokerName,
    seconds: float,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    with running_broker(name) as broker, house(tmp_path, *[broker.url] * 2) as both:
        both.talk(1)
        broker.stop()
        both.talk(seconds, 0.05)
        broker.start()
        begun = time.monotonic()
        both.talk(3)
        both.check()
        back = [back_after(both.members[1], both.speakers[0], begun)]
        back.append(back_after(both.members[0], both.speakers[1], begun))
        slowest = max(each.slowest for each in both.speakers)
        record_property("seconds_until_back", round(max(back), 3))
        record_property("seconds_of_the_slowest_emit", round(slowest, 4))
        assert max(back) <= 0.5
        assert slowest <= 0.05


def back_after(member: Member, speaker: Speaker, begun: float) -> float:
    """Seconds until the first message of another process came."""
    times = [
        at - begun
        for at, each in zip(member.times, member.messages, strict=False)
        if each.get("event") == "number" and each["data"]["sender"] == speaker.name and at > begun
    ]
    return times[0]

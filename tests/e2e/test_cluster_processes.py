"""Processes that are killed, or stand still for a while, among others that go on."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.brokers import BROKERS, BrokerName, running_broker
from tests.support.cluster_app import Member, house

pytestmark = pytest.mark.slow

ALL = pytest.mark.parametrize("name", BROKERS)


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
        assert both.members[0].all_of("a", last) == one.said
        assert not one.dropped
        came.close()


@ALL
def test_a_process_that_stands_still_while_the_broker_is_away_is_waited_for_by_nobody(
    name: BrokerName, tmp_path: Path
) -> None:
    with running_broker(name) as broker, house(tmp_path, *[broker.url] * 3) as three:
        three.talk(0.5)
        with three.processes[2].hanging():
            broker.stop()
            three.talk(1, number=2)
            broker.start()
            three.talk(1, number=2)
            three.check(number=2)
        three.speakers[2].until(lambda m: m["engine_connections_total"] == 2, "it is not back")
        three.talk(0.5)
        three.check()


@pytest.mark.parametrize(
    "name", ["redis-6.2", pytest.param("valkey-9.1", marks=pytest.mark.nightly), "nats"]
)
def test_a_process_that_counted_as_gone_and_comes_back_has_missed_nothing(
    name: BrokerName, tmp_path: Path
) -> None:
    """Its connection holds what was said meanwhile; who stands still knows nothing of silence."""
    with running_broker(name) as broker, house(tmp_path, *[broker.url] * 3) as three:
        three.talk(0.5)
        with three.processes[2].hanging():
            three.talk(10, 0.05, number=2)
            for each in three.speakers[:2]:
                each.until(lambda m: m["cluster_nodes"] == 2, "it still counts")
        three.talk(0.5)
        three.meet()
        three.check()
        assert three.speakers[2].metrics()["engine_connections_total"] == 1


@pytest.mark.nightly
@ALL
def test_a_process_that_stood_still_for_longer_than_anything_is_kept_counts_what_it_missed(
    name: BrokerName, tmp_path: Path
) -> None:
    with running_broker(name) as broker, house(tmp_path, *[broker.url] * 3) as three:
        three.talk(0.5)
        with three.processes[2].hanging():
            broker.stop()
            three.talk(0.5, number=2)
            broker.start()
            three.talk(12, 0.05, number=2)
        late = three.speakers[2]
        late.until(lambda m: m["engine_connections_total"] == 2, "it is not back")
        three.talk(0.5)
        three.check(number=2)
        missed = 0
        for speaker in three.speakers[:2]:
            got = three.members[2].all_of(speaker.name, speaker.accepted[-1])
            assert got == sorted(set(got))
            missed += len(speaker.accepted) - len(got)
        assert missed == late.metrics()["engine_lost_total"] > 0

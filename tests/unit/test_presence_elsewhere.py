"""Presence over processes: applications on one broker in memory, with random users and cuts."""

from collections import Counter
from typing import Any

import anyio
import pytest
from anyio import create_task_group, fail_after, sleep
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bytesocket_app import ByteSocket, Socket
from bytesocket_app.cluster.channels import presence_channel
from bytesocket_app.delivery import presence_link
from bytesocket_app.delivery.presence_link import ASKED, BURIED, CHANGED, DIGEST, WHOLE
from bytesocket_app.engines.memory import MemoryEngine
from bytesocket_app.testing import TestClient
from bytesocket_app.wire import CODECS
from tests.support.presence import USERS, Crowd, Mood, sites, wait

pytestmark = pytest.mark.anyio

CHANNEL = presence_channel("doc:7")

COMES = st.tuples(st.just("come"), st.integers(0, 2), st.sampled_from(USERS))
GOES = st.tuples(st.just("go"), st.integers(0, 9))
FEELS = st.tuples(st.just("feel"), st.integers(0, 9), st.sampled_from(("well", "so", "bad")))
CUTS = st.tuples(st.just("cut"), st.integers(0, 2))
STOPS = st.tuples(st.just("stop"), st.sampled_from((0.0, 0.1, 0.7)))


async def take(crowd: Crowd, step: Any) -> None:
    """Do one step."""
    match step:
        case ("come", site, user):
            await crowd.come(site, user)
        case ("go", index):
            await crowd.go(index)
        case ("feel", index, mood):
            await crowd.feel(index, mood)
        case ("cut", int(site)):
            crowd.sites[site].engine.reset("cut")
        case ("stop", float(seconds)):
            broker = crowd.sites[0].broker
            broker.stop()
            await sleep(seconds)
            broker.start()
        case _:
            raise AssertionError(step)


def changes(crowd: Crowd) -> Counter[tuple[str, str]]:
    return Counter(call for each in crowd.sites for call in each.told)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(COMES, COMES, GOES, FEELS), max_size=20))
def test_a_user_enters_and_exits_once_whatever_process_they_are_in(steps: list[Any]) -> None:
    async def main() -> None:
        async with sites(3) as found, create_task_group() as tasks:
            crowd = Crowd(found, tasks)
            truth = Counter[tuple[str, str]]()
            before = set[str]()
            for step in steps:
                await take(crowd, step)
                await crowd.quiet()
                after = set(crowd.expected())
                truth.update(("entered", user) for user in after - before)
                truth.update(("exited", user) for user in before - after)
                before = after
            await wait(lambda: changes(crowd).total() >= truth.total())
            assert changes(crowd) == truth
            await crowd.leave()

    anyio.run(main)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.one_of(COMES, GOES), max_size=6), max_size=6))
def test_users_who_come_and_go_at_once_are_told_of_in_pairs(batches: list[list[Any]]) -> None:
    async def main() -> None:
        async with sites(3) as found, create_task_group() as tasks:
            crowd = Crowd(found, tasks)
            for batch in batches:
                async with create_task_group() as some:
                    for step in batch:
                        some.start_soon(take, crowd, step)
            await crowd.quiet()
            await crowd.leave()
            await crowd.quiet()

            def in_pairs() -> bool:
                counts = changes(crowd)
                return all(counts["entered", user] == counts["exited", user] for user in USERS)

            await wait(in_pairs)

    anyio.run(main)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(COMES, COMES, GOES, FEELS, CUTS, STOPS), max_size=14))
def test_after_cuts_all_processes_see_the_same(steps: list[Any]) -> None:
    async def main() -> None:
        async with sites(3) as found, create_task_group() as tasks:
            crowd = Crowd(found, tasks)
            for step in steps:
                await take(crowd, step)
            await crowd.quiet()
            await crowd.leave()

    anyio.run(main)


async def test_users_of_a_process_that_ends_exit_after_the_linger_and_one_other_says_so() -> None:
    async with sites(3, linger=0.3) as found, create_task_group() as tasks:
        one, two, three = found
        crowd = Crowd(found, tasks)
        await crowd.come(0, "ann")
        await crowd.come(1, "bob")
        await crowd.quiet()
        await wait(lambda: changes(crowd)["entered", "bob"] == 1)
        node = two.node.id
        one.link.gone(node)
        assert one.seen() == {"ann": ["ann"], "bob": ["bob"]}  # for a while
        await wait(lambda: changes(crowd)["exited", "bob"] == 1)
        await wait(lambda: one.seen() == {"ann": ["ann"], "bob": ["bob"]})  # it was not dead
        assert three.seen() is None
        assert changes(crowd)["exited", "bob"] == 1
        await crowd.leave()


async def test_a_process_that_says_goodbye_takes_its_users_with_it() -> None:
    async with sites(2, linger=0.3) as found, create_task_group() as tasks:
        crowd = Crowd(found, tasks)
        await crowd.come(0, "ann")
        async with (
            sites(1, found[0].url, linger=0.3) as (other,),
            TestClient(other.app, "bob") as bob,
        ):
            await bob.join("doc:7")
            await wait(lambda: found[0].seen() == {"ann": ["ann"], "bob": ["bob"]})
        assert found[0].seen() == {"ann": ["ann"], "bob": ["bob"]}
        await wait(lambda: found[0].seen() == {"ann": ["ann"]})
        await wait(lambda: changes(crowd)["exited", "bob"] == 1)
        await crowd.leave()


async def test_a_process_without_members_asks_for_the_users() -> None:
    async with sites(3) as found, create_task_group() as tasks:
        crowd = Crowd(found, tasks)
        for site, user in ((0, "ann"), (1, "ann"), (1, "bob")):
            await crowd.come(site, user)
        users = await found[2].doc.presence.of(doc_id="7")
        assert users == {"ann": [Mood(mood="ann")] * 2, "bob": [Mood(mood="bob")]}
        assert await found[2].doc.presence.count(doc_id="7") == 2
        assert await found[2].doc.presence.of(doc_id="8") == {}
        assert found[2].seen() is None
        await crowd.leave()


async def test_where_no_order_is_given_hooks_are_called_at_least_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MemoryEngine, "is_ordered", False)
    async with sites(3) as found, create_task_group() as tasks:
        crowd = Crowd(found, tasks)
        async with create_task_group() as some:
            for site in range(3):
                some.start_soon(crowd.come, site, "ann")
        await crowd.quiet()
        await wait(lambda: changes(crowd)["entered", "ann"] >= 1)
        async with create_task_group() as some:  # the last ones cross
            for _ in range(3):
                some.start_soon(crowd.go, 0)
        await wait(lambda: changes(crowd)["exited", "ann"] >= 1)
        await crowd.quiet()


async def test_without_a_broker_others_stay_for_a_while_and_come_back_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(presence_link, "KEPT", 1.0)
    async with sites(2) as found, create_task_group() as tasks:
        crowd = Crowd(found, tasks)
        await crowd.come(0, "ann")
        await crowd.come(1, "bob")
        await crowd.quiet()
        broker = found[0].broker
        broker.stop()
        await crowd.come(0, "cy")  # as without an engine
        assert found[0].seen() == {"ann": ["ann"], "bob": ["bob"], "cy": ["cy"]}
        await wait(lambda: found[0].seen() == {"ann": ["ann"], "cy": ["cy"]})
        await wait(lambda: found[1].seen() == {"bob": ["bob"]})
        broker.start()
        await crowd.quiet()
        assert changes(crowd) == {("entered", user): 1 for user in USERS}
        await crowd.leave()


async def test_a_digest_finds_what_was_missed_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_link, "DIGESTS", 0.2)
    async with sites(2) as found, create_task_group() as tasks:
        crowd = Crowd(found, tasks)
        await crowd.come(0, "ann")
        await crowd.come(1, "bob")
        await crowd.quiet()
        other = found[1].node.id
        found[0].link.arrived(other, CHANNEL, [WHOLE, "doc:7", 10**9, [], True, True])
        found[0].link.gone(other)  # forgets what it knew
        await wait(lambda: found[0].seen() == {"ann": ["ann"]})
        await crowd.quiet()
        await crowd.leave()


async def test_a_whole_comes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_link, "CHUNK_BYTES", 1)
    async with sites(2) as found, create_task_group() as tasks:
        crowd = Crowd(found, tasks)
        for user in USERS:
            await crowd.come(0, user)
        await crowd.come(1, "ann")
        await crowd.quiet()
        assert len(await found[1].doc.presence.of(doc_id="7")) == 3
        await crowd.leave()


async def test_a_change_that_does_not_follow_is_asked_for() -> None:
    async with sites(2) as found, create_task_group() as tasks:
        crowd = Crowd(found, tasks)
        await crowd.come(0, "ann")
        await crowd.come(1, "bob")
        await crowd.quiet()
        other = found[1].node.id
        gap = [CHANGED, "doc:7", 10**6, 10**6 + 1, "scy", [b'{"mood": "cy"}']]
        assert found[0].link.arrived(other, CHANNEL, gap)
        assert found[0].seen() == crowd.expected()
        await crowd.feel(1, "well")
        await crowd.quiet()
        await crowd.leave()


@pytest.mark.parametrize(
    "body",
    [
        [CHANGED],
        [CHANGED, "doc:7", 0, "1", "sann", []],
        [CHANGED, "doc:7", 0, 1, None, []],
        [CHANGED, "doc:7", 0, 1, "sann", "entries"],
        [CHANGED, "doc:7", 0, 1, "ann", []],
        [CHANGED, "doc:7", 0, 1, 7, []],
        [ASKED, 7],
        [WHOLE, "doc:7", 1, {}, True, True],
        [DIGEST, "doc:7"],
        [BURIED, "doc:7", "text"],
    ],
)
async def test_what_is_no_message_is_not_taken(body: list[Any]) -> None:
    async with sites(2) as found, create_task_group() as tasks:
        crowd = Crowd(found, tasks)
        await crowd.come(0, "ann")
        assert not found[0].link.arrived(found[1].node.id, CHANNEL, body)
        assert found[0].seen() == {"ann": ["ann"]}
        await crowd.leave()


async def test_entries_that_do_not_fit_are_left_out() -> None:
    async with sites(2) as found, create_task_group() as tasks:
        crowd = Crowd(found, tasks)
        await crowd.come(0, "ann")
        body = [CHANGED, "doc:7", 0, 1, "sbob", [b'{"mood": 7}', b"\xff", "text", b'{"mood": "x"}']]
        assert found[0].link.arrived(found[1].node.id, CHANNEL, body)
        assert found[0].seen() == {"ann": ["ann"], "bob": ["x"]}
        await crowd.leave()


async def test_a_key_that_no_codec_has_a_number_for_is_told_as_a_text() -> None:
    def app(name: str) -> ByteSocket:
        made = ByteSocket(title="Keys", engine=f"memory://{name}")

        @made.auth(key=lambda user: user)
        async def known(credentials: str) -> int:
            return 2**70 + int(credentials)

        doc = made.room("doc")

        @doc.presence
        def seen(socket: Socket[int]) -> Mood:
            return Mood(mood="well")

        return made

    one, two = app("keys"), app("keys")
    async with one.running(), two.running():
        for codec in CODECS:
            async with TestClient(one, "1", codec=codec) as ann, TestClient(two, "2") as bob:
                await bob.join("doc")
                await ann.send({"type": 9, "room": "doc", "presence": True})
                assert (await ann.receive_message())["type"] == 10
                told: dict[str, Any] = {}
                with fail_after(30):
                    while len(told) < 2:
                        data = (await ann.receive_message())["data"]
                        told.update(data.get("users") or data.get("enter") or ())
                assert sorted(told) == [str(2**70 + 1), str(2**70 + 2)]


async def test_nobody_buries_a_process_that_is_here() -> None:
    async with sites(2) as found, create_task_group() as tasks:
        crowd = Crowd(found, tasks)
        await crowd.come(0, "ann")
        link, node = found[0].link, found[0].node
        link._returned([BURIED, "doc:7", node.id])  # pyright: ignore[reportPrivateUsage]
        assert found[0].seen() == {"ann": ["ann"]}
        await crowd.leave()


async def test_work_that_fails_does_not_end_the_link(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("broken")

    async with sites(2) as found, create_task_group() as tasks:
        crowd = Crowd(found, tasks)
        with monkeypatch.context() as broken:
            broken.setattr(found[0].link, "_apply_late", fails)
            await wait(lambda: "work for the link to memory://" in caplog.text)
        await crowd.come(0, "ann")
        await crowd.come(1, "bob")
        await crowd.quiet()
        await crowd.leave()

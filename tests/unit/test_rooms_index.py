"""The membership index is a relation read from both ends, and forgets what is empty."""

from hypothesis import given
from hypothesis import strategies as st

from bytesocket_app.rooms import RoomIndex


def names() -> RoomIndex[str, int, None]:
    return RoomIndex(lambda member: (len(member), None))


def numbers() -> RoomIndex[int, int, str]:
    return RoomIndex(lambda member: (member % 2, f"way {member}"))


def test_joining_twice_is_one_membership() -> None:
    index = names()
    assert index.join("ann", "lobby")
    assert not index.join("ann", "lobby")
    assert list(index.members("lobby")) == ["ann"]
    assert (index.count("lobby"), index.held("ann")) == (1, 1)


def test_leaving_a_room_one_is_not_in_does_nothing() -> None:
    index = names()
    assert not index.leave("ann", "lobby")
    index.join("bob", "lobby")
    assert not index.leave("ann", "lobby")
    assert index.has("bob", "lobby")


def test_an_empty_room_vanishes() -> None:
    index = names()
    index.join("ann", "lobby")
    assert len(index) == 1
    assert index.leave("ann", "lobby")
    assert len(index) == 0
    assert index.rooms("ann") == []


def test_members_of_a_lane_and_rooms_keep_the_order_of_joining() -> None:
    index = numbers()
    for member in (3, 1, 2):
        for room in "cab":
            index.join(member, room)
    assert list(index.members("a")) == [3, 1, 2]
    assert index.groups("a") == {1: {3: "way 3", 1: "way 1"}, 0: {2: "way 2"}}
    assert index.rooms(3) == ["c", "a", "b"]


def test_leaving_all_rooms_tells_which() -> None:
    index = names()
    index.join("ann", "a")
    index.join("ann", "b")
    index.join("bob", "b")
    assert index.leave_all("ann") == ["a", "b"]
    assert index.leave_all("ann") == []
    assert list(index.members("b")) == ["bob"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["join", "leave", "all"]),
        st.integers(0, 3),
        st.sampled_from("abc"),
    )
)


@given(STEPS)
def test_the_index_is_a_set_of_pairs(steps: list[tuple[str, int, str]]) -> None:
    index, model = numbers(), dict[tuple[int, str], None]()
    for step, member, room in steps:
        if step == "join":
            assert index.join(member, room) == ((member, room) not in model)
            model.setdefault((member, room))
        elif step == "leave":
            assert index.leave(member, room) == ((member, room) in model)
            model.pop((member, room), None)
        else:
            held = [r for m, r in model if m == member]
            assert index.leave_all(member) == held
            model = {pair: None for pair in model if pair[0] != member}
    for member in range(4):
        assert index.rooms(member) == [r for m, r in model if m == member]
        assert index.held(member) == len(index.rooms(member))
    for room in "abc":
        groups = {n: {m: f"way {m}" for m, r in model if (m % 2, r) == (n, room)} for n in (0, 1)}
        assert index.groups(room) == {group: found for group, found in groups.items() if found}
        assert set(index.members(room)) == {m for m, r in model if r == room}
        assert index.count(room) == len(list(index.members(room)))
        assert all(index.has(m, room) == ((m, room) in model) for m in range(4))
    assert len(index) == len({room for _, room in model})

"""The membership index is a relation read from both ends, and forgets what is empty."""

from hypothesis import given
from hypothesis import strategies as st

from bytesocket_app.rooms import RoomIndex


def test_joining_twice_is_one_membership() -> None:
    index = RoomIndex[str]()
    assert index.join("ann", "lobby")
    assert not index.join("ann", "lobby")
    assert list(index.members("lobby")) == ["ann"]
    assert (index.count("lobby"), index.held("ann")) == (1, 1)


def test_leaving_a_room_one_is_not_in_does_nothing() -> None:
    index = RoomIndex[str]()
    assert not index.leave("ann", "lobby")
    index.join("bob", "lobby")
    assert not index.leave("ann", "lobby")
    assert index.has("bob", "lobby")


def test_an_empty_room_vanishes() -> None:
    index = RoomIndex[str]()
    index.join("ann", "lobby")
    assert len(index) == 1
    assert index.leave("ann", "lobby")
    assert len(index) == 0
    assert index.rooms("ann") == []


def test_members_and_rooms_keep_the_order_of_joining() -> None:
    index = RoomIndex[int]()
    for member in (3, 1, 2):
        for room in "cab":
            index.join(member, room)
    assert list(index.members("a")) == [3, 1, 2]
    assert index.rooms(3) == ["c", "a", "b"]


def test_leaving_all_rooms_tells_which() -> None:
    index = RoomIndex[str]()
    index.join("ann", "a")
    index.join("ann", "b")
    index.join("bob", "b")
    assert index.leave_all("ann") == ["a", "b"]
    assert index.leave_all("ann") == []
    assert list(index.members("b")) == ["bob"]


STEPS = st.lists(
    st.tuples(st.sampled_from(["join", "leave", "all"]), st.integers(0, 3), st.sampled_from("abc"))
)


@given(STEPS)
def test_the_index_is_a_set_of_pairs(steps: list[tuple[str, int, str]]) -> None:
    index, model = RoomIndex[int](), dict[tuple[int, str], None]()
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
        assert list(index.members(room)) == [m for m, r in model if r == room]
        assert index.count(room) == len(list(index.members(room)))
        assert all(index.has(m, room) == ((m, room) in model) for m in range(4))
    assert len(index) == len({room for _, room in model})

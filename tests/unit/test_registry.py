"""The registry keeps order, knows doubles, and takes `once` handlers before their call."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from bytesocket_app.registry import Hook, Registry


def test_handlers_come_in_the_order_they_were_added() -> None:
    registry = Registry[str, int]()
    for handler in (3, 1, 2):
        registry.add("a", handler)
    assert registry.take("a") == (3, 1, 2) == registry.peek("a")


def test_adding_twice_is_adding_once() -> None:
    registry = Registry[str, int]()
    registry.add("a", 1)
    registry.add("a", 1)
    assert registry.peek("a") == (1,)


def test_once_twice_fires_twice_and_is_then_gone() -> None:
    registry = Registry[str, int]()
    registry.add("a", 1, once=True)
    registry.add("a", 1, once=True)
    assert registry.take("a") == (1, 1)
    assert registry.take("a") == ()
    assert "a" not in registry


def test_a_once_handler_is_gone_before_its_call_and_the_others_stay() -> None:
    registry = Registry[str, int]()
    registry.add("a", 1)
    registry.add("a", 2, once=True)
    assert registry.take("a") == (1, 2)
    assert registry.take("a") == (1,)


def test_peeking_takes_nothing() -> None:
    registry = Registry[str, int]()
    registry.add("a", 1, once=True)
    assert registry.peek("a") == registry.peek("a") == (1,)
    assert registry.peek("b") == ()


def test_removing_takes_the_handler_and_its_pending_once() -> None:
    registry = Registry[str, int]()
    registry.add("a", 1)
    registry.add("a", 1, once=True)
    registry.add("a", 2)
    registry.remove("a", 1)
    assert registry.peek("a") == (2,)


def test_removing_without_a_handler_clears_the_key() -> None:
    registry = Registry[str, int]()
    registry.add("a", 1)
    registry.remove("a")
    assert "a" not in registry


def test_removing_what_is_not_there_does_nothing() -> None:
    registry = Registry[str, int]()
    registry.add("a", 1)
    registry.remove("b")
    registry.remove("b", 1)
    registry.remove("a", 2)
    assert registry.peek("a") == (1,)


def test_a_handler_goes_by_its_identity() -> None:
    registry = Registry[str, int]()
    registry.add("a", 10, identity="f")
    registry.add("a", 20, identity="f")
    assert registry.peek("a") == (10,)
    registry.remove("a", "f")
    assert list(registry) == []


def test_keys_keep_their_place_when_a_handler_comes_or_goes() -> None:
    registry = Registry[str, int]()
    for key in "abc":
        registry.add(key, 1)
        registry.add(key, 2, once=True)
    registry.take("a")
    registry.remove("b", 2)
    assert list(registry) == ["a", "b", "c"]


@given(st.lists(st.tuples(st.sampled_from("ar"), st.integers(0, 3))))
def test_a_registry_is_an_ordered_set_of_plain_handlers(steps: list[tuple[str, int]]) -> None:
    registry, model = Registry[str, int](), dict[int, None]()
    for step, handler in steps:
        if step == "a":
            registry.add("key", handler)
            model.setdefault(handler)
        else:
            registry.remove("key", handler)
            model.pop(handler, None)
    assert registry.take("key") == tuple(model)
    assert ("key" in registry) == bool(model)


def test_a_hook_adds_once_or_for_good_and_removes() -> None:
    registry = Registry[str, object]()

    def add(function: object, once: bool) -> None:
        registry.add("key", function, once=once)

    hook = Hook(add, partial(registry.remove, "key"))

    def one() -> None:
        raise NotImplementedError

    def other() -> None:
        raise NotImplementedError

    assert hook(one) is one
    assert hook.once(other) is other
    assert registry.take("key") == (one, other)
    assert registry.take("key") == (one,)
    hook.remove(one)
    hook(other)
    hook.remove()
    assert "key" not in registry

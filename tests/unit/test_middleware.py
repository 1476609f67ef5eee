"""The onion: steps in order, each passing a message on, changing it, or stopping it."""

from dataclasses import FrozenInstanceError, replace
from functools import partial
from typing import Any

import anyio
import pytest

from bytesocket_app import CallNext, ConfigurationError, Message, Refusal, Socket
from bytesocket_app.middleware import MiddlewareChain
from bytesocket_app.testing import RequestError, TestClient
from tests.support.talk import Say, talk

pytestmark = pytest.mark.anyio

SOCKET: Any = object()


class Onion:
    """A chain and what came through it."""

    def __init__(self, *steps: Any) -> None:
        self.chain = MiddlewareChain()
        self.log: list[Any] = []
        for step in steps:
            self.chain.add(partial(step, self.log))

    async def send(self, message: Message) -> list[Any]:
        async def last(message: Message) -> None:
            self.log.append(message.data)

        await self.chain.run(SOCKET, message, last)
        return self.log


async def outer(log: list[Any], socket: Socket, message: Message, call_next: CallNext) -> None:
    assert socket is SOCKET
    log.append("outer in")
    await call_next(message)
    log.append("outer out")


async def doubling(log: list[Any], _: Socket, message: Message, call_next: CallNext) -> None:
    await call_next(replace(message, data=message.data * 2))


async def silent(log: list[Any], _: Socket, message: Message, call_next: CallNext) -> None:
    log.append("stopped")


async def twice(log: list[Any], _: Socket, message: Message, call_next: CallNext) -> None:
    await call_next(message)
    await call_next(message)


async def refusing(log: list[Any], _: Socket, message: Message, call_next: CallNext) -> None:
    raise Refusal("no")


async def test_steps_run_around_each_other_in_order() -> None:
    assert await Onion(outer, doubling).send(Message(data=2)) == ["outer in", 4, "outer out"]


async def test_without_steps_the_message_arrives() -> None:
    onion = Onion()
    assert not onion.chain.steps
    assert await onion.send(Message(data=1)) == [1]


async def test_a_step_that_does_not_pass_it_on_stops_the_message() -> None:
    assert await Onion(outer, silent, doubling).send(Message(data=1)) == [
        "outer in",
        "stopped",
        "outer out",
    ]


async def test_passing_on_a_second_time_is_refused_with_the_steps_place() -> None:
    onion = Onion(twice)
    assert onion.chain.steps
    with pytest.raises(RuntimeError, match=r"test_middleware.py:\d+\) calls `call_next` a second"):
        await onion.send(Message(data=1))
    assert onion.log == [1]


@pytest.mark.parametrize("passed", [(), ({"data": 2},)])
async def test_only_messages_are_passed_on(passed: Any) -> None:
    async def wrong(_: list[Any], socket: Socket, message: Message, call_next: Any) -> None:
        await call_next(*passed)

    app = talk()
    told: list[str] = []

    @app.middleware
    async def step(socket: Socket, message: Message, call_next: Any) -> None:
        try:
            await call_next(*passed)
        except TypeError as error:
            told.append(str(error))

    async with TestClient(app) as client:
        with pytest.raises(RequestError):
            await client.request(Say(text="hi"))
    assert "call_next takes a Message, not " in told[0]
    assert "dataclasses.replace(message, data=...)" in told[0]
    with pytest.raises(TypeError, match="call_next takes a Message"):
        await Onion(wrong, outer).send(Message(data=1))


def test_what_is_never_awaited_is_called_as_users_know_it() -> None:
    async def step(_: list[Any], socket: Socket, message: Message, call_next: Any) -> None:
        coroutine = call_next(message)
        names.append(coroutine.__qualname__)
        coroutine.close()

    names: list[str] = []
    for steps in ((step,), (step, silent)):
        anyio.run(Onion(*steps).send, Message(data=1))
    app = talk()
    app.middleware(partial(step, []))

    async def talking() -> None:
        async with TestClient(app) as client:
            with pytest.raises(RequestError):
                await client.request(Say(text="hi"))

    anyio.run(talking)
    assert names[1] == "_Rest.call_next"
    assert names[2].endswith(".call_next")


async def test_what_a_step_raises_comes_out() -> None:
    with pytest.raises(Refusal):
        await Onion(refusing).send(Message(data=1))


def test_a_message_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Message(event="x").event = "y"  # type: ignore[misc]


def refused(step: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        MiddlewareChain().add(step)
    return str(caught.value)


def test_a_plain_function_cannot_be_middleware() -> None:
    def step(socket: Socket, message: Message, call_next: CallNext) -> None:
        raise NotImplementedError

    message = refused(step)
    assert f"step ({__file__}:{step.__code__.co_firstlineno}) cannot be middleware" in message
    assert message.endswith("write `async def`, so that it can `await call_next(message)`.")


@pytest.mark.parametrize("step", [5, None, "step"])
def test_what_is_no_function_cannot_be_middleware(step: Any) -> None:
    assert "cannot be middleware" in refused(step)


def test_a_step_of_other_parameters_is_refused_at_once() -> None:
    async def two(socket: Socket, call_next: CallNext) -> None:
        raise NotImplementedError

    async def keyword(socket: Socket, message: Message, *, call_next: CallNext) -> None:
        raise NotImplementedError

    for step in (two, keyword):
        assert "called with three arguments, `(socket, message, call_next)`" in refused(step)


def test_a_callable_object_may_be_a_step() -> None:
    class Step:
        async def __call__(self, socket: Socket, message: Message, call_next: CallNext) -> None:
            raise NotImplementedError

    chain = MiddlewareChain()
    chain.add(Step())
    assert chain.steps

"""What went wrong, in the shapes that servers say it, and as which class it is raised."""

from collections.abc import Awaitable
from datetime import date
from typing import Any

import anyio
import pytest
from pydantic import BaseModel

from bytesocket_app.client.dynamic import DynamicClient
from bytesocket_app.client.outgoing import Outgoing
from bytesocket_app.client.refusals import RefusalReader, refusal
from bytesocket_app.client.room import ClientRoom
from bytesocket_app.client.settings import ClientSettings
from bytesocket_app.errors import AuthError, ConfigurationError, Phase, RequestError
from bytesocket_app.events import PayloadType
from bytesocket_app.types import CodecName
from bytesocket_app.wire import CODECS, decode
from tests.unit.test_client_session import Talk


class Thing:
    """A class that Pydantic knows nothing of."""


def test_a_full_context_is_taken_over() -> None:
    error = refusal(
        {
            "phase": "validation",
            "event": "e",
            "error": {"code": "validation", "message": "bad", "data": [1]},
            "details": [{"loc": ["a"], "msg": "m", "type": "t"}],
        }
    )
    assert (error.code, error.message, error.data) == ("validation", "bad", [1])
    assert error.details == [{"loc": ["a"], "msg": "m", "type": "t"}]


@pytest.mark.parametrize(
    ("context", "code", "message"),
    [
        ({"error": ["TimeoutError", "late", None]}, "timeout", "late"),
        ({"error": ["Error"]}, "unauthorized", "unauthorized"),
        ({"error": [1, 2, 3]}, "unauthorized", "unauthorized"),
        ({"error": "text"}, "unauthorized", "text"),
        ({"error": {}}, "unauthorized", "unauthorized"),
        ({"error": 5, "details": 6}, "unauthorized", "unauthorized"),
        ({"code": "c", "message": "m"}, "c", "m"),
        ("text", "unauthorized", "text"),
        (["Error", "m", None], "unauthorized", "m"),
        (None, "unauthorized", "unauthorized"),
    ],
)
def test_any_shape_is_understood(context: Any, code: str, message: str) -> None:
    error = refusal(context, default="unauthorized")
    assert (error.code, error.message) == (code, message)


@pytest.mark.parametrize(
    ("context", "phase"),
    [({"phase": "validation", "event": 7}, Phase.VALIDATION), ({"phase": []}, Phase.HANDLER)],
)
def test_a_complaint_keeps_its_phase_where_it_is_known(context: Any, phase: Phase) -> None:
    complaint = RefusalReader((), "json").server_error(context)
    assert complaint.phase is phase
    assert isinstance(complaint.error, RequestError)
    assert complaint.event == context.get("event")


class TooLow(BaseModel):
    minimum: int
    until: date
    proof: bytes


class TooLowError(RequestError, code="too_low"):
    """The bid is too low."""

    data: TooLow


class FullError(RequestError, code="full"):
    """There is no place left."""


CLASSES = (TooLowError, FullError)
LOW = TooLow(minimum=7, until=date(2030, 1, 2), proof=b"ok")


def sent(codec: CodecName, value: Any, code: str = "too_low") -> Any:
    """The context of a refusal as it arrives, with data that are written by their type."""
    written = PayloadType(type(value)).dump(value, codec)
    data: Any = decode(written, is_binary=CODECS[codec].is_binary)
    return {"phase": "handler", "error": {"code": code, "message": "no", "data": data}}


@pytest.mark.parametrize("codec", CODECS)
def test_a_declared_code_is_raised_as_its_class_with_valid_data(codec: CodecName) -> None:
    error = RefusalReader(CLASSES, codec).error(sent(codec, LOW))
    assert isinstance(error, TooLowError)
    assert error.data == LOW
    assert (error.code, error.message, str(error)) == ("too_low", "no", "too_low: no")


@pytest.mark.parametrize("data", [None, {"minimum": "lots"}, 7, {}])
def test_data_that_do_not_fit_are_raised_as_they_came(data: Any) -> None:
    error = RefusalReader(CLASSES, "json").error({"error": {"code": "too_low", "data": data}})
    assert type(error) is RequestError
    assert (error.code, error.data) == ("too_low", data)


def test_a_code_without_a_class_is_a_plain_request_error() -> None:
    error = RefusalReader(CLASSES, "json").error(sent("json", LOW, "other"))
    assert type(error) is RequestError


@pytest.mark.parametrize("data", [None, 7, {"a": [1]}])
def test_a_class_that_names_no_data_takes_any(data: Any) -> None:
    context = {"error": {"code": "full", "data": data}, "details": [1]}
    error = RefusalReader(CLASSES, "json").error(context)
    assert isinstance(error, FullError)
    assert (error.data, error.details) == (data, [1])


def test_a_class_needs_a_code_of_its_own_and_readable_data() -> None:
    class Uncoded(RequestError):
        pass

    class Lost(RequestError, code="lost"):
        data: "Nowhere"  # type: ignore[name-defined] # noqa: F821

    for classes in ((Uncoded,), (FullError, FullError)):
        with pytest.raises(ConfigurationError, match="needs a code of its own"):
            RefusalReader(classes, "json")

    class Odd(RequestError, code="odd"):
        data: Thing

    with pytest.raises(ConfigurationError, match=r"Lost cannot be read .*'Nowhere' is not defined"):
        DynamicClient("ws://127.0.0.1:1/", refusals=[Lost])
    with pytest.raises(
        ConfigurationError, match=r"refusals.py:\d+: the data of Odd cannot be .*Th"
    ):
        DynamicClient("ws://127.0.0.1:1/", refusals=[Odd])


@pytest.mark.anyio
@pytest.mark.parametrize("codec", CODECS)
async def test_every_answer_that_refuses_is_raised_as_its_class(codec: CodecName) -> None:
    """Of a request, of a join, of many joins by one message, and of an emitted event."""
    outgoing = Outgoing(CODECS[codec], ClientSettings(), (), CLASSES)
    talk = Talk(outgoing=outgoing)
    request = outgoing.requests.open(anyio.current_time(), 30)
    one, two = (ClientRoom(name, outgoing, talk.listening) for name in ("one", "two"))
    context = sent(codec, LOW)

    async def story() -> None:
        for message in (
            {"type": 33, "id": request.id, "data": context},
            {"type": 11, "room": "one", "data": context},
            {"type": 17, "rooms": ["two"], "data": context},
            {"type": 3, "data": context},
        ):
            await talk.peer.send(message, CODECS[codec])
        waits: list[Awaitable[object]] = [request.outcome(), one.ready, two.ready]
        for wait in waits:
            with pytest.raises(TooLowError) as caught:
                await wait
            assert caught.value.data == LOW

    await talk.during(story)
    told = [context.error for context in talk.errors]
    assert [getattr(error, "data", None) for error in told] == [LOW] * 3
    assert {type(error) for error in told} == {TooLowError}


@pytest.mark.anyio
@pytest.mark.parametrize("codec", CODECS)
async def test_refused_credentials_have_valid_data_too(codec: CodecName) -> None:
    talk = Talk({"token": 1}, Outgoing(CODECS[codec], ClientSettings(), (), CLASSES))

    async def story() -> None:
        await talk.peer.send({"type": 6, "data": sent(codec, LOW)}, CODECS[codec])

    await talk.during(story)
    refused = talk.session.refused
    assert isinstance(refused, AuthError)
    assert (refused.code, refused.data) == ("too_low", LOW)


def test_a_refusal_says_the_first_of_its_details() -> None:
    details = [{"loc": ["items", 0, "text"], "msg": "Field required"}, {"loc": ["b"], "msg": "x"}]
    said = str(RequestError("validation", "The payload is not valid.", details=details))
    assert said == "validation: The payload is not valid. items.0.text: Field required"
    shapes: list[list[Any]] = [[7], [{}], [{"loc": None, "msg": "m"}], [{"loc": "a"}]]
    for odd in shapes:
        assert str(RequestError("c", details=odd)).startswith("c")

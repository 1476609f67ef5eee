"""What a peer is told: one context, three envelopes."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from bytesocket_app.dispatch.answers import MAX_DETAILS, validation_details
from bytesocket_app.errors import Phase, Refusal, RequestError
from bytesocket_app.testing import TestClient
from bytesocket_app.types import CodecName
from bytesocket_app.wire.shapes import error_context
from tests.support.talk import Say, logged, talk


class Numbers(BaseModel):
    """Much to get wrong."""

    numbers: list[int]


def problems(data: Any) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Numbers.model_validate(data)
    return caught.value


def test_a_context_has_what_there_is_and_nothing_else() -> None:
    plain = error_context(Phase.HANDLER, Refusal("No."), event=None, room=None)
    assert plain == {"phase": "handler", "error": {"code": "refused", "message": "No."}}
    full = error_context(Phase.AUTH, Refusal("No.", code="c", data=0), event="e", code=4003)
    assert full == {
        "phase": "auth",
        "error": {"code": "c", "message": "No.", "data": 0},
        "event": "e",
        "code": 4003,
    }


def test_details_say_where_and_what_but_never_the_input() -> None:
    details = validation_details(problems({"numbers": [1, "secret"]}))
    assert details == [
        {
            "loc": ["numbers", 1],
            "msg": "Input should be a valid integer, unable to parse string as an integer",
            "type": "int_parsing",
        }
    ]


def test_details_are_capped() -> None:
    assert len(validation_details(problems({"numbers": ["x"] * 100}))) == MAX_DETAILS


@pytest.mark.anyio
@pytest.mark.parametrize("codec", ["json", "binary"])
async def test_data_that_cannot_be_sent_is_left_out_and_logged(
    codec: CodecName, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk()

    @app.on(Say)
    @app.room("doc").guard
    async def refuse() -> None:
        raise Refusal("No.", code="forbidden", data={"what": object()})

    async with TestClient(app, codec=codec) as client:
        with pytest.raises(RequestError) as of_request:
            await client.request(Say(text="x"), str)
        with pytest.raises(RequestError) as of_join:
            await client.join("doc")
    for refused in (of_request.value, of_join.value):
        assert (refused.code, refused.message, refused.data) == ("forbidden", "No.", None)
    assert len(logged(caplog)) == 2

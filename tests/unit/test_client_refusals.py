"""What went wrong, in the shapes that servers say it."""

from typing import Any

import pytest

from bytesocket_app.client.refusals import refusal, server_error
from bytesocket_app.errors import Phase, RequestError


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
    complaint = server_error(context)
    assert complaint.phase is phase
    assert isinstance(complaint.error, RequestError)
    assert complaint.event == context.get("event")

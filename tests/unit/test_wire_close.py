"""Close codes and reasons that fit a close frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesocket_app.wire.close import (
    MAX_REASON_BYTES,
    CloseCode,
    checked_code,
    close_of,
    close_reason,
    is_final,
)


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1012, 1014, 3000, 4000, 4003, 4999])
def test_codes_that_may_be_sent_pass(code: int) -> None:
    assert checked_code(code) == code


@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 70000])
def test_codes_that_only_stand_for_something_are_refused(code: int) -> None:
    with pytest.raises(ValueError, match=f"{code} cannot be sent as a close code: use 1000"):
        checked_code(code)


def test_a_short_reason_stays_as_it_is() -> None:
    assert close_reason("normal") == "normal"
    assert close_reason("x" * 123) == "x" * 123


def test_a_long_reason_is_cut_at_a_character() -> None:
    assert close_reason("x" * 124) == "x" * 123
    assert close_reason("€" * 50) == "€" * 41


@given(st.text(st.characters(codec=None)))
def test_every_reason_fits_and_is_text(text: str) -> None:
    assert len(close_reason(text).encode()) <= MAX_REASON_BYTES


def test_4003_has_two_names() -> None:
    assert CloseCode(4003) in (CloseCode.PONG_TIMEOUT, CloseCode.AUTH_FAILED)
    assert CloseCode["PONG_TIMEOUT"] == CloseCode["AUTH_FAILED"]


@pytest.mark.parametrize(
    ("code", "reason", "final", "sent"),
    [
        (None, None, False, (1000, "normal")),
        (None, "bye", False, (1000, "bye")),
        (None, None, True, (4400, "closed for good")),
        (None, "banned", True, (4400, "banned")),
        (None, "", True, (4400, "")),
        (4123, None, False, (4123, "normal")),
        (4003, None, False, (4003, "normal")),
        (4003, None, True, (4003, "closed for good")),
        (4010, "old", True, (4010, "old")),
        (4499, "banned", True, (4499, "banned")),
    ],
)
def test_what_is_sent_for_a_close(
    code: int | None, reason: str | None, final: bool, sent: tuple[int, str]
) -> None:
    assert close_of(code, reason, final=final) == sent


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1013, 4000, 4001, 4100, 4399, 4500])
def test_a_final_close_with_a_code_that_is_not_final_names_those_that_are(code: int) -> None:
    with pytest.raises(ValueError, match=f"{code} is not final.* 4003, 4010, .* 4400 to 4499"):
        close_of(code, None, final=True)
    assert not is_final(code)

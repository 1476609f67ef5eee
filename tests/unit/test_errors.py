"""Errors carry what the peer may see, and say where the user's mistake stands."""

import ast
import inspect
from functools import partial, wraps
from typing import Any

import anyio
import pytest

from bytesocket_app.errors import (
    GENERAL_CODES,
    AuthError,
    ByteSocketError,
    ConfigurationError,
    ConnectError,
    ContractError,
    ErrorCode,
    ErrorContext,
    Phase,
    Refusal,
    RequestError,
    UndeclaredAnswer,
    UndeclaredEvent,
    UndeclaredRoom,
    caller,
    first_line,
    near,
    where,
)


class Muted(Refusal, code="muted"):
    pass


class StillMuted(Muted):
    pass


def plain() -> None:
    pass


class Handler:
    def __call__(self) -> None:
        pass


def test_a_refusal_takes_its_classs_code() -> None:
    assert (Muted().code, Muted().message) == ("muted", "muted")
    assert StillMuted("Quiet!").code == "muted"


def test_a_refusals_own_code_beats_its_classs() -> None:
    refusal = Muted("Quiet!", code="very_muted", data={"until": 7})
    assert (refusal.code, refusal.message, refusal.data) == ("very_muted", "Quiet!", {"until": 7})
    assert str(refusal) == "Quiet!"


def test_refusing_without_a_class_is_refused() -> None:
    assert Refusal().code == "refused"
    assert AuthError("Who?").code == "unauthorized"


NO_WORDS = ["", 7, "too low", "a\nb", "größe", "*/", " a", "a.", "404", "x" * 65, "a\u200b"]


@pytest.mark.parametrize("code", NO_WORDS)
def test_codes_are_words(code: Any) -> None:
    place = rf"{__file__}:\d+"
    with pytest.raises(ConfigurationError, match=rf"code=.* of Bad \({place}.*non-empty string"):
        type("Bad", (Refusal,), {}, code=code)
    with pytest.raises(ConfigurationError, match=rf"code=.* for Muted \({place}.*a word"):
        Muted(code=code)


@pytest.mark.parametrize("code", ["a", "A_b", "doc:locked", "v1.x", "e-404", "a__", "x" * 64])
def test_a_word_may_have_digits_and_what_joins_them(code: str) -> None:
    kind: Any = type("Good", (Refusal,), {}, code=code)
    assert kind.__refusal_code__ == Refusal(code=code).code == code


@pytest.mark.parametrize("code", ErrorCode)
@pytest.mark.parametrize("base", [Refusal, AuthError])
def test_the_frameworks_codes_are_none_for_an_applications_classes(
    code: ErrorCode, base: type[Refusal]
) -> None:
    with pytest.raises(ConfigurationError, match=rf"of Bad \({__file__}:\d+\) is .* own"):
        type("Bad", (base,), {}, code=code.value)


@pytest.mark.parametrize("code", ErrorCode)
def test_of_the_frameworks_codes_a_call_may_have_the_general_ones(code: ErrorCode) -> None:
    if code in GENERAL_CODES:
        assert (Refusal(code=code.value).code, Refusal(code=code).code) == (code.value, code)
    else:
        with pytest.raises(ConfigurationError, match=rf"for Refusal \({__file__}:\d+\) is .* own"):
            Refusal(code=code.value)


def test_every_code_of_the_framework_says_when_it_comes() -> None:
    tree = ast.parse(inspect.getsource(ErrorCode)).body[0]
    assert isinstance(tree, ast.ClassDef)
    members = tree.body[1:]
    documented = [
        (name.targets[0].id, text.value.value)
        for name, text in zip(members[::2], members[1::2], strict=True)
        if isinstance(name, ast.Assign) and isinstance(name.targets[0], ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    ]
    assert [name for name, _ in documented] == list(ErrorCode.__members__)
    assert all(str(text).endswith(".") for _, text in documented)


def test_a_refusals_data_may_have_a_default_in_its_class() -> None:
    class Late(Refusal, code="late"):
        data: int = 7

    assert [Late().data, Late(data=8).data, Late(data=None).data] == [7, 8, None]
    assert Refusal().data is None


def test_a_request_error_shows_code_and_message() -> None:
    error = RequestError("muted", "Quiet!", {"a": 1}, [{"loc": []}])
    assert str(error) == "muted: Quiet!"
    assert (error.data, error.details) == ({"a": 1}, [{"loc": []}])
    assert (str(RequestError("muted")), RequestError("muted").message) == ("muted", "muted")


def test_a_failed_dial_knows_its_status() -> None:
    assert ConnectError("no", 403).status == 403
    assert ConnectError("no").status is None


@pytest.mark.parametrize("kind", [UndeclaredEvent, UndeclaredAnswer, UndeclaredRoom, ContractError])
def test_all_mistakes_of_declaring_are_configuration_errors(kind: type[Exception]) -> None:
    assert issubclass(kind, ConfigurationError)
    assert issubclass(kind, ByteSocketError)


def test_an_error_context_is_frozen() -> None:
    context = ErrorContext(Phase.DECODE, ValueError("x"))
    with pytest.raises(AttributeError):
        context.code = 7  # type: ignore[misc]
    assert (context.code, context.event, context.raw) == (None, None, None)


def line_of(function: Any) -> int:
    return int(function.__code__.co_firstlineno)


def test_a_functions_place_is_its_file_and_line() -> None:
    assert where(plain) == f"{__file__}:{line_of(plain)}"


def test_a_partials_place_is_its_functions() -> None:
    assert where(partial(partial(plain))) == where(plain)


def test_a_decorated_functions_place_is_its_own() -> None:
    @wraps(plain)
    def wrapper() -> None:
        pass

    assert where(wrapper) == where(plain)


def test_a_classs_place_is_its_statement() -> None:
    path, _, line = where(Muted).rpartition(":")
    assert path == __file__
    assert 1 < int(line) < line_of(plain)


def test_a_callable_objects_place_is_its_class() -> None:
    assert where(Handler()) == where(Handler)


def test_what_has_no_source_is_named() -> None:
    assert where(dict) == "builtins.dict"
    assert where(len) == "builtins.builtin_function_or_method"


def test_the_caller_is_the_first_frame_outside_the_framework() -> None:
    path, _, line = caller().rpartition(":")
    assert path == __file__
    assert int(line) > line_of(test_the_caller_is_the_first_frame_outside_the_framework)


def test_the_caller_is_not_in_an_event_loop() -> None:
    async def call() -> str:
        return caller()

    path, _, line = anyio.run(call).rpartition(":")
    assert path == __file__

    def directly() -> str:
        found: str = eval("caller()", {"caller": caller, "__name__": "asyncio.events"})
        return found

    path, _, line = directly().rpartition(":")
    assert path == __file__
    assert int(line) > line_of(test_the_caller_is_not_in_an_event_loop)


def test_a_near_miss_is_never_the_name_itself() -> None:
    assert near("loby", ["lobby", "attic"]) == " Did you mean 'lobby'?"
    assert near("lobby", ["lobby", "lobbyx"]) == near("x", []) == ""


def test_the_first_line_of_an_error_ends_as_a_sentence() -> None:
    assert first_line(ValueError("one\ntwo")) == "one."
    assert first_line(ValueError("One.")) == "One."

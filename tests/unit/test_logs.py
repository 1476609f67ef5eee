"""The log: strangers cannot fill it, and no line of it tells a secret."""

import ast
import logging
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from traceback import format_exception
from typing import Any, Never
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel
from typing_extensions import override

import bytesocket_app
from bytesocket_app import ByteSocket, ConfigurationError, Refusal, Socket
from bytesocket_app.client.listening_side import ListeningSide
from bytesocket_app.errors import (
    ConnectError,
    ErrorContext,
    Phase,
    RequestError,
)
from bytesocket_app.logs import LINES, OWN, SHOWN, Restraint, restrain, restraint, shown, traced
from bytesocket_app.serving.origins import Origins
from bytesocket_app.testing import TestClient, virtual_clock
from bytesocket_app.transports import Handshake, Rejection
from tests.support.talk import Say, logged, talk

SECRET = "t0k3n-9f8e7d"

logger = logging.getLogger("bytesocket")


class Clock:
    """A clock that stands still."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(restraint, "clock", made)
    return made


@pytest.fixture
def _secretive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log as in production, where the tests' own log has the texts."""
    monkeypatch.setattr(restraint, "shows_texts", False)


def crash(text: str = SECRET, cause: BaseException | None = None) -> BaseException:
    """Raise and catch, so that there is a traceback."""
    try:
        fail(text, cause)
    except KeyError as error:
        return error


def fail(text: str, cause: BaseException | None) -> Never:
    raise KeyError(text) from cause


async def fail_for(token: str) -> None:
    raise Refusal(token)


class TestStrangersLines:
    def test_are_few_of_a_kind_and_the_rest_is_counted_by_the_next(
        self, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        for number in range(1239):
            logger.warning("closing %d", number)
        assert logged(caplog, 0) == [f"closing {number}" for number in range(LINES)]
        clock.now += 1
        logger.warning("closing %d", 5000)
        assert logged(caplog, 0)[LINES:] == [
            "and 1,234 more in a second, like: closing 0",
            "closing 5000",
        ]
        rest = caplog.records[LINES]
        assert (rest.name, rest.levelno, rest.filename) == (
            "bytesocket",
            logging.WARNING,
            Path(__file__).name,
        )

    def test_are_counted_by_the_check_of_the_deadlines(
        self, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        for number in range(LINES + 2):
            logger.info("closing %d", number)
        caplog.clear()
        caplog.set_level("INFO")
        for number in range(LINES + 2):
            logger.info("closing %d", number)
        caplog.clear()
        app = talk()
        app.housekeeping.sweep(0)
        assert caplog.records == []
        clock.now += 1
        app.housekeeping.sweep(0)
        assert logged(caplog, 0) == ["and 2 more in a second, like: closing 0"]
        app.housekeeping.sweep(0)
        assert len(caplog.records) == 1

    @pytest.mark.anyio
    async def test_are_counted_at_the_end_at_the_latest(
        self, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with talk().running():
            for _ in range(LINES + 3):
                logger.warning("refused")
        assert logged(caplog)[-1:] == []
        assert logged(caplog, 0)[LINES:] == ["and 3 more in a second, like: refused"]

    @pytest.mark.anyio
    async def test_are_counted_when_the_last_connection_leaves_a_bare_mount(
        self, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with TestClient(talk()):
            for _ in range(LINES + 3):
                logger.warning("refused")
        assert logged(caplog, 0)[-1] == "and 3 more in a second, like: refused"

    @pytest.mark.usefixtures("clock")
    def test_of_one_kind_leave_those_of_another_alone(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(1000):
            logger.warning("one %d", 1)
        logger.warning("another %d", 1)
        logger.error("one %d", 1)
        logging.getLogger("bytesocket.server").warning("one %d", 1)
        assert len(caplog.records) == LINES + 3

    @pytest.mark.usefixtures("clock")
    def test_at_debug_are_all_there(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        for _ in range(100):
            logger.debug("a detail")
        assert len(caplog.records) == 100

    @pytest.mark.usefixtures("clock")
    def test_that_nobody_would_see_are_not_counted(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("ERROR")
        for _ in range(100):
            logger.warning("unseen")
        restraint.settle(all_of_them=True)
        assert caplog.records == []

    @pytest.mark.usefixtures("clock")
    def test_of_crashes_are_counted_by_the_place_that_raised(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        for number in range(100):
            logger.error("handler %d failed", number, exc_info=crash())
        try:
            int("seven")
        except ValueError:
            logger.exception("handler %d failed", 1)
        assert len(caplog.records) == LINES + 1
        assert all("in fail" in (record.exc_text or "") for record in caplog.records[:LINES])

    def test_are_restrained_on_each_logger_of_ours(self) -> None:
        folder = Path(bytesocket_app.__file__).parent
        named = {
            name
            for file in folder.rglob("*.py")
            for name in re.findall(r'getLogger\("(bytesocket[^"]*)"\)', file.read_text())
        }
        assert named == set(OWN)
        for name in OWN:
            restrain(name)  # again
            assert logging.getLogger(name).filters == [restraint]

    @pytest.mark.anyio
    async def test_of_a_server_are_restrained_whatever_they_send(
        self, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        app = talk()
        async with app.running():
            for _ in range(50):
                async with TestClient(app) as client:
                    await client.send_raw("{" + SECRET)
                    await client.wait_closed()
            clock.now += 1
            app.housekeeping.sweep(0)
        lines = logged(caplog, logging.INFO)
        assert len(lines) == LINES + 1
        assert lines[-1].startswith("and 45 more in a second, like: closing 1008 decode error: ")
        assert SECRET not in caplog.text


class TestTracebacks:
    def test_tell_the_frames_and_the_types_of_the_whole_chain(self) -> None:
        outer = crash("outer", crash("inner"))
        text = traced(outer)
        assert text.count("Traceback (most recent call last):") == 2
        assert text.count(f'File "{__file__}"') == 4
        assert "direct cause" in text
        assert text.index("KeyError\n") < text.index("direct cause")
        assert text.splitlines()[-2] == "KeyError"
        assert "BYTESOCKET_LOG_TEXTS=1" in text.splitlines()[-1]
        same = [line for line in "".join(format_exception(outer)).splitlines() if "File" in line]
        assert [line for line in text.splitlines() if "File" in line] == same

    def test_tell_contexts_unless_they_are_suppressed(self) -> None:
        error = crash()
        error.__context__, error.__suppress_context__ = crash(), False
        assert "During handling" in traced(error)
        error.__suppress_context__ = True
        assert "During handling" not in traced(error)
        assert SECRET not in traced(error)

    def test_tell_the_members_of_groups(self) -> None:
        members: list[BaseException] = [crash()]
        members.append(BaseExceptionGroup(SECRET, [crash()]))
        text = traced(BaseExceptionGroup(SECRET, members))
        assert SECRET not in text
        assert text.count("KeyError") >= 2
        assert "  |   | Traceback" in text

    def test_have_no_notes_and_no_text_of_any_kind(self) -> None:
        errors: list[Exception] = []
        for act in (User.model_validate_json, int, Key, ZoneInfo, ast.parse):
            try:
                act(f"{SECRET} :")
            except Exception as error:  # noqa: BLE001 - any
                errors.append(error)
        assert [SECRET in "".join(format_exception(error)) for error in errors] == [True] * 5
        for each in errors:
            each.add_note(SECRET)
        assert not any(SECRET in traced(each) for each in errors)
        assert "pydantic_core._pydantic_core.ValidationError" in traced(errors[0])

    def test_have_what_we_say_of_the_applications_code(self) -> None:
        error = ConfigurationError("app.py:7: use a list")
        assert "ConfigurationError: app.py:7: use a list\n" in traced(error)

    def test_of_endless_chains_end(self) -> None:
        one, two = KeyError("one"), KeyError("two")
        one.__cause__, two.__cause__ = two, one
        assert traced(one).count("KeyError") == 2
        error: BaseException = KeyError()
        for _ in range(1000):
            members: list[BaseException] = [error, KeyError()]
            error = BaseExceptionGroup[BaseException]("", members)
        assert len(traced(error)) < 100_000

    @pytest.mark.usefixtures("_secretive")
    def test_keep_the_exception_for_handlers_that_ask_for_it(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        error = crash()
        logger.error("failed", exc_info=error)
        (record,) = caplog.records
        assert record.exc_info is not None
        assert record.exc_info[1] is error
        assert SECRET not in caplog.text

    def test_have_texts_by_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        for value, expected in (("1", True), ("0", False), ("", False)):
            monkeypatch.setenv("BYTESOCKET_LOG_TEXTS", value)
            assert Restraint().shows_texts is expected
        monkeypatch.delenv("BYTESOCKET_LOG_TEXTS")
        assert Restraint().shows_texts is False
        logger.error("failed", exc_info=crash())
        assert SECRET in caplog.text


class Key(StrEnum):
    """A key with a representation of its own."""

    ANN = "ann"


class User(BaseModel):
    name: str
    token: str = SECRET


def identified(key: Callable[[Any], Any] | None) -> ByteSocket:
    app = talk()

    @app.auth(key=key) if key else app.auth
    async def login(_: Socket, credentials: str) -> User:
        return User(name=credentials)

    return app


def named(user: User) -> str:
    return user.name


def numbered(_: User) -> int:
    return 7


def of_a_class(_: User) -> Key:
    return Key.ANN


def long(_: User) -> str:
    return "n" * 10_000 + "\n"


@pytest.mark.anyio
class TestSockets:
    @pytest.mark.parametrize(
        ("key", "shows"),
        [
            (None, ""),
            (named, " of user 'x\\ny'"),
            (numbered, " of user 7"),
            (of_a_class, " of user 'ann'"),
            (long, f" of user '{'n' * SHOWN}'"),
        ],
    )
    async def test_are_shown_by_id_and_user_key_and_never_with_the_user(
        self, key: Callable[[Any], Any] | None, shows: str
    ) -> None:
        app = identified(key)
        async with TestClient(app, "x\ny"):
            (socket,) = app.sockets()
            assert socket.user.token == SECRET
            assert repr(socket) == str(socket) == f"{socket}" == f"<socket {socket.id}{shows}>"


@pytest.mark.anyio
@pytest.mark.usefixtures("_secretive")
class TestLines:
    @pytest.mark.parametrize(
        ("origin", "says"),
        [
            ("https://evil.example:8443", "origin 'https://evil.example:8443' refused"),
            ("null", "origin 'null' refused"),
            (
                f"https://x.example/?token={SECRET}",
                "origin of 37 characters, which is none, refused",
            ),
            (f"https://{SECRET}@x.example", "origin of 30 characters, which is none, refused"),
            (f"https://{'x' * 300}", "origin of 308 characters, which is none, refused"),
        ],
    )
    async def test_of_an_origin_say_no_more_than_an_origin(
        self, origin: str, says: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk()
        assert not Origins([], "same").allow(Handshake("/ws", headers={"origin": origin}))
        decision = await app.endpoint.admit(Handshake("/ws", headers={"origin": origin}))
        assert isinstance(decision, Rejection)
        (line,) = logged(caplog, logging.WARNING)
        assert says in line

    async def test_of_refusals_say_the_code_and_not_the_text(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        caplog.set_level("DEBUG")
        app = talk()

        @app.on(Say)
        async def say(event: Say) -> None:
            raise Refusal(f"not {event.text}", code="muted")

        async with TestClient(app) as client:
            for shows in (False, True):
                monkeypatch.setattr(restraint, "shows_texts", shows)
                caplog.clear()
                await client.emit(Say(text=SECRET))
                await client.receive_message()
                assert " refused (muted)" in caplog.text
                assert (SECRET in caplog.text) is shows

    async def test_of_functions_do_not_show_what_is_bound_to_them(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk()

        class Holder:
            async def act(self, *_: object) -> None:
                raise RuntimeError(SECRET)

            @override
            def __repr__(self) -> str:
                return SECRET

        await app.lifecycle.call(Holder().act, 1)
        (line,) = logged(caplog)
        assert line.startswith(f"{__file__}:")
        assert SECRET not in caplog.text

    async def test_of_a_client_say_what_failed_and_nothing_that_came(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        side = ListeningSide(10)
        for error in (
            ConnectError("cannot connect to example:80"),
            RequestError("muted", SECRET),
            Refusal(SECRET, code="unauthorized"),
            crash(),
        ):
            side.failed(ErrorContext(Phase.NETWORK, error))
        assert logged(caplog, logging.WARNING) == [
            "network: cannot connect to example:80",
            "network: muted",
            "network: unauthorized",
            "network: KeyError",
        ]

    async def test_of_rooms_and_events_have_the_names_that_are_declared(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        app = talk()
        app.room("invite:{token}").guard(fail_for)

        @app.middleware
        async def broken(*_: object) -> None:
            raise RuntimeError

        async with TestClient(app) as client:
            await client.send({"type": 15, "rooms": [f"invite:{SECRET}", SECRET]})
            await client.send({"event": SECRET})
            await client.send({"event": "say"})
            for _ in range(3):
                await client.receive_message()
        assert [line.partition(", <")[0] for line in logged(caplog, 0) if "<socket" in line] == [
            "guard of 'invite:{token}', an undeclared room refused (refused)",
            "middleware failed on an undeclared event",
            "middleware failed on 'say'",
        ]
        assert SECRET not in caplog.text

    def test_show_the_beginning_of_a_text_and_no_line_breaks(self) -> None:
        assert shown("a\nb") == r"'a\nb'"
        assert len(shown("x" * 1000)) == SHOWN + 2


@pytest.mark.anyio
async def test_a_flood_of_crashes_is_told_in_full_first_and_counted_then(
    caplog: pytest.LogCaptureFixture, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restraint, "shows_texts", False)
    app = talk()

    @app.on(Say)
    async def say(event: Say) -> None:
        raise LookupError(event.text)

    with virtual_clock(app) as time:
        async with TestClient(app) as client:
            for _ in range(100):
                await client.emit(Say(text=SECRET))
                await client.receive_message()
            assert len(logged(caplog)) == LINES
            assert "raise LookupError(event.text)" in caplog.text
            clock.now += 1
            time.advance(1)
    assert logged(caplog)[LINES].startswith("and 95 more in a second, like: handler ")
    assert SECRET not in caplog.text

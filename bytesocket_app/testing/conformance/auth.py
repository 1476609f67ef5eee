"""The authentication state machine (protocol.md section 4)."""

from typing import Any

import anyio

from bytesocket_app.application import ByteSocket
from bytesocket_app.errors import AuthError, ErrorContext, Refusal
from bytesocket_app.settings import Settings, Timeouts
from bytesocket_app.socket import Socket
from bytesocket_app.testing.conformance.stage import Ended, Refused, Stage
from bytesocket_app.transports import Handshake

REFUSED = Ended(4003, "auth")


def _guarded(settings: Settings | None = None) -> tuple[ByteSocket, list[Any]]:
    """Make an application that accepts the credentials `ann` and records its hooks' calls."""
    app, seen = ByteSocket(title="Conformance", settings=settings), list[Any]()

    @app.auth
    async def decide(credentials: str) -> str:
        seen.append("decide")
        if credentials == "crash":
            raise ValueError("secret detail")
        if credentials != "ann":
            raise AuthError("Nobody knows you.")
        return credentials

    @app.lifecycle.auth_success
    async def success(socket: Socket) -> None:
        seen.append(("success", socket.user))

    @app.lifecycle.auth_error
    async def failure(context: ErrorContext) -> None:
        seen.append(("failure", context.code))

    @app.lifecycle.open
    async def opened(socket: Socket) -> None:
        seen.append("open")
        await socket.send_raw('"welcome"')

    return app, seen


async def good_credentials_open_the_connection(stage: Stage) -> None:
    """Good credentials are answered with type 5; then the hooks run, and their messages follow."""
    app, seen = _guarded()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"type": 4, "data": "ann"})
        await talker.hears({"type": 5})
        await talker.hears("welcome")
    assert seen == ["decide", ("success", "ann"), "open"], seen


async def bad_credentials_close_the_connection(stage: Stage) -> None:
    """A refusal is sent as type 6 with its message, then closes 4003; open hooks never run."""
    app, seen = _guarded()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"type": 4, "data": "bob"})
        answer = await talker.hear()
        ended, _ = await talker.ends()
    error = {"code": "unauthorized", "message": "Nobody knows you."}
    expected = {"type": 6, "data": {"phase": "auth", "error": error, "code": 4003}}
    assert answer == expected, answer
    assert ended == REFUSED, f"the peer saw {ended}"
    assert seen == ["decide", ("failure", 4003)], seen


async def credentials_of_another_shape_are_refused(stage: Stage) -> None:
    """Credentials that do not fit their type never reach the auth function."""
    app, seen = _guarded()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"type": 4, "data": {"no": "text"}})
        ended, heard = await talker.ends()
    assert heard[0]["type"] == 6, heard
    assert ended == REFUSED, f"the peer saw {ended}"
    assert "decide" not in seen, seen


async def a_crash_is_not_told(stage: Stage) -> None:
    """An exception refuses the connection, and its text is not sent to the peer."""
    app, _ = _guarded()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"type": 4, "data": "crash"})
        ended, heard = await talker.ends()
    assert ended == REFUSED, f"the peer saw {ended}"
    assert "secret" not in str(heard), heard


async def a_message_before_authentication_closes(stage: Stage) -> None:
    """Any message but credentials before authentication closes 1008, and is not handled."""
    app, seen = _guarded()

    @app.on("early")
    async def early() -> None:
        seen.append("early")

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"event": "early"})
        ended, heard = await talker.ends()
    assert (ended.code, heard) == (1008, []), (ended, heard)
    assert seen == [], seen


async def late_credentials_close_without_a_refusal(stage: Stage) -> None:
    """A peer that never authenticates is closed with 1013 and no type 6, so it may reconnect."""
    app, _ = _guarded(Settings(timeouts=Timeouts(auth=0.2)))
    async with stage.serve(app) as site, stage.talker(site) as talker:
        ended, heard = await talker.ends()
    assert (ended.code, heard) == (1013, []), (ended, heard)


async def credentials_count_once(stage: Stage) -> None:
    """Credentials sent after authentication are ignored."""
    app, seen = _guarded()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"type": 4, "data": "ann"})
        await talker.hears({"type": 5})
        await talker.hears("welcome")
        await talker.say({"type": 4, "data": "bob"})
        assert await talker.rest() == []
    assert seen.count("decide") == 1, seen


async def the_next_message_waits_for_the_decision(stage: Stage) -> None:
    """A message sent right after the credentials is handled once they are accepted."""
    app, release = ByteSocket(title="Conformance"), anyio.Event()

    @app.auth
    async def decide(credentials: str) -> str:
        await release.wait()
        return credentials

    @app.on("whoami")
    async def whoami(socket: Socket) -> str:
        return str(socket.user)

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"type": 4, "data": "ann"})
        await talker.say({"event": "whoami", "id": 1})
        await talker.peer.send(b"")
        await talker.hears(b"")
        release.set()
        await talker.hears({"type": 5})
        await talker.hears({"type": 32, "id": 1, "data": "ann"})


async def a_handshake_is_decided_before_it_is_accepted(stage: Stage) -> None:
    """Without a credentials parameter a refusal is 401 or 403, and no type 5 is sent."""
    app = ByteSocket(title="Conformance")

    @app.auth
    async def decide(handshake: Handshake) -> str:
        if handshake.cookies.get("session") != "good":
            raise AuthError("Log in first.")
        return "ann"

    @app.on("whoami")
    async def whoami(socket: Socket) -> str:
        return str(socket.user)

    async with stage.serve(app) as site:
        try:
            async with stage.talker(site):
                raise AssertionError("a handshake without a session was accepted")
        except Refused as refused:
            assert refused.status in {401, 403}, refused
        async with stage.talker(site, headers={"Cookie": "session=good"}) as talker:
            await talker.say({"event": "whoami", "id": 1})
            await talker.hears({"type": 32, "id": 1, "data": "ann"})


class _Locked(AuthError, code="locked"):
    """Refusal whose data each codec writes in its own way."""

    data: bytes


async def a_refused_handshake_is_told_to_who_names_a_contract(stage: Stage) -> None:
    """A peer that names a contract is accepted, told its refusal by type 6, and closed 4003."""
    app, closed, seen = ByteSocket(title="Conformance"), anyio.Event(), list[Any]()

    @app.auth
    async def decide(handshake: Handshake) -> None:
        raise _Locked("It is locked.", data=b"key")

    @app.lifecycle.open
    async def opened() -> None:
        seen.append("opened")

    @app.lifecycle.close
    async def ended(code: int, reason: str) -> None:
        seen.append((code, reason))
        closed.set()

    data: Any = b"key" if stage.codec == "binary" else "key"
    error = {"code": "locked", "message": "It is locked.", "data": data}
    expected = {"type": 6, "data": {"phase": "auth", "error": error, "code": 4003}}
    query = f"contract={app.contract().fingerprint}"
    async with stage.serve(app) as site, stage.talker(site, query=query) as talker:
        found = await talker.ends()
        assert found == (REFUSED, [expected]), f"the peer saw {found}"
        with anyio.fail_after(stage.deadline):
            await closed.wait()
    assert seen == [(4003, "auth")], f"the hooks saw {seen}"
    assert app.sockets() == []


async def a_refused_upgrade_is_told_to_who_names_a_contract(stage: Stage) -> None:
    """The refusal of an upgrade hook is told in the same way; others get an HTTP status."""
    app = ByteSocket(title="Conformance")

    @app.lifecycle.upgrade
    async def decide(handshake: Handshake) -> None:
        raise Refusal("Not from there.", data={"from": handshake.path})

    error = {"code": "refused", "message": "Not from there.", "data": {"from": "/ws"}}
    expected = {"type": 6, "data": {"phase": "onUpgrade", "error": error, "code": 4003}}
    async with stage.serve(app) as site:
        async with stage.talker(site, query=f"contract={app.contract().fingerprint}") as talker:
            found = await talker.ends()
        assert found == (REFUSED, [expected]), f"the peer saw {found}"
        try:
            async with stage.talker(site):
                raise AssertionError("a handshake without a contract was accepted")
        except Refused as refused:
            assert refused.status == 403, refused


async def a_decision_may_close_the_connection(stage: Stage) -> None:
    """A socket that was closed during its handshake is told so as soon as it is open."""
    app, sent, closed = ByteSocket(title="Conformance"), list[str](), anyio.Event()
    seen: list[tuple[int, str]] = []

    @app.auth
    async def decide(socket: Socket, handshake: Handshake) -> str:
        sent.append(await socket.send_raw("hi"))
        await socket.close(4000, f"not for {handshake.path}")
        return "ann"

    @app.lifecycle.open
    async def opened() -> None:
        sent.append("opened")

    @app.lifecycle.close
    async def ended(code: int, reason: str) -> None:
        seen.append((code, reason))
        closed.set()

    async with stage.serve(app) as site, stage.talker(site) as talker:
        found = await talker.ends()
        assert found == (Ended(4000, "not for /ws"), []), f"the peer saw {found}"
        with anyio.fail_after(stage.deadline):
            await closed.wait()
    assert seen == [(4000, "not for /ws")], f"the hook saw {seen}"
    assert sent == ["dropped"], sent
    assert app.sockets() == []


CASES = (
    good_credentials_open_the_connection,
    bad_credentials_close_the_connection,
    credentials_of_another_shape_are_refused,
    a_crash_is_not_told,
    a_message_before_authentication_closes,
    late_credentials_close_without_a_refusal,
    credentials_count_once,
    the_next_message_waits_for_the_decision,
    a_handshake_is_decided_before_it_is_accepted,
    a_refused_handshake_is_told_to_who_names_a_contract,
    a_refused_upgrade_is_told_to_who_names_a_contract,
    a_decision_may_close_the_connection,
)

"""`bytesocket emit`: emit one event to the sockets of a running application, by its broker."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Final

import typer

from bytesocket_cli import console
from bytesocket_cli.commands.dev import Target
from bytesocket_cli.errors import FINDINGS, CliError

ANSWER: Final = 0.5
"""Seconds to wait for a process of the application to answer, after the broker has the event."""

_MODULE: Final = "bytesocket_events_of_a_contract"


def emit(  # noqa: PLR0913 - all but three by keyword
    event: Annotated[str, typer.Argument(help="The event's name: chat:posted.")],
    data: Annotated[str, typer.Argument(help="Its payload as JSON; - reads it from stdin.")],
    target: Target = None,
    *,
    room: Annotated[
        list[str] | None,
        typer.Option(help="To the members of this room; may be given twice.", show_default=False),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            help="To one user: a whole number is a number; in quotes, '\"7\"', it is a text.",
            show_default=False,
        ),
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="To every authenticated socket.")
    ] = False,
    engine: Annotated[
        str | None,
        typer.Option(
            envvar="BYTESOCKET_ENGINE",
            help="The broker of the application: redis://localhost:6379.",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the broker.")] = 5.0,
) -> None:
    """Emit an event to the sockets of a running application, or of a saved contract's (.json)."""
    if sum((bool(room), user is not None, everybody)) != 1:
        raise CliError("to whom? one of --room NAME, --user KEY and --all")
    if engine is None:
        raise CliError(
            "the application's broker is not named: --engine redis://localhost:6379, or "
            "BYTESOCKET_ENGINE"
        )
    from bytesocket_app.publishing.composing import Composer
    from bytesocket_app.publishing.link import Broker

    text = sys.stdin.read() if data == "-" else data
    declared = _declared(target)
    broker = Broker.at(engine, declared.title, timeout)
    composer = Composer(declared.events, None)
    made = _made(composer.catalogue, event, text)
    if room:
        _check_rooms(declared.rooms, room)
        is_one = len(room) == 1
        messages = (
            composer.to_room(room[0], made, None) if is_one else composer.to_rooms(room, made, None)
        )
        whom = f"room {room[0]}" if is_one else f"rooms {', '.join(room)}"
    elif user is not None:
        messages, whom = composer.to_user(_key(user), made, None), f"user {user}"
    else:
        messages, whom = composer.to_everybody(made, None), "everybody"
    processes = _sent(broker, messages)
    console.say(f"{broker.shown} has {event} for {whom}")
    if not processes:
        console.warn(
            f"no process of {broker.namespace!r} answered: does it run on this broker, with this "
            "title or namespace?"
        )


@dataclass(frozen=True, slots=True)
class _Declared:
    """Declarations of an application.

    Attributes:
        title: Its title.
        events: Its events.
        rooms: Its rooms, or their patterns; None if it takes any name.
    """

    title: str
    events: Any
    rooms: Sequence[Any] | None


def _declared(target: str | None) -> _Declared:
    from bytesocket_cli.contracts import read, saved

    file = saved(target, Path.cwd())
    if file is not None:
        document = read(file)
        patterns = [room["pattern"] for room in document["rooms"]]
        return _Declared(document["title"], _module(document), patterns or None)
    from bytesocket_cli.loading import load
    from bytesocket_cli.targets import resolve

    application = load(resolve(target, Path.cwd())).application
    events = [spec.origin for spec in application.catalogue if spec.origin is not None]
    is_open = application.settings.policies.undeclared == "open"
    return _Declared(application.title, events, None if is_open else application.declared_rooms())


def _module(document: dict[str, Any]) -> ModuleType:
    """Return a module with the event classes of a contract, as generated Python clients have."""
    from bytesocket_cli.generation import text

    module = ModuleType(_MODULE)
    sys.modules[_MODULE] = module  # where Pydantic looks for the names in annotations
    code = compile(text(document, "python"), f"<{_MODULE}>", "exec")
    exec(code, vars(module))  # noqa: S102 - our own generator wrote it
    return module


def _made(catalogue: Any, name: str, text: str) -> Any:
    """Return the event of a name, with a payload from JSON."""
    spec = next((one for one in catalogue if str(one.name) == name), None)
    if spec is None:
        raise CliError(f"there is no event {name!r}.{catalogue.near(name)}")
    if not spec.from_server:
        sent = [one.name for one in catalogue if one.from_server]
        raise CliError(
            f"event {name!r} is sent by clients, not by the server; it sends {_listed(sent)}"
        )
    payload = _validated(spec, text)
    return payload if isinstance(spec.origin, type) else spec.origin(payload)


def _validated(spec: Any, text: str) -> Any:
    from pydantic import ValidationError

    try:
        _ = json.loads(text)
    except ValueError as error:
        raise CliError(
            f'the payload is no JSON ({error}): quote it for the shell, as in \'{{"text": "hi"}}\''
        ) from None
    try:
        return spec.payload.adapter.validate_json(text)
    except ValidationError as error:
        found = [
            f"    {'.'.join(map(str, one['loc'])) or 'the payload'}: {one['msg']}"
            for one in error.errors(include_url=False, include_input=False)
        ]
        raise CliError(
            "\n".join([f"the payload does not fit event {str(spec.name)!r}:", *found]),
            code=FINDINGS,
        ) from None


def _check_rooms(rooms: Sequence[Any] | None, names: Iterable[str]) -> None:
    from bytesocket_app.declarations.rooms import DeclaredRooms, Room
    from bytesocket_app.rooms import RoomPattern

    if rooms is None:
        return
    declared = DeclaredRooms()
    for room in rooms:
        declared.add(Room(RoomPattern(room), "client") if isinstance(room, str) else room)
    for name in names:
        if declared.find(name) is None:
            raise CliError(f"there is no room {name!r}.{declared.near(name)}")
        try:
            declared.check(name)
        except ValueError as error:
            raise CliError(str(error)) from None


def _key(text: str) -> str | int:
    try:
        key = json.loads(text)
    except ValueError:
        return text
    is_number = isinstance(key, int) and not isinstance(key, bool)
    return key if is_number or isinstance(key, str) else text


def _listed(names: Sequence[object]) -> str:
    return ", ".join(map(repr, names)) or "none"


def _sent(broker: Any, messages: Any) -> int:
    """Send messages; returns how many processes of the application answered."""
    import anyio

    from bytesocket_app.errors import EngineError
    from bytesocket_app.publishing.link import linked

    found, problem = 0, None

    async def send() -> None:
        nonlocal found, problem
        async with linked(broker) as link:
            try:
                await link.send(messages)
            except EngineError as error:
                problem = str(error)  # raised below, where no group wraps it
            else:
                found = await link.known(ANSWER)

    anyio.run(send)
    if problem is not None:
        raise CliError(problem, code=FINDINGS)
    return found

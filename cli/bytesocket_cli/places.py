"""Places in an application's code that findings of `diff` are about: `file:line`.

A finding's path is followed through the types of the new application, as far as they are classes
with fields; without such a class the place is that of the event, the handler or the refusal.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from inspect import get_annotations
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, cast, get_args, get_origin

from pydantic import AliasChoices, BaseModel, RootModel
from pydantic.fields import ComputedFieldInfo, FieldInfo
from typing_extensions import TypeAliasType, get_type_hints, is_typeddict

from bytesocket_app import ByteSocket
from bytesocket_app.contract import (
    NO_REPLY,
    ContractSource,
    EventEntry,
    MessageAuth,
    RoomEntry,
    RoomEventEntry,
)
from bytesocket_app.errors import where
from bytesocket_app.events.lint import place_of
from bytesocket_app.events.refusal_data import data_annotation

_STEP: Final = re.compile(
    r'\.(?P<name>[^\W\d]\w*)|\[(?P<key>"(?:[^"\\]|\\.)*")\]|\[(?P<place>\d*)\]|(?P<values>\.\*)'
    r'|<(?P<member>(?:[^<>"]|"(?:[^"\\]|\\.)*")*)>'
)
Finding = Mapping[str, Any]


class Places:
    """Finder of places in one application.

    Args:
        application: The application of the new contract.
    """

    def __init__(self, application: ByteSocket) -> None:
        self._source: ContractSource = application.contract_source()
        self._events = {str(spec.name): spec.source for spec in application.catalogue}
        self._rooms = {room.pattern: room.place for room in self._source.rooms}
        self._handlers = {
            (str(route.event), route.room): route.source
            for route in application.event_routes()
            if route.source != "relay"
        }

    def of(self, finding: Finding) -> str | None:
        """Return `file:line` of what a finding is about; None if the code does not have it."""
        annotation, place = self._start(finding)
        if annotation is not None and finding["path"]:
            place = _inside(annotation, finding["path"]) or place
        file, _, line = (place or "").rpartition(":")
        if not (file and line.isdigit()):
            return None
        path, here = Path(file), Path.cwd()
        return f"{path.relative_to(here)}:{line}" if path.is_relative_to(here) else f"{path}:{line}"

    def _start(self, finding: Finding) -> tuple[Any, str | None]:
        """Return the type that a path begins at, and the place of its declaration."""
        part, room = finding["part"] or "", finding["room"]
        if part.startswith("refusal "):
            return self._refusal(part.removeprefix("refusal "))
        if part == "credentials" and isinstance(self._source.auth, MessageAuth):
            return self._source.auth.credentials, self._source.auth_place
        if part == "auth":
            return None, self._source.auth_place
        if finding["event"] is None:
            return None, self._rooms.get(room)
        name = str(finding["event"])
        handler = self._handlers.get((name, room))
        if part == "reply":
            return self._reply(finding["event"], room), handler or self._events.get(name)
        if part == "payload":
            return self._payload(finding["event"]), self._events.get(name)
        return None, (handler or self._rooms.get(room)) if room else self._events.get(name)

    def _refusal(self, code: str) -> tuple[Any, str | None]:
        raisers: list[EventEntry | RoomEntry | RoomEventEntry]
        raisers = [*self._source.events, *self._source.rooms]
        raisers += [entry for room in self._source.rooms for entry in room.client_events]
        for refusal in (refusal for entry in raisers for refusal in entry.raises):
            if refusal.__refusal_code__ == code:
                return data_annotation(refusal), where(refusal)
        return None, None

    def _payload(self, name: object) -> Any:
        return next((one.payload for one in self._source.events if one.name == name), None)

    def _reply(self, name: object, room: str | None) -> Any:
        rooms = [one.client_events for one in self._source.rooms if one.pattern == room]
        entries = self._source.events if room is None else [one for each in rooms for one in each]
        reply = next((one.reply for one in entries if one.name == name), None)
        return None if reply is NO_REPLY else reply


def _inside(annotation: Any, path: str) -> str | None:
    """Follow a path; return the place of its last field, or of the class that had the field."""
    types = [*_alternatives(annotation)]
    place: str | None = None
    for step in _STEP.finditer(path.removeprefix("$")):
        if step["member"] is not None:
            types = [*_chosen(types, step["member"])]
            if len(types) == 1 and isinstance(types[0], type):
                place = place_of(types[0], "")
            continue
        name = step["name"] or (step["key"] and str(step["key"])[1:-1])
        owners = [one for one in types if isinstance(one, type) and _has_fields(one)]
        if name is not None and owners:
            having = ((one, *_fields(one)[name]) for one in owners if name in _fields(one))
            found = next(having, None)
            if found is None:
                return place_of(owners[0], "")
            owner, own_name, inner = found
            place = place_of(_declarer(owner, own_name), own_name)
            types = [*_alternatives(inner)]
        else:
            types = [each for one in types for each in _items(one, step["place"])]
    return place


def _alternatives(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union, with aliases and root models opened."""
    origin = get_origin(annotation)
    if isinstance(annotation, TypeAliasType):
        yield from _alternatives(annotation.__value__)
    elif origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in {Union, UnionType}:
        for member in get_args(annotation):
            yield from _alternatives(member)
    elif isinstance(annotation, type) and issubclass(annotation, RootModel):
        model = cast("type[BaseModel]", annotation)
        yield from _alternatives(model.model_fields["root"].annotation)
    elif isinstance(origin, TypeAliasType):
        yield from _alternatives(origin.__value__)
    else:
        yield annotation


def _has_fields(kind: type[Any]) -> bool:
    return issubclass(kind, BaseModel) or is_dataclass(kind) or bool(is_typeddict(kind))


def _fields(kind: type[Any]) -> dict[str, tuple[str, Any]]:
    """Return the fields of a class by their names on the wire: own name, and type."""
    known: Mapping[str, FieldInfo] | None = getattr(kind, "__pydantic_fields__", None)
    if known is None:
        return {name: (name, hint) for name, hint in _hints(kind).items()}
    found: dict[str, tuple[str, Any]] = {}
    for name, field in known.items():
        given = [field.alias, field.serialization_alias, *_texts(field.validation_alias)]
        for key in (name, *(alias for alias in given if alias)):
            found[key] = name, field.annotation
    computed: Mapping[str, ComputedFieldInfo] = getattr(kind, "model_computed_fields", {})
    for name, info in computed.items():
        found[info.alias or name] = name, info.return_type
    return found


def _hints(kind: type[Any]) -> Mapping[str, Any]:
    try:
        return get_type_hints(kind)
    except (NameError, TypeError):  # a name that only Pydantic could resolve
        return kind.__annotations__


def _declarer(owner: type[Any], name: str) -> type[Any]:
    """Return the class, of a class and its bases, in whose text a field is."""
    own = [one for one in owner.__mro__ if name in get_annotations(one)]
    # A generic model with arguments has no text of its own.
    return next((one for one in own if "[" not in one.__name__), owner)


def _texts(alias: object) -> Iterable[str]:
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return [one for one in choices if isinstance(one, str)]


def _chosen(types: Iterable[Any], label: str) -> Iterator[Any]:
    """Yield the members that a path's label names: by a tag's value, or by the class's name."""
    name = re.sub(r"#\d+$", "", label)
    tag, _, value = name.partition("=")
    for one in types:
        kind = get_origin(one) or one
        if not isinstance(kind, type):
            continue
        if value and _has_fields(kind) and tag in _fields(kind):
            literals = get_args(_fields(kind)[tag][1])
            if any(str(getattr(each, "value", each)) == value for each in literals):
                yield one
        elif kind.__name__ in {name, name.removesuffix("Input")} or not _has_fields(kind):
            yield one


def _items(annotation: Any, place: str | None) -> Iterator[Any]:
    """Yield the types inside a list, a tuple or a mapping."""
    arguments = [one for one in get_args(annotation) if one is not Ellipsis]
    if get_origin(annotation) is Literal or not arguments:
        return
    chosen = arguments[-1]
    if place and get_origin(annotation) is tuple:
        chosen = arguments[min(int(place), len(arguments) - 1)]
    yield from _alternatives(chosen)

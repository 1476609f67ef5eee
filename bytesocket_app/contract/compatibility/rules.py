"""Rules of comparison: the meaning, the levels in each direction, and the advice for each code.

`c2s` is about data from clients, `s2c` about data from the server: payloads, replies and the data
of refusals. A change without a direction has the same levels in both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.levels import Level, Way

Levels: TypeAlias = tuple[Level, ...]
"""Levels of a change, worst first."""

SAFE: Final[Levels] = (Level.SAFE,)
WIRE: Final[Levels] = (Level.WIRE,)
SOURCE: Final[Levels] = (Level.SOURCE,)
SILENT: Final[Levels] = (Level.SILENT,)
LOST: Final[Levels] = (Level.SOURCE, Level.SILENT)
"""Levels of a removal that fails nowhere at run time: data is lost silently, and code generated
anew does not have the name."""
UNREAD: Final[Levels] = (Level.WIRE, Level.SOURCE)
"""Levels of new data that old clients cannot read, and that new code has to handle."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Rule for a code.

    Attributes:
        meaning: Description of the change: a sentence without a full stop.
        c2s: Levels in data from clients.
        s2c: Levels in data from the server.
        advice: Advice on how to avoid the break, or what to do about the change.
    """

    meaning: str
    c2s: Levels
    s2c: Levels
    advice: str = ""

    def levels(self, way: Way) -> Levels:
        """Return the levels in one direction."""
        return self.c2s if way is Way.C2S else self.s2c


def _same(meaning: str, levels: Levels, advice: str = "") -> Rule:
    return Rule(meaning, levels, levels, advice)


_TWICE: Final = "Add the new one beside it, move the clients, and remove the old one later."
_MARKED: Final = (
    "If clients had time enough, allow this code in pyproject.toml; else keep it for a release."
)
_NEW_EVENT: Final = (
    "Declare a new event for the new form, and keep the old one until clients moved."
)

_APPLICATION: Final[Mapping[Code, Rule]] = {
    Code.TITLE_CHANGED: _same(
        "the title changed, after which the Python client's class is named",
        SOURCE,
        "Rename the class where it is used.",
    ),
    Code.VERSION_CHANGED: _same("the version changed", SAFE),
    Code.PATH_CHANGED: _same(
        "the socket's path changed", WIRE, "Serve the old path too, until clients have moved."
    ),
    Code.SERIALIZATION_CHANGED: _same("the codec that the server prefers changed", SAFE),
    Code.AUTH_REQUIRED: _same(
        "authentication is required now, and deployed clients send nothing",
        UNREAD,
        "Accept clients without credentials until they have been replaced.",
    ),
    Code.AUTH_REMOVED: _same(
        "authentication is gone, and with it the option `auth`",
        SOURCE,
        "Remove `auth` where clients connect.",
    ),
    Code.AUTH_UNANSWERED: _same(
        "authentication is gone, and the new server does not answer credentials that nobody asks "
        "for: deployed clients wait for its answer for ever",
        UNREAD,
        'Upgrade bytesocket at the server, or leave Policies(unasked_credentials="accept"); else '
        "keep @app.auth with a function that accepts everybody until clients have moved.",
    ),
    Code.HANDSHAKE_AUTH_REMOVED: _same(
        "authentication by the handshake is gone; clients have nothing to change", SAFE
    ),
    Code.AUTH_CHANGED: _same(
        "authentication looks for credentials in another place",
        UNREAD,
        "Accept both, the message and the handshake, until clients have moved.",
    ),
    Code.CAPABILITY_REMOVED: _same(
        "the new server cannot do what the old one could",
        SILENT,
        "Make sure that no deployed client needs it, even one older than OLD.",
    ),
    Code.UNKNOWN_CHANGED: _same(
        "something changed that this bytesocket knows nothing of",
        SILENT,
        "Look at it, or compare with the newest bytesocket.",
    ),
}

_EVENTS: Final[Mapping[Code, Rule]] = {
    Code.EVENT_ADDED: _same("an event was added", SAFE),
    Code.EVENT_REMOVED: Rule("an event was removed", WIRE, LOST, _TWICE),
    Code.DEPRECATED_EVENT_REMOVED: Rule(
        "an event that was marked as deprecated was removed", WIRE, LOST, _MARKED
    ),
    Code.DIRECTION_CHANGED: _same("who sends the event changed", WIRE, _NEW_EVENT),
    Code.DIRECTION_WIDENED: _same("the event may be sent in both directions now", SAFE),
    Code.EVENT_ONLY_IN_ROOMS: _same(
        "clients can send the event only into rooms now",
        WIRE,
        "Keep a handler for it outside of rooms until clients have moved.",
    ),
    Code.EVENT_OUTSIDE_ROOMS: _same("clients can send the event outside of rooms too", SAFE),
    Code.CLASS_NAME_CHANGED: _same(
        "its class in generated Python clients has another name",
        SOURCE,
        "Rename the class where Python clients use it.",
    ),
    Code.VOLATILE_CHANGED: _same(
        "whether the event may be lost changed",
        SILENT,
        "Make sure that its users know: volatile events are not queued, and dropped first.",
    ),
    Code.REPLY_ADDED: _same("the event is answered now", SAFE),
    Code.REPLY_REMOVED: _same(
        "the reply is nothing now, which deployed clients do not take for it",
        UNREAD,
        "Keep on returning a value of the old type until clients have moved.",
    ),
    Code.REPLY_EMPTIED: _same(
        "the reply, which could be null, is always nothing now",
        SOURCE,
        "Remove what is done with the reply.",
    ),
    Code.REFUSAL_ADDED: _same(
        "a refusal was added",
        SOURCE,
        "Handle its code where requests are made; a switch over all codes has a new case.",
    ),
    Code.REFUSAL_REMOVED: _same(
        "a refusal was removed", SOURCE, "Remove its case where requests are made."
    ),
    Code.REFUSAL_DATA_ADDED: _same("a refusal has data now", SAFE),
    Code.REFUSAL_DATA_REMOVED: _same(
        "a refusal has no data any more", WIRE, "Keep on sending the data."
    ),
    Code.DATA_ADDED: Rule(
        "the event had no data, so that `emit` takes none in TypeScript, and has some now",
        SOURCE,
        SAFE,
        "Pass an empty object where the event is emitted.",
    ),
    Code.EVENT_CLASS_CHANGED: _same(
        "the payload's class and the event's class are not one, or not two, any more in Python",
        SOURCE,
        "Give the event a payload of its own, or use the new class where the event is sent.",
    ),
    # Nothing that clients send became wrong, and a refusal tells when to try again. Whether anybody
    # sends that fast, two contracts cannot tell.
    Code.RATE_TIGHTENED: _same(
        "the event may come less often, and more than that is refused, or lost if it is volatile",
        SILENT,
        "Make sure that deployed clients do not send it more often.",
    ),
    Code.RATE_LOOSENED: _same("the event may come more often", SAFE),
}

_ROOMS: Final[Mapping[Code, Rule]] = {
    Code.ROOM_ADDED: _same("a room was added", SAFE),
    Code.ROOM_REMOVED: Rule(
        "a room, or its pattern, is gone",
        WIRE,
        LOST,
        "Declare the old pattern beside the new one until clients have moved.",
    ),
    Code.ROOM_COVERED: _same(
        "the room is no longer declared by its name; a pattern takes its place",
        SOURCE,
        "Join it through the pattern.",
    ),
    Code.ROOM_JOIN_CLOSED: _same(
        "clients may not join the room any more",
        WIRE,
        'Keep join="client" and decide in a guard.',
    ),
    Code.ROOM_JOIN_OPENED: _same("clients may join the room themselves", SAFE),
    Code.ROOM_PARAM_RENAMED: _same(
        "a parameter of the room has another name", SOURCE, "Rename it where the room is joined."
    ),
    Code.ROOM_PARAM_NARROWED: _same(
        "a parameter of the room takes fewer values", WIRE, "Narrow it in a guard, by a refusal."
    ),
    Code.ROOM_PARAM_WIDENED: _same("a parameter of the room takes more values", SAFE),
    Code.ROOM_PARAM_CHANGED: _same(
        "a parameter of the room has another type", WIRE, "Declare a new pattern for it."
    ),
    Code.ROOM_PARAM_RETYPED: _same(
        "what is written for a parameter of the room is taken as before, but has another type in "
        "code",
        SOURCE,
        "Pass a value of the new type where the room is joined.",
    ),
    Code.ROOM_EVENT_ADDED: _same("an event was added to the room", SAFE),
    Code.ROOM_EVENT_REMOVED: Rule("the room does not have the event any more", WIRE, LOST, _TWICE),
    Code.PRESENCE_ADDED: _same("the room tells members of each other", SAFE),
    Code.PRESENCE_REMOVED: _same(
        "the room does not tell members of each other any more, or another way",
        LOST,
        "Keep it until clients do without.",
    ),
    Code.PRESENCE_CHANGE_ALLOWED: _same("clients may change a field of their entry", SAFE),
    Code.PRESENCE_CHANGE_REFUSED: _same(
        "clients may not change a field of their entry any more",
        UNREAD,
        "Take the change and do nothing with it, until clients have moved.",
    ),
}

_OBJECTS: Final[Mapping[Code, Rule]] = {
    Code.FIELD_ADDED: _same("a field was added", SAFE),
    Code.FIELD_ADDED_REQUIRED: Rule(
        "a required field was added, and deployed clients do not send it",
        WIRE,
        SAFE,
        "Give it a default.",
    ),
    Code.FIELD_REMOVED: Rule(
        "a field was removed",
        LOST,
        WIRE,
        "Keep it, marked deprecated, until clients have moved.",
    ),
    Code.DEPRECATED_FIELD_REMOVED: Rule(
        "a field that was marked as deprecated was removed", LOST, WIRE, _MARKED
    ),
    Code.FIELD_REFUSED: _same(
        "a field was removed, and what still sends it is refused",
        WIRE,
        "Keep it as an optional field, or drop extra='forbid'.",
    ),
    Code.OPTIONAL_FIELD_REMOVED: _same(
        "a field that was not always there never is now", LOST, "Keep it until clients have moved."
    ),
    Code.FIELD_REQUIRED: Rule(
        "a field is required now", WIRE, SAFE, "Keep its default until clients have moved."
    ),
    Code.FIELD_OPTIONAL: Rule(
        "a field need not be there any more", SAFE, UNREAD, "Go on sending it, with a default."
    ),
    Code.FIELD_ALIASED: _same(
        "a field has another name, and its old one is still taken",
        SOURCE,
        "Use the new name where clients write the field.",
    ),
    Code.FIELD_ALIAS_REMOVED: Rule(
        "another name of a field is not taken any more",
        SILENT,
        SAFE,
        "Make sure that nobody writes it: generated clients use the field's first name.",
    ),
    Code.FIELD_MEETS_EXTRA: Rule(
        "a field was added under a name that clients may already send with any content",
        SILENT,
        SAFE,
        "Make sure that nobody uses the name, or choose another.",
    ),
    Code.DEFAULT_CHANGED: Rule(
        "the default changed, for everybody who does not send the field",
        SILENT,
        SAFE,
        "Make sure that clients that leave it out want the new one.",
    ),
    Code.DEPRECATED: _same("it is marked as deprecated", SAFE),
    Code.EXTRA_FORBIDDEN: Rule(
        "unknown keys are refused now",
        WIRE,
        SAFE,
        "Keep on ignoring them: clients may still send fields that were removed.",
    ),
    Code.EXTRA_ALLOWED: _same("unknown keys are taken now", SAFE),
    Code.EXTRA_IGNORED: Rule(
        "unknown keys are dropped now", LOST, SOURCE, "Declare the keys that are in use as fields."
    ),
    Code.EXTRA_NARROWED: Rule(
        "unknown keys need a certain type now", WIRE, SAFE, "Keep on taking any type."
    ),
    Code.EXTRA_WIDENED: Rule(
        "unknown keys may have any type now", SAFE, WIRE, "Keep the type of what is sent."
    ),
    Code.KEY_NARROWED: Rule("the mapping's keys are fewer", WIRE, SAFE, _NEW_EVENT),
    Code.KEY_WIDENED: Rule("the mapping's keys may be others too", SAFE, WIRE, _NEW_EVENT),
    Code.KEY_CHANGED: _same("the mapping's keys have another type", WIRE, _NEW_EVENT),
}

_ARRAYS: Final[Mapping[Code, Rule]] = {
    Code.ARRAY_TO_TUPLE: Rule(
        "a list of any length has a fixed form now", WIRE, SAFE, "Check the length in the handler."
    ),
    Code.TUPLE_TO_ARRAY: Rule("what had a fixed form has any length now", SAFE, UNREAD, _NEW_EVENT),
    Code.TUPLE_NARROWED: Rule("the tuple's length is less free", WIRE, SAFE, _NEW_EVENT),
    Code.TUPLE_WIDENED: Rule("the tuple's length is more free", SAFE, UNREAD, _NEW_EVENT),
    Code.TUPLE_LENGTH_CHANGED: _same("the tuple has another length", WIRE, _NEW_EVENT),
    Code.LIST_TO_SET: _same(
        "the list is a set now: doubles and the order are lost",
        SILENT,
        "Keep a list where doubles or the order mean something.",
    ),
    Code.SET_TO_LIST: Rule(
        "the set is a list now: values may come twice", SAFE, SILENT, "Send each value once."
    ),
}

_VALUES: Final[Mapping[Code, Rule]] = {
    Code.TYPE_RENAMED: _same(
        "the type has another name", SOURCE, "Rename it where code imports it from the client."
    ),
    Code.TYPE_GONE: _same(
        "clients do not have the type's name any more",
        SOURCE,
        "Write the value without it where code imports it from the client.",
    ),
    Code.PYTHON_TYPE_CHANGED: _same(
        "the data is taken as before, but has another type in Python",
        SOURCE,
        "Convert the value where the Python client is used.",
    ),
    Code.TYPE_CHANGED: _same("the type changed", WIRE, _NEW_EVENT),
    Code.TYPE_NARROWED: Rule(
        "the type takes fewer values", WIRE, SOURCE, "Keep on accepting the old ones."
    ),
    Code.TYPE_WIDENED: Rule("the type takes more values", SAFE, UNREAD, _NEW_EVENT),
    Code.MEMBER_ADDED: Rule("the union has one member more", SAFE, UNREAD, _NEW_EVENT),
    Code.MEMBER_REMOVED: Rule(
        "the union has one member less", WIRE, SOURCE, "Keep on accepting the old one."
    ),
    Code.UNION_ORDER_CHANGED: Rule(
        "the members of a union are tried in another order, and data may go to another one",
        SILENT,
        SAFE,
        "Keep the order, unless no data fits two of the members.",
    ),
    Code.DISCRIMINATOR_CHANGED: _same("the union's tag is another field", WIRE, _NEW_EVENT),
    Code.NULL_ADDED: Rule("it may be null now", SAFE, UNREAD, "Send an empty value instead."),
    Code.NULL_REMOVED: Rule(
        "it may not be null any more", WIRE, SAFE, "Keep on accepting null as the default."
    ),
    Code.ENUM_VALUE_ADDED: Rule(
        "a value was added",
        SAFE,
        UNREAD,
        'Mark the values as open a release before: Field(json_schema_extra={"x-open": True}).',
    ),
    Code.ENUM_VALUE_REMOVED: Rule(
        "a value was removed", WIRE, SOURCE, "Keep on accepting it, and map it to another."
    ),
    Code.ENUM_OPEN_VALUE_ADDED: _same("a value was added to an open set", SAFE),
    Code.ENUM_OPENED: _same(
        "the set of values is open now", SOURCE, "Handle unknown values where it is read."
    ),
    Code.ENUM_CLOSED: _same(
        "the set of values is closed now", SOURCE, "Remove the case of unknown values."
    ),
    Code.ENUM_UNLISTED: Rule(
        "the open set of values names none any more",
        SAFE,
        SOURCE,
        "Remove the cases of its values.",
    ),
    Code.ENUM_NAME_CHANGED: _same(
        "a value's constant has another name", SOURCE, "Rename it where code uses it."
    ),
    Code.FLAG_ADDED: Rule(
        "a flag was added", SAFE, SILENT, "Make sure that clients may overlook it."
    ),
    Code.FLAG_REMOVED: Rule(
        "a flag was removed; it is still taken, and means nothing",
        LOST,
        SOURCE,
        "Keep it until clients have moved.",
    ),
    Code.FLAG_REFUSED: Rule(
        "a flag was removed, and what still sends it is refused",
        UNREAD,
        SOURCE,
        "Keep on accepting it, or make the class an IntFlag.",
    ),
    Code.FLAG_RENAMED: _same("a flag has another name", SOURCE, "Rename it where code uses it."),
    Code.FLAG_RENUMBERED: _same(
        "a flag has another number, and the old one means something else",
        SILENT,
        "Give the new meaning a number that was not used.",
    ),
    Code.FLAGS_TO_NUMBER: Rule(
        "the number is no set of flags any more", SAFE, SILENT, "Declare a new field for it."
    ),
    Code.NUMBER_TO_FLAGS: Rule(
        "the number is a set of flags now; any number is still taken",
        SILENT,
        SAFE,
        "Declare a new field for it.",
    ),
    Code.FORMAT_NARROWED: Rule(
        "only text of a certain form is taken now", WIRE, LOST, "Check the form in the handler."
    ),
    Code.FORMAT_WIDENED: Rule("the text may have any form now", SAFE, WIRE, _NEW_EVENT),
    Code.FORMAT_CHANGED: _same("the text has another form", WIRE, _NEW_EVENT),
    Code.TIMEZONE_NARROWED: Rule(
        "times with, or without, a time zone are refused now",
        WIRE,
        SAFE,
        "Take both, and assume a zone.",
    ),
    Code.TIMEZONE_WIDENED: Rule(
        "times may come with and without a time zone", SAFE, SILENT, "Send them as before."
    ),
    Code.TIMEZONE_CHANGED: Rule(
        "times have a zone where they had none, or the reverse", WIRE, SILENT, _NEW_EVENT
    ),
    Code.SECRET_MASKED: Rule(
        "whether the value is hidden behind asterisks changed",
        SAFE,
        SILENT,
        "Make sure that nobody reads the value.",
    ),
    Code.BYTES_ENCODING_CHANGED: _same(
        "bytes are written another way in JSON", WIRE, "Keep the encoding of the bytes."
    ),
    Code.CONSTRAINT_TIGHTENED: Rule(
        "a limit is tighter", WIRE, SAFE, "Tighten it for new clients only, in a new event."
    ),
    Code.CONSTRAINT_LOOSENED: Rule(
        "a limit is looser; a client that checks it refuses what is sent",
        SAFE,
        SILENT,
        "Make sure that no client checks it; generated ones do not.",
    ),
    Code.CONSTRAINT_CHANGED: Rule(
        "a limit is another, neither tighter nor looser for certain",
        WIRE,
        SILENT,
        "Accept what fits the old limit or the new one.",
    ),
    Code.STRICT_ON: Rule(
        "values of another type are not converted any more",
        SILENT,
        SAFE,
        "Make sure that hand-written clients send the exact type; generated ones do.",
    ),
    Code.STRICT_OFF: _same("values of another type are converted now", SAFE),
    Code.KEYWORD_CHANGED: _same(
        "a keyword changed that this bytesocket cannot judge",
        SILENT,
        "Look at what it means for old clients.",
    ),
}

RULES: Final[Mapping[Code, Rule]] = {
    **_APPLICATION,
    **_EVENTS,
    **_ROOMS,
    **_OBJECTS,
    **_ARRAYS,
    **_VALUES,
}
"""All rules, in the order of the codes."""

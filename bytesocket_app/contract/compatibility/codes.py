"""Codes of all findings. The codes are stable: configuration and scripts refer to them."""

from enum import StrEnum, auto
from typing import Any

from typing_extensions import override


class Code(StrEnum):
    """Kind of a change; `rules` gives the meaning and the levels of each code."""

    @staticmethod
    @override
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[Any]) -> str:
        return name

    # ---- the application
    TITLE_CHANGED = auto()
    VERSION_CHANGED = auto()
    PATH_CHANGED = auto()
    SERIALIZATION_CHANGED = auto()
    AUTH_REQUIRED = auto()
    AUTH_REMOVED = auto()
    AUTH_UNANSWERED = auto()
    HANDSHAKE_AUTH_REMOVED = auto()
    AUTH_CHANGED = auto()
    CAPABILITY_REMOVED = auto()
    UNKNOWN_CHANGED = auto()

    # ---- events
    EVENT_ADDED = auto()
    EVENT_REMOVED = auto()
    DEPRECATED_EVENT_REMOVED = auto()
    DIRECTION_CHANGED = auto()
    DIRECTION_WIDENED = auto()
    EVENT_ONLY_IN_ROOMS = auto()
    EVENT_OUTSIDE_ROOMS = auto()
    VOLATILE_CHANGED = auto()
    CLASS_NAME_CHANGED = auto()
    REPLY_ADDED = auto()
    REPLY_REMOVED = auto()
    REPLY_EMPTIED = auto()
    REFUSAL_ADDED = auto()
    REFUSAL_REMOVED = auto()
    REFUSAL_DATA_ADDED = auto()
    REFUSAL_DATA_REMOVED = auto()
    DATA_ADDED = auto()
    EVENT_CLASS_CHANGED = auto()
    RATE_TIGHTENED = auto()
    RATE_LOOSENED = auto()

    # ---- rooms
    ROOM_ADDED = auto()
    ROOM_REMOVED = auto()
    ROOM_COVERED = auto()
    ROOM_JOIN_CLOSED = auto()
    ROOM_JOIN_OPENED = auto()
    ROOM_PARAM_RENAMED = auto()
    ROOM_PARAM_NARROWED = auto()
    ROOM_PARAM_WIDENED = auto()
    ROOM_PARAM_CHANGED = auto()
    ROOM_PARAM_RETYPED = auto()
    ROOM_EVENT_ADDED = auto()
    ROOM_EVENT_REMOVED = auto()

    # ---- objects and mappings
    FIELD_ADDED = auto()
    FIELD_ADDED_REQUIRED = auto()
    FIELD_REMOVED = auto()
    DEPRECATED_FIELD_REMOVED = auto()
    FIELD_REFUSED = auto()
    OPTIONAL_FIELD_REMOVED = auto()
    FIELD_REQUIRED = auto()
    FIELD_OPTIONAL = auto()
    FIELD_ALIASED = auto()
    FIELD_ALIAS_REMOVED = auto()
    FIELD_MEETS_EXTRA = auto()
    DEFAULT_CHANGED = auto()
    DEPRECATED = auto()
    EXTRA_FORBIDDEN = auto()
    EXTRA_ALLOWED = auto()
    EXTRA_IGNORED = auto()
    EXTRA_NARROWED = auto()
    EXTRA_WIDENED = auto()
    KEY_NARROWED = auto()
    KEY_WIDENED = auto()
    KEY_CHANGED = auto()

    # ---- arrays
    ARRAY_TO_TUPLE = auto()
    TUPLE_TO_ARRAY = auto()
    TUPLE_NARROWED = auto()
    TUPLE_WIDENED = auto()
    TUPLE_LENGTH_CHANGED = auto()
    LIST_TO_SET = auto()
    SET_TO_LIST = auto()

    # ---- types and values
    TYPE_RENAMED = auto()
    TYPE_GONE = auto()
    PYTHON_TYPE_CHANGED = auto()
    TYPE_CHANGED = auto()
    TYPE_NARROWED = auto()
    TYPE_WIDENED = auto()
    MEMBER_ADDED = auto()
    MEMBER_REMOVED = auto()
    UNION_ORDER_CHANGED = auto()
    DISCRIMINATOR_CHANGED = auto()
    NULL_ADDED = auto()
    NULL_REMOVED = auto()
    ENUM_VALUE_ADDED = auto()
    ENUM_VALUE_REMOVED = auto()
    ENUM_OPEN_VALUE_ADDED = auto()
    ENUM_OPENED = auto()
    ENUM_CLOSED = auto()
    ENUM_UNLISTED = auto()
    ENUM_NAME_CHANGED = auto()
    FLAG_ADDED = auto()
    FLAG_REMOVED = auto()
    FLAG_REFUSED = auto()
    FLAG_RENAMED = auto()
    FLAG_RENUMBERED = auto()
    FLAGS_TO_NUMBER = auto()
    NUMBER_TO_FLAGS = auto()
    FORMAT_NARROWED = auto()
    FORMAT_WIDENED = auto()
    FORMAT_CHANGED = auto()
    TIMEZONE_NARROWED = auto()
    TIMEZONE_WIDENED = auto()
    TIMEZONE_CHANGED = auto()
    SECRET_MASKED = auto()
    BYTES_ENCODING_CHANGED = auto()
    CONSTRAINT_TIGHTENED = auto()
    CONSTRAINT_LOOSENED = auto()
    CONSTRAINT_CHANGED = auto()
    STRICT_ON = auto()
    STRICT_OFF = auto()
    KEYWORD_CHANGED = auto()

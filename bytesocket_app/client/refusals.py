"""Parsing of the error contexts that servers send, in any known shape, to errors to raise.

This framework's server sends `{"phase", "error": {"code", "message", "data"}, "event",
"details"}`. A TypeScript server sends an `error` that is a list `[name, message, cause]`, a text,
`{}`, or any value that its application passed (protocol.md section 2, "Error context"; Q28).
"""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeAlias, cast

from pydantic import ValidationError
from typing_extensions import TypeIs

from bytesocket_app.errors import ConfigurationError, ErrorContext, Phase, RequestError, where
from bytesocket_app.event_loop import is_failure
from bytesocket_app.events import PayloadType
from bytesocket_app.events.refusal_data import data_type
from bytesocket_app.types import CodecName, EventName

log = logging.getLogger("bytesocket.client")

Refusals: TypeAlias = Iterable[type[RequestError]]
"""Classes of the refusals that a client tells apart, each with a `code=`."""


class RefusalReader:
    """Reader of error contexts, which knows the class of each declared code.

    Args:
        classes: The classes.
        codec: Codec of the messages.

    Raises:
        ConfigurationError: A class has no code, two have the same, or the annotation of `data`
            cannot be read or validated.
    """

    def __init__(self, classes: Refusals, codec: CodecName) -> None:
        self._codec: CodecName = codec
        self._classes: dict[str, tuple[type[RequestError], PayloadType]] = {}
        for kind in classes:
            code = kind.__refusal_code__
            if code is None or code in self._classes:
                raise ConfigurationError(
                    f"{kind.__name__} ({where(kind)}) needs a code of its own, as in "
                    'class TooLowError(RequestError, code="too_low").'
                )
            data = cast("PayloadType", data_type(kind))  # as `RequestError` annotates them itself
            self._classes[code] = kind, data

    def error(self, context: object, *, default: str = "refused") -> RequestError:
        """Return the error to raise: of the code's class if there is one and the data fit.

        Args:
            context: The message's `data`.
            default: The code to use if the server names none.
        """
        plain = refusal(context, default=default)
        known = self._classes.get(plain.code)
        if known is None:
            return plain
        kind, data_type = known
        message = "" if plain.message == plain.code else plain.message
        try:
            data = data_type.validate(plain.data, self._codec)
            return kind(plain.code, message, data, plain.details)
        except ValidationError:
            return plain
        except BaseException as error:
            if not is_failure(error):
                raise
            log.exception("%s (%s) failed", kind.__name__, where(kind))
            return plain

    def server_error(self, context: object) -> ErrorContext:
        """Return the error hook's argument for a message of type 3 or a refused join or leave."""
        return ErrorContext(
            phase=phase_of(context),
            error=self.error(context),
            event=_members(context).get("event"),
            raw=repr(context)[:300],
        )


def phase_of(context: object) -> Phase:
    """Return the phase that an error context names; `HANDLER` if it names none that is known."""
    phase = _members(context).get("phase")
    return Phase(phase) if isinstance(phase, str) and phase in set(Phase) else Phase.HANDLER


def close_code(context: object) -> int | None:
    """Return the close code that an error context says will follow."""
    code = _members(context).get("code")
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def refusal(context: object, *, default: str = "refused") -> RequestError:
    """Return the error to raise for an error context of any shape.

    Args:
        context: The message's `data`.
        default: The code to use if the server names none.
    """
    members = _members(context)
    error = members.get("error", context if not members else None)
    details = members.get("details")
    listed = cast("list[object]", details) if isinstance(details, list) else []
    if isinstance(error, list):
        return _from_list(cast("list[object]", error), default)
    if isinstance(error, str):
        return RequestError(default, error)
    named = _members(error) or members
    code, message = named.get("code"), named.get("message")
    return RequestError(
        code if isinstance(code, str) and code else default,
        message if isinstance(message, str) else "",
        named.get("data"),
        listed,
    )


def told_by_http(body: str, *, default: str) -> RequestError:
    """Return the refusal that the body of an HTTP answer tells: text, or JSON of a known shape.

    Known are error contexts, `{"code", "message", "data"}`, and the `detail` of FastAPI and of
    problem details (RFC 9457).

    Args:
        body: The body.
        default: The code to use if it names none.
    """
    try:
        told: object = json.loads(body)
    except ValueError:
        return RequestError(default, body)
    members = _members(told)
    detail = members.get("detail") or members.get("title")
    if isinstance(detail, str) and "error" not in members:
        return RequestError(default, detail)
    if isinstance(told, str):
        return RequestError(default, told)
    return refusal(told, default=default)


@dataclass(frozen=True, slots=True)
class TooOften:
    """Refusal of an event that came too often, and the seconds until it may come again."""

    event: EventName
    room: str | None
    seconds: float


def too_often(context: object) -> TooOften | None:
    """Return what an error context says of an event that came too often; None for others.

    Args:
        context: The message's `data`.
    """
    members = _members(context)
    error = _members(members.get("error"))
    event, room = members.get("event"), members.get("room")
    seconds = _members(error.get("data")).get("retry_after")
    if error.get("code") != "rate_limited" or not _is_number(seconds) or not seconds > 0:
        return None
    if not (isinstance(event, str) or _is_number(event)):
        return None
    return TooOften(event, room if isinstance(room, str) else None, seconds)


def _is_number(value: object) -> TypeIs[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _from_list(error: list[object], default: str) -> RequestError:
    """Parse the list `[name, message, cause]` of a TypeScript server."""
    texts = [item if isinstance(item, str) else "" for item in error[:2]]
    name, message = (*texts, "", "")[:2]
    code = "timeout" if name == "TimeoutError" else default
    return RequestError(code, message, error[2] if len(error) > 2 else None)  # noqa: PLR2004


def _members(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}

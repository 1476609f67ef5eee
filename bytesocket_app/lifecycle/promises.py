"""Promises: what an application's functions answer is what they declare.

What a function answers beyond its declaration, and nobody reads, is logged once for each place.
With `ByteSocket(strict=True)` it is an exception of that function. An answer that is declared and
wrong is always one.
"""

import inspect
import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from pydantic import ValidationError
from pydantic_core import from_json

from bytesocket_app.errors import EncodeError, ErrorCode, Refusal, UndeclaredAnswer, raised_at
from bytesocket_app.events import PayloadType
from bytesocket_app.events.core_schemas import nodes
from bytesocket_app.events.declared import is_payload
from bytesocket_app.events.refusal_data import data_type
from bytesocket_app.signature import type_text
from bytesocket_app.types import CodecName
from bytesocket_app.wire import decode

logger = logging.getLogger("bytesocket")

UNTYPED: Final[Any] = object()
"""Stands for the data of a refusal whose class says nothing of them."""

_CODES: Final = frozenset(ErrorCode)
_SHOWN: Final = 3
"""Problems of a value that are told."""
_DEPTH: Final = 200


class Promises:
    """Comparison of what an application's functions answer with what they declare.

    Args:
        strict: True to raise where a line in the log is enough otherwise.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self._told = set[str]()

    def broken(self, text: str, key: str) -> None:
        """Log what a function did beyond its declaration, once for each key.

        Args:
            text: What it did, with `file:line` and a remedy.
            key: The place, of which there are as many as there are in the application's code.

        Raises:
            UndeclaredAnswer: In place of it, under `strict`.
        """
        if self._strict:
            raise UndeclaredAnswer(text)
        if key not in self._told:
            self._told.add(key)
            logger.error(text)  # the format, as lines are counted by their formats

    def unread(self, what: str, source: str, value: object, remedy: str) -> None:
        """Take note of a returned value that nobody reads; see `broken`."""
        text = f"{source}: {what} returned {named(value)}, which nobody reads: {remedy}"
        self.broken(text, source)

    def kept(
        self,
        refusal: Refusal,
        what: str,
        raises: Iterable[type[Refusal]] | None,
        codec: CodecName | None,
    ) -> Any:
        """Compare a refusal with its declaration, and write its data by their type.

        Args:
            refusal: The refusal, as it was raised.
            what: What raised it, for the message.
            raises: The refusals that are declared there; None where none can be.
            codec: The codec of the peer; None if the data go nowhere.

        Returns:
            The data as the peer's codec has them, or UNTYPED.

        Raises:
            UndeclaredAnswer: The data are not of their type, or cannot be written in the codec; or
                the refusal is not declared, and `strict` is set.
            ConfigurationError: The type of the data cannot be read.
        """
        kind = type(refusal)
        try:
            code, _ = refusal.code, refusal.message
        except AttributeError as exc:
            raise UndeclaredAnswer(
                f"{raised_at(refusal)}: {kind.__name__} has no code or message: its `__init__` has "
                "to call `super().__init__(...)`."
            ) from exc
        declared = None
        if raises is not None and code not in _CODES:
            declared = next((each for each in raises if each.__refusal_code__ == code), None)
            if declared is None:
                self._unexpected(refusal, what)
        typed = (None if declared is None else data_type(declared)) or data_type(kind)
        if typed is None:
            return UNTYPED
        try:
            value = typed.adapter.validate_python(refusal.data)
            return None if codec is None else _written(typed, value, codec)
        except ValidationError as exc:
            text = f"of another type than its class says: {mismatch(typed, refusal.data, exc)}."
            if refusal.data is None:
                text += " Pass data=, or make them optional, as in `data: D | None`."
            raise _broken_data(refusal, text) from exc
        except EncodeError as exc:
            text = f"that cannot be written as {codec}, of type {type_text(typed.annotation)}."
            raise _broken_data(refusal, text) from exc

    def _unexpected(self, refusal: Refusal, what: str) -> None:
        kind, code, place = type(refusal), refusal.code, raised_at(refusal)
        has_class = kind.__refusal_code__ == code
        name = kind.__name__ if has_class else "Muted"
        made = "" if has_class else f'make it a class, class Muted(Refusal, code="{code}"), and '
        self.broken(
            f"{place}: {what} refuses with the code {code!r}, which its `raises=` does not name, "
            f"so that clients do not expect it: {made}declare it by raises=({name},).",
            f"{place} {what}",
        )


def mismatch(wanted: PayloadType, value: object, error: ValidationError) -> str:
    """Return what was expected and what came, in words that hold nothing of the value.

    Keys of dictionaries, which may be a peer's text, are shown as `*`.
    """
    schema: Any = wanted.adapter.core_schema
    fields = {name for node in nodes(schema) for name in _fields(node)}
    problems = [
        f"{'.'.join(_part(part, fields) for part in each['loc'])}: {each['type']}".lstrip(": ")
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    told = ", ".join(problems[:_SHOWN])
    return f"expected {type_text(wanted.annotation)}, got {named(value)} ({told}{more})"


def named(value: object) -> str:
    """Return what a value is, without the value: `str`, `None`, `the event 'said'`."""
    if value is None:
        return "None"
    if is_payload(value):
        return f"the event {value.handle.name!r}"
    return type_text(type(value))


def meant_to_refuse(value: object) -> bool:
    """Return True for a value of a function that decides, if it is to say no, or may be."""
    return value is not None and (isinstance(value, BaseException) or not value)


def meant_otherwise(value: object) -> str:
    """Return the remedy for a returned value that was not to be returned; "" for others."""
    if isinstance(value, BaseException):
        return "Raise it."
    return "Await it." if inspect.isawaitable(value) else ""


def _broken_data(refusal: Refusal, text: str) -> UndeclaredAnswer:
    """Make the error with the traceback of the raise, as lines of one kind are counted by it."""
    kind = type(refusal).__name__
    error = UndeclaredAnswer(
        f"{raised_at(refusal)}: {kind} (code {refusal.code!r}) carries data {text}"
    )
    return error.with_traceback(refusal.__traceback__)


def _fields(node: Mapping[str, Any]) -> list[str]:
    """Return the names and aliases of fields that stand in a node of a schema."""
    fields, alias = node.get("fields"), node.get("validation_alias")
    named = list(cast("Mapping[str, Any]", fields)) if isinstance(fields, dict) else []
    return [*named, alias] if isinstance(alias, str) else named


def _part(part: str | int, fields: set[str]) -> str:
    return str(part) if isinstance(part, int) or part in fields else "*"


def _written(typed: PayloadType, value: Any, codec: CodecName) -> Any:
    """Return a value as the codec's reader has it, to be written inside of a message."""
    written = typed.dump(value, codec)
    if codec == "json":
        return from_json(written)
    return decode(written, is_binary=True, max_depth=_DEPTH)

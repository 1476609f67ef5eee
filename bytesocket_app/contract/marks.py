"""Texts of deprecation: what `deprecated("use b")` says of a class or of a field.

Pydantic's schemas say only that something is deprecated.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final, NotRequired, Required, cast, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo
from typing_extensions import ReadOnly

_DATACLASS: Final = "__dataclass_fields__"
_PRESENCE: Final = (NotRequired, ReadOnly, Required)


def class_mark(cls: type) -> str | None:
    """Return the text of a class's own `@deprecated`; None without one, or if a base has it."""
    text = vars(cls).get("__deprecated__")
    return text if isinstance(text, str) else None


def field_marks(cls: type) -> Mapping[str, str]:
    """Return the texts at deprecated fields of a model, a dataclass or a typed dict, by name."""
    found: dict[str, str] = {}
    for name, sources in _sources(cls):
        for source in sources:
            text = _text(source)
            if text:
                found[name] = text
    return found


def _sources(cls: type) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Yield each field's name with all that may hold its mark; the last counts."""
    decorators = getattr(cls, "__pydantic_decorators__", None)
    computed: Mapping[str, Any] = getattr(decorators, "computed_fields", {})
    for name, decorated in computed.items():
        yield name, (decorated.info.deprecated,)
    known: Mapping[str, FieldInfo] = getattr(cls, "__pydantic_fields__", {})
    if known:
        yield from ((name, (info.deprecated,)) for name, info in known.items())
        return
    declared = cast("Mapping[str, dataclasses.Field[Any]]", getattr(cls, _DATACLASS, {}))
    defaults = {name: field.default for name, field in declared.items()}
    for name, hint in _hints(cls).items():
        while get_origin(hint) in _PRESENCE:
            (hint,) = get_args(hint)  # noqa: PLW2901 - one inside another
        yield name, (*getattr(hint, "__metadata__", ()), defaults.get(name))


def _hints(cls: type) -> Mapping[str, Any]:
    try:
        return get_type_hints(cls, include_extras=True)
    except (NameError, TypeError):  # a name that only Pydantic could resolve
        return cast("Mapping[str, Any]", getattr(cls, "__annotations__", {}))


def _text(source: object) -> str:
    """Return the text of a mark: itself, a `deprecated("...")`, or a `Field(deprecated=...)`."""
    if isinstance(source, FieldInfo):
        source = source.deprecated
    text = source if isinstance(source, str) else getattr(source, "message", "")
    return text if isinstance(text, str) else ""

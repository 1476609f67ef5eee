"""The place of a value that cannot be written, for the messages of errors."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from itertools import islice
from typing import Any, Final, TypeAlias, cast

from pydantic import BaseModel, RootModel

_DEEPEST: Final = 50
_LOOKED_AT: Final = 10_000
"""Parts that are looked at, as a peer decides how many there are."""
_TRIED: Final = 8
"""Suspicious parts that are written to see whether that fails."""
_HARMLESS: Final = frozenset({type(None), bool, int, float})

Path: TypeAlias = tuple[str | int, ...]


def unwritable(write: Callable[[Any], object], value: Any) -> str:
    """Return the place of what cannot be written, to put in front of the reason.

    Args:
        write: Writes the value, with Pydantic's `include` as its argument, and raises ValueError if
            that cannot be done.
        value: The value.

    Returns:
        The way to the part, as in "`extra.parts[1]`: "; an empty text if it is the value itself,
        or if no part can be told.
    """
    parts = islice(_leaves(value, ()), _LOOKED_AT)
    suspects = (path for path, part in parts if path and _is_suspect(part))
    path = next((path for path in islice(suspects, _TRIED) if _fails(write, path)), ())
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return f"`{shown.removeprefix('.')}`: " if shown else ""


def _fails(write: Callable[[Any], object], path: Path) -> bool:
    include: Any = {path[-1]}
    for step in reversed(path[:-1]):
        include = {step: include}
    try:
        write(include)
    except ValueError:
        return True
    return False


def _is_suspect(part: object) -> bool:
    """Return True for a part of which JSON may not have a form."""
    if type(part) in _HARMLESS:
        return False
    try:
        if isinstance(part, bytes | bytearray):
            part.decode()
        elif isinstance(part, str):
            part.encode()
        else:
            return True
    except UnicodeError:
        return True
    return False


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    parts = None if len(path) > _DEEPEST else _parts(value)
    if parts is None:
        yield path, value
        return
    for step, part in parts:
        yield from _leaves(part, (*path, step))


def _parts(value: Any) -> Iterable[tuple[str | int, Any]] | None:
    if isinstance(value, RootModel):
        return _parts(value.__dict__["root"])
    if isinstance(value, BaseModel):
        return {**value.__dict__, **(value.__pydantic_extra__ or {})}.items()
    if is_dataclass(value):
        return [(field.name, getattr(value, field.name, None)) for field in fields(value)]
    if isinstance(value, Mapping):
        members = cast("Mapping[object, Any]", value).items()
        return [(key, member) for key, member in members if isinstance(key, str)]
    return enumerate(cast("list[Any]", value)) if isinstance(value, list | tuple) else None

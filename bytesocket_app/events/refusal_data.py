"""Types of the data of refusals, as their classes annotate them."""

from typing import Any, ClassVar, Final, get_args, get_origin, get_type_hints

from bytesocket_app.errors import ConfigurationError, Refusal, where
from bytesocket_app.events.payload import PayloadType

NONE_SAID: Final[Any] = object()
"""Stands for the annotation of a refusal that says nothing of its data."""


def data_annotation(kind: type[Refusal]) -> Any:
    """Return the annotation of `data` in a refusal's class or its bases; NONE_SAID without one.

    Raises:
        ConfigurationError: The class has an annotation that cannot be read.
    """
    try:
        found = get_type_hints(kind, include_extras=True).get("data", NONE_SAID)
    except (AttributeError, NameError, SyntaxError, TypeError) as exc:
        raise ConfigurationError(
            f"{where(kind)}: the annotations of {kind.__name__} cannot be read ({exc}). Import the "
            "name at run time, and declare the class at the top of its module."
        ) from exc
    return get_args(found)[0] if get_origin(found) is ClassVar else found


def data_type(kind: type[Refusal]) -> PayloadType | None:
    """Return the type of a refusal's data; None if its class says nothing of them.

    Raises:
        ConfigurationError: The annotation cannot be read, or Pydantic cannot validate the type.
    """
    if "__refusal_data__" not in vars(kind):
        annotation = data_annotation(kind)
        made = None if annotation is NONE_SAID else PayloadType(annotation)
        if made is not None:
            _check(kind, made)
        kind.__refusal_data__ = made
    known: PayloadType | None = kind.__refusal_data__
    return known


def _check(kind: type[Refusal], data: PayloadType) -> None:
    try:
        _ = data.adapter
    except Exception as exc:
        raise ConfigurationError(
            f"{where(kind)}: the data of {kind.__name__} cannot be {data.annotation!r} ({exc}). "
            "Use a model, a dataclass, a typed dict, or a plain type."
        ) from exc

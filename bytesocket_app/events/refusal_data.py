"""Types of the data of refusals, as their classes annotate them."""

from typing import Any, ClassVar, get_args, get_origin, get_type_hints

from bytesocket_app.errors import ConfigurationError, Refusal, RequestError, where
from bytesocket_app.events.payload import PayloadType


def data_annotation(kind: type[Refusal | RequestError]) -> Any:
    """Return the annotation of `data` in a refusal's class or its bases; None without one.

    What a class annotates as `data: None` is `NoneType`.

    Raises:
        ConfigurationError: The class has an annotation that cannot be read.
    """
    try:
        found = get_type_hints(kind, include_extras=True).get("data")
    except (AttributeError, NameError, SyntaxError, TypeError) as exc:
        raise ConfigurationError(
            f"{where(kind)}: the annotations of {kind.__name__} cannot be read ({exc}). Import the "
            "name at run time, and declare the class at the top of its module."
        ) from exc
    return get_args(found)[0] if get_origin(found) is ClassVar else found


def data_type(kind: type[Refusal | RequestError]) -> PayloadType | None:
    """Return the type of a refusal's data, in a server or a client; None if its class has none.

    Raises:
        ConfigurationError: The annotation cannot be read, or Pydantic cannot validate the type.
    """
    if "__refusal_data__" not in vars(kind):
        annotation = data_annotation(kind)
        made = None if annotation is None else PayloadType(annotation)
        if made is not None:
            _check(kind, made)
        kind.__refusal_data__ = made
    known: PayloadType | None = kind.__refusal_data__
    return known


def _check(kind: type[Refusal | RequestError], data: PayloadType) -> None:
    try:
        _ = data.adapter
    except Exception as exc:
        raise ConfigurationError(
            f"{where(kind)}: the data of {kind.__name__} cannot be {data.annotation!r} ({exc}). "
            "Use a model, a dataclass, a typed dict, or a plain type."
        ) from exc

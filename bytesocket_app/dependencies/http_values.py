"""Parameters that read a value of the handshake: FastAPI's `Query()`, `Header()` and `Cookie()`.

FastAPI is not imported: a marker has the place of its value (`in_`), its name there (`alias`,
`convert_underscores`) and its default (`get_default`).
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, get_origin
from urllib.parse import parse_qs

from pydantic import TypeAdapter, ValidationError

from bytesocket_app.errors import Refusal
from bytesocket_app.signature import EMPTY, alternatives
from bytesocket_app.transports import Handshake

Find = Callable[[Handshake, str], Sequence[str]]


def value_reader(
    mark: Any, parameter: inspect.Parameter, annotation: Any
) -> Callable[[Handshake], Any] | None:
    """Return the dependency that reads the value of a marked parameter; None without a marker.

    Args:
        mark: Item of the annotation, or the default, that may be a marker.
        parameter: The parameter, which names the value unless the marker does.
        annotation: The parameter's annotation without its markers.
    """
    kind = getattr(getattr(mark, "in_", None), "value", None)
    find = _FIND.get(kind) if isinstance(kind, str) else None
    if find is None or any(hasattr(each, "model_fields") for each in alternatives(annotation)):
        return None
    name = _name(mark, parameter.name)
    kind_of_value: Any = Any if annotation is EMPTY else annotation
    if mark.metadata:
        kind_of_value = Annotated[(kind_of_value, *mark.metadata)]
    adapter: TypeAdapter[Any] = TypeAdapter(kind_of_value)
    is_several = any(_is_several(each) for each in alternatives(annotation))
    if is_several and find is _header:
        find = _header_parts

    async def read(handshake: Handshake) -> Any:
        texts = find(handshake, name)
        if not texts:
            return _without(mark, parameter, f"The handshake lacks the {kind} {name!r}.")
        try:
            return adapter.validate_python(list(texts) if is_several else texts[-1])
        except ValidationError as exc:
            problem = exc.errors(include_url=False, include_input=False)[0]["msg"]
            raise Refusal(f"The {kind} {name!r}: {problem}.", code="invalid") from exc

    read.__qualname__ = f"{type(mark).__name__}({name!r})"
    return read


def _without(mark: Any, parameter: inspect.Parameter, lacks: str) -> Any:
    if parameter.default is not EMPTY and parameter.default is not mark:
        return parameter.default
    if mark.is_required():
        raise Refusal(lacks, code="invalid")
    return mark.get_default(call_default_factory=True)


def _name(mark: Any, name: str) -> str:
    """Return the value's name: the marker's alias, else the parameter's name, as a header's."""
    if mark.alias:
        return str(mark.alias)
    return name.replace("_", "-") if getattr(mark, "convert_underscores", False) else name


def _is_several(annotation: Any) -> bool:
    kind = get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, list | tuple | set | frozenset)


def _query(handshake: Handshake, name: str) -> Sequence[str]:
    return parse_qs(handshake.query, keep_blank_values=True).get(name, ())


def _header(handshake: Handshake, name: str) -> Sequence[str]:
    found = handshake.headers.get(name.lower())
    return () if found is None else (found,)


def _header_parts(handshake: Handshake, name: str) -> Sequence[str]:
    """Return the parts of a header that is a list, repeated or not (RFC 9110 section 5.3)."""
    return [part.strip() for text in _header(handshake, name) for part in text.split(",")]


def _cookie(handshake: Handshake, name: str) -> Sequence[str]:
    found = handshake.cookies.get(name)
    return () if found is None else (found,)


_FIND: Final[dict[str, Find]] = {"query": _query, "header": _header, "cookie": _cookie}

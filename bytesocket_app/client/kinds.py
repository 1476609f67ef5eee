"""Kinds of the values in events that a client is about to send."""

from weakref import WeakKeyDictionary

from pydantic import BaseModel, TypeAdapter

from bytesocket_app.events.kinds import Kinds
from bytesocket_app.events.payload import WrongKind

_KNOWN: WeakKeyDictionary[type[BaseModel], Kinds] = WeakKeyDictionary()


def check_kinds(payload: object) -> None:
    """Refuse a model with a value of another kind than its field declares.

    Fields that were not set are not looked at, as they are not sent. Other payloads have no type.

    Raises:
        WrongKind: Such a value was put there after the construction, or by `model_construct`.
    """
    if not isinstance(payload, BaseModel):
        return
    cls = type(payload)
    kinds = _KNOWN.get(cls)
    if kinds is None:
        kinds = _KNOWN[cls] = Kinds(TypeAdapter(cls).core_schema)
    problem = kinds.problem(payload, is_partial=True)
    if problem is not None:
        raise WrongKind(
            f"{cls.__name__} cannot be sent: {problem}. Was it changed after its construction, or "
            "made by `model_construct`? Nothing validates it then."
        )

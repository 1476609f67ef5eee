"""How deep a decoded value is nested."""

from collections.abc import Iterable
from typing import Any, cast


def is_deeper(value: Any, limit: int) -> bool:
    """Whether more than `limit` lists and dicts stand inside each other; `[]` is one.

    It goes level by level and without recursion, so that no nesting can exhaust the stack.
    """
    level: list[Any] = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        if not level:
            return False
        level = [
            item for outer in level for item in _inside(outer) if isinstance(item, dict | list)
        ]
    return bool(level)


def _inside(outer: Any) -> Iterable[Any]:
    return cast("dict[str, Any]", outer).values() if isinstance(outer, dict) else outer

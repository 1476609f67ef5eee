"""Declarations that wait for their application: a router's, until it is included."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from bytesocket_app.errors import Refusal
from bytesocket_app.registry import GuardHook, Hook

T = TypeVar("T")
Add = Callable[[T, Callable[..., Any], bool], None]
"""Adds a function in a scope, for one time if the flag is set."""
Remove = Callable[[T, Callable[..., Any] | None], None]
"""Removes a function in a scope, or all functions without one."""


class Pending(Generic[T]):
    """Declarations in their order, made at once where there is a scope, else when it comes.

    Attributes:
        scope: What the declarations are made in; None before `reach`.
    """

    def __init__(self) -> None:
        self.scope: T | None = None
        self._waiting: list[Callable[[T], object]] = []

    def do(self, declaration: Callable[[T], object]) -> None:
        """Make a declaration now, or when there is a scope."""
        if self.scope is None:
            self._waiting.append(declaration)
        else:
            declaration(self.scope)

    def reach(self, scope: T) -> None:
        """Make what waits in this scope, and all that comes later as it comes.

        After a declaration that fails there is no scope, and the rest goes on waiting.
        """
        self.scope = scope
        try:
            while self._waiting:
                self._waiting[0](scope)
                del self._waiting[0]
        except BaseException:
            self.scope = None
            raise

    def hook(self, add: Add[T], remove: Remove[T]) -> Hook:
        """Make a hook whose functions are added in the scope."""
        return Hook(*self._pair(add, remove))

    def guard_hook(
        self,
        add: Add[T],
        remove: Remove[T],
        refuses: Callable[[T, tuple[type[Refusal], ...]], None],
    ) -> GuardHook:
        """Make the same for guards, and the refusals that they name."""
        return GuardHook(
            *self._pair(add, remove), lambda raises: self.do(lambda scope: refuses(scope, raises))
        )

    def _pair(
        self, add: Add[T], remove: Remove[T]
    ) -> tuple[
        Callable[[Callable[..., Any], bool], None], Callable[[Callable[..., Any] | None], None]
    ]:
        return (
            lambda function, once: self.do(lambda scope: add(scope, function, once)),
            lambda function: self.do(lambda scope: remove(scope, function)),
        )

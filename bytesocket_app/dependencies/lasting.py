"""Functions with dependencies that last for a block: an `async def` with one `yield`."""

import inspect
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from types import TracebackType
from typing import Any, Final

from bytesocket_app.dependencies.calling import CleanUp
from bytesocket_app.dependencies.marker import Wanted, wanted
from bytesocket_app.dependencies.planning import Plan, wanted_clock
from bytesocket_app.errors import ConfigurationError, warn_caller, where
from bytesocket_app.signature import EMPTY, Offer, asked_text, read_parameters, title

Overrides = Mapping[Callable[..., Any], Callable[..., Any]]

_OPEN: Final = (EMPTY, Any, object)
"""Annotations with which the only parameter gets the application for one more release."""


class Lasting:
    """A function that is entered and exited, with what its parameters ask for.

    The dependencies are made before it is entered and cleaned up after it is exited, in the
    reverse order.

    Args:
        function: An async generator function, or one that makes an async context manager.
        offer: The value that it may ask for beside dependencies.
        role: Purpose of the function, for error messages: "the lifespan".

    Raises:
        ConfigurationError: A parameter asks for something else.
    """

    def __init__(self, function: Callable[..., Any], offer: Offer, role: str) -> None:
        self._function = function
        self._offers = (offer,)
        self._wants: list[tuple[inspect.Parameter, Wanted | None]] = []
        parameters, hints = read_parameters(function, role)
        required = [each for each in parameters if each.default is EMPTY]
        for parameter in parameters:
            annotation = hints.get(parameter.name, EMPTY)
            want = wanted(parameter, annotation) or wanted_clock(annotation)
            if want is not None:
                self._wants.append((parameter, want))
            elif offer.matches(parameter.name, annotation):
                self._wants.append((parameter, None))
            elif annotation in _OPEN and required == [parameter]:
                self._warn(parameter)
                self._wants.append((parameter, None))
            elif parameter.default is EMPTY:
                raise self._unserved(parameter, annotation, role)
        self._plan({})

    def entered(self, value: Any, overrides: Overrides) -> AbstractAsyncContextManager[None]:
        """Return the context in which the function is entered.

        Args:
            value: The value of the offer.
            overrides: Functions to call in the place of dependencies.
        """
        return self._entered(value, overrides)

    @asynccontextmanager
    async def _entered(self, value: Any, overrides: Overrides) -> AsyncGenerator[None]:
        plan, indexes = self._plan(overrides)
        values: list[Any] = [value]
        async with AsyncExitStack() as stack:
            for step in plan.steps:
                if step.make is not None:
                    values.append(await step.make(*values))
                elif step.open is not None:
                    made, clean_up = await step.open(*values)
                    stack.push_async_exit(_exit(clean_up))
                    values.append(made)
            await stack.enter_async_context(self._context(values, indexes))
            yield

    def _context(
        self, values: Sequence[Any], indexes: Sequence[int]
    ) -> AbstractAsyncContextManager[object]:
        positional: list[Any] = []
        named: dict[str, Any] = {}
        parameters = [parameter for parameter, _ in self._wants]
        for parameter, index in zip(parameters, indexes, strict=True):
            if parameter.kind is parameter.POSITIONAL_ONLY:
                positional.append(values[index])
            else:
                named[parameter.name] = values[index]
        # The application may have applied `asynccontextmanager` itself.
        is_plain = inspect.isasyncgenfunction(self._function)
        make: Any = asynccontextmanager(self._function) if is_plain else self._function
        context: AbstractAsyncContextManager[object] = make(*positional, **named)
        return context

    def _plan(self, overrides: Overrides) -> tuple[Plan, list[int]]:
        plan = Plan(self._offers, {}, overrides)
        indexes = [
            0 if want is None else plan.need(want, (self._function,)) for _, want in self._wants
        ]
        return plan, indexes

    def _warn(self, parameter: inspect.Parameter) -> None:
        kind = self._offers[0].usual.partition(": ")[2]
        warn_caller(
            f"{title(self._function)}: the parameter `{parameter.name}` gets the application, as "
            f"it is the only one. Write `{parameter.name}: {kind}`, or name it `app`: with the "
            "next minor release it is refused.",
            where(self._function),
            FutureWarning,
        )

    def _unserved(
        self, parameter: inspect.Parameter, annotation: Any, role: str
    ) -> ConfigurationError:
        asked = asked_text(parameter, annotation)
        return ConfigurationError(
            f"{title(self._function)} cannot be {role}: nothing serves the parameter `{asked}`. It "
            f"may ask for {self._offers[0].label}, and for dependencies (Annotated[T, "
            "Depends(fn)])."
        )


def _exit(clean_up: CleanUp) -> Any:
    async def leave(
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> bool:
        await clean_up(error)
        return False

    return leave

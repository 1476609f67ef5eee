"""Import of a target's application, with errors that point into the user's code."""

import importlib
import inspect
import linecache
import pkgutil
import re
import sys
import traceback
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

import anyio

from bytesocket_app import ByteSocket
from bytesocket_app.errors import ConfigurationError, ContractWarning
from bytesocket_app.routes import mounted
from bytesocket_app.serving.runners.hosting import ServerLimits, server_limits
from bytesocket_cli import console
from bytesocket_cli.errors import CliError
from bytesocket_cli.targets import Target

_WANTED = (
    "a TARGET is a ByteSocket, the ASGI application it is part of, or a function that makes either"
)
_HOSTS = ("FastAPI", "Starlette")
"""Kinds of applications that `attach` takes."""
_FACTORIES = ("create_app", "make_app", "build_app", "get_app")
"""Usual names of functions that make an application."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Application imported into this process.

    Attributes:
        asgi: ASGI application for the server: the ByteSocket, or the application it is part of.
        applications: The ByteSockets in it.
        import_string: Import path, as `module:attribute`.
        host: Import path of the application that the ByteSocket is part of, where the target leaves
            that out.
    """

    asgi: Any
    applications: tuple[ByteSocket, ...]
    import_string: str
    host: str | None = None

    @property
    def application(self) -> ByteSocket:
        """The only ByteSocket.

        Raises:
            CliError: There is no ByteSocket, or more than one.
        """
        if len(self.applications) == 1:
            return self.applications[0]
        if not self.applications:
            raise CliError(self._without())
        paths = ", ".join(f"{one.title} at {one.paths[-1]}" for one in self.applications)
        raise CliError(
            f"{self.import_string} has several ByteSockets ({paths}): name one as TARGET"
        )

    @property
    def limits(self) -> ServerLimits:
        """Options of a server that the settings of the ByteSockets decide."""
        return server_limits(one.settings for one in self.applications)

    @property
    def has_pages(self) -> bool:
        """True if the application serves HTTP requests too."""
        inner = self.applications
        return not inner or any(one is not self.asgi or one.http is not None for one in inner)

    @property
    def missing(self) -> str | None:
        """Message about what is not served and may be expected; None if nothing is missing."""
        if not self.applications:
            return self._without()
        if self.host is None:
            return None
        return (
            f"{self.import_string} is part of {self.host}, whose pages are not served and whose "
            f"lifespan does not run here: name {self.host} as TARGET"
        )

    def _without(self) -> str:
        kind = type(self.asgi).__name__
        return (
            f"{self.import_string} is a {kind} without a ByteSocket: {_attach(kind)}; or name the "
            "ByteSocket itself"
        )

    async def drain(self, grace: float) -> None:
        """Close all sockets within `grace` seconds."""
        async with anyio.create_task_group() as tasks:
            for application in self.applications:
                tasks.start_soon(application.drain, grace)


def load(target: Target) -> Loaded:
    """Import a target; output of the user's code during the import goes to stderr.

    Raises:
        CliError: The target cannot be imported, or is no application; the message names the place
            in the user's code.
    """
    for path in reversed(target.import_paths):
        if str(path) not in sys.path:
            sys.path.insert(0, str(path))
    importlib.invalidate_caches()
    _print_contract_warnings()
    with redirect_stdout(sys.stderr):
        module = _import(target)
        name, found = _pick(module, target)
    applications = _applications(found)
    for application, paths in applications.items():
        application.hosted_at = () if application is found else tuple(reversed(paths))
    host = _left_out(module, found)
    return Loaded(
        found,
        tuple(applications),
        f"{target.module}:{name}",
        host=None if host is None else f"{target.module}:{host}",
    )


def _print_contract_warnings() -> None:
    """Print contract warnings in one line each from now on, like errors."""
    usual = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, ContractWarning):
            console.warn(f"{_relative(filename)}:{lineno}: warning: {message}")
        else:
            usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show


def _import(target: Target) -> ModuleType:
    try:
        return importlib.import_module(target.module)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if _place(error, target) is None and f"{target.module}.".startswith(f"{missing}."):
            raise CliError(_no_module(missing, target)) from error
        raise CliError(_explain(error, target)) from error
    except (Exception, SystemExit) as error:
        raise CliError(_explain(error, target)) from error


def _no_module(missing: str, target: Target) -> str:
    parent, _, last = missing.rpartition(".")
    paths = [str(path) for path in target.import_paths]
    if parent:
        paths = list(getattr(sys.modules.get(parent), "__path__", []))
    near = get_close_matches(last, [found.name for found in pkgutil.iter_modules(paths)], n=1)
    hint = f"; did you mean {parent}{'.' if parent else ''}{near[0]}?" if near else ""
    return f"no module named {missing!r} in {', '.join(paths) or 'the package'}{hint}"


def _explain(error: BaseException, target: Target) -> str:
    place = _place(error, target)
    summary = f"{type(error).__name__}: {str(error) or 'no message'}"
    if isinstance(error, SyntaxError):
        summary = f"SyntaxError: {error.msg}"
    elif isinstance(error, ConfigurationError):
        # The framework says what to do; where it also says the place, that is the better one.
        summary = str(error).replace(f"{Path.cwd()}/", "")
        if said := re.match(r"(/[^:\n]+|[^:\n]+\.py):(\d+): ", summary):
            place, summary = (said[1], int(said[2])), summary[said.end() :]
    if place is None:
        return f"cannot import {target.module}: {summary}"
    file, line = place
    source = linecache.getline(file, line).strip()
    shown = f"\n    {source}" if source else ""
    return f"{_relative(file)}:{line}: {summary}{shown}"


def _place(error: BaseException, target: Target) -> tuple[str, int] | None:
    """Find the line to report: the innermost in the project's code, else the innermost at all."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return error.filename, error.lineno
    frames = [
        (frame.filename, frame.lineno or 1)
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<") and frame.filename != __file__
    ]
    frames = [frame for frame in frames if Path(frame[0]).parent.name != "importlib"]
    own = [frame for frame in frames if _is_own(Path(frame[0]), target)]
    return next(reversed(own or frames), None)


def _is_own(path: Path, target: Target) -> bool:
    for root in target.import_paths:
        if path.is_relative_to(root):
            parts = path.relative_to(root).parts
            return not any(part.startswith(".") or part == "site-packages" for part in parts)
    return False


def _pick(module: ModuleType, target: Target) -> tuple[str, Any]:
    if target.attribute is not None:
        return target.attribute, _attribute(module, target)
    public = _public(module)
    host = _host(public)
    if host is not None:
        return host, public[host]
    if "app" in public and _is_asgi(public["app"]):
        return "app", public["app"]
    own = {name: value for name, value in public.items() if isinstance(value, ByteSocket)}
    unique = {
        id(value): name for name, value in reversed(own.items()) if not inspect.isclass(value)
    }
    names = sorted(unique.values())
    if len(names) == 1:
        return names[0], own[names[0]]
    file = _relative(module.__file__ or target.module)
    if names:
        choices = " or ".join(f"{target.module}:{name}" for name in names)
        raise CliError(f"{file} holds several applications: say {choices}")
    raise CliError(f"{file} holds no ByteSocket: {_remedy(public, target.module)}")


def _remedy(public: dict[str, Any], module: str) -> str:
    """Say how a module gets the application that it does not hold."""
    hosts = [name for name, value in public.items() if _is_asgi(value)]
    if hosts:
        attach = _attach(type(public[hosts[0]]).__name__, hosts[0])
        return f"make one, chat = ByteSocket(...), and {attach}"
    made = next((name for name in public if name in _FACTORIES), None)
    factory = "" if made is None else f", or name what makes it: {module}:{made}"
    return f"make one at module level, app = ByteSocket(...){factory}"


def _attach(kind: str, name: str = "api") -> str:
    """Say how a ByteSocket gets into an ASGI application of a kind."""
    if kind in _HOSTS:
        return f"attach it to the {kind}, as in chat.attach({name})"
    return f"mount one in the {kind}, or put that beside it: ByteSocket(http={name})"


def _public(module: ModuleType) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if not name.startswith("_")}


def _left_out(module: ModuleType, found: Any) -> str | None:
    """Return the name of the application that a ByteSocket is part of, or None."""
    public = _public(module)
    host = _host(public) if isinstance(found, ByteSocket) else None
    return host if host is not None and found in _applications(public[host]) else None


def _host(public: dict[str, Any]) -> str | None:
    """Return the name of the only application that ByteSockets are attached to, or None."""
    hosts = {
        id(value): name
        for name, value in reversed(public.items())
        if not isinstance(value, ByteSocket) and _is_asgi(value) and _applications(value)
    }
    return next(iter(hosts.values())) if len(hosts) == 1 else None


def _attribute(module: ModuleType, target: Target) -> Any:
    dotted = str(target.attribute).removesuffix("()")
    value: Any = module
    for name in dotted.split("."):
        if not hasattr(value, name):
            near = get_close_matches(name, _offered(value), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else _applications_in(value)
            raise CliError(f"{module.__name__} has no attribute {name!r}{hint}")
        value = getattr(value, name)
    if _is_asgi(value):
        return value
    shown = f"{module.__name__}:{dotted}"
    if inspect.isroutine(value):
        made = _made(value, shown, target)
        if _is_asgi(made):
            return made
        raise CliError(f"{shown}() returned a {type(made).__name__}; {_WANTED}")
    what = f"a {type(value).__name__}"
    if inspect.isclass(value):
        what = f"the class {value.__name__}, not an instance of it"
    raise CliError(f"{shown} is {what}; {_WANTED}")


def _made(factory: Any, shown: str, target: Target) -> Any:
    """Call a factory.

    Raises:
        CliError: It is `async`, needs arguments, or fails.
    """
    if inspect.iscoroutinefunction(factory):
        raise CliError(f"{shown} is an `async def`: what makes an application is a plain `def`")
    try:
        needed = [
            one.name
            for one in inspect.signature(factory).parameters.values()
            if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        ]
    except ValueError:  # of a function in C, which has no signature
        needed = []
    if needed:
        raise CliError(
            f"{shown} needs {', '.join(needed)}: what makes an application is called without "
            "arguments, so give them defaults"
        )
    try:
        return factory()
    except (Exception, SystemExit) as error:
        raise CliError(_explain(error, target)) from error


def _applications_in(value: Any) -> str:
    held: dict[str, Any] = getattr(value, "__dict__", {})
    names = [name for name, found in held.items() if isinstance(found, ByteSocket)]
    return f"; its applications: {', '.join(names)}" if names else ""


def _offered(value: Any) -> list[str]:
    return [name for name in dir(value) if not name.startswith("_")]


def _is_asgi(value: Any) -> bool:
    """Return True for an ASGI application: an `async` callable with three required parameters."""
    if inspect.isclass(value) or not callable(value):
        return False
    call: Any = value if inspect.isfunction(value) else type(value).__call__
    if not inspect.iscoroutinefunction(call):
        return False
    parameters = list(inspect.signature(value).parameters.values())
    needed = [one for one in parameters if one.default is one.empty]
    return len(needed) == len(("scope", "receive", "send"))


def _applications(asgi: Any) -> dict[ByteSocket, list[str]]:
    """Find the ByteSockets in an application, and the paths at which clients find each.

    The paths begin with the `root_path` that a FastAPI application has behind a proxy.
    """
    found: dict[ByteSocket, list[str]] = {}
    root = getattr(asgi, "root_path", "")
    for application, path in mounted(asgi, root.rstrip("/") if isinstance(root, str) else ""):
        paths = found.setdefault(application, [])
        if path not in paths:
            paths.append(path)
    return found


def _relative(file: str) -> str:
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

"""Rendering of `bytesocket_templates` with Jinja2.

Templates hold layout and next to no logic; the strings that fill them are made by Python code.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath

from jinja2 import Environment, FunctionLoader, StrictUndefined


def read(template_path: str) -> str:
    """Read a packaged file without rendering it.

    Args:
        template_path: Path in the templates package, with `/`: `"typescript/runtime.ts"`.

    Returns:
        The text, with line feeds for line ends.

    Raises:
        FileNotFoundError: The package holds no such file.
    """
    parts = PurePosixPath(template_path).parts
    source = files("bytesocket_templates").joinpath(*parts)
    if not source.is_file():
        raise FileNotFoundError(f"bytesocket_templates holds no file {template_path!r}")
    return source.read_text(encoding="utf-8").replace("\r\n", "\n")


def render(template_path: str, values: Mapping[str, str]) -> str:
    """Render a packaged template.

    Args:
        template_path: Path in the templates package, as for `read`.
        values: Values of the placeholders, inserted as they are: quote and escape them before.

    Returns:
        The text, ending as the template ends.

    Raises:
        FileNotFoundError: The package holds no such file.
        jinja2.UndefinedError: The template names a value that is not given.
    """
    return _environment().from_string(read(template_path)).render(values)


@cache
def _environment() -> Environment:
    """Build the environment: block tags leave no empty lines, and a missing value is an error."""
    return Environment(
        loader=FunctionLoader(read),
        undefined=StrictUndefined,
        # Code and plain text are written, never markup: each target quotes its own way.
        autoescape=False,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

"""Generated files: compared with those on disk, and written atomically."""

import difflib
import errno
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bytesocket_cli.errors import CliError


@dataclass(frozen=True, slots=True)
class File:
    """File to be written: its path and its bytes."""

    path: Path
    content: bytes


def text_file(path: Path, text: str) -> File:
    """Make a file of text, in UTF-8 and with line feeds on every platform."""
    return File(path, text.encode())


def is_current(file: File) -> bool:
    """Return True if the file on disk has these bytes already.

    Raises:
        CliError: The path exists and cannot be read as a file.
    """
    return _present(file) == file.content


def drift(file: File, shown: str) -> list[str]:
    """Compare the file on disk with its expected content.

    Args:
        file: The expected file.
        shown: Name of the file in the diff.

    Returns:
        Lines of a unified diff from the present to the expected content; none if they are equal.

    Raises:
        CliError: The path exists and cannot be read as a file.
    """
    present = _present(file)
    if present == file.content:
        return []
    old = (present or b"").decode(errors="replace").splitlines()
    new = file.content.decode(errors="replace").splitlines()
    name = shown if present is not None else "/dev/null"
    lines = list(difflib.unified_diff(old, new, name, f"{shown} (expected)", lineterm=""))
    return lines or [f"{shown}: differs in line ends or bytes that are no text"]


def write(files: Sequence[File]) -> list[File]:
    """Write files: all are first written to temporary files beside their paths, then moved.

    Returns:
        Files that were written; files with the right content already are not touched.

    Raises:
        CliError: A path is a folder or cannot be written; no file was changed.
    """
    stale = [file for file in files if not is_current(file)]
    staged: list[tuple[Path, Path]] = []
    try:
        for file in stale:
            # One by one: what is staged when the next one fails has to go.
            staged.append((_stage(file), file.path))  # noqa: PERF401
        for temporary, path in staged:
            temporary.replace(path)
    finally:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)
    return stale


def _stage(file: File) -> Path:
    temporary: Path | None = None
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{file.path.name}.", dir=file.path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(file.content)
        temporary.chmod(_mode(file.path))
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise CliError(f"cannot write {file.path}: {_why(error)}") from error
    return temporary


def _mode(path: Path) -> int:
    """Return the file's permissions; for a new file those that `open` would give it."""
    with suppress(FileNotFoundError):
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _present(file: File) -> bytes | None:
    try:
        return file.path.read_bytes()
    except FileNotFoundError:
        return None
    except IsADirectoryError as error:
        raise CliError(f"{file.path} is a folder: give the name of a file in it") from error
    except OSError as error:
        raise CliError(f"cannot read {file.path}: {_why(error)}") from error


def _why(error: OSError) -> str:
    if error.errno in {errno.EEXIST, errno.ENOTDIR}:
        return "a part of its path is a file"
    return error.strerror or str(error)

"""Files to be written: compared, written whole or not at all, never half."""

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
    """A file as it should be: where, and its bytes."""

    path: Path
    content: bytes


def text_file(path: Path, text: str) -> File:
    """Make a file of a text; generated text ends its lines with a bare newline everywhere."""
    return File(path, text.encode())


def is_current(file: File) -> bool:
    """Whether the file is there already, byte for byte.

    Raises:
        CliError: There is something that cannot be read as a file.
    """
    return _present(file) == file.content


def drift(file: File, shown: str) -> list[str]:
    """Compare a file with what it should be.

    Args:
        file: As it should be.
        shown: Its name in the diff.

    Returns:
        A unified diff from what is there to what should be, or nothing if they are the same.

    Raises:
        CliError: There is something that cannot be read as a file.
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
    """Write files, all of them or none: each is complete beside its place before any is moved.

    Returns:
        Those that were written; what is current is left alone, so that nobody sees it change.

    Raises:
        CliError: A place is a folder or cannot be written; nothing was changed.
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
    """Keep the file's permissions; a new one gets what `open` would give it."""
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

"""Generated files: compared with those on disk, and written whole or not at all, where that can be.

A symbolic link is followed. A FIFO and the descriptors of the process, `/dev/stdout` and its like,
are written as streams. A file that cannot be replaced, as one that is mounted by itself or stands
in a folder that may not be written, is written in place.
"""

import difflib
import errno
import os
import re
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bytesocket_cli import console
from bytesocket_cli.errors import CliError

_DESCRIPTOR = re.compile(r"/dev/(stdout|stderr)|(?:/dev|/proc/self)/fd/(\d+)")
_NAMED = {"stdout": 1, "stderr": 2}
_LINKS = 40
"""Links that lead to a descriptor, one after another: as many as Linux follows."""
_FIXED = frozenset({errno.EACCES, errno.EBUSY, errno.EPERM, errno.EROFS, errno.EXDEV})
"""Errors for which a file is written in place: it is mounted, or its folder is closed."""


@dataclass(frozen=True, slots=True)
class File:
    """File to be written: its path and its bytes."""

    path: Path
    content: bytes


def text_file(path: Path, text: str) -> File:
    """Make a file of text, in UTF-8 and with line feeds on every platform."""
    return File(path, text.encode())


def is_stream(path: Path) -> bool:
    """Return True if what is written there flows on: a FIFO, or a descriptor of this process.

    Raises:
        CliError: The path is a device or a socket.
    """
    if _descriptor(path) is not None:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        kind = "socket" if stat.S_ISSOCK(mode) else "device"
        raise CliError(f"{path} is a {kind}: give the name of a file, or /dev/stdout")
    return stat.S_ISFIFO(mode)


def is_stdout(path: Path) -> bool:
    """Return True if the path is the standard output, where messages would be in the way."""
    return _descriptor(path) == 1


def is_current(file: File) -> bool:
    """Return True if the file on disk has this content already; its line ends may be CRLF.

    Raises:
        CliError: The path exists and cannot be read as a file.
    """
    return _plain(_present(file)) == file.content


def drift(file: File, shown: str) -> list[str]:
    """Compare the file on disk with its expected content.

    Args:
        file: The expected file.
        shown: Name of the file in the diff.

    Returns:
        Lines of a unified diff from the present to the expected content; none if they are equal.

    Raises:
        CliError: The path exists and cannot be read as a file, or is a stream.
    """
    if is_stream(file.path):
        raise CliError(f"{shown} keeps nothing to compare with: --check needs a file")
    present = _plain(_present(file))
    if present == file.content:
        return []
    old = (present or b"").decode(errors="replace").splitlines()
    new = file.content.decode(errors="replace").splitlines()
    name = shown if present is not None else "/dev/null"
    lines = list(difflib.unified_diff(old, new, name, f"{shown} (expected)", lineterm=""))
    return lines or [f"{shown}: differs in bytes that are no text"]


def write(files: Sequence[File]) -> list[File]:
    """Write files: all are first written to temporary files beside their paths, then moved.

    Returns:
        Files that were written; files with the right content already are not touched.

    Raises:
        CliError: A path is a folder, a device, or cannot be written. No file was changed, unless it
            is a stream or one that can only be written in place, which come last.
    """
    streams = [file for file in files if is_stream(file.path)]
    stale = [file for file in files if file not in streams and not is_current(file)]
    staged: list[tuple[Path, File]] = []
    direct = [*streams]
    try:
        for file in stale:
            temporary = _stage(file)
            if temporary is None:
                direct.append(file)
            else:
                staged.append((temporary, file))
        direct += [file for temporary, file in staged if not _move(temporary, file)]
    finally:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)
    for file in direct:
        _write_through(file)
    return [*streams, *stale]


def _stage(file: File) -> Path | None:
    """Write a temporary file beside the path; returns None if the file itself can be written only.

    Raises:
        CliError: Neither is possible.
    """
    path = _real(file.path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(file.content)
        temporary.chmod(_mode(path))
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        elif error.errno in _FIXED and os.access(path, os.W_OK):
            return None
        raise CliError(f"cannot write {file.path}: {_why(error)}") from error
    return temporary


def _move(temporary: Path, file: File) -> bool:
    """Put a temporary file into its place; returns False if the file there cannot be replaced."""
    try:
        temporary.replace(_real(file.path))
    except OSError as error:
        if error.errno in _FIXED:
            return False
        raise CliError(f"cannot write {file.path}: {_why(error)}") from error
    return True


def _write_through(file: File) -> None:
    """Write to a stream, or over the bytes of a file that cannot be replaced."""
    descriptor = _descriptor(file.path)
    if descriptor is not None and console.is_closed(descriptor):
        raise CliError(f"cannot write {file.path}: it is closed, there is nowhere to write to")
    try:
        if descriptor is None:
            opened = os.open(file.path, os.O_WRONLY | os.O_TRUNC)
        else:
            opened = os.dup(descriptor)
        with os.fdopen(opened, "wb") as stream:
            stream.write(file.content)
    except OSError as error:
        raise CliError(f"cannot write {file.path}: {_why(error)}") from error


def _descriptor(path: Path) -> int | None:
    """Return the number of the descriptor that a path such as /dev/stdout stands for, or None.

    Symbolic links to such a path are followed, but not further: /dev/stdout is one itself.
    """
    for _ in range(_LINKS):
        found = _DESCRIPTOR.fullmatch(os.path.normpath(path))
        if found is not None:
            return _NAMED.get(found[1]) or int(found[2] or -1)
        try:
            path = path.parent / path.readlink()
        except OSError:
            return None
    return None


def _real(path: Path) -> Path:
    """Return where a path leads to, if it is a symbolic link."""
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:  # a loop of links; RuntimeError up to Python 3.12
        raise CliError(f"cannot write {path}: its symbolic links lead nowhere") from error


def _plain(content: bytes | None) -> bytes | None:
    """Return a file's content with line feeds for the CRLF of a checkout."""
    return None if content is None else content.replace(b"\r\n", b"\n")


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

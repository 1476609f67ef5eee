"""Files are compared by bytes and written whole or not at all."""

import errno
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from bytesocket_cli.errors import CliError
from bytesocket_cli.output import (
    File,
    drift,
    is_current,
    is_stdout,
    is_stream,
    text_file,
    write,
)


def test_files_are_written_with_their_folders(tmp_path: Path) -> None:
    file = text_file(tmp_path / "a/b/client.ts", "héllo\n")
    assert write([file]) == [file]
    assert file.path.read_bytes() == "héllo\n".encode()
    assert is_current(file)


def test_what_is_current_is_left_alone(tmp_path: Path) -> None:
    file = text_file(tmp_path / "x", "same\n")
    write([file])
    before = file.path.stat()
    assert write([file]) == []
    after = file.path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_new_file_has_ordinary_permissions_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("old")
    old.chmod(0o640)
    write([text_file(new, "x"), text_file(old, "x")])
    assert new.stat().st_mode == ordinary.stat().st_mode
    assert old.stat().st_mode & 0o777 == 0o640


def test_a_folder_in_the_place_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(CliError, match="b is a folder"):
        write([text_file(tmp_path / "a", "x"), text_file(tmp_path / "b", "x")])
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_place_below_a_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CliError, match="a part of its path is a file"):
        write([text_file(tmp_path / "a", "x"), text_file(tmp_path / "file/b", "x")])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "chmod", fail)
    with pytest.raises(CliError, match=r"cannot write .*x: No space left on device"):
        write([text_file(tmp_path / "x", "text")])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", fail)  # as root, no mode forbids writing
    with pytest.raises(CliError, match=r"cannot write .*x: Permission denied"):
        write([text_file(tmp_path / "x", "text")])


def test_a_missing_file_drifts_from_nothing(tmp_path: Path) -> None:
    lines = drift(text_file(tmp_path / "x", "one\n"), "x")
    assert lines == ["--- /dev/null", "+++ x (expected)", "@@ -0,0 +1 @@", "+one"]


def test_a_changed_file_drifts_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("one\ntwo\n")
    lines = drift(text_file(tmp_path / "x", "one\n2\n"), "x")
    assert lines[:2] == ["--- x", "+++ x (expected)"]
    assert lines[3:] == [" one", "-two", "+2"]


def test_a_current_file_does_not_drift(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("one\n")
    assert drift(text_file(tmp_path / "x", "one\n"), "x") == []


def test_a_checkout_with_crlf_is_current_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"one\r\ntwo\r\n")
    file = File(tmp_path / "x", b"one\ntwo\n")
    assert drift(file, "x") == []
    assert write([file]) == []
    assert (tmp_path / "x").read_bytes() == b"one\r\ntwo\r\n"


def test_other_bytes_than_text_are_drift(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\n")
    assert drift(File(tmp_path / "x", b"\xfe\n"), "x") == ["x: differs in bytes that are no text"]


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/old").write_text("old")
    for name in ("old", "new"):
        (tmp_path / name).symlink_to(f"real/{name}")
        write([text_file(tmp_path / name, "text")])
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "real" / name).read_text() == "text"


def test_links_that_lead_nowhere_are_named(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(CliError, match=r"a: "):
        write([text_file(tmp_path / "a", "text")])
    assert (tmp_path / "a").is_symlink()


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_a_device_is_refused_before_anything_is_written(tmp_path: Path, device: str) -> None:
    with pytest.raises(CliError, match=f"^{device} is a device: give the name of a file"):
        write([text_file(tmp_path / "a", "x"), text_file(Path(device), "x")])
    assert list(tmp_path.iterdir()) == []


def test_a_socket_is_refused(tmp_path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(tmp_path / "s"))
        with pytest.raises(CliError, match="s is a socket"):
            write([text_file(tmp_path / "s", "x")])


def test_a_fifo_is_written_as_a_stream_and_stays(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    file = text_file(tmp_path / "pipe", "text")
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(file.path.read_text)
        assert write([file]) == [file]
        assert reading.result(30) == "text"
    assert is_stream(file.path)
    with pytest.raises(CliError, match="pipe keeps nothing to compare with"):
        drift(file, "pipe")


@pytest.mark.parametrize("code", [errno.EBUSY, errno.EXDEV])
def test_a_file_that_is_mounted_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(code, "Device or resource busy")

    monkeypatch.setattr(Path, "replace", fail)
    (tmp_path / "x").write_text("a longer text than the new one")
    before = (tmp_path / "x").stat().st_ino
    write([text_file(tmp_path / "x", "text")])
    assert (tmp_path / "x").read_text() == "text"
    assert (tmp_path / "x").stat().st_ino == before
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_file_in_a_closed_folder_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", fail)
    (tmp_path / "x").write_text("old")
    write([text_file(tmp_path / "x", "text")])
    assert (tmp_path / "x").read_text() == "text"


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CliError, match=r"cannot read .*: a part of its path is a file"):
        drift(text_file(tmp_path / "file/x", ""), "x")


def test_a_link_to_a_descriptor_is_a_stream(tmp_path: Path) -> None:
    (tmp_path / "near").symlink_to("/dev/stdout")
    (tmp_path / "far").symlink_to("near")
    assert is_stream(tmp_path / "far")
    assert is_stdout(tmp_path / "far")
    assert not is_stdout(tmp_path / "none")

"""Files are compared by bytes and written whole or not at all."""

from pathlib import Path

import pytest

from bytesocket_cli.errors import CliError
from bytesocket_cli.output import File, drift, is_current, text_file, write


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


def test_other_line_ends_are_drift(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"one\r\n")
    assert drift(File(tmp_path / "x", b"one\n"), "x") == [
        "x: differs in line ends or bytes that are no text"
    ]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CliError, match=r"cannot read .*: a part of its path is a file"):
        drift(text_file(tmp_path / "file/x", ""), "x")

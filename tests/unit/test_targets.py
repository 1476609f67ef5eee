"""TARGET: from what the user writes to a place that can be imported."""

from pathlib import Path

import pytest

from bytesocket_cli.errors import CliError
from bytesocket_cli.targets import Target, is_ours, resolve


def touch(folder: Path, *names: str, text: str = "# bytesocket\n") -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def place(target: Target) -> tuple[Path, str, str | None]:
    return target.root, target.module, target.attribute


def refusal(text: str | None, start: Path) -> str:
    with pytest.raises(CliError) as caught:
        resolve(text, start)
    return str(caught.value)


def test_module_and_attribute_are_taken_from_here(tmp_path: Path) -> None:
    assert place(resolve("chat.app:api", tmp_path)) == (tmp_path, "chat.app", "api")


def test_a_module_alone_leaves_the_attribute_open(tmp_path: Path) -> None:
    assert place(resolve("chat.app", tmp_path)) == (tmp_path, "chat.app", None)


def test_a_file_is_imported_from_above_its_package(tmp_path: Path) -> None:
    touch(tmp_path, "outer/chat/__init__.py", "outer/chat/web/__init__.py", "outer/chat/web/app.py")
    found = resolve("outer/chat/web/app.py", tmp_path)
    assert place(found) == (tmp_path / "outer", "chat.web.app", None)


def test_a_file_may_name_its_attribute(tmp_path: Path) -> None:
    touch(tmp_path, "server.py")
    assert place(resolve("server.py:chat", tmp_path)) == (tmp_path, "server", "chat")


def test_a_package_folder_is_its_app_module(tmp_path: Path) -> None:
    touch(tmp_path, "chat/__init__.py", "chat/app.py")
    assert place(resolve("chat", tmp_path)) == (tmp_path, "chat.app", None)


def test_a_package_folder_without_an_app_module_is_the_package(tmp_path: Path) -> None:
    touch(tmp_path, "chat/__init__.py")
    assert place(resolve("chat/", tmp_path)) == (tmp_path, "chat", None)
    assert place(resolve("chat/__init__.py", tmp_path)) == (tmp_path, "chat", None)


def test_a_folder_that_is_no_package_is_searched(tmp_path: Path) -> None:
    touch(tmp_path, "proj/chat/__init__.py", "proj/chat/app.py")
    assert place(resolve("proj", tmp_path)) == (tmp_path / "proj", "chat.app", None)


def test_a_folder_with_settings_is_asked(tmp_path: Path) -> None:
    touch(tmp_path, "proj/pyproject.toml", text='[tool.bytesocket]\napp = "web.main:chat"\n')
    found = resolve("proj", tmp_path)
    assert place(found) == (tmp_path / "proj", "web.main", "chat")
    assert found.project.directory == tmp_path / "proj"


def test_an_attribute_of_a_folder_goes_with_what_is_found(tmp_path: Path) -> None:
    touch(tmp_path, "chat/app.py")
    assert place(resolve("chat:api", tmp_path)) == (tmp_path / "chat", "app", "api")


def test_the_settings_say_what_is_meant_by_nothing(tmp_path: Path) -> None:
    touch(tmp_path, "pyproject.toml", text='[tool.bytesocket]\napp = "chat/app.py"\n')
    touch(tmp_path, "chat/__init__.py", "chat/app.py", "main.py")
    (tmp_path / "docs").mkdir()
    assert place(resolve(None, tmp_path / "docs")) == (tmp_path, "chat.app", None)


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("app.py", "app"),
        ("main.py", "main"),
        ("chat/app.py", "app"),
        ("chat/main.py", "main"),
        ("src/chat/app.py", "app"),
    ],
)
def test_an_application_is_discovered(tmp_path: Path, file: str, module: str) -> None:
    touch(tmp_path, file)
    assert place(resolve(None, tmp_path)) == ((tmp_path / file).parent, module, None)


def test_what_does_not_mention_the_framework_is_no_candidate(tmp_path: Path) -> None:
    touch(tmp_path, "app.py")
    touch(tmp_path, "main.py", text="print('hello')\n")
    assert resolve(None, tmp_path).module == "app"


def test_two_candidates_are_listed(tmp_path: Path) -> None:
    touch(tmp_path, "app.py", "chat/main.py")
    text = refusal(None, tmp_path)
    assert "more than one application" in text
    assert text.splitlines()[1:] == ["  app.py", f"  {Path('chat/main.py')}"]


def test_two_candidates_in_a_package_are_listed(tmp_path: Path) -> None:
    touch(tmp_path, "chat/__init__.py", "chat/app.py", "chat/main.py")
    assert "more than one" in refusal("chat", tmp_path)


def test_environments_tests_and_hidden_folders_are_no_candidates(tmp_path: Path) -> None:
    touch(tmp_path, ".hidden/app.py", "node_modules/app.py", "tests/app.py", "my-env/app.py")
    touch(tmp_path, "my-env/pyvenv.cfg", "chat/app.py")
    assert resolve(None, tmp_path).root == tmp_path / "chat"


def test_no_candidate_says_where_it_looked_and_what_to_do(tmp_path: Path) -> None:
    text = refusal(None, tmp_path)
    assert "no application found" in text
    assert "src/*/app.py" in text
    assert "bytesocket dev chat.app:app" in text


def test_a_missing_file_is_named_with_a_near_miss(tmp_path: Path) -> None:
    touch(tmp_path, "server.py")
    assert refusal("serverr.py", tmp_path) == (
        "no such file or folder: serverr.py; did you mean server.py?"
    )
    assert refusal("../nowhere/x.py", tmp_path / "deep").startswith("no such file or folder: /")


def test_a_file_that_is_no_python_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    assert "notes.txt is not a Python file" in refusal("notes.txt", tmp_path)


def test_what_can_be_nothing_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "my-chat/app.py")
    text = refusal("my-chatt:app", tmp_path)
    assert "neither module:attribute nor a file or folder" in text
    assert "did you mean my-chat?" in text


def test_import_paths_are_the_root_then_the_project(tmp_path: Path) -> None:
    touch(tmp_path, "src/chat/__init__.py", "src/chat/app.py")
    target = resolve(None, tmp_path)
    assert target.import_paths == (tmp_path / "src", tmp_path)


def test_a_folder_with_an_environments_mark_is_not_ours(tmp_path: Path) -> None:
    touch(tmp_path, "odd/pyvenv.cfg", "fine/app.py")
    assert not is_ours(tmp_path / "odd")
    assert is_ours(tmp_path / "fine")

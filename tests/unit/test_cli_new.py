"""`new`: a whole project or nothing."""

import os
import stat
from pathlib import Path

import pytest

from bytesocket_cli.scaffold import Names, name_project
from tests.support.command_line import CommandLine
from tests.support.server_process import bytesocket


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.slow
@pytest.mark.parametrize("template", ["chat", "minimal"])
def test_a_project_is_complete_and_current(run: CommandLine, template: str) -> None:
    done = run("new", "my-talk", "--template", template)
    assert (done.code, done.err) == (0, "")
    folder = run.folder / "my-talk"
    made = files(folder)
    printed, _, rest = done.out.partition("\nNext:\n")
    assert sorted(line.removeprefix("wrote my-talk/") for line in printed.splitlines()) == made
    assert rest.splitlines()[:2] == ["  cd my-talk", "  bytesocket dev"]
    assert {".gitignore", "pyproject.toml", "contract.json", "my_talk/app.py"} <= set(made)
    assert not [name for name in made if "__package__" in name or name.endswith((".j2", ".pyc"))]
    assert bytesocket("generate", "--check", cwd=folder).returncode == 0


@pytest.mark.slow
def test_nothing_is_left_beside_the_project(run: CommandLine) -> None:
    run("new", "my-talk", "--template", "minimal")
    assert [path.name for path in run.folder.iterdir()] == ["my-talk"]
    ordinary = run.folder / "ordinary"
    ordinary.mkdir()
    assert (run.folder / "my-talk").stat().st_mode == ordinary.stat().st_mode


@pytest.mark.slow
def test_a_dry_run_names_the_same_files_and_writes_none(run: CommandLine) -> None:
    dry = run("new", "talk", "--dry-run")
    assert list(run.folder.iterdir()) == []
    wet = run("new", "talk")
    assert dry.out.replace("would write", "wrote") == wet.out.partition("\nNext:")[0]


@pytest.mark.slow
def test_an_empty_folder_is_used(run: CommandLine) -> None:
    (run.folder / "talk").mkdir()
    assert run("new", "talk", "--template", "minimal").code == 0


def test_a_folder_with_content_is_refused_and_untouched(run: CommandLine) -> None:
    run.write("talk/mine.txt", "mine")
    done = run("new", "talk")
    assert done.code == 2
    assert "talk is not empty" in done.err
    assert "--force" in done.err
    assert files(run.folder / "talk") == ["mine.txt"]


@pytest.mark.slow
def test_force_writes_into_it_and_keeps_the_rest(run: CommandLine) -> None:
    run.write("talk/mine.txt", "mine")
    run.write("talk/pyproject.toml", "old")
    assert run("new", "talk", "--force", "--template", "minimal").code == 0
    made = files(run.folder / "talk")
    assert {"mine.txt", "contract.json", "talk/app.py"} <= set(made)
    assert "bytesocket" in (run.folder / "talk/pyproject.toml").read_text()
    assert [path.name for path in run.folder.iterdir()] == ["talk"]


@pytest.mark.slow
def test_here_is_a_name_too(run: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    (run.folder / "talk").mkdir()
    monkeypatch.chdir(run.folder / "talk")
    done = run("new", ".", "--template", "minimal")
    assert done.code == 0
    assert "  cd " not in done.out
    assert (run.folder / "talk/talk/app.py").is_file()


WRONG = {
    "9lives": "try lives",
    "my chat!": "try my-chat",
    "-": "try my-chat",
    "asyncio": "try asyncio-app",
    "class": "try class-app",
    "pydantic": "would hide the Python module 'pydantic'",
    "websockets": "would hide the Python module 'websockets'",
    "deep/er/talk": "does not exist: make it first",
    "file": "is a file: choose another name",
}


@pytest.mark.parametrize(("name", "message"), WRONG.items())
def test_a_name_that_cannot_be_is_refused_with_help(
    run: CommandLine, name: str, message: str
) -> None:
    run.write("file", "")
    done = run("new", "--", name)
    assert done.code == 2
    assert message in done.err
    assert [path.name for path in run.folder.iterdir()] == ["file"]


def test_a_folder_in_a_files_place_is_refused_before_anything(run: CommandLine) -> None:
    (run.folder / "talk/pyproject.toml").mkdir(parents=True)
    done = run("new", "talk", "--force")
    assert done.code == 2
    assert "pyproject.toml is a folder" in done.err
    assert files(run.folder) == []


@pytest.mark.slow
def test_a_client_that_cannot_be_generated_leaves_nothing(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    done = run("new", "talk")
    assert done.code == 2
    assert "client could not be generated" in done.err
    assert list(run.folder.iterdir()) == []


def test_a_disk_that_refuses_leaves_nothing(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    done = run("new", "talk")
    assert (done.code, done.err) == (
        2,
        f"error: cannot write {run.folder / 'talk'}: No space left on device\n",
    )
    assert list(run.folder.iterdir()) == []


def test_names_follow_from_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "My-Team.chat"
    assert name_project(folder) == Names(folder, "My-Team.chat", "my_team_chat", "My Team Chat")


@pytest.mark.slow
def test_files_can_be_read_by_others(run: CommandLine) -> None:
    before = os.umask(0o022)
    try:
        run("new", "talk", "--template", "minimal")
    finally:
        os.umask(before)
    mode = (run.folder / "talk/pyproject.toml").stat().st_mode
    assert stat.S_IMODE(mode) == 0o644


@pytest.mark.parametrize("word", ["try", "class", "lambda"])
def test_a_keyword_is_called_one(run: CommandLine, word: str) -> None:
    done = run("new", word)
    assert done.code == 2
    assert f"'{word}' is a Python keyword" in done.err
    assert f"try {word}-app" in done.err


@pytest.mark.parametrize("module", ["json", "pydantic"])
def test_a_name_that_would_hide_a_module_is_called_so(run: CommandLine, module: str) -> None:
    assert f"would hide the Python module '{module}'" in run("new", module).err

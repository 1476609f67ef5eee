"""`diff`: from files, applications and revisions, to a verdict and an exit code."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bytesocket_cli.generation import text
from tests.support.command_line import CommandLine
from tests.support.contracts import chat, event, minimal, model, ref, sealed

APP = """
from bytesocket_app import ByteSocket, ClientEvent, ServerEvent, Socket

class Post(ClientEvent, name="post"):
    text: str

class Posted(ServerEvent, name="posted"):
    text: str

app = ByteSocket(title="Talk", events=[Post, Posted])

@app.on(Post)
async def post(socket: Socket, event: Post) -> int:
    return len(event.text)
"""
SETTINGS = """
[tool.bytesocket]
app = "app:app"
[[tool.bytesocket.generate]]
target = "contract"
output = "api/contract.json"
"""
BROKEN = APP.replace("    text: str\n", "    text: str\n    loud: bool\n", 1)
RETYPED = APP.replace("class Posted", "class Shown").replace("[Post, Posted]", "[Post, Shown]")
ALLOW = """
[[tool.bytesocket.diff.allow]]
code = "FIELD_ADDED_REQUIRED"
event = "post"
path = "$.loud"
reason = "Only our own page posts, and it is deployed together."
"""


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    made = CommandLine(tmp_path, monkeypatch, capsys)
    made.write("app.py", APP)
    made.write("pyproject.toml", SETTINGS)
    assert made("generate").code == 0
    return made


def git(run: CommandLine, *arguments: str) -> None:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    subprocess.run(
        ["git", *who, *arguments], cwd=run.folder, check=True, timeout=20, capture_output=True
    )


def commit(run: CommandLine) -> None:
    git(run, "init", "-q", "-b", "main")
    git(run, "add", ".")
    git(run, "commit", "-q", "-m", "Start")


def test_an_application_that_did_not_change_is_the_same_contract(run: CommandLine) -> None:
    done = run("diff", "api/contract.json")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("the same contract\n")


def test_a_server_that_ignores_credentials_now_is_not_the_same(run: CommandLine) -> None:
    settings = "settings=Settings(policies=Policies(unasked_credentials='ignore'))"
    changed = APP.replace("import ByteSocket,", "import ByteSocket, Policies, Settings,")
    run.write("app.py", changed.replace("events=[", f"{settings}, events=["))
    done = run("diff", "api/contract.json")
    assert "application: CAPABILITY_REMOVED\n" in done.out
    assert done.out.endswith("not breaking: 1 silent\n")


def test_a_saved_contract_may_be_what_the_project_has(run: CommandLine) -> None:
    run.write("pyproject.toml", SETTINGS.replace("app:app", "api/contract.json"))
    done = run("diff", "api/contract.json")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("the same contract\n")


def test_a_wire_break_exits_1_and_says_where_what_and_what_to_do(run: CommandLine) -> None:
    run.write("app.py", BROKEN)
    done = run("diff", "api/contract.json", "app:app")
    assert done.code == 1
    assert done.out.splitlines()[2:] == [
        "wire: deployed clients, or the server, fail at run time",
        "  post payload $.loud: FIELD_ADDED_REQUIRED c2s",
        "    a required field was added, and deployed clients do not send it (boolean)",
        "    at app.py:6",
        "    -> Give it a default.",
        "",
        "breaking: 1 wire",
    ]


def test_a_source_break_fails_only_where_that_is_asked_for(run: CommandLine) -> None:
    run.write("app.py", RETYPED)
    assert run("diff", "api/contract.json").code == 0
    assert run("diff", "api/contract.json", "--fail-on", "silent").code == 0
    done = run("diff", "api/contract.json", "--fail-on", "source", "--fail-on", "silent")
    assert done.code == 1
    assert "TYPE_RENAMED" in done.out
    assert done.out.endswith("breaking: 1 source\n")


def test_json_is_a_stable_object(run: CommandLine) -> None:
    run.write("app.py", BROKEN)
    done = run("diff", "api/contract.json", "app.py", "--json")
    assert done.code == 1
    verdict = json.loads(done.out)
    assert verdict["old"]["place"] == "api/contract.json"
    assert len(verdict["new"]["fingerprint"]) == 64
    assert (verdict["verdict"], verdict["failed"], verdict["fail_on"]) == ("wire", True, ["wire"])
    assert verdict["findings"] == [
        {
            "code": "FIELD_ADDED_REQUIRED",
            "level": "wire",
            "levels": ["wire"],
            "direction": "c2s",
            "event": "post",
            "room": None,
            "part": "payload",
            "path": "$.loud",
            "message": "a required field was added, and deployed clients do not send it (boolean)",
            "old": None,
            "new": "boolean",
            "advice": "Give it a default.",
            "source": "app.py:6",
            "allowed": None,
        }
    ]
    nothing: list[str] = []
    kinds = ("unused", "expired", "ambiguous", "loose")
    assert verdict["allowances"] == dict.fromkeys(kinds, nothing)


@pytest.mark.slow
def test_a_revision_is_read_from_git(run: CommandLine) -> None:
    commit(run)
    run.write("app.py", BROKEN)
    run("generate")
    done = run("diff", "git:main")
    assert done.code == 1
    assert done.out.startswith("git:main:api/contract.json ")
    assert run("diff", "git:HEAD", "git:main").code == 0
    assert run("diff", "git:HEAD", "api/contract.json").code == 1


@pytest.mark.slow
def test_a_revision_may_name_the_file_from_here_or_from_the_root(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(run)
    assert run("diff", "git:main:api/contract.json").code == 0
    monkeypatch.chdir(run.folder / "api")
    assert run("diff", "git:main:contract.json", "contract.json").code == 0
    assert run("diff", "git:main:api/contract.json", "contract.json").code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("git:mian", "git knows no revision 'mian' in {folder}; did you mean main?"),
        ("git:", "git:: say which revision, as in git:main or git:v1.2"),
        ("git:--exec=x", "say which revision"),
        ("git:main:contract.jsn", "is it git:main:api/contract.json?"),
        ("git:main:../../other.json", "is not committed there"),
    ],
)
def test_a_revision_that_is_not_there_is_named(run: CommandLine, place: str, said: str) -> None:
    commit(run)
    done = run("diff", place)
    assert (done.code, done.out) == (2, "")
    assert said.format(folder=run.folder) in done.err


@pytest.mark.slow
def test_a_committed_file_that_is_no_contract_is_named(run: CommandLine) -> None:
    (run.folder / "api/contract.json").write_bytes(b"\xff\xfe")
    run.write("other.json", "{}")
    commit(run)
    assert "not UTF-8 text" in run("diff", "git:main").err
    assert "git:main:other.json is not a contract" in run("diff", "git:main:other.json").err


@pytest.mark.slow
def test_a_contract_that_was_never_committed_says_what_to_do(run: CommandLine) -> None:
    run.write(".gitignore", "api\n")
    commit(run)
    done = run("diff", "git:main")
    assert done.code == 2
    assert "git:main: contract.json is not committed there; commit one" in done.err


@pytest.mark.slow
def test_a_project_without_a_contract_file_says_what_to_do(run: CommandLine) -> None:
    commit(run)
    run.write("pyproject.toml", '[tool.bytesocket]\napp = "app:app"\n')
    done = run("diff", "git:main")
    assert done.code == 2
    assert "says of no file that it is the contract; is it git:main:api/contract.json?" in done.err


@pytest.mark.slow
def test_a_folder_outside_of_git_is_named(run: CommandLine) -> None:
    done = run("diff", "git:main")
    assert done.code == 2
    assert "not a git repository" in done.err


@pytest.mark.slow
def test_without_git_the_error_says_so(run: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    done = run("diff", "git:main")
    assert done.code == 2
    assert "revisions need git" in done.err


@pytest.mark.slow
def test_two_applications_of_one_module_name_are_kept_apart(run: CommandLine) -> None:
    run.write("old/app.py", APP)
    run.write("new/app.py", BROKEN)
    done = run("diff", "old/app.py", "new/app.py")
    assert (done.code, done.err) == (1, "")
    assert "FIELD_ADDED_REQUIRED" in done.out


@pytest.mark.slow
def test_an_old_application_with_an_error_is_shown_with_its_place(run: CommandLine) -> None:
    run.write("old/app.py", "import nothing_like_it\n")
    done = run("diff", "old/app.py", "app.py")
    assert done.code == 2
    assert "old/app.py:1: ModuleNotFoundError" in done.err


@pytest.mark.parametrize("is_old", [True, False])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "is not a contract: it lacks"),
        ("nonsense", "is not JSON (line 1, column 1"),
        (json.dumps({**minimal(), "format": 99}), "has format 99, and this bytesocket reads up"),
        (json.dumps({**minimal(), "serialization": "binary"}), "was changed since it was written"),
        (json.dumps(sealed({**minimal(), "events": [{}]})), "has not the form of a contract"),
    ],
)
def test_a_file_that_is_no_contract_is_named(
    run: CommandLine, content: str, said: str, is_old: bool
) -> None:
    run.write("broken.json", content)
    sides = ["broken.json", "api/contract.json"]
    done = run("diff", *(sides if is_old else reversed(sides)))
    assert (done.code, done.out) == (2, "")
    assert "broken.json" in done.err
    assert said in done.err


def test_a_file_that_is_not_there_is_named(run: CommandLine) -> None:
    done = run("diff", "gone.json")
    assert done.code == 2
    assert "cannot read gone.json: No such file" in done.err


def test_what_is_allowed_passes_with_its_reason(run: CommandLine) -> None:
    run.write("app.py", BROKEN)
    run.write("pyproject.toml", SETTINGS + ALLOW)
    done = run("diff", "api/contract.json")
    assert (done.code, done.err) == (0, "")
    assert "  post payload $.loud: FIELD_ADDED_REQUIRED c2s: Only our own page posts" in done.out
    assert done.out.endswith("not breaking: all of it is allowed\n")
    shown = json.loads(run("diff", "api/contract.json", "--json").out)
    assert shown["findings"][0]["allowed"].startswith("Only our own page")
    assert (shown["verdict"], shown["failed"]) == ("safe", False)


COLORS = """
from typing import Annotated, Literal
from pydantic import BaseModel, Field
from bytesocket_app import ByteSocket, ClientEvent, Refusal, Socket

class Muted(Refusal, code="muted"):
    data: int

class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    n: int

class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    n: int
    m: int = 0

class Paint(ClientEvent, name="paint"):
    color: Literal["red", "green", "blue"]
    items: list[Annotated[Cat | Dog, Field(discriminator="kind")]]

app = ByteSocket(title="Talk", events=[Paint])

@app.on(Paint, raises=(Muted,))
async def paint(socket: Socket, event: Paint) -> int:
    return 1

room = app.room("doc:{number}")

@room.guard(raises=(Muted,))
async def guard(number: int) -> None: ...
"""
RED = """
[[tool.bytesocket.diff.allow]]
code = "ENUM_VALUE_REMOVED"
path = "$.color"
reason = "Nobody paints red."
"""


def painted(run: CommandLine, *changes: tuple[str, str]) -> None:
    """Write the contract of an application, and then a changed application."""
    run.write("app.py", COLORS)
    assert run("generate").code == 0
    changed = COLORS
    for before, after in changes:
        assert before in changed
        changed = changed.replace(before, after)
    run.write("app.py", changed)


def line_of(text: str) -> str:
    """Where the changed application has a text."""
    lines = Path("app.py").read_text().splitlines()
    return f"app.py:{next(at for at, line in enumerate(lines, 1) if text in line)}"


def sources(run: CommandLine) -> dict[str, str | None]:
    verdict = json.loads(run("diff", "api/contract.json", "--json").out)
    return {f"{one['code']} {one['path']}": one["source"] for one in verdict["findings"]}


def test_a_path_says_which_member_of_a_union_it_is_in(run: CommandLine) -> None:
    painted(run, ("    n: int", "    n: str"))
    done = run("diff", "api/contract.json")
    assert "paint payload $.items[]<kind=cat>.n: TYPE_CHANGED c2s" in done.out
    assert "paint payload $.items[]<kind=dog>.n: TYPE_CHANGED c2s" in done.out
    dog = Path("app.py").read_text().splitlines().index("class Dog(BaseModel):") + 1
    assert sources(run) == {
        "TYPE_CHANGED $.items[]<kind=cat>.n": line_of("    n: str"),
        "TYPE_CHANGED $.items[]<kind=dog>.n": f"app.py:{dog + 2}",
    }


def test_a_finding_names_the_line_of_what_it_is_about(run: CommandLine) -> None:
    painted(
        run,
        ('"red", ', ""),
        ("    m: int = 0\n", ""),
        ("    data: int\n", "    data: float\n"),
        ("-> int:\n    return 1", "-> str:\n    return ''"),
        ("number: int", "number: str"),
    )
    assert sources(run) == {
        "ENUM_VALUE_REMOVED $.color": line_of("color:"),
        "FIELD_REMOVED $.items[]<kind=dog>.m": line_of("class Dog"),
        "TYPE_WIDENED $": line_of("class Muted"),
        "TYPE_CHANGED $": line_of("@app.on(Paint"),
        "ROOM_PARAM_WIDENED None": line_of("app.room("),
        "ROOM_PARAM_RETYPED None": line_of("app.room("),
    }
    assert f"    at {line_of('color:')}\n" in run("diff", "api/contract.json").out


LOCAL = """
from __future__ import annotations

from dataclasses import dataclass as plain
from pydantic.dataclasses import dataclass
from bytesocket_app import ByteSocket, ClientEvent


def made():
    @DECORATOR
    class Inner:
        n: int

    @DECORATOR
    class Outer:
        inner: Inner

    class Post(ClientEvent):
        outer: Outer

    app = ByteSocket(title="Local")

    @app.on(Post)
    async def post(event) -> None: ...

    return app


app = made()
"""


@pytest.mark.parametrize("decorator", ["plain", "dataclass"])
def test_names_that_only_pydantic_can_resolve_end_no_comparison(
    run: CommandLine, decorator: str
) -> None:
    made = LOCAL.replace("DECORATOR", decorator)
    run.write("app.py", made)
    assert run("generate").code == 0
    run.write("app.py", made.replace("n: int", "n: str"))
    (place,) = sources(run).values()
    assert place == line_of("inner: Inner")


INHERITED = """
from typing import Generic, TypeVar

from pydantic import BaseModel

from bytesocket_app import ByteSocket, ClientEvent, Socket

T = TypeVar("T")
app = ByteSocket(title="Heirs")


class Page(BaseModel, Generic[T]):
    size: int
    items: list[T]


class Base(BaseModel):
    number: int


class Heir(Base, ClientEvent, name="heir"):
    page: Page[str]


@app.on(Heir)
async def heir(event: Heir) -> None: ...
"""
LOGIN = """

@app.auth
async def login(socket: Socket, credentials: str) -> str:
    return credentials
"""


def test_a_field_of_a_base_and_of_a_generic_model_has_its_own_line(run: CommandLine) -> None:
    run.write("app.py", INHERITED)
    assert run("generate").code == 0
    run.write("app.py", INHERITED.replace(": int", ": str"))
    assert sources(run) == {
        "TYPE_CHANGED $.number": line_of("number: str"),
        "TYPE_CHANGED $.page.size": line_of("size: str"),
    }


def test_a_change_of_authentication_names_its_function(run: CommandLine) -> None:
    run.write("app.py", INHERITED)
    assert run("generate").code == 0
    run.write("app.py", INHERITED + LOGIN)
    assert sources(run) == {"AUTH_REQUIRED None": line_of("@app.auth")}
    assert run("generate").code == 0
    run.write("app.py", INHERITED + LOGIN.replace("credentials: str", "credentials: int"))
    assert sources(run) == {"TYPE_CHANGED $": line_of("@app.auth")}


def test_what_is_gone_and_what_comes_from_a_file_has_no_line(run: CommandLine) -> None:
    run.write("app.py", APP.replace("[Post, Posted]", "[Post]"))
    assert sources(run) == {"EVENT_REMOVED None": None}
    run.write("old.json", (run.folder / "api/contract.json").read_text())
    assert run("generate").code == 0
    verdict = json.loads(run("diff", "old.json", "api/contract.json", "--json").out)
    assert [one["source"] for one in verdict["findings"]] == [None]


def test_an_entry_allows_one_change_only(run: CommandLine) -> None:
    painted(run, ('"red", ', ""), (', "blue"', ""))
    run.write("pyproject.toml", SETTINGS + RED)
    done = run("diff", "api/contract.json")
    assert done.code == 1
    assert done.out.endswith("breaking: 2 wire\n")
    assert "ENUM_VALUE_REMOVED $.color fits several changes and allows none of them" in done.err
    assert 'old = "\\"red\\""' in done.err
    run.write("pyproject.toml", SETTINGS + RED + "event = 'paint'\nold = '\"red\"'\n")
    done = run("diff", "api/contract.json")
    assert (done.code, done.err) == (1, "")
    assert done.out.endswith("breaking: 1 wire\n")


def test_an_entry_without_a_value_allows_one_and_says_what_it_lacks(
    run: CommandLine,
) -> None:
    painted(run, ('"red", ', ""))
    run.write("pyproject.toml", SETTINGS + RED)
    done = run("diff", "api/contract.json")
    assert done.code == 0
    assert "$.color would allow another change as well: add event = " in done.err
    shown = json.loads(run("diff", "api/contract.json", "--json").out)
    assert shown["allowances"]["loose"] == ["ENUM_VALUE_REMOVED $.color"]
    run.write("pyproject.toml", SETTINGS + RED + "event = 'paint'\nold = '\"red\"'\n")
    assert run("diff", "api/contract.json").err == ""
    painted(run, (', "blue"', ""))
    assert run("diff", "api/contract.json").code == 1


def test_an_entry_of_a_version_before_fits_a_path_through_a_union(run: CommandLine) -> None:
    painted(run, ("    m: int = 0\n", "    m: int\n"))
    entry = RED.replace("ENUM_VALUE_REMOVED", "FIELD_REQUIRED").replace("$.color", "$.items[].m")
    run.write("pyproject.toml", f"{SETTINGS}{entry}event = 'paint'\n")
    assert run("diff", "api/contract.json").code == 0
    painted(run, ("    n: int\n", "    n: str\n"))
    entry = RED.replace("ENUM_VALUE_REMOVED", "TYPE_CHANGED").replace("$.color", "$.items[].n")
    run.write("pyproject.toml", f"{SETTINGS}{entry}event = 'paint'\n")
    done = run("diff", "api/contract.json")
    assert done.code == 1
    assert "path = " not in done.err or "fits several changes" in done.err


def test_what_was_allowed_until_yesterday_fails_and_says_so(run: CommandLine) -> None:
    run.write("app.py", BROKEN)
    run.write("pyproject.toml", f"{SETTINGS}{ALLOW}until = 2020-01-01\n")
    done = run("diff", "api/contract.json")
    assert done.code == 1
    assert "diff.allow FIELD_ADDED_REQUIRED post $.loud expired on 2020-01-01" in done.err


def test_what_is_allowed_until_later_passes(run: CommandLine) -> None:
    run.write("app.py", BROKEN)
    run.write("pyproject.toml", f'{SETTINGS}{ALLOW}until = "9999-12-31"\n')
    assert run("diff", "api/contract.json").code == 0


def test_an_entry_that_allows_nothing_is_reported(run: CommandLine) -> None:
    run.write("pyproject.toml", SETTINGS + ALLOW)
    done = run("diff", "api/contract.json")
    assert done.code == 0
    assert "has nothing to allow: remove it" in done.err


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('code = "FIELD_REMOVED"', "diff.allow FIELD_REMOVED: it needs a reason"),
        ('code = "FIELD_REMOVED"\nreason = " "', "it needs a reason"),
        ('reason = "So."', "diff.allow without a code: it needs a code"),
        ('code = "FIELD_REMOVD"\nreason = "So."', "did you mean FIELD_REMOVED?"),
        ('code = "X"\nreason = "So."', "bytesocket diff --codes lists them"),
        ('code = "FIELD_REMOVED"\nreason = "So."\nuntil = "soon"', "until must be a day"),
        ('code = "FIELD_REMOVED"\nreason = "So."\nuntil = 2027-13-01', "not valid TOML"),
        ('code = "FIELD_REMOVED"\nreason = "So."\nevents = "x"', "unknown key 'events'"),
        ('code = "FIELD_REMOVED"\nreason = "So."\nevent = 7', "event must be text in quotes"),
    ],
)
def test_an_entry_that_is_wrong_is_refused(run: CommandLine, entry: str, said: str) -> None:
    run.write("pyproject.toml", f"{SETTINGS}\n[[tool.bytesocket.diff.allow]]\n{entry}\n")
    done = run("diff", "api/contract.json")
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "pyproject.toml" in done.err


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[tool.bytesocket.diff]\nalow = "x"', "holds [[tool.bytesocket.diff.allow]] only"),
        ('[tool.bytesocket.diff]\nallow = "x"', "holds [[tool.bytesocket.diff.allow]] only"),
        ("[tool.bytesocket.diff]\nallow = [1]", "diff.allow must be tables"),
    ],
)
def test_settings_that_are_wrong_are_refused(run: CommandLine, table: str, said: str) -> None:
    run.write("pyproject.toml", f"{SETTINGS}\n{table}\n")
    done = run("diff", "api/contract.json")
    assert done.code == 2
    assert said in done.err


def test_all_codes_are_listed(run: CommandLine) -> None:
    done = run("diff", "--codes")
    assert done.code == 0
    assert "EVENT_REMOVED" in done.out
    assert done.out.splitlines()[0].split() == [
        "code",
        "clients",
        "send",
        "server",
        "sends",
        "meaning",
    ]


def test_a_saved_contract_of_everything_is_compared(run: CommandLine) -> None:
    run.write("chat.json", text(chat(), "contract"))
    changed: dict[str, Any] = chat()
    changed["types"]["Posted"] = model({"author": {"type": "string"}})
    changed["events"].append(event("zz", "server", ref("Posted")))
    run.write("new.json", text(sealed(changed), "contract"))
    done = run("diff", "chat.json", "new.json")
    assert done.code == 1
    assert "chat:posted payload $.text: FIELD_REMOVED s2c" in done.out
    assert "zz: EVENT_ADDED s2c" in done.out
    assert "\x1b" not in done.out

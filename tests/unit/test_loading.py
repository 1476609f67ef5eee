"""A target to an application; what goes wrong is explained with the user's file and line."""

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from bytesocket_app import Limits, Settings
from bytesocket_cli.errors import CliError
from bytesocket_cli.loading import Loaded, load
from bytesocket_cli.targets import resolve
from bytesocket_cli.worker import describe
from tests.support.imports import fresh_imports
from tests.support.starlette_client import StarletteClient, WebSocketDenialResponse

APP = "from bytesocket_app import ByteSocket\napp = ByteSocket(title='T')\n"


@pytest.fixture(autouse=True)
def imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None, None, None]:
    monkeypatch.chdir(tmp_path)
    with fresh_imports():
        yield


def write(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def loaded(target: str | None) -> Loaded:
    return load(resolve(target, Path.cwd()))


def refusal(target: str | None) -> str:
    with pytest.raises(CliError) as caught:
        loaded(target)
    return str(caught.value)


def test_an_application_is_loaded_with_its_import_string() -> None:
    write("lone.py", APP)
    found = loaded("lone.py")
    assert found.import_string == "lone:app"
    assert found.application is found.asgi
    assert found.application.title == "T"


def test_a_package_is_imported_as_one() -> None:
    write("pack/__init__.py", "")
    write("pack/names.py", "TITLE = 'Packed'\n")
    write("pack/app.py", "from .names import TITLE\n" + APP.replace("'T'", "TITLE"))
    assert loaded("pack").application.title == "Packed"
    assert loaded("pack.app:app").application.title == "Packed"


def test_the_only_application_is_found_under_any_name() -> None:
    write("named.py", APP.replace("app =", "_hidden = None\nchat = again ="))
    assert loaded("named.py").import_string == "named:chat"


def test_several_applications_have_to_be_named() -> None:
    write("several.py", APP.replace("app", "one") + "two = ByteSocket(title='2')\n")
    write("several.py", Path("several.py").read_text().replace("bytesocket_one", "bytesocket_app"))
    assert refusal("several.py") == (
        "several.py holds several applications: say several:one or several:two"
    )
    assert loaded("several.py:two").application.title == "2"


def test_a_module_without_an_application_says_what_to_write() -> None:
    write("empty.py", "app = 1\n")
    assert refusal("empty.py") == (
        "empty.py holds no ByteSocket: make one at module level, app = ByteSocket(...)"
    )


def test_a_host_without_a_socket_is_told_to_attach_one() -> None:
    write("host.py", "from fastapi import FastAPI\napi = FastAPI()\n")
    attach = "attach it to the FastAPI, as in chat.attach(api)"
    assert refusal("host.py") == (
        f"host.py holds no ByteSocket: make one, chat = ByteSocket(...), and {attach}"
    )
    with pytest.raises(CliError, match="host:api is a FastAPI without a ByteSocket") as caught:
        _ = loaded("host:api").application
    assert attach in str(caught.value)


def test_another_asgi_application_cannot_be_attached_to_and_is_told_so() -> None:
    write("other.py", "async def web(scope, receive, send): ...\n")
    assert "ByteSocket(http=web)" in refusal("other.py")
    assert "attach" not in refusal("other.py")


def test_the_host_is_served_and_the_byte_socket_in_it_is_found() -> None:
    write(
        "hosted.py",
        APP.replace("app =", "chat =").replace("bytesocket_chat", "bytesocket_app")
        + "from starlette.applications import Starlette\n"
        "from starlette.routing import Mount\n"
        "app = Starlette(routes=[Mount('/live', app=chat), Mount('/again', app=chat)])\n",
    )
    found = loaded("hosted.py")
    assert type(found.asgi).__name__ == "Starlette"
    assert found.application.title == "T"


def test_a_host_without_a_byte_socket_is_served_but_has_no_contract() -> None:
    write("bare.py", "from starlette.applications import Starlette\napp = Starlette()\n")
    found = loaded("bare.py")
    assert found.limits["message_bytes"] == 0
    with pytest.raises(CliError, match="bare:app is a Starlette without a ByteSocket"):
        _ = found.application


def test_a_socket_that_is_named_without_its_host_says_what_is_not_served() -> None:
    write(
        "house.py",
        "from bytesocket_app import ByteSocket\n"
        "from fastapi import FastAPI\n"
        "app, alone, api = ByteSocket(title='A'), ByteSocket(title='B'), FastAPI()\n"
        "app.attach(api)\n",
    )
    assert loaded("house:app").missing == (
        "house:app is part of house:api, whose pages are not served and whose lifespan does not "
        "run here: name house:api as TARGET"
    )
    assert [loaded(target).missing for target in ("house:api", "house.py", "house:alone")] == [
        None,
        None,
        None,
    ]


def test_a_host_without_a_byte_socket_has_pages_and_says_that_no_socket_is_there() -> None:
    write("plain.py", "from fastapi import FastAPI\napi = FastAPI()\n")
    found = loaded("plain:api")
    assert found.has_pages
    assert found.missing is not None
    assert "plain:api is a FastAPI without a ByteSocket: attach it" in found.missing


def test_a_host_of_several_is_told_to_name_one() -> None:
    write(
        "multi.py",
        "from bytesocket_app import ByteSocket\n"
        "from starlette.applications import Starlette\n"
        "from starlette.routing import Mount\n"
        "one, two = ByteSocket(title='One'), ByteSocket(title='Two', path='/two')\n"
        "app = Starlette(routes=[Mount('/1', app=one), Mount('/2', app=two)])\n",
    )
    with pytest.raises(CliError, match=r"several ByteSockets \(One at /1/ws, Two at /2/two\)"):
        _ = loaded("multi.py").application


def test_the_longest_message_of_all_applications_counts() -> None:
    write("limits.py", APP)
    application = loaded("limits.py").application
    assert Loaded(application, (application,), "x").limits["message_bytes"] == 1024 * 1024
    application.settings = Settings(limits=Limits(message_bytes=0))
    assert Loaded(application, (application,), "x").limits["message_bytes"] == 0


@pytest.mark.anyio
async def test_draining_drains_every_application() -> None:
    write("drained.py", APP)
    found = loaded("drained.py")
    await found.drain(0.1)
    assert found.application.endpoint.draining


def test_a_misspelt_attribute_has_a_near_miss() -> None:
    write("spelt.py", APP)
    assert refusal("spelt:ap") == "spelt has no attribute 'ap'; did you mean 'app'?"
    assert refusal("spelt:zzz") == "spelt has no attribute 'zzz'; its applications: app"
    write("empty.py", "")
    assert refusal("empty:zzz") == "empty has no attribute 'zzz'"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("number", "a int"),
        ("ByteSocket", "the class ByteSocket, not an instance of it"),
        ("make", "a NoneType"),
    ],
)
def test_what_is_no_application_is_called_by_its_kind(name: str, what: str) -> None:
    write(
        "kinds.py",
        APP + "number = 1\ndef make(): ...\n",
    )
    said = refusal(f"kinds:{name}").replace("() returned", " is")
    assert said.startswith(f"kinds:{name} is {what}; a TARGET is a ByteSocket,")


@pytest.mark.parametrize("name", ["make_app", "make_app()", "Site.make"])
def test_a_function_that_makes_an_application_is_called(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        "factory.py",
        "from bytesocket_app import ByteSocket\n"
        "def make_app(title='Made', *more, **others):\n"
        "    print('making')\n"
        "    return ByteSocket(title=title)\n"
        "class Site:\n    make = staticmethod(make_app)\n",
    )
    found = loaded(f"factory:{name}")
    assert (found.application.title, found.import_string) == ("Made", f"factory:{name}")
    assert capsys.readouterr() == ("", "making\n")


def test_a_factory_may_make_the_host() -> None:
    write(
        "hosted.py",
        "from starlette.applications import Starlette\n"
        + APP
        + "def make():\n    api = Starlette()\n    app.attach(api)\n    return api\n",
    )
    assert loaded("hosted:make").application.title == "T"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("needs", "kinds:needs needs title, size: what makes an application is called without"),
        ("later", "kinds:later is an `async def`: what makes an application is a plain `def`"),
        ("two_arguments", "kinds:two_arguments is an `async def`"),
        ("fails", "kinds.py:5: ValueError: no\n    def fails(): raise ValueError('no')"),
        ("leaves", "kinds.py:6: SystemExit: 3"),
    ],
)
def test_a_factory_that_cannot_be_called_is_explained(name: str, what: str) -> None:
    write(
        "kinds.py",
        "def needs(title, *, size): ...\n"
        "async def later(): ...\n"
        "async def two_arguments(scope, receive): ...\n"
        "\n"
        "def fails(): raise ValueError('no')\n"
        "def leaves(): raise SystemExit(3)\n",
    )
    assert refusal(f"kinds:{name}").startswith(what)


def test_a_module_with_a_factory_alone_is_told_how_to_name_it() -> None:
    write("made.py", "def create_app(): ...\n")
    assert refusal("made.py").endswith("or name what makes it: made:create_app")


def test_a_plain_asgi_function_is_an_application() -> None:
    write("plain.py", "async def app(scope, receive, send, *, more=None): ...\n")
    assert loaded("plain:app").applications == ()


def test_a_dotted_attribute_is_followed() -> None:
    write("dotted.py", APP + "class Site:\n    chat = app\n")
    assert loaded("dotted:Site.chat").import_string == "dotted:Site.chat"


def test_a_missing_module_is_named_with_a_near_miss() -> None:
    write("chatter.py", APP)
    assert refusal("chattr:app").endswith("; did you mean chatter?")
    assert refusal("chattr:app").startswith("no module named 'chattr' in ")


def test_a_missing_submodule_is_looked_for_in_its_package() -> None:
    write("packed/__init__.py", "")
    write("packed/server.py", APP)
    assert refusal("packed.servr:app").endswith("did you mean packed.server?")
    write("single.py", APP)
    assert refusal("single.deeper:app") == "no module named 'single.deeper' in the package"


def test_a_missing_dependency_is_the_users_line() -> None:
    write("depends.py", "\nimport surely_not_there\n")
    assert refusal("depends.py") == (
        "depends.py:2: ModuleNotFoundError: No module named 'surely_not_there'\n"
        "    import surely_not_there"
    )


def test_a_syntax_error_is_the_line_that_is_wrong() -> None:
    write("broken.py", "x = 1\nx = = 2\n")
    assert refusal("broken.py") == "broken.py:2: SyntaxError: invalid syntax\n    x = = 2"


def test_an_exception_is_blamed_on_the_users_line_not_the_librarys() -> None:
    write("strict.py", "import json\n\njson.loads('{')\n")
    text = refusal("strict.py")
    assert text.startswith("strict.py:3: JSONDecodeError: Expecting property name")
    assert text.endswith("\n    json.loads('{')")


def test_a_wrong_declaration_keeps_the_frameworks_own_words() -> None:
    write(
        "declared.py",
        "from bytesocket_app import ByteSocket\napp = ByteSocket(title='T', path='ws')\n",
    )
    text = refusal("declared.py")
    assert text.startswith("declared.py:2: path='ws' must begin with a slash")
    assert "ConfigurationError" not in text


def test_leaving_the_process_while_imported_is_an_error() -> None:
    write("leaver.py", "import sys\nsys.exit()\n")
    assert refusal("leaver.py").startswith("leaver.py:2: SystemExit: no message")


def test_an_error_from_nowhere_is_still_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    write("odd.py", APP)

    def fail(_name: str) -> None:
        raise ValueError("odd")

    def nowhere(*_: object) -> None:
        return None

    monkeypatch.setattr("bytesocket_cli.loading._place", nowhere)
    monkeypatch.setattr("importlib.import_module", fail)
    assert refusal("odd.py") == "cannot import odd: ValueError: odd"


def test_what_the_users_code_prints_does_not_reach_stdout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("noisy.py", "print('noise')\n" + APP)
    loaded("noisy.py")
    assert capsys.readouterr() == ("", "noise\n")


def test_the_project_and_its_src_are_on_the_path_once() -> None:
    write("pyproject.toml", "[tool.bytesocket]\n")
    write("src/thing.py", "TITLE = 'From src'\n")
    write("web.py", "from thing import TITLE\n" + APP.replace("'T'", "TITLE"))
    assert loaded("web.py").application.title == "From src"
    loaded("web.py")
    assert sys.path.count(str(Path.cwd())) == 1


def test_the_host_of_an_attached_application_is_what_is_served() -> None:
    text = APP + "from fastapi import FastAPI\napi = FastAPI()\napp.attach(api, '/chat')\n"
    write("hosted.py", text)
    for target in ("hosted.py", "hosted:api"):
        found = loaded(target)
        assert found.import_string == "hosted:api"
        assert found.application.path == "/chat"
        assert type(found.asgi).__name__ == "FastAPI"


HOSTED = {
    "a mount": ("api.mount('/chat', app)", ["/chat/ws"]),
    "a mount with a slash": ("api.mount('/chat/', app)", ["/chat/ws"]),
    "a mount at the root": ("api.mount('/', app)", ["/ws"]),
    "a mount at the socket's own path": ("api.mount('/ws', app)", ["/ws/"]),
    "a mount in a mount": (
        "inner = FastAPI()\ninner.mount('/chat', app)\napi.mount('/api', inner)",
        ["/api/chat/ws"],
    ),
    "a mount of routes": (
        "api.router.routes.append(Mount('/a', routes=[Mount('/b', app=app)]))",
        ["/a/b/ws"],
    ),
    "a mount under middleware": (
        "api.router.routes.append(Mount('/a', app=app, middleware=[Middleware(GZipMiddleware)]))",
        ["/a/ws"],
    ),
    "a host": (
        "api.router.routes.append(Host('testserver', Router([Mount('/a', app)])))",
        ["/a/ws"],
    ),
    "a router with a prefix": (
        (
            "router = APIRouter()\nrouter.mount('/chat', app)\n"
            "api.include_router(router, prefix='/api')"
        ),
        ["/api/chat/ws"],
    ),
    "two mounts": ("api.mount('/one', app)\napi.mount('/two', app)", ["/one/ws", "/two/ws"]),
    "one host mounted twice": (
        (
            "inner = FastAPI()\ninner.mount('/chat', app)\n"
            "api.mount('/one', inner)\napi.mount('/two', inner)"
        ),
        ["/one/chat/ws", "/two/chat/ws"],
    ),
    "attached": ("app.attach(api, '/live')", ["/live"]),
    "attached twice": ("app.attach(api, '/one')\napp.attach(api, '/two')", ["/two", "/one"]),
    "attached in a mount": (
        "inner = FastAPI()\napp.attach(inner, '/live')\napi.mount('/api', inner)",
        ["/api/live"],
    ),
}
IMPORTS = """\
from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Host, Mount, Router
api = FastAPI()
"""


@pytest.mark.parametrize("how", list(HOSTED))
def test_an_application_in_a_host_is_where_clients_dial_it(how: str) -> None:
    code, paths = HOSTED[how]
    write("hosted.py", f"{APP}{IMPORTS}{code}\n")
    found = loaded("hosted:api")
    assert [each["path"] for each in describe(found)["applications"]] == paths
    assert found.application.contract().document["path"] == paths[0]
    assert found.application.contract_source().path == paths[0]
    client = StarletteClient(found.asgi)
    for path in paths:
        with client.websocket_connect(path, subprotocols=["bytesocket.json"]) as socket:
            assert socket.accepted_subprotocol == "bytesocket.json"


def test_what_a_proxy_takes_off_the_path_is_on_the_clients() -> None:
    mounts = "api = Starlette()\napi.root_path = '/v1'\napi.mount('/chat', app)\n"
    write("behind.py", APP + "from starlette.applications import Starlette\n" + mounts)
    found = loaded("behind:api")
    assert found.application.contract().document["path"] == "/v1/chat/ws"
    for path in ("/v1/chat/ws", "/chat/ws"):  # as the client and as the proxy sends it
        client = StarletteClient(found.asgi, root_path="/v1")
        with client.websocket_connect(path):
            pass
        with (
            pytest.raises(WebSocketDenialResponse),
            client.websocket_connect(f"{path}x"),
        ):
            raise NotImplementedError


def test_an_application_that_is_the_target_itself_is_at_its_own_path() -> None:
    write("hosted.py", f"{APP}{IMPORTS}api.mount('/chat', app)\n")
    assert loaded("hosted:api").application.paths == ("/chat/ws",)
    assert loaded("hosted:app").application.paths == ("/ws",)


def test_an_application_that_holds_itself_is_looked_into_once() -> None:
    text = "from starlette.applications import Starlette\nloop = Starlette()\n"
    write("loops.py", f"{APP}{text}loop.mount('/again', loop)\nloop.mount('/chat', app)\n")
    assert loaded("loops:loop").application.paths == ("/chat/ws",)

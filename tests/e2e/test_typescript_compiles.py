"""Generated TypeScript under the compilers and flags of its users; the runtime's two forms."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bytesocket_cli.codegen.render import read
from bytesocket_cli.codegen.typescript import bytes_runtime, javascript, runtime, typescript
from tests.support import contracts
from tests.support.node import HERE, TSC, run_node, type_check

DOCUMENTS = {
    "shadows": contracts.shadows(),
    "chat": contracts.chat(),
    "open": contracts.chat(auth=False),
    "files": contracts.files(),
    "minimal": contracts.minimal(),
    "nasty": contracts.nasty(),
    "json_only": contracts.json_only(),
    "paced": contracts.with_rates(contracts.chat(), {"chat:post": contracts.rate(5, 10)}),
    "presence": contracts.with_presence(contracts.chat()),
    "paced_presence": contracts.with_presence(
        contracts.with_rates(contracts.json_only(), {"chat:post": contracts.rate(5, 10)})
    ),
    "paced_files": contracts.with_rates(contracts.files(), {"file:put": contracts.rate(5, 10)}),
}
NODE_TYPES: dict[str, Any] = {
    "lib": ["es2022"],
    "types": ["node"],
    "typeRoots": [str(HERE / "node_modules/@types")],
}
USES = sorted((HERE / "uses").glob("*_use.ts"))
BUNDLER: dict[str, Any] = {"module": "esnext", "moduleResolution": "bundler"}
OLD_LIBS = ("es2015", "es2018", "es2021")


def documented() -> dict[str, Any]:
    """The chat, with documentation and marks of deprecation in more places."""
    document = contracts.chat()
    for event in document["events"]:
        if event["name"] in {"doc:save", "shout"}:
            event["doc"] = f"What {event['name']} says. @internal"
    document["types"]["Move"] |= {"deprecated": True, "x-deprecated": "use doc:go"}
    document["types"]["Moved"] |= {"deprecated": True}
    return contracts.sealed(document)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory, node_packages: Path) -> Path:
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "package.json").write_text('{"type": "module"}')
    for name, document in DOCUMENTS.items():
        (folder / f"{name}.ts").write_text(typescript(document), encoding="utf-8")
    for use in USES:
        (folder / use.name).write_bytes(use.read_bytes())
    return folder


@pytest.fixture(scope="module")
def declarations(tmp_path_factory: pytest.TempPathFactory, node_packages: Path) -> Path:
    folder = tmp_path_factory.mktemp("declarations")
    (folder / "package.json").write_text('{"type": "module"}')
    for name, document in DOCUMENTS.items():
        module, types = javascript(document)
        (folder / f"{name}.js").write_text(module, encoding="utf-8")
        (folder / f"{name}.d.ts").write_text(types, encoding="utf-8")
    for use in USES:
        text = use.read_text(encoding="utf-8").replace('.ts";', '.js";')
        (folder / use.name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("options", [{}, BUNDLER, NODE_TYPES], ids=["nodenext", "bundler", "node"])
@pytest.mark.parametrize("version", list(TSC))
def test_typescript_compiles_and_misuse_does_not(
    sources: Path, version: str, options: dict[str, Any]
) -> None:
    assert type_check(sources, version, **options) == ""


def test_an_editor_completes_every_name_and_key(sources: Path, node_packages: Path) -> None:
    unfinished = sources / "unfinished"
    unfinished.mkdir()
    (unfinished / "use.ts").write_text(
        'import { connect } from "../chat.ts";\n'
        'const chat = connect("", { auth: { token: "" } });\n'
        'chat.emit("|");\n'
        'chat.request("|");\n'
        'chat.on("|");\n'
        'chat.join("|");\n'
        'chat.join("doc:{doc_id}", { | });\n'
        'chat.join("doc:{doc_id}", { doc_id: "d" }).emit("|");\n'
        'chat.emit("chat:post", { | });\n'
        'chat.request("chat:post", { | });\n'
        'chat.request("chat:post", { text: "" }, { | });\n'
        'chat.emit("chat:typing", { who: "" }); chat.on("chat:posted", (posted) => posted.|);\n'
    )
    result = run_node("complete.mjs", unfinished / "use.ts", cwd=node_packages)
    assert result.stderr == ""
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        ["chat:post", "chat:typing", "ping", "shout"],
        ["chat:post", "chat:typing", "ping", "shout"],
        ["chat:posted", "chat:reaction", "chat:typing", "doc:moved"],
        ["doc:{doc_id}", "lobby"],
        ["doc_id"],
        ["doc:move", "doc:save"],
        ["text"],
        ["text"],
        ["signal", "timeoutMs"],
        ["author", "text"],
    ]


def test_an_editor_shows_an_event_s_own_documentation(sources: Path, node_packages: Path) -> None:
    shown = sources / "shown"
    shown.mkdir()
    (shown / "documented.ts").write_text(typescript(documented()), encoding="utf-8")
    (shown / "use.ts").write_text(
        'import { connect } from "./documented.ts";\n'
        'const chat = connect("", { auth: { token: "" } });\n'
        'chat.on|("chat:posted", () => {});\n'
        'chat.on|("doc:moved", () => {});\n'
        'chat.on|("chat:typing", () => {});\n'
        'chat.request|("chat:post", { text: "" });\n'
        'chat.request|("shout", "text");\n'
        'chat.request|("ping");\n'
        "const { on, request, join } = chat;\n"
        'on|("chat:posted", () => {});\n'
        'request|("chat:post", { text: "" }, { timeoutMs: 5 });\n'
        'const doc = join("doc:{doc_id}", { doc_id: "d" });\n'
        'doc.on|("chat:posted", () => {});\n'
        'doc.request|("doc:save");\n'
        'doc.request|("doc:move", { x: 1, y: 1 });\n'
    )
    result = run_node("hover.mjs", shown / "use.ts", cwd=node_packages)
    assert result.stderr == ""
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert told[2][0].startswith("Call `listener` for each arrival")
    assert told[5][0].startswith("Send an event and wait for its reply.")
    posted: list[Any] = ["A message was posted.", {}]
    post: list[Any] = ["Ask the server to post a message.", {}]
    assert told[:2] + told[3:5] + told[6:] == [
        posted,
        ["", {"deprecated": ""}],
        post,
        ["What shout says. \\@internal", {}],
        posted,
        post,
        posted,
        ["What doc:save says. \\@internal", {}],
        ["", {"deprecated": "use doc:go"}],
    ]


def test_no_text_becomes_a_tag_and_what_deprecated_says_is_shown(
    sources: Path, node_packages: Path
) -> None:
    texts = [
        *("Old @deprecated thing", "@internal", "see {@link Post}", "a */ b", "(@example)"),
        *("\t@deprecated tab", "x\n@deprecated", "**bold** @see `y` @since 1", "a\u00a0@beta"),
        *("`a` @public", "it`s @alpha", "```\n@code\n```", "* @param x", "/ @returns y", "@"),
    ]
    document = contracts.minimal()
    document["types"] = {
        f"T{at}": {
            **contracts.model({"a": {**contracts.STRING, "description": text}}, text),
            "deprecated": True,
            "x-deprecated": f"use {text}",
        }
        for at, text in enumerate(texts)
    }
    document["events"] = [
        contracts.event(f"e{at}", "server", contracts.ref(f"T{at}"), doc=text)
        for at, text in enumerate(texts)
    ]
    tagged = sources / "tagged"
    tagged.mkdir()
    (tagged / "api.ts").write_text(typescript(contracts.sealed(document)), encoding="utf-8")
    places = [
        f"declare const t{at}: T|{at}; t{at}.a|; client.on|('e{at}', () => 0);\n"
        for at in range(len(texts))
    ]
    names = ", ".join(f"type T{at}" for at in range(len(texts)))
    (tagged / "use.ts").write_text(
        f"import {{ connect, {names} }} from './api.ts';\nconst client = connect('');\n"
        + "".join(places)
    )
    result = run_node("hover.mjs", tagged / "use.ts", cwd=node_packages)
    assert result.stderr == ""
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(told) == 3 * len(texts)
    for at, text in enumerate(texts):
        of_type, of_field, of_event = told[3 * at : 3 * at + 3]
        assert of_field[1] == {}, text
        for said, tags in (of_type, of_event):
            assert said.replace("\\", "").split() == text.replace("\\", "").split(), text
            assert list(tags) == ["deprecated"], text
            assert tags["deprecated"].replace("\\", "").split() == ["use", *text.split()]


@pytest.mark.parametrize("version", list(TSC))
def test_every_lib_since_es2015_compiles(
    sources: Path, declarations: Path, tmp_path: Path, version: str
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    for name in DOCUMENTS:
        (plain / f"{name}.ts").write_bytes((sources / f"{name}.ts").read_bytes())
        types = (declarations / f"{name}.d.ts").read_bytes()
        (plain / f"declared_{name}.d.ts").write_bytes(types)
    for lib in OLD_LIBS:
        options = {**BUNDLER, "target": lib, "lib": [lib, "dom"]}
        assert type_check(plain, version, **options) == "", lib


@pytest.mark.parametrize("version", list(TSC))
def test_declarations_say_the_same_of_javascript(declarations: Path, version: str) -> None:
    assert type_check(declarations, version) == ""


def test_every_module_loads_in_node(declarations: Path) -> None:
    imports = "".join(f'await import("./{name}.js");\n' for name in DOCUMENTS)
    (declarations / "load.mjs").write_text(imports)
    result = run_node("load.mjs", cwd=declarations)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("name", ["runtime", "msgpack", "bytes", "pacing", "presence", "origin"])
def test_the_javascript_runtime_is_the_typescript_runtime_without_its_types(
    node_packages: Path, name: str, request: pytest.FixtureRequest
) -> None:
    """On failure: write what `node tests/node/erase.mjs SOURCE` prints to the `.js` file."""
    root = request.config.rootpath / "templates/bytesocket_templates/typescript"
    erased = run_node("erase.mjs", root / f"{name}.ts", cwd=node_packages)
    assert erased.stderr == ""
    assert read(f"typescript/{name}.js") == erased.stdout


@pytest.mark.parametrize(
    ("parts", "limit"),
    [
        # An application that speaks JSON alone has clients without MessagePack.
        ((), 6_000),
        (("numbers", "pacing"), 6_000),
        (("msgpack",), 6_900),
        # The walker is there only where a payload holds bytes, and pacing where there are rates.
        (("msgpack", "bytes", "utf8"), 7_100),
        (("msgpack", "bytes", "base64"), 7_100),
        (("msgpack", "pacing"), 7_100),
        (("numbers", "msgpack", "bytes", "utf8", "base64", "hex", "pacing"), 7_800),
        # The map of who is there comes with rooms that tell it.
        (("presence",), 6_000),
        (("msgpack", "presence"), 7_200),
        (("numbers", "msgpack", "bytes", "utf8", "base64", "hex", "pacing", "presence"), 8_400),
    ],
    ids=[
        "JSON alone",
        "JSON alone with rates",
        "plain",
        "with bytes",
        "with bytes in base64",
        "with rates",
        "with bytes and rates",
        "JSON alone with presence",
        "with presence",
        "with all",
    ],
)
def test_the_runtime_weighs_at_most_6_kb(
    node_packages: Path, tmp_path: Path, parts: tuple[str, ...], limit: int
) -> None:
    """As a page gets it: minified, codec included, compressed by gzip; types weigh nothing."""
    text = runtime(
        "js",
        is_paced="pacing" in parts,
        is_numbered="numbers" in parts,
        is_packed="msgpack" in parts,
        has_presence="presence" in parts,
    )
    others = [part for part in ("msgpack", "pacing", "presence") if part in parts]
    text += "".join(read(f"typescript/{part}.js") for part in others)
    text += bytes_runtime("js", parts) if "bytes" in parts else ""
    makers = [f"create{part.title()}" for part in ("bytes", "pacing") if part in parts]
    exports = ", ".join(["createClient", "$RequestError", *makers])
    (tmp_path / "runtime.js").write_text(f"{text}export {{ {exports} }};\n")
    result = run_node(
        "--input-type=module",
        "-e",
        "import { transformSync } from 'esbuild';"
        "import { readFileSync } from 'node:fs';"
        f"const source = readFileSync({json.dumps(str(tmp_path / 'runtime.js'))}, 'utf8');"
        "process.stdout.write(transformSync(source, { minify: true, format: 'esm' }).code);",
        cwd=node_packages,
    )
    assert result.stderr == ""
    assert len(gzip.compress(result.stdout.encode(), 9)) <= limit


@pytest.mark.parametrize("language", ["js", "ts"])
def test_without_rates_nothing_paces(language: str) -> None:
    paced, plain = (runtime(language, is_paced=it) for it in (True, False))
    assert "flush" in paced
    assert len(paced) > len(plain)
    assert not any(word in plain for word in ("pacing", "flush", "heed", "/* ")), "see the markers"
    assert "paced */" not in paced
    assert "/* end */" not in paced


@pytest.mark.parametrize("language", ["js", "ts"])
def test_without_presence_nothing_is_there_for_it(language: str) -> None:
    with_it, plain = (runtime(language, is_paced=False, has_presence=it) for it in (True, False))
    assert "createPresent(" in with_it
    assert not any(word in plain.lower() for word in ("present", "presence(", "/* "))
    assert "present */" not in with_it


def test_a_client_for_json_alone_has_no_other_codec_to_choose(sources: Path) -> None:
    (sources / "json_only_misuse.ts").write_text(
        'import { connect } from "./json_only.ts";\n'
        'connect("ws://host", { auth: { token: "" }, codec: "json" });\n'
        "// @ts-expect-error - it has no MessagePack\n"
        'connect("ws://host", { auth: { token: "" }, codec: "binary" });\n'
    )
    assert type_check(sources, "7.0") == ""

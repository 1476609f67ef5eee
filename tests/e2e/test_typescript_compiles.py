"""Generated TypeScript under the compilers and flags of its users; the runtime's two forms."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bytesocket_cli.codegen.render import read
from bytesocket_cli.codegen.typescript import javascript, runtime, typescript
from tests.support import contracts
from tests.support.node import HERE, TSC, run_node, type_check

DOCUMENTS = {
    "chat": contracts.chat(),
    "open": contracts.chat(auth=False),
    "files": contracts.files(),
    "minimal": contracts.minimal(),
    "nasty": contracts.nasty(),
    "paced": contracts.with_rates(contracts.chat(), {"chat:post": contracts.rate(5, 10)}),
    "paced_files": contracts.with_rates(contracts.files(), {"file:put": contracts.rate(5, 10)}),
}
NODE_TYPES: dict[str, Any] = {
    "lib": ["es2022"],
    "types": ["node"],
    "typeRoots": [str(HERE / "node_modules/@types")],
}
USES = sorted((HERE / "uses").glob("*_use.ts"))
BUNDLER: dict[str, Any] = {"module": "esnext", "moduleResolution": "bundler"}


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
        'chat.emit("chat:typing", { who: "" }); chat.on("chat:posted", (posted) => posted.|);\n'
    )
    result = run_node("complete.mjs", unfinished / "use.ts", cwd=node_packages)
    assert result.stderr == ""
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        ["chat:post", "chat:typing", "ping", "shout"],
        ["chat:post", "ping"],
        ["chat:posted", "chat:reaction", "chat:typing", "doc:moved"],
        ["doc:{doc_id}", "lobby"],
        ["doc_id"],
        ["doc:move", "doc:save"],
        ["text"],
        ["author", "text"],
    ]


@pytest.mark.parametrize("version", list(TSC))
def test_declarations_say_the_same_of_javascript(declarations: Path, version: str) -> None:
    assert type_check(declarations, version) == ""


def test_every_module_loads_in_node(declarations: Path) -> None:
    imports = "".join(f'await import("./{name}.js");\n' for name in DOCUMENTS)
    (declarations / "load.mjs").write_text(imports)
    result = run_node("load.mjs", cwd=declarations)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("name", ["runtime", "bytes", "pacing"])
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
        ((), 6_000),
        # The walker is there only where a payload holds bytes, and pacing where there are rates.
        (("bytes",), 6 * 1024),
        (("pacing",), 6 * 1024),
        (("bytes", "pacing"), 7_000),
    ],
    ids=["alone", "with bytes", "with rates", "with both"],
)
def test_the_runtime_weighs_at_most_6_kb(
    node_packages: Path, tmp_path: Path, parts: tuple[str, ...], limit: int
) -> None:
    """As a page gets it: minified, codec included, compressed by gzip; types weigh nothing."""
    text = runtime("js", is_paced="pacing" in parts)
    text += "".join(read(f"typescript/{part}.js") for part in parts)
    exports = ", ".join(["createClient", "$RequestError", *(f"create{p.title()}" for p in parts)])
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

"""The type checker's work grows with the events, not with their square; counted, not timed."""

import json
import re
from pathlib import Path

from bytesocket_cli.codegen.typescript import typescript
from tests.support.contracts import STRING, event, minimal, model, ref, sealed
from tests.support.node import COMPILER_OPTIONS, TSC, run_node


def work(folder: Path, count: int, *, doc: str) -> int:
    """Count what the compiler instantiates to check a client and a use of each event."""
    names = [f"e{at}" for at in range(count)]
    events = [
        event(name, "both", ref(f"M{name}"), reply=ref(f"M{name}"), doc=doc and f"{doc} {name}.")
        for name in names
    ]
    types = {f"M{name}": model({"a": STRING}) for name in names}
    document = sealed({**minimal(), "events": events, "types": types})
    uses = "".join(
        f"c.on('{name}', (got) => got.a.length);\n"
        f"void c.request('{name}', {{ a: '' }}).then((got) => got.a.length);\n"
        for name in names
    )
    folder.mkdir()
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "api.ts").write_text(typescript(document), encoding="utf-8")
    (folder / "use.ts").write_text(
        f"import {{ connect }} from './api.ts';\nconst c = connect('');\nvoid c;\n{uses}"
    )
    config = {"compilerOptions": COMPILER_OPTIONS, "include": ["./*.ts"]}
    (folder / "tsconfig.json").write_text(json.dumps(config))
    said = run_node(TSC["5.9"], "-p", folder, "--extendedDiagnostics", cwd=folder)
    assert said.returncode == 0, said.stdout
    found = re.search(r"^Instantiations: +(\d+)", said.stdout, re.MULTILINE)
    assert found is not None
    return int(found[1])


def test_the_checker_s_work_grows_with_the_events(node_packages: Path, tmp_path: Path) -> None:
    none = work(tmp_path / "none", 0, doc="")
    some = work(tmp_path / "some", 100, doc="Documented") - none
    many = work(tmp_path / "many", 400, doc="Documented") - none
    plain = work(tmp_path / "plain", 400, doc="") - none
    assert many < 5 * some, (none, some, many, plain)
    assert many < 2 * plain, (none, some, many, plain)

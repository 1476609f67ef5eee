"""A docstring begins with what a thing is or with what it does: a noun or an imperative."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("bytesocket_app", "cli/bytesocket_cli")
WRONG = frozenset({"Whether", "What", "Who", "Where", "When", "How", "Which", "Why", "Whose"}) | {
    "That",
    "If",
    "It",
    "They",
    "Its",
}

NOT_YET: tuple[str, ...] = (
    "bytesocket_app/application.py",
    "bytesocket_app/arguments.py",
    "bytesocket_app/client/backoff.py",
    "bytesocket_app/client/client.py",
    "bytesocket_app/client/connection.py",
    "bytesocket_app/client/heartbeat.py",
    "bytesocket_app/client/listeners.py",
    "bytesocket_app/client/messages.py",
    "bytesocket_app/client/outgoing.py",
    "bytesocket_app/client/queue.py",
    "bytesocket_app/client/reconnector.py",
    "bytesocket_app/client/room.py",
    "bytesocket_app/client/rooms.py",
    "bytesocket_app/client/settings.py",
    "bytesocket_app/contract/compatibility/__init__.py",
    "bytesocket_app/contract/compatibility/changes.py",
    "bytesocket_app/contract/compatibility/codes.py",
    "bytesocket_app/contract/compatibility/findings.py",
    "bytesocket_app/contract/compatibility/forms.py",
    "bytesocket_app/contract/compatibility/levels.py",
    "bytesocket_app/contract/compatibility/rules.py",
    "bytesocket_app/contract/compatibility/scalars.py",
    "bytesocket_app/contract/compatibility/unions.py",
    "bytesocket_app/contract/naming.py",
    "bytesocket_app/contract/shape.py",
    "bytesocket_app/contract/source.py",
    "bytesocket_app/declarations/auth.py",
    "bytesocket_app/declarations/handlers.py",
    "bytesocket_app/declarations/rooms.py",
    "bytesocket_app/declarations/router.py",
    "bytesocket_app/declarations/routes.py",
    "bytesocket_app/declarations/user_types.py",
    "bytesocket_app/delivery/hub.py",
    "bytesocket_app/delivery/users.py",
    "bytesocket_app/dependencies/binding.py",
    "bytesocket_app/dependencies/calling.py",
    "bytesocket_app/dependencies/connection.py",
    "bytesocket_app/dependencies/http_values.py",
    "bytesocket_app/dependencies/planning.py",
    "bytesocket_app/dispatch/answers.py",
    "bytesocket_app/dispatch/dispatcher.py",
    "bytesocket_app/dispatch/events.py",
    "bytesocket_app/dispatch/incoming.py",
    "bytesocket_app/dispatch/runner.py",
    "bytesocket_app/dispatch/step.py",
    "bytesocket_app/errors.py",
    "bytesocket_app/events/catalogue.py",
    "bytesocket_app/events/declared.py",
    "bytesocket_app/events/findings.py",
    "bytesocket_app/events/inspection.py",
    "bytesocket_app/events/names.py",
    "bytesocket_app/events/payload.py",
    "bytesocket_app/events/raw.py",
    "bytesocket_app/events/serializing.py",
    "bytesocket_app/hosting.py",
    "bytesocket_app/lifecycle.py",
    "bytesocket_app/middleware.py",
    "bytesocket_app/registry.py",
    "bytesocket_app/rooms/index.py",
    "bytesocket_app/rooms/pattern.py",
    "bytesocket_app/serving/__init__.py",
    "bytesocket_app/serving/contracts.py",
    "bytesocket_app/serving/housekeeping.py",
    "bytesocket_app/serving/origins.py",
    "bytesocket_app/serving/runners/hosting.py",
    "bytesocket_app/settings.py",
    "bytesocket_app/signature.py",
    "bytesocket_app/socket/__init__.py",
    "bytesocket_app/socket/backend.py",
    "bytesocket_app/socket/rooms.py",
    "bytesocket_app/socket/socket.py",
    "bytesocket_app/testing/arrivals.py",
    "bytesocket_app/testing/conformance/bulk_rooms.py",
    "bytesocket_app/testing/conformance/codecs.py",
    "bytesocket_app/testing/conformance/connection.py",
    "bytesocket_app/testing/conformance/heartbeat.py",
    "bytesocket_app/testing/conformance/lifecycle.py",
    "bytesocket_app/testing/conformance/messaging.py",
    "bytesocket_app/testing/conformance/stage.py",
    "bytesocket_app/testing/log.py",
    "bytesocket_app/transports/http_errors.py",
    "bytesocket_app/transports/interface.py",
    "bytesocket_app/transports/outbox.py",
    "bytesocket_app/transports/picows/head.py",
    "bytesocket_app/transports/picows/interfaces.py",
    "bytesocket_app/transports/picows/parser.py",
    "bytesocket_app/transports/picows/reader.py",
    "bytesocket_app/transports/picows/server_state.py",
    "bytesocket_app/transports/picows/transport.py",
    "bytesocket_app/transports/probes.py",
    "bytesocket_app/transports/suspension.py",
    "bytesocket_app/transports/writer.py",
    "bytesocket_app/wire/__init__.py",
    "bytesocket_app/wire/close.py",
    "bytesocket_app/wire/codec.py",
    "bytesocket_app/wire/dialect.py",
    "bytesocket_app/wire/javascript.py",
    "bytesocket_app/wire/message_type.py",
    "bytesocket_app/wire/msgpack_codec.py",
    "bytesocket_app/wire/portable.py",
    "bytesocket_app/wire/shapes.py",
    "cli/bytesocket_cli/allowances.py",
    "cli/bytesocket_cli/codegen/python_events.py",
    "cli/bytesocket_cli/codegen/typescript_bytes.py",
    "cli/bytesocket_cli/commands/dev.py",
    "cli/bytesocket_cli/commands/diff.py",
    "cli/bytesocket_cli/commands/generate.py",
    "cli/bytesocket_cli/console.py",
    "cli/bytesocket_cli/contracts.py",
    "cli/bytesocket_cli/loading.py",
    "cli/bytesocket_cli/main.py",
    "cli/bytesocket_cli/output.py",
    "cli/bytesocket_cli/project.py",
    "cli/bytesocket_cli/reload.py",
    "cli/bytesocket_cli/rerun.py",
    "cli/bytesocket_cli/sources.py",
    "cli/bytesocket_cli/targets.py",
    "cli/bytesocket_cli/verdicts.py",
    "cli/bytesocket_cli/watching.py",
    "cli/bytesocket_cli/worker.py",
)
"""The files that still have to be mended. One that is must leave this list."""


def wrong(module: str) -> Iterator[tuple[int, str]]:
    """Find the docstrings that begin with another word, with their first lines."""
    for node in ast.walk(ast.parse(module)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node) or ""
            word = re.search(r"\w+", text)
            if word is not None and word[0] in WRONG:
                yield node.body[0].lineno, text.splitlines()[0]


def found() -> dict[str, list[str]]:
    """Collect what is wrong, by the files that have something."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    texts = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}
    lines = {
        name: [f"{name}:{line}: {first}" for line, first in wrong(text)]
        for name, text in texts.items()
    }
    return {name: said for name, said in lines.items() if said}


def test_docstrings_begin_with_a_noun_or_an_imperative() -> None:
    lines = [line for name, said in found().items() if name not in NOT_YET for line in said]
    assert not lines, "\n".join(lines)


def test_what_was_mended_is_no_longer_excused() -> None:
    assert list(NOT_YET) == sorted(set(NOT_YET))
    assert not (mended := set(NOT_YET) - found().keys()), "\n".join(sorted(mended))


@pytest.mark.parametrize(
    "module",
    [
        '"""Whether it is."""',
        'class A:\n    """It is."""',
        'class A:\n    async def f(self):\n        """\n        If it is.\n        """',
        'def f():\n    def g():\n        """`What` is."""',
    ],
)
def test_every_docstring_is_looked_at(module: str) -> None:
    assert len(list(wrong(module))) == 1


def test_a_word_that_only_begins_alike_is_right() -> None:
    assert not list(wrong('"""Items, and what they are."""\nx = """What."""'))

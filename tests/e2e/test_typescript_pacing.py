"""The generated client in Node.js keeps to the rates of its contract: in virtual time."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bytesocket_cli.codegen.typescript import javascript
from tests.support import contracts
from tests.support.contracts import rate
from tests.support.node import HERE, Script

RATES = {
    "shout": rate(5, 3),
    "chat:post": rate(5, 3, "user"),
    "chat:typing": rate(20, 1),
    "doc:save": rate(5, 1),
    "ping": rate(1 / 3600, 1),
}
EACH = 200.4
"""Milliseconds from one shout to the next."""
MARGIN = 250
DOC = "6f1e8f5e-2f3b-4a8e-9a53-0d6b6f1e8f5e"

Run = Callable[..., list[Any]]


def due(number: int) -> int:
    """When the message of that number may be sent, if the first is sent at 0."""
    return 0 if number <= 3 else round(MARGIN + (number - 3) * EACH)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a program that has an open client `chat`, and `pass`, `Wire`, `say` and `tellCode`."""
    document = contracts.with_rates(contracts.chat(auth=False), RATES)
    (tmp_path / "chat.js").write_text(javascript(document)[0], encoding="utf-8")
    shutil.copy(HERE / "virtual_time.mjs", tmp_path)

    def run(source: str, options: str = "") -> list[Any]:
        prelude = f"""
        import {{ pass, stall, timersWithin, Wire }} from "./virtual_time.mjs";
        const {{ connect }} = await import("./chat.js");
        const chat = connect("ws://test/", {{ WebSocket: Wire, codec: "json", {options} }});
        const shout = (...texts) => texts.map((text) => chat.emit("shout", text));
        const tellCode = (error) => tell(error.code);
        const slow = (event, room) => ({{
          phase: "handler", event, room,
          error: {{ code: "rate_limited", message: "slow", data: {{ retry_after: 2 }} }},
        }});
        """
        with Script(tmp_path, f"{prelude}\n{source}\nprocess.exit(0);") as script:
            return script.result()

    return run


def test_a_burst_goes_at_once_and_the_rest_at_its_pace(run: Run) -> None:
    told = run("""
    await pass(0);
    tell(shout("1", "2", "3", "4", "5", "6"));
    await pass(5000);
    tell(Wire.last.heard());
    tell(shout("again", "at", "once", "no"));
    """)
    assert told == [
        ["sent"] * 3 + ["queued"] * 3,
        [[due(number), str(number)] for number in range(1, 7)],
        ["sent"] * 3 + ["queued"],
    ]


def test_what_comes_after_one_that_waits_waits_behind_it(run: Run) -> None:
    told = run(f"""
    const doc = chat.join("doc:{{doc_id}}", {{ doc_id: "{DOC}" }});
    const lobby = chat.join("lobby");
    await pass(0);
    shout("1", "2", "3", "4");
    tell([
      lobby.emit("chat:reaction", {{ emoji: "+1" }}),
      doc.emit("doc:move", {{ x: 1, y: 1 }}),
      chat.emit("chat:typing", {{ who: "ann" }}),
      ...shout("5"),
    ]);
    await pass(1000);
    tell(Wire.last.heard().slice(3));
    tell([doc.emit("doc:move", {{ x: 1, y: 1 }}), doc.emit("doc:save"), doc.emit("doc:save")]);
    """)
    assert told == [
        ["queued", "dropped", "dropped", "queued"],
        [[due(4), "4"], [due(4), "chat:reaction"], [due(5), "5"]],
        ["sent", "sent", "queued"],
    ]


def test_a_volatile_event_without_a_token_is_dropped(run: Run) -> None:
    told = run("""
    await pass(0);
    const fates = [];
    for (let turn = 0; turn < 5; turn++) {
      fates.push(chat.emit("chat:typing", { who: "ann" }));
      await pass(25.1);
    }
    tell(fates);
    """)
    assert told == [["sent", "dropped", "sent", "dropped", "sent"]]


def test_requests_wait_within_their_own_time_and_are_taken_back(run: Run) -> None:
    told = run("""
    await pass(0);
    const post = (text, options) =>
      chat.request("chat:post", { text }, options).then(tell, tellCode);
    for (const text of "123") post(text);
    post("late", { timeoutMs: 100 });
    const controller = new AbortController();
    post("aborted", { signal: controller.signal });
    controller.abort();
    post("4");
    await pass(100);
    Wire.last.heard();
    await pass(5000);
    tell(Wire.last.heard());
    Wire.last.say({ type: 32, id: 6, data: { message_id: 9 } });
    await pass(0);
    """)
    assert told == [20, "timeout", [[due(4), "4"]], {"message_id": 9}]


def test_one_that_is_taken_back_lets_those_behind_it_go(run: Run) -> None:
    told = run("""
    await pass(0);
    chat.emit("ping");
    chat.request("ping", { timeoutMs: 1000 }).catch(tellCode);
    tell(shout("behind"));
    await pass(1001);
    tell(Wire.last.heard());
    """)
    assert told == [["queued"], "timeout", [[0, "ping"], [1000, "behind"]]]


def test_a_full_queue_drops_what_has_to_wait(run: Run) -> None:
    told = run(
        """
        chat.onDropped(tell);
        await pass(0);
        tell(shout("1", "2", "3", "4", "5", "6"));
        await chat.request("chat:post", { text: "x" }).catch(tellCode);
        """,
        "queueSize: 2",
    )
    assert told == [
        {"event": "shout", "data": "6", "reason": "full"},
        ["sent"] * 3 + ["queued"] * 2 + ["dropped"],
        {"event": "chat:post", "data": {"text": "x"}, "reason": "full"},
        "dropped",
    ]


def test_what_was_queued_without_a_connection_is_sent_at_its_pace(run: Run) -> None:
    told = run("""
    tell(shout("1", "2", "3", "4", "5"));
    await pass(5000);
    tell(Wire.last.heard());
    """)
    assert told == [["queued"] * 5, [[due(number), str(number)] for number in range(1, 6)]]


def test_what_waits_outlives_the_connection_and_sockets_begin_anew(run: Run) -> None:
    told = run("""
    await pass(0);
    const post = (text) => chat.request("chat:post", { text }).then(tell, tellCode);
    for (const text of "123") post(text);
    shout("1", "2", "3", "4");
    post("4");
    await pass(451);
    tell(Wire.last.heard().slice(3));
    Wire.last.lose();
    await pass(130);
    tell(Wire.last.heard());
    await pass(5000);
    tell(Wire.last.heard());
    Wire.last.lose();
    await pass(0);
    """)
    assert told == [
        # The fourth post went with what waited: it was sent, and ends with the connection.
        [[0, "1"], [0, "2"], [0, "3"], [450, "4"], [450, "4"]],
        *["disconnected"] * 4,
        [],
        [],
    ]


def test_what_is_counted_for_more_than_the_socket_does_not_begin_anew(run: Run) -> None:
    told = run("""
    await pass(0);
    for (const text of "123") chat.emit("chat:post", { text });
    shout("1", "2", "3", "4");
    Wire.last.lose();
    await pass(125);
    tell([chat.state, Wire.last.heard()]);
    chat.emit("chat:post", { text: "new" });
    await pass(5000);
    tell(Wire.last.heard());
    """)
    wait = round(MARGIN + EACH - 125)
    assert told == [["open", [[0, "4"]]], [[wait, "new"]]]


@pytest.mark.parametrize("kind", [3, 33])
def test_a_refusal_all_the_same_is_heeded(run: Run, kind: int) -> None:
    told = run(f"""
    chat.onError(({{ code }}) => tell(code));
    await pass(0);
    chat.request("chat:post", {{ text: "1" }}).catch(tellCode);
    Wire.last.say({{ type: {kind}, id: 1, data: slow("chat:post") }});
    chat.emit("chat:post", {{ text: "2" }});
    await pass(5000);
    tell(Wire.last.heard());
    """)
    assert told == ["rate_limited", [[0, "1"], [2000 + MARGIN, "2"]]]


def test_a_refusal_in_a_room_is_heeded_there(run: Run) -> None:
    told = run(f"""
    chat.onError(() => {{}});
    const doc = chat.join("doc:{{doc_id}}", {{ doc_id: "{DOC}" }});
    await pass(0);
    Wire.last.say({{ type: 3, data: slow("doc:save", doc.name) }});
    Wire.last.say({{ type: 3, data: {{ ...slow("shout"), error: {{ code: "rate_limited" }} }} }});
    Wire.last.say({{ type: 3, data: {{ ...slow("shout"), error: "rate_limited" }} }});
    Wire.last.say({{ type: 3, data: slow("nothing") }});
    Wire.last.say({{ event: "chat:posted", data: slow("shout") }});
    const muted = {{ code: "muted", message: "", data: {{ retry_after: 2 }} }};
    Wire.last.say({{ type: 3, data: {{ ...slow("shout"), error: muted }} }});
    tell([...shout("1", "2", "3"), doc.emit("doc:save"), ...shout("4")]);
    doc.leave();
    tell([...Wire.last.heard().map(([, text]) => text), ...shout("5")]);
    """)
    assert told == [
        ["sent", "sent", "sent", "queued", "queued"],
        # Nonsense did not break the bucket: the fourth still waits, and the fifth behind it.
        ["1", "2", "3", "queued"],
    ]


def test_a_timer_that_is_late_costs_nothing(run: Run) -> None:
    told = run("""
    await pass(0);
    shout("1", "2", "3", "4");
    stall(5000);
    tell(shout("5"));
    tell(Wire.last.heard().slice(3));
    """)
    assert told == [["sent"], [[5000, "4"], [5000, "5"]]]


def test_there_is_a_timer_only_while_something_waits(run: Run) -> None:
    told = run("""
    await pass(0);
    shout("1", "2", "3");
    const without = timersWithin(10_000);
    shout("4", "5");
    const waiting = timersWithin(10_000);
    await pass(1000);
    tell([without, waiting, timersWithin(10_000)]);
    """)
    assert told == [[0, 1, 0]]


def test_leaving_a_room_drops_what_waits_for_it_and_lets_the_rest_go(run: Run) -> None:
    told = run(f"""
    chat.onDropped(({{ event, reason }}) => tell([event, reason]));
    const doc = chat.join("doc:{{doc_id}}", {{ doc_id: "{DOC}" }});
    await pass(0);
    tell([doc.emit("doc:save"), doc.emit("doc:save"), ...shout("behind")]);
    doc.leave();
    tell(Wire.last.heard());
    """)
    assert told == [
        ["sent", "queued", "queued"],
        ["doc:save", "left"],
        [[0, "doc:save"], [0, "behind"]],
    ]


def test_closing_drops_what_waits(run: Run) -> None:
    told = run("""
    chat.onDropped(({ data, reason }) => tell([data, reason]));
    await pass(0);
    shout("1", "2", "3", "4");
    chat.close();
    tell(shout("5"));
    tell(timersWithin(1e9));
    """)
    assert told == [["4", "closed"], ["dropped"], 0]

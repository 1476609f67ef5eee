"""The generated client's times: what is off, what is capped, what is refused; in virtual time."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.virtual_time import run

NEVER = ["0", "Infinity"]
LONGEST = 2**31 - 1
TIMES = [
    "heartbeat.interval",
    "heartbeat.timeout",
    "reconnect.min",
    "reconnect.max",
    "timeouts.connect",
    "timeouts.request",
]


@pytest.mark.parametrize("interval", NEVER)
def test_an_interval_that_is_off_sends_no_pings(tmp_path: Path, interval: str) -> None:
    told = run(
        tmp_path,
        f"""
        const chat = start({{ heartbeat: {{ interval: {interval} }} }});
        await pass(0);
        await pass(40 * DAY);
        tell([chat.state, Wire.last.pings, timersWithin(1e12)]);
        """,
    )
    assert told == [["open", [], 0]]


def test_an_interval_of_thirty_days_is_as_long_as_timers_are(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        const chat = start({ heartbeat: { interval: 30 * DAY, timeout: 0 } });
        await pass(0);
        await pass(20 * DAY);
        const before = Wire.last.pings.length;
        await pass(10 * DAY);
        tell([before, Wire.last.pings]);
        """,
    )
    assert told == [[0, [LONGEST]]]


@pytest.mark.parametrize("timeout", [*NEVER, "30 * DAY"])
def test_a_pong_that_may_take_for_ever_loses_no_connection(tmp_path: Path, timeout: str) -> None:
    told = run(
        tmp_path,
        f"""
        const chat = start({{ heartbeat: {{ timeout: {timeout} }} }});
        await pass(0);
        await pass(DAY);
        tell([chat.state, Wire.last.pings[0]]);
        """,
    )
    assert told == [["open", 25_000]]


def test_any_frame_is_life(tmp_path: Path) -> None:
    """A slow link that delivers data is not given up, though no pong gets through."""
    told = run(
        tmp_path,
        """
        const chat = start();
        chat.onError(() => {});
        await pass(0);
        for (let turn = 0; turn < 20; turn++) {
          await pass(15_000);
          Wire.last.say({ event: "chat:posted", data: {} });
        }
        const wire = Wire.last;
        tell(chat.state);
        await pass(60_000);
        tell(wire.closed);
        """,
    )
    assert told == ["open", [4003, "Pong timeout"]]


@pytest.mark.parametrize(
    "options", ["{ timeouts: { request: 0 } }", "{ timeouts: { request: Infinity } }", "{}"]
)
def test_a_request_without_a_deadline_waits(tmp_path: Path, options: str) -> None:
    own = "" if "request" in options else ", { timeoutMs: 0 }"
    told = run(
        tmp_path,
        f"""
        const chat = start({{ ...{options}, heartbeat: {{ interval: 0 }} }});
        await pass(0);
        chat.request("chat:post", {{ text: "x" }}{own}).then(tell, tellCode);
        await pass(100 * DAY);
        Wire.last.say({{ type: 32, id: 1, data: "late" }});
        await pass(0);
        """,
    )
    assert told == ["late"]


def test_a_request_of_thirty_days_ends_with_the_longest_timer(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        const chat = start({ heartbeat: { interval: 0 } });
        await pass(0);
        chat.request("chat:post", { text: "x" }, { timeoutMs: 30 * DAY }).catch(tellCode);
        await pass(24 * DAY);
        tell("waits");
        await pass(DAY);
        """,
    )
    assert told == ["waits", "timeout"]


@pytest.mark.parametrize("connect", [*NEVER, "30 * DAY"])
def test_a_dial_that_may_take_for_ever_is_not_given_up(tmp_path: Path, connect: str) -> None:
    told = run(
        tmp_path,
        f"""
        let dials = 0;
        class Deaf extends Wire {{
          constructor() {{ super(); dials++; }}
          get onopen() {{ return undefined; }}
          set onopen(_) {{}}
        }}
        const chat = start({{ WebSocket: Deaf, timeouts: {{ connect: {connect} }} }});
        await pass(20 * DAY);
        tell([chat.state, dials]);
        """,
    )
    assert told == [["connecting", 1]]


@pytest.mark.parametrize(
    ("reconnect", "waits"),
    [
        ("{}", [125, 250, 500, 1000]),
        ("{ min: 0 }", [0, 125, 250, 500]),
        ("{ min: Infinity }", [0, 125, 250, 500]),
        ("{ max: 300 }", [125, 150, 150, 150]),
        ("{ max: 0, min: 10000 }", [5000, 10_000, 20_000, 40_000]),
        ("{ max: Infinity, min: 10000 }", [5000, 10_000, 20_000, 40_000]),
        ("{ min: 30 * DAY, max: 30 * DAY }", [LONGEST / 2] * 4),
        ("{ min: 0, max: 0 }", [0, 125, 250, 500]),
    ],
)
def test_the_waits_between_attempts(tmp_path: Path, reconnect: str, waits: list[float]) -> None:
    """Chance is 0.5 here. Nothing dials in a loop."""
    told = run(
        tmp_path,
        f"""
        const dials = [];
        class Refused extends Wire {{
          constructor() {{
            super();
            dials.push(performance.now());
            setTimeout(() => this.lose());
          }}
        }}
        const options = {{ WebSocket: Refused, heartbeat: {{ interval: 0 }} }};
        start({{ ...options, reconnect: {reconnect} }}).onError(() => {{}});
        while (dials.length < 5) await pass({waits[-1]});
        tell(dials.slice(1, 5).map((at, index) => at - dials[index]));
        """,
    )
    assert told == [waits]


def test_without_a_least_and_a_greatest_wait_attempts_still_become_rarer(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        let dials = 0;
        class Refused extends Wire {
          constructor() { super(); dials++; setTimeout(() => this.lose()); }
        }
        start({ WebSocket: Refused, reconnect: { min: 0, max: 0 } }).onError(() => {});
        await pass(60_000);
        tell(dials);
        """,
    )
    assert 5 < told[0] < 15


@pytest.mark.parametrize("value", ["NaN", "-1", "-Infinity", '"5"', "{}", "true", "5n", "Symbol()"])
def test_what_is_no_time_is_an_error_that_names_the_option(tmp_path: Path, value: str) -> None:
    told = run(
        tmp_path,
        f"""
        for (const name of {TIMES}) {{
          const [group, key] = name.split(".");
          try {{
            start({{ [group]: {{ [key]: {value} }} }});
          }} catch (error) {{
            tell([error.name, error.message.split(" ")[0]]);
          }}
        }}
        try {{
          start({{ queueSize: {value} }});
        }} catch (error) {{
          tell([error.name, error.message.split(" ")[0]]);
        }}
        tell(Wire.last ?? "nothing was dialled");
        const chat = start();
        const asked = chat.request("chat:post", {{ text: "x" }}, {{ timeoutMs: {value} }});
        await asked.catch((error) => tell([error.name, error.message.split(" ")[0]]));
        await pass(0);
        tell(Wire.last.sent);
        """,
    )
    named = [["RangeError", name] for name in [*TIMES, "queueSize"]]
    assert told == [*named, "nothing was dialled", ["RangeError", "timeoutMs"], []]


def test_an_option_that_is_not_given_has_its_standard(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        const heartbeat = { interval: undefined };
        const chat = start({ heartbeat, timeouts: {}, reconnect: undefined });
        await pass(25_000);
        tell(Wire.last.pings);
        """,
    )
    assert told == [[25_000]]


def test_a_joins_time_is_the_connections(tmp_path: Path) -> None:
    """A join has no time of its own: it ends with its answer, or with the connection."""
    told = run(
        tmp_path,
        """
        const chat = start({ heartbeat: { interval: 0 }, timeouts: { request: 1 } });
        const lobby = chat.join("lobby");
        lobby.ready.then(() => tell("in"), tellCode);
        await pass(DAY);
        Wire.last.say({ type: 10, room: "lobby" });
        await pass(0);
        """,
    )
    assert told == ["in"]


def test_a_bulk_emit_is_one_message_and_says_what_became_of_it(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        const chat = start({ queueSize: 1 });
        chat.onDropped(tell);
        const docs = ["a", "b", "a", "c"].map((doc_id) => chat.join("doc:{doc_id}", { doc_id }));
        const [a, b, again, c] = docs;
        c.leave();
        const fates = [chat.emitRooms(docs, "doc:save"), chat.emitRooms([a], "doc:save")];
        await pass(0);
        fates.push(chat.emitRooms(docs, "doc:save"), chat.emitRooms([c], "doc:save"));
        fates.push(chat.emitRooms([], "doc:save"));
        tell(fates);
        tell(Wire.last.sent.filter(([, { event }]) => event).map(([, message]) => message));
        """,
    )
    message: dict[str, Any] = {"rooms": ["doc:a", "doc:b"], "event": "doc:save", "data": {}}
    assert told == [
        {"event": "doc:save", "data": {}, "rooms": ["doc:a"], "reason": "full"},
        ["queued", "dropped", "sent", "dropped", "dropped"],
        [message, message],
    ]


def test_a_bulk_emit_takes_a_token_for_each_room(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        const chat = start();
        const ids = ["a", "b", "c", "d", "e"];
        const docs = ids.map((doc_id) => chat.join("doc:{doc_id}", { doc_id }));
        const save = (count) => chat.emitRooms(docs.slice(0, count), "doc:save");
        await pass(0);
        tell([save(3), save(1), save(1)]);
        await pass(10_000);
        tell(Wire.last.heard().map(([at]) => at));
        // More rooms than the bucket ever holds: it has to be full.
        tell([save(5), save(1)]);
        await pass(10_000);
        tell(Wire.last.heard().map(([at]) => at));
        """,
        paced=True,
    )
    each, margin = 200.4, 250
    assert told == [
        ["sent", "sent", "queued"],
        [0, 0, round(margin + each)],
        ["sent", "queued"],
        [10_000, round(10_000 + margin + 2 * each)],
    ]

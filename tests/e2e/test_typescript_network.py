"""What a browser says of the network, and what the generated client makes of it."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.typescript_lab import Lab
from tests.support.virtual_time import run

PAGE = """
page.visibilityState = "visible";
page.counts = {};
for (const verb of ["addEventListener", "removeEventListener"]) {
  const step = verb.startsWith("add") ? 1 : -1;
  const kept = (name, listener) => {
    page.counts[name] = (page.counts[name] ?? 0) + step;
    EventTarget.prototype[verb].call(page, name, listener);
  };
  globalThis[verb] = kept;
  page[verb] = kept;
}
const say = (event) => page.dispatchEvent(new Event(event));
const shout = (text) => chat.emit("shout", text);
"""
OPEN = """
globalThis.document = page;
const chat = start({ heartbeat: { interval: 0 } });
chat.onError(() => {});
await pass(0);
"""


def in_page(folder: Path, source: str, *, opened: str = OPEN, paced: bool = False) -> list[Any]:
    return run(folder, PAGE + opened + source, paced=paced)


@pytest.mark.parametrize("paced", [False, True])
def test_offline_everything_waits_and_online_it_goes(tmp_path: Path, paced: bool) -> None:
    """It goes when the server says something, as the socket may be dead all the same."""
    told = in_page(
        tmp_path,
        """
        say("offline");
        tell([shout("a"), chat.emit("chat:typing", { who: "x" }), chat.state]);
        chat.request("chat:post", { text: "b" }).then(tell, tellCode);
        await pass(1000);
        tell(Wire.last.heard());
        say("online");
        tell(shout("c"));
        await pass(500);
        tell([Wire.last.heard(), Wire.last.pings]);
        Wire.last.pong();
        await pass(0);
        tell(Wire.last.heard().map(([, text]) => text));
        Wire.last.say({ type: 32, id: 1, data: "posted" });
        await pass(0);
        tell(shout("d"));
        """,
        paced=paced,
    )
    assert told == [
        ["queued", "dropped", "open"],
        [],
        "queued",
        [[], [0, 1000]],
        ["a", "b", "c"],
        "posted",
        "sent",
    ]


def test_offline_a_live_socket_is_asked_and_kept(tmp_path: Path) -> None:
    """As between two programs on one machine: what waited goes when it answered."""
    told = in_page(
        tmp_path,
        """
        const wire = Wire.last;
        say("offline");
        tell(shout("a"));
        Wire.last.pong();
        tell(shout("b"));
        await pass(2000);
        tell([wire === Wire.last, Wire.last.heard().map(([, text]) => text), shout("c")]);
        await pass(100_000);
        tell(wire.closed ?? "alive");
        """,
    )
    assert told == ["queued", "queued", [True, ["a", "b"], "sent"], "alive"]


def test_offline_a_dead_socket_is_given_up_and_what_waits_is_kept(tmp_path: Path) -> None:
    told = in_page(
        tmp_path,
        """
        const wire = Wire.last;
        say("offline");
        shout("a");
        await pass(2000);
        tell([wire.closed, chat.state, shout("b")]);
        say("online");
        tell(chat.state);
        await pass(0);
        tell([chat.state, Wire.last.heard().map(([, text]) => text)]);
        """,
    )
    assert told == [
        [[4003, "Pong timeout"], "waiting", "queued"],
        "connecting",
        ["open", ["a", "b"]],
    ]


@pytest.mark.parametrize("event", ["online", "visibilitychange"])
def test_a_probe_has_two_seconds_for_any_frame(tmp_path: Path, event: str) -> None:
    told = in_page(
        tmp_path,
        f"""
        const wire = Wire.last;
        say("{event}");
        tell([Wire.last.pings, shout("a")]);
        await pass(1999);
        Wire.last.say({{ event: "chat:posted", data: {{}} }});
        await pass(10_000);
        tell(wire.closed ?? "alive");
        say("{event}");
        await pass(1999);
        tell([wire.closed ?? "alive", wire.pings.length]);
        await pass(1);
        tell(wire.closed);
        """,
    )
    assert told == [[[0], "sent"], "alive", ["alive", 2], [4003, "Pong timeout"]]


def test_online_has_its_own_two_seconds_and_pages_that_come_and_go_have_not(
    tmp_path: Path,
) -> None:
    """The socket may have been dead while the browser was offline, and be alive again."""
    told = in_page(
        tmp_path,
        """
        const wire = Wire.last;
        say("offline");
        await pass(1900);
        say("online");
        await pass(1900);
        tell([wire.closed ?? "alive", wire.pings.length]);
        Wire.last.pong();
        for (let turn = 0; turn < 4; turn++) {
          say("visibilitychange");
          await pass(500);
        }
        tell([wire.closed, wire.pings.length]);
        """,
    )
    assert told == [["alive", 2], [[4003, "Pong timeout"], 3]]


@pytest.mark.parametrize("event", ["online", "visibilitychange"])
def test_a_client_that_waits_dials_at_once(tmp_path: Path, event: str) -> None:
    told = in_page(
        tmp_path,
        f"""
        Wire.last.lose();
        tell(chat.state);
        say("{event}");
        tell(chat.state);
        await pass(0);
        tell([chat.state, timersWithin(1e12)]);
        """,
    )
    assert told == ["waiting", "connecting", ["open", 0]]


def test_a_page_that_is_hidden_is_left_alone(tmp_path: Path) -> None:
    told = in_page(
        tmp_path,
        """
        page.visibilityState = "hidden";
        say("visibilitychange");
        tell(Wire.last.pings);
        Wire.last.lose();
        say("visibilitychange");
        tell(chat.state);
        """,
    )
    assert told == [[], "waiting"]


def test_a_new_connection_while_the_browser_says_offline_is_used(tmp_path: Path) -> None:
    told = in_page(
        tmp_path,
        """
        say("offline");
        Wire.last.lose();
        await pass(15_000);
        tell([chat.state, shout("a")]);
        """,
    )
    assert told == [["open", "sent"]]


@pytest.mark.parametrize("end", ["chat.close()", 'Wire.last.onclose({ code: 4400, reason: "" })'])
def test_listeners_and_timers_are_gone_at_the_end(tmp_path: Path, end: str) -> None:
    told = in_page(
        tmp_path,
        f"""
        const before = {{ ...page.counts }};
        say("offline");
        {end};
        tell([before, page.counts, timersWithin(1e12)]);
        for (const event of ["online", "offline", "visibilitychange"]) say(event);
        tell([chat.state, timersWithin(1e12)]);
        """,
    )
    names = ["online", "offline", "visibilitychange"]
    assert told == [[dict.fromkeys(names, 1), dict.fromkeys(names, 0), 0], ["closed", 0]]


@pytest.mark.parametrize("place", ["", "globalThis.document = {};", "globalThis.document = null;"])
def test_where_there_is_no_document_all_else_works(tmp_path: Path, place: str) -> None:
    """As in a worker."""
    told = in_page(
        tmp_path,
        """
        say("offline");
        tell(shout("a"));
        say("online");
        Wire.last.pong();
        tell(shout("b"));
        chat.close();
        tell(page.counts);
        """,
        opened=OPEN.replace("globalThis.document = page;", place),
    )
    assert told == ["queued", "sent", {"online": 0, "offline": 0}]


def test_where_nothing_is_heard_of_the_network_all_else_works(lab: Lab) -> None:
    source = """
    tell([typeof addEventListener, typeof document]);
    const chat = connect(url, { auth });
    await chat.ready;
    chat.close();
    tell("closed");
    """
    with lab.run(source) as script:
        assert script.result() == [["undefined", "undefined"], "closed"]


# ---- a WebSocket that cannot be made

THROWING = """
let broken = "";
let dials = 0;
class Throwing extends Wire {
  constructor() {
    if (broken) {
      dials++;
      throw new DOMException("blocked", broken);
    }
    super();
  }
}
"""


def test_a_constructor_that_throws_at_a_redial_is_told_and_tried_again(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        THROWING
        + """
        const chat = start({ WebSocket: Throwing });
        chat.onError(({ phase, message }) => tell([phase, message.split("/ws: ").at(-1)]));
        chat.onState((state) => tell(state));
        await pass(0);
        broken = "SecurityError";
        Wire.last.lose();
        await pass(1000);
        const tried = dials;
        broken = "";
        await pass(15_000);
        tell([chat.state, tried]);
        """,
    )
    failed = ["connecting", "waiting", ["network", "SecurityError: blocked"]]
    assert told == [
        *["open", "waiting", ["network", "closed with 1006 "]],
        *failed * 3,
        *["connecting", "open", ["open", 3]],
    ]


def test_at_the_first_dial_it_throws_to_the_caller_and_leaves_nothing(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        PAGE
        + THROWING
        + """
        broken = "SyntaxError";
        try { start({ WebSocket: Throwing }); } catch (error) { tell(error.name); }
        tell([page.counts, timersWithin(1e12)]);
        """,
    )
    assert told == ["SyntaxError", [{}, 0]]


def test_a_platform_that_calls_a_closed_socket_open_does_not_stop_the_client(
    tmp_path: Path,
) -> None:
    told = run(
        tmp_path,
        """
        class Strict extends Wire {
          close(code) {
            if (code !== 1000 && !(code >= 3000)) throw new DOMException("", "InvalidAccessError");
          }
        }
        const chat = start({ WebSocket: Strict });
        chat.onError(() => {});
        await pass(0);
        Wire.last.onclose({ code: 1006, reason: "" });
        await pass(1000);
        tell(chat.state);
        """,
    )
    assert told == ["open"]


# ---- the address


@pytest.mark.parametrize(
    ("address", "dialled"),
    [
        ("ws://host:8000", "ws://host:8000/chat/ws"),
        ("ws://host:8000/", "ws://host:8000/chat/ws"),
        ("https://host", "wss://host/chat/ws"),
        ("ws://host?token=a%20b", "ws://host/chat/ws?token=a+b"),
        ("ws://host/?token=1#part", "ws://host/chat/ws?token=1"),
        ("ws://host/ws", "ws://host/ws"),
        ("ws://host/ws/", "ws://host/ws/"),
        ("ws://host//", "ws://host//"),
    ],
)
def test_an_address_without_a_path_gets_the_contracts(
    tmp_path: Path, address: str, dialled: str
) -> None:
    told = run(
        tmp_path,
        f"""
        class Named extends Wire {{
          constructor(url) {{
            super();
            const shown = new URL(url);
            shown.searchParams.delete("contract");
            tell(shown.href);
          }}
        }}
        connect("{address}", given({{ WebSocket: Named }}));
        connect(new URL("{address}"), given({{ WebSocket: Named }}));
        """,
        path="/chat/ws",
    )
    assert told == [dialled] * 2

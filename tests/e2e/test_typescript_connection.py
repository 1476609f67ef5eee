"""The generated client in Node.js: losing the connection, waiting, the queue, the heartbeat."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from tests.support.scripted_server import ScriptedServer
from tests.support.typescript_lab import FAST, LOGIN, Lab

ABORTED = 20  # the code of a DOMException of that name


def test_auth_is_called_at_every_connect(lab: Lab) -> None:
    source = f"""
    let calls = 0;
    const chat = connect(url, {{ auth: async () => {{ tell(++calls); return auth; }}, {FAST} }});
    await chat.ready;
    tell("open");
    """
    with lab.run(source) as script:
        script.wait("open")
        lab.server.kill()
        script.wait(2)
        lab.server.wait(lambda server: server.log()[1:] == [[LOGIN]])


def test_an_auth_function_that_fails_is_reported_and_tried_again(lab: Lab) -> None:
    source = f"""
    let calls = 0;
    const token = () => {{
      if (++calls < 3) throw new Error("no token");
      return auth;
    }};
    const chat = connect(url, {{ auth: token, {FAST} }});
    chat.onError((report) => tell([report.phase, report.message.includes("no token")]));
    await chat.ready;
    tell("open");
    chat.close();
    """
    with lab.run(source) as script:
        assert script.result() == [["network", True], ["network", True], "open"]


def test_requests_end_by_deadline_signal_and_disconnection(lab: Lab) -> None:
    lab.script.knows_replies = False
    source = f"""
    const chat = connect(url, {{ auth, {FAST} }});
    const post = (options) =>
      chat.request("chat:post", {{ text: "x" }}, options).catch(tellCode);
    await chat.ready;
    await post({{ timeoutMs: 1 }});
    await post({{ signal: AbortSignal.abort() }});
    const controller = new AbortController();
    const aborted = post({{ signal: controller.signal }});
    controller.abort();
    await aborted;
    const lost = post({{}});
    tell("in flight");
    await lost;
    chat.close();
    """
    with lab.run(source) as script:
        script.wait("in flight")
        lab.server.wait(lambda server: len(server.log()[0]) == 4)
        lab.server.kill()
        assert script.result() == [
            "timeout",
            ABORTED,
            ABORTED,
            "in flight",
            "disconnected",
        ]


def test_a_full_queue_drops_the_new_message_and_says_so(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth: () => new Promise(() => {}), queueSize: 2 });
    chat.onDropped(tell);
    tell(["a", "b", "c"].map((text) => chat.emit("shout", text)));
    await chat.request("chat:post", { text: "d" }).catch(tellCode);
    chat.close();
    """
    with lab.run(source) as script:
        assert script.result() == [
            {"event": "shout", "data": "c", "reason": "full"},
            ["queued", "queued", "dropped"],
            {"event": "chat:post", "data": {"text": "d"}, "reason": "full"},
            "dropped",
            {"event": "shout", "data": "a", "reason": "closed"},
            {"event": "shout", "data": "b", "reason": "closed"},
        ]


def test_while_the_network_is_behind_what_is_volatile_is_not_sent(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    await chat.ready;
    const type = () => chat.emit("chat:typing", { on: true });
    const fates = [type(), chat.emit("shout", "x".repeat(100_000)), type()];
    await chat.request("chat:typing", { on: true }).catch(tellCode);
    await chat.request("chat:post", { text: "x" });
    tell([...fates, type()]);
    """
    with lab.run(source) as script:
        script.wait(["sent", "sent", "dropped", "sent"])
        lab.server.wait(lambda server: len(server.log()[0]) == 5)
    events = [message.get("event") for message in lab.server.log()[0]]
    assert events == [None, "chat:typing", "shout", "chat:post", "chat:typing"]
    assert script.told[0] == "dropped"


def test_a_queued_request_gives_up_at_its_deadline_and_is_not_sent(lab: Lab) -> None:
    source = """
    let open;
    const opened = new Promise((resolve) => {
      open = () => resolve(auth);
    });
    const chat = connect(url, { auth: () => opened });
    await chat.request("chat:post", { text: "x" }, { timeoutMs: 5 }).catch(tellCode);
    chat.emit("shout", "now");
    open();
    await chat.ready;
    tell("open");
    """
    with lab.run(source) as script:
        script.wait("open")
        lab.server.wait(lambda server: len(server.log()[0]) == 2)
    assert script.told == ["timeout", "open"]
    assert lab.server.log()[0] == [LOGIN, {"event": "shout", "data": "now"}]


def test_a_silent_connection_is_given_up(lab: Lab) -> None:
    lab.script.answers_pings = False
    source = f"""
    const chat = connect(url, {{ auth, {FAST}, heartbeat: {{ interval: 10, timeout: 500 }} }});
    await chat.ready;
    tell("open");
    """
    with lab.run(source) as script:
        script.wait("open")
        lab.server.wait(lambda server: server.peers[0].close_code)
        lab.server.wait(lambda server: len(server.peers) > 1)
    assert lab.server.peers[0].close_code == 4003
    assert lab.server.log()[0][1] == "ping"


def test_an_answered_heartbeat_keeps_the_connection(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth, heartbeat: { interval: 5, timeout: 30000 } });
    chat.onState(tell);
    """
    with lab.run(source) as script:
        lab.server.wait(lambda server: server.log() and server.log()[0].count("ping") > 5)
        assert script.told == ["open"]


def test_a_client_with_a_heartbeat_of_its_own_says_so(lab: Lab) -> None:
    source = """
    for (const interval of [undefined, 1000, 61_500, Infinity]) {
      const chat = connect(url, { auth, heartbeat: { interval } });
      await chat.ready;
      chat.close();
    }
    """
    with lab.run(source) as script:
        script.result()
    said = [parse_qs(urlsplit(path).query).get("heartbeat") for path in lab.server.paths]
    assert said == [None, ["1000"], ["61500"], ["Infinity"]]


def test_a_failed_dial_leads_to_another(lab: Lab) -> None:
    lab.script.status = 503
    source = f"""
    const chat = connect(url, {{ auth, {FAST} }});
    const report = await new Promise((resolve) => chat.onError(resolve));
    tell([report.phase, report.code]);
    tell(chat.state);
    await chat.ready;
    tell("open");
    """
    with lab.run(source) as script:
        script.wait(["network", "disconnected"])
        lab.server.wait(lambda server: len(server.paths) > 2)
        lab.script.status = None
        script.wait("open")
    assert script.told[1] == "waiting"


def test_over_many_losses_messages_arrive_in_order_and_at_most_once(lab: Lab) -> None:
    source = f"""
    const chat = connect(url, {{ auth, {FAST} }});
    let running = true;
    chat.on("chat:posted", () => (running = false));
    for (let number = 0; running; number++) {{
      chat.emit("shout", number);
      if (number % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }}
    await chat.request("chat:post", {{ text: "end" }});
    tell("end");
    """

    def carried(losses: int) -> Callable[[ScriptedServer], bool]:
        return lambda server: len(server.peers) > losses and len(server.log()[-1]) > 3

    with lab.run(source) as script:
        for losses in range(8):
            lab.server.wait(carried(losses))
            lab.server.kill()
        lab.server.wait(carried(8))
        lab.server.send({"event": "chat:posted", "data": {}})
        script.wait("end")
    messages = [message for peer in lab.server.log() for message in peer]
    heard = [message["data"] for message in messages if message.get("event") == "shout"]
    assert heard == sorted(set(heard))

"""Rooms of the generated client in Node.js: handles, counting, rejoining."""

from tests.support.typescript_lab import FAST, LOGIN, Lab


def test_after_a_loss_rooms_are_rejoined_once_before_the_queue_goes_out(lab: Lab) -> None:
    source = f"""
    const chat = connect(url, {{ auth, {FAST} }});
    const lobby = chat.join("lobby");
    const again = chat.join("lobby");
    const doc = chat.join("doc:{{doc_id}}", {{ doc_id: "d1" }});
    chat.join("doc:{{doc_id}}", {{ doc_id: "left" }}).leave();
    await Promise.all([lobby.ready, doc.ready]);
    chat.onState((state) => {{
      if (state !== "waiting") return;
      tell([
        lobby.emit("chat:reaction", {{ emoji: "+1" }}),
        chat.emit("chat:typing", {{ who: "me" }}),
        doc.emit("doc:move", {{ x: 1, y: 2 }}),
        chat.emit("shout", "queued"),
      ]);
      chat.request("chat:post", {{ text: "later" }}).then(tell);
    }});
    tell("ready");
    """
    with lab.run(source) as script:
        script.wait("ready")
        lab.server.kill()
        script.wait({"message_id": 5})
        assert script.told[1] == ["queued", "dropped", "dropped", "queued"]
    first, second = lab.server.log()
    assert first == [LOGIN, {"type": 9, "room": "lobby"}, {"type": 9, "room": "doc:d1"}]
    assert second == [
        LOGIN,
        {"type": 9, "room": "lobby"},
        {"type": 9, "room": "doc:d1"},
        {"room": "lobby", "event": "chat:reaction", "data": {"emoji": "+1"}},
        {"event": "shout", "data": "queued"},
        {"event": "chat:post", "data": {"text": "later"}, "id": 1},
    ]


def test_handles_of_one_room_are_counted(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    const one = chat.join("lobby");
    const two = chat.join("lobby");
    await Promise.all([one.ready, two.ready, chat.join("lobby").ready]);
    chat.on("chat:posted", (posted, { room }) => tell(["client", posted.text, room]));
    one.on("chat:posted", (posted) => { tell(["one", posted.text]); one.leave(); one.leave(); });
    two.on("chat:posted", (posted) => tell(["two", posted.text]));
    tell("listening");
    """
    posted = {"room": "lobby", "event": "chat:posted", "data": {"author": "a", "text": "1"}}
    with lab.run(source) as script:
        script.wait("listening")
        lab.server.send(posted)
        lab.server.send({**posted, "data": {"author": "a", "text": "2"}})
        script.wait(["client", "2", "lobby"])
    assert script.told[1:] == [
        ["one", "1"],
        ["two", "1"],
        ["client", "1", "lobby"],
        ["two", "2"],
        ["client", "2", "lobby"],
    ]
    assert lab.server.log()[0][1:] == [{"type": 9, "room": "lobby"}]


def test_the_last_leave_leaves_and_a_later_join_joins_anew(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    const one = chat.join("lobby");
    const two = chat.join("lobby");
    await one.ready;
    one.leave();
    two.leave();
    tell([two.emit("chat:reaction", { emoji: "+1" })]);
    await chat.join("lobby").ready;
    tell("back");
    """
    with lab.run(source) as script:
        script.wait("back")
        assert script.told[0] == ["dropped"]
    assert [message["type"] for message in lab.server.log()[0]] == [4, 9, 12, 9]


def test_a_refused_room_is_told_and_may_be_asked_for_again(lab: Lab) -> None:
    lab.script.refused_rooms["lobby"] = {
        "phase": "onJoinRoom",
        "error": {"code": "refused", "message": "Members only"},
    }
    source = """
    const chat = connect(url, { auth });
    chat.onError((report) => tell([report.phase, report.room, report.message]));
    chat.join("lobby");   // nobody looks at its promise
    const lobby = chat.join("lobby");
    await lobby.ready.catch((error) => tell(error.code));
    chat.on("chat:posted", async () => {
      await chat.join("lobby").ready;
      tell("in");
      chat.close();
    });
    tell("listening");
    """
    with lab.run(source) as script:
        script.wait("listening")
        lab.script.refused_rooms.clear()
        lab.server.send({"event": "chat:posted", "data": {}})
        assert script.result() == [
            ["onJoinRoom", "lobby", "Members only"],
            "refused",
            "listening",
            "in",
        ]


def test_a_message_to_several_rooms_arrives_once_in_each_joined_room(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    const lobby = chat.join("lobby");
    await lobby.ready;
    lobby.once("chat:posted", (posted, arrival) => tell(["lobby", arrival]));
    chat.once("chat:posted", (posted, arrival) => tell(["client", arrival]));
    tell("listening");
    """
    with lab.run(source) as script:
        script.wait("listening")
        rooms = ["lobby", "other", "lobby"]
        for _ in range(2):
            lab.server.send({"rooms": rooms, "event": "chat:posted", "data": {}})
        script.wait(["client", {"rooms": rooms}])
    assert script.told[1:] == [["lobby", {"room": "lobby"}], ["client", {"rooms": rooms}]]


def test_using_closes_and_leaves(lab: Lab) -> None:
    source = """
    {
      await using chat = connect(url, { auth });
      {
        using lobby = chat.join("lobby");
        await lobby.ready;
      }
      await chat.request("chat:post", { text: "x" });
    }
    tell("closed");
    """
    with lab.run(source) as script:
        assert script.result() == ["closed"]
    assert [message.get("type") for message in lab.server.log()[0]] == [4, 9, 12, None]


def test_a_closed_client_joins_nothing(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    const before = chat.join("lobby");
    chat.close();
    for (const room of [before, chat.join("lobby"), chat.join("doc:{doc_id}", { doc_id: 1 })]) {
      await room.ready.catch(tellCode);
    }
    """
    with lab.run(source) as script:
        assert script.result() == ["disconnected"] * 3


def test_a_room_refused_after_a_loss_is_asked_for_again_after_the_next(lab: Lab) -> None:
    source = f"""
    const chat = connect(url, {{ auth, {FAST} }});
    const lobby = chat.join("lobby");
    await lobby.ready;
    tell("in");
    chat.onState((state) => {{
      if (state === "open") lobby.ready.then(() => tell("in again"), tellCode);
    }});
    """
    with lab.run(source) as script:
        script.wait("in")
        lab.script.refused_rooms["lobby"] = {"error": {"code": "refused", "message": "no"}}
        lab.server.kill()
        script.wait("refused")
        lab.script.refused_rooms.clear()
        lab.server.kill()
        script.wait("in again")
    assert lab.server.log() == [[LOGIN, {"type": 9, "room": "lobby"}]] * 3


def test_a_room_joined_again_before_the_answer_is_asked_for_again(lab: Lab) -> None:
    """As pages do that mount twice: the server leaves the room after the first join."""
    source = """
    const chat = connect(url, { auth });
    await chat.ready;
    const first = chat.join("lobby");
    first.leave();
    const second = chat.join("lobby");
    chat.join("lobby");
    await second.ready;
    second.leave();
    await chat.request("chat:post", { text: "x" });
    chat.close();
    """
    with lab.run(source) as script:
        assert script.result() == []
    types = [message.get("type") for message in lab.server.log()[0]]
    assert types == [4, 9, 12, 9, None], "the last handle is still in"


def test_iterating_over_a_rooms_events_ends_with_the_client(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    const lobby = chat.join("lobby");
    const doc = chat.join("doc:{doc_id}", { doc_id: "d" });
    await lobby.ready;
    queueMicrotask(() => chat.close());
    for await (const posted of lobby.events("chat:posted")) tell("never");
    for await (const saved of doc.events("doc:saved")) tell("never");
    tell([lobby.emit("chat:reaction", { emoji: "+1" })]);
    await lobby.request("chat:reaction", { emoji: "+1" }).catch(tellCode);
    """
    with lab.run(source) as script:
        assert script.result() == [["dropped"], "disconnected"]


def test_a_handle_that_leaves_hears_nothing_more_not_even_what_is_being_told(lab: Lab) -> None:
    source = """
    const chat = connect(url, { auth });
    const [one, two] = [chat.join("lobby"), chat.join("lobby")];
    await one.ready;
    one.on("chat:posted", () => {
      tell("one");
      one.leave();
      two.leave();
    });
    one.on("chat:posted", () => tell("never"));
    two.on("chat:posted", () => tell("never"));
    chat.on("chat:posted", () => chat.close());
    tell("listening");
    """
    with lab.run(source) as script:
        script.wait("listening")
        lab.server.send({"room": "lobby", "event": "chat:posted", "data": {}})
        assert script.result() == ["listening", "one"]

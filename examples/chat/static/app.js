// @ts-check
/**
 * The page: a login, then one room. `client.js` beside it is generated from the server's events
 * (`bytesocket generate`); it reconnects, logs in again and joins the room again by itself.
 */
import { connect, RequestError } from "./client.js";
import { newId, Outbox } from "./outbox.js";
import * as view from "./view.js";

const MAX_TEXT = 500; // for the counter only: the server decides
const TYPING_EVERY_MS = 2_000;

const name = /** @type {HTMLInputElement} */ (view.byId("name"));
const text = /** @type {HTMLTextAreaElement} */ (view.byId("text"));

/** The secret of this tab: with it, the name may come back before the old connection is gone. */
const session = sessionStorage.getItem("session") ?? newId();
sessionStorage.setItem("session", session);

/** @type {ReturnType<typeof connect> | undefined} */
let chat;
/** @type {ReturnType<ReturnType<typeof connect>["join"]> | undefined} */
let lobby;
let inRoom = false;
let me = "";
let lastTyping = 0;
/** Who was in the room when somebody came or went last: names by keys. @type {Map<string | number, string>} */
let people = new Map();

const outbox = new Outbox({
  post,
  changed: (entries) => view.showOutbox(entries, { retry, discard, edit }),
  refused: handBack,
});

/** @param {string} wanted */
function enter(wanted) {
  view.refuse("name", "");
  view.setEntering(true);
  const client = connect({ auth: () => ({ name: wanted, session }) });
  chat = client;
  client.onState((state) => {
    if (client === chat) stateChanged(state, client);
  });
  client.on("chat:welcome", (welcome) => {
    inRoom = true;
    me = welcome.you;
    sessionStorage.setItem("name", me);
    welcome.posts.forEach(arrived);
    showPeople();
    view.setEntering(false);
    if (view.byId("chat").hidden) view.showChat(true);
    fit();
    void outbox.flush();
  });
  client.on("chat:posted", arrived);
  client.on("chat:typist", (typist) => view.showTyping(typist.name));
  lobby = client.join("lobby");
  lobby.onPresence(() => {
    if (client === chat && lobby) peopleChanged(lobby.presence);
  });
}

/** @param {ReadonlyMap<string | number, readonly { name: string }[]>} present */
function peopleChanged(present) {
  const before = people;
  people = new Map([...present].map(([key, [tab]]) => [key, tab?.name ?? ""]));
  if (before.size > 0) {
    for (const [key, person] of people) if (!before.has(key)) view.note(`${person} joined`);
    for (const [key, person] of before) {
      if (people.has(key)) continue;
      view.note(`${person} left`);
      view.stopTyping(person);
    }
  }
  showPeople();
}

/**
 * @param {"connecting" | "open" | "waiting" | "closed"} state
 * @param {{ ready: Promise<void> }} client
 */
function stateChanged(state, client) {
  if (state !== "open") inRoom = false;
  view.showState(state);
  showPeople();
  if (state === "waiting" && view.byId("chat").hidden) {
    view.refuse("name", "The server does not answer. Trying again…");
  }
  // Closed by the server for good: the login was refused. `ready` says why, once this has passed.
  if (state === "closed") queueMicrotask(() => client.ready.catch((error) => leave(error.message)));
}

/** @param {import("./view.js").Post} posted */
function arrived(posted) {
  view.stopTyping(posted.author);
  view.showPost(posted, me);
  outbox.remove(posted.message_id);
}

/** Back to the login, with a reason if it was not wanted. */
function leave(reason = "") {
  const client = chat;
  chat = lobby = undefined;
  inRoom = false;
  client?.close();
  people = new Map();
  sessionStorage.removeItem("name");
  view.forget();
  view.setEntering(false);
  view.showChat(false);
  view.refuse("name", reason);
}

/**
 * Ask the server to post one message, and tell what became of it.
 *
 * @param {import("./outbox.js").Entry} entry
 * @returns {Promise<import("./outbox.js").Outcome>}
 */
async function post({ message_id, text }) {
  if (!chat || !inRoom) return "later";
  try {
    await chat.request("chat:post", { message_id, text });
    arrived({ message_id, text, author: me, at: new Date().toISOString() });
    return "posted";
  } catch (error) {
    if (!(error instanceof RequestError)) return { failed: String(error) };
    if (error.code === "disconnected" || !inRoom) return "later";
    if (error.code === "timeout") return { failed: "The server did not answer." };
    const tooLong = error.code === "validation" && text.length > MAX_TEXT;
    const reason = `That message is too long: at most ${MAX_TEXT} characters.`;
    return { refused: tooLong ? reason : error.message };
  }
}

/**
 * A refused text goes back to its writer, unless something else is being written.
 *
 * @param {import("./outbox.js").Entry} entry
 * @param {string} reason
 */
function handBack(entry, reason) {
  if (text.value !== "") return false;
  text.value = entry.text;
  typed();
  view.refuse("text", reason);
  return true;
}

/** @param {string} id */
function retry(id) {
  void outbox.retry(id);
}

/** @param {string} id */
function discard(id) {
  outbox.remove(id);
}

/** @param {string} id */
function edit(id) {
  text.value = [outbox.textOf(id), text.value].filter(Boolean).join("\n");
  outbox.remove(id);
  typed();
  text.focus();
}

function showPeople() {
  view.showPeople([...people.values()].sort(new Intl.Collator().compare), me, inRoom);
}

function typed() {
  sessionStorage.setItem("draft", text.value);
  view.refuse("text", "");
  view.showCount(text.value.length, MAX_TEXT);
  fit();
}

/** As high as its text; what is too long scrolls by whole lines. */
function fit() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
  if (text.selectionEnd === text.value.length) text.scrollTop = text.scrollHeight;
}

view.byId("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (chat) leave();
  enter(name.value);
});

view.byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  outbox.add(text.value);
  text.value = "";
  lastTyping = 0;
  typed();
  text.focus();
  view.toNewest();
  void outbox.flush();
});

text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  /** @type {HTMLFormElement} */ (view.byId("composer")).requestSubmit();
});

text.addEventListener("input", () => {
  typed();
  if (!inRoom || text.value === "" || Date.now() - lastTyping < TYPING_EVERY_MS) return;
  lastTyping = Date.now();
  lobby?.emit("chat:typing");
});

view.byId("leave").addEventListener("click", () => {
  const lost = outbox.size;
  if (lost && !confirm(`Leave, and discard what is not sent yet (${lost})?`)) return;
  outbox.clear();
  leave();
});

text.value = sessionStorage.getItem("draft") ?? "";
typed();
outbox.show();
name.value = sessionStorage.getItem("name") ?? "";
if (name.value) enter(name.value);
else name.focus();

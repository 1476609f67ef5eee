// @ts-check
/**
 * What the page shows. Knows nothing of sockets. Everything that comes from people is set as text,
 * never as HTML.
 *
 * @typedef {import("./outbox.js").Entry} Entry
 * @typedef {{ message_id: string, author: string, text: string, at: string }} Post
 */

const GROUP_WITHIN_MS = 5 * 60_000;
const TYPING_SHOWN_MS = 4_000;
const STATES = {
  connecting: "Connecting…",
  open: "Connected",
  waiting: "Reconnecting…",
  closed: "Disconnected",
};

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element with the id ${id}.`);
  return /** @type {T} */ (element);
}

const scroller = byId("scroller");
const messages = byId("messages");
const newest = byId("newest");
const people = byId("people");
let wasAtEnd = true;

/** @param {boolean} loggedIn */
export function showChat(loggedIn) {
  byId("login").hidden = loggedIn;
  byId("chat").hidden = !loggedIn;
  if (loggedIn) toNewest();
  byId(loggedIn ? "text" : "name").focus();
}

/** @param {boolean} busy */
export function setEntering(busy) {
  const button = byId("enter");
  button.textContent = busy ? "Connecting…" : "Join the chat";
  button.setAttribute("aria-disabled", String(busy));
}

/**
 * Say why not, beside the field, until `reason` is empty.
 *
 * @param {"name" | "text"} field @param {string} reason
 */
export function refuse(field, reason) {
  byId(field === "name" ? "login-refusal" : "refusal").textContent = reason;
  byId(field).setAttribute("aria-invalid", String(reason !== ""));
}

/** @param {keyof typeof STATES} state */
export function showState(state) {
  const badge = byId("state");
  badge.dataset.state = state;
  badge.textContent = STATES[state];
  if (state !== "open") [...typists.keys()].forEach(stopTyping);
}

/**
 * Show who is in the room, or, without a connection, who was.
 *
 * @param {string[]} names @param {string} me @param {boolean} live
 */
export function showPeople(names, me, live) {
  byId("people-title").textContent = live ? "Here now" : "Last seen here";
  byId("people-count").textContent = String(names.length);
  people.classList.toggle("stale", !live);
  people.replaceChildren(
    ...names.map((name) => {
      const label = element("span", "who", name);
      const item = element("li", "person");
      item.append(avatar(name), label);
      if (name === me) item.append(element("span", "you", "you"));
      return item;
    }),
  );
  showEdges();
}

/** Fade the edges behind which there is more: on a narrow screen the names are in one line. */
function showEdges() {
  const hidden = people.scrollWidth - people.clientWidth;
  people.classList.toggle("more-before", people.scrollLeft > 1);
  people.classList.toggle("more-after", people.scrollLeft < hidden - 1);
}

/** Show a message once, however often it arrives. @param {Post} post @param {string} me */
export function showPost(post, me) {
  if (messages.querySelector(`[data-id="${CSS.escape(post.message_id)}"]`)) return;
  const at = new Date(post.at);
  const before = /** @type {HTMLElement | null} */ (messages.lastElementChild);
  const sameGroup =
    before?.dataset.author === post.author &&
    at.getTime() - Number(before.dataset.at) < GROUP_WITHIN_MS;
  const item = element("li", "message");
  item.classList.toggle("mine", post.author === me);
  item.classList.toggle("follows", sameGroup);
  item.dataset.testid = "message";
  Object.assign(item.dataset, { id: post.message_id, author: post.author, at: at.getTime() });
  item.append(avatar(post.author), bubble(post.author, post.text, at));
  append(item);
}

/** A line about the room itself. @param {string} text */
export function note(text) {
  const item = element("li", "note", text);
  item.dataset.testid = "note";
  append(item);
}

/**
 * Show what is not in the room yet.
 *
 * @param {readonly Entry[]} entries
 * @param {{ retry(id: string): void, discard(id: string): void, edit(id: string): void }} actions
 */
export function showOutbox(entries, actions) {
  const atEnd = isAtEnd();
  byId("outbox").replaceChildren(
    ...entries.map(({ message_id: id, text, state, reason }) => {
      const item = element("li", "message mine pending");
      item.dataset.testid = "pending";
      item.dataset.state = state;
      const body = element("div", "bubble");
      body.append(linked(text), element("p", "fate", fate(state, reason)));
      if (state === "failed") {
        body.append(
          button("Try again", () => actions.retry(id)),
          button("Edit", () => actions.edit(id)),
        );
      }
      if (state !== "sending") body.append(button("Discard", () => actions.discard(id)));
      item.append(body);
      return item;
    }),
  );
  byId("nothing-yet").hidden = entries.length > 0 || messages.childElementCount > 0;
  if (atEnd) toNewest();
}

/** @param {number} length @param {number} limit */
export function showCount(length, limit) {
  const count = byId("count");
  count.textContent = `${length} / ${limit}`;
  count.classList.toggle("over", length > limit);
}

/** @type {Map<string, number>} */
const typists = new Map();

/** Show somebody as typing for a moment. @param {string} name */
export function showTyping(name) {
  clearTimeout(typists.get(name));
  typists.set(name, setTimeout(() => stopTyping(name), TYPING_SHOWN_MS));
  tellTyping();
}

/** @param {string} name */
export function stopTyping(name) {
  clearTimeout(typists.get(name));
  typists.delete(name);
  tellTyping();
}

/** Take everything away that belongs to one login. */
export function forget() {
  [...typists.keys()].forEach(stopTyping);
  messages.replaceChildren();
  byId("nothing-yet").hidden = false;
}

export function toNewest() {
  scroller.scrollTop = scroller.scrollHeight;
  newest.hidden = true;
}

people.addEventListener("scroll", showEdges);
new ResizeObserver(showEdges).observe(people);
newest.addEventListener("click", toNewest);
scroller.addEventListener("scroll", () => {
  wasAtEnd = isAtEnd();
  if (wasAtEnd) newest.hidden = true;
});
// The newest message stays in sight when the text below it grows, or a keyboard comes up.
new ResizeObserver(() => {
  if (wasAtEnd) toNewest();
}).observe(scroller);

function tellTyping() {
  const names = [...typists.keys()];
  const [first, second] = names;
  byId("typing").textContent =
    names.length === 0
      ? ""
      : names.length === 1
        ? `${first} is typing…`
        : names.length === 2
          ? `${first} and ${second} are typing…`
          : "Several people are typing…";
}

/** @param {HTMLElement} item */
function append(item) {
  const atEnd = isAtEnd();
  byId("nothing-yet").hidden = true;
  messages.append(item);
  if (atEnd || item.classList.contains("mine")) toNewest();
  else newest.hidden = false;
}

function isAtEnd() {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
}

/** @param {string} author @param {string} text @param {Date} at */
function bubble(author, text, at) {
  const time = element("time", "at", at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  time.setAttribute("datetime", at.toISOString());
  time.title = at.toLocaleString();
  const head = element("p", "head");
  head.append(element("span", "author", author), " ", time);
  const body = element("div", "bubble");
  body.append(head, linked(text));
  return body;
}

/**
 * A paragraph in which addresses of the web are links. They are made of nodes: no text becomes HTML,
 * and no other scheme becomes a link.
 *
 * @param {string} text
 */
function linked(text) {
  const paragraph = element("p", "text");
  let end = 0;
  for (const found of text.matchAll(/\bhttps?:\/\/[^\s<>"]+/gi)) {
    const address = withoutPunctuation(found[0]);
    if (!URL.canParse(address)) continue;
    const link = /** @type {HTMLAnchorElement} */ (element("a", "link", address));
    link.href = address;
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    paragraph.append(text.slice(end, found.index), link);
    end = found.index + address.length;
  }
  paragraph.append(text.slice(end));
  return paragraph;
}

/** Take off what ends the sentence and not the address. @param {string} address */
function withoutPunctuation(address) {
  let bare = address.replace(/[.,;:!?'*\]}]+$/, "");
  while (bare.endsWith(")") && bare.split(")").length > bare.split("(").length) {
    bare = bare.slice(0, -1).replace(/[.,;:!?]+$/, "");
  }
  return bare;
}

/** @param {Entry["state"]} state @param {string} reason */
function fate(state, reason) {
  if (state === "failed") return `Not sent. ${reason}`;
  return state === "sending" ? "Sending…" : "Will be sent when the connection is back";
}

/** A coloured initial; the same name has the same colour everywhere. @param {string} name */
function avatar(name) {
  const [initial = "?"] = name;
  const badge = element("span", "avatar", initial.toLocaleUpperCase());
  let hue = 0;
  for (const character of name) hue = (hue * 31 + (character.codePointAt(0) ?? 0)) % 360;
  badge.style.setProperty("--hue", String(hue));
  badge.setAttribute("aria-hidden", "true");
  return badge;
}

/** @param {string} label @param {() => void} onClick */
function button(label, onClick) {
  const made = element("button", "small", label);
  made.setAttribute("type", "button");
  made.addEventListener("click", onClick);
  return made;
}

/** @param {string} tag @param {string} className @param {string} [text] */
function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

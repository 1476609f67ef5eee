// @ts-check
/**
 * What was typed and is not in the room yet. Nothing leaves this list silently: a message goes when
 * the server confirmed it, when it was refused and handed back, or when its writer discards it. The
 * list survives a lost connection and, in this tab, a reload. Sending twice is safe: the server
 * knows a message by its id.
 *
 * @typedef {{ message_id: string, text: string, state: "waiting" | "sending" | "failed", reason: string }} Entry
 * @typedef {"posted" | "later" | { failed: string } | { refused: string }} Outcome
 */
export class Outbox {
  #storageKey = "outbox";
  /** @type {Entry[]} */
  #entries = [];
  #sending = false;
  #post;
  #changed;
  #refused;

  /**
   * @param {object} wires
   * @param {(entry: Entry) => Promise<Outcome>} wires.post
   *   Sends one message and says what became of it; never rejects.
   * @param {(entries: readonly Entry[]) => void} wires.changed Shows the list.
   * @param {(entry: Entry, reason: string) => boolean} wires.refused Hands a refused text back to
   *   its writer; false keeps it in the list, marked.
   */
  constructor({ post, changed, refused }) {
    this.#post = post;
    this.#changed = changed;
    this.#refused = refused;
    const stored = JSON.parse(sessionStorage.getItem(this.#storageKey) ?? "[]");
    this.#entries = stored.map((/** @type {Entry} */ entry) =>
      entry.state === "sending" ? { ...entry, state: "waiting" } : entry,
    );
  }

  /** How many messages are not in the room yet. */
  get size() {
    return this.#entries.length;
  }

  /** Show the list as it was stored. */
  show() {
    this.#changed(this.#entries);
  }

  /** @param {string} text */
  add(text) {
    this.#entries.push({ message_id: newId(), text, state: "waiting", reason: "" });
    this.#keep();
  }

  /** Forget a message: it is in the room, or its writer discards it. @param {string} id */
  remove(id) {
    this.#entries = this.#entries.filter((entry) => entry.message_id !== id);
    this.#keep();
  }

  /** @param {string} id */
  retry(id) {
    this.#mark(id, "waiting");
    return this.flush();
  }

  /** @param {string} id */
  textOf(id) {
    return this.#entries.find((entry) => entry.message_id === id)?.text ?? "";
  }

  clear() {
    this.#entries = [];
    this.#keep();
  }

  /** Send what waits, in the order it was typed, one at a time. */
  async flush() {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let entry = this.#next(); entry; entry = this.#next()) {
        const { message_id: id } = this.#mark(entry.message_id, "sending") ?? entry;
        const outcome = await this.#post(entry);
        if (outcome === "later") {
          this.#mark(id, "waiting");
          break;
        } else if (outcome === "posted") {
          this.remove(id);
        } else if ("failed" in outcome) {
          this.#mark(id, "failed", outcome.failed);
        } else if (this.#refused(entry, outcome.refused)) {
          this.remove(id);
        } else {
          this.#mark(id, "failed", outcome.refused);
        }
      }
    } finally {
      this.#sending = false;
    }
  }

  #next() {
    return this.#entries.find((entry) => entry.state === "waiting");
  }

  /** @param {string} id @param {Entry["state"]} state */
  #mark(id, state, reason = "") {
    const entry = this.#entries.find((each) => each.message_id === id);
    if (entry) Object.assign(entry, { state, reason });
    this.#keep();
    return entry;
  }

  #keep() {
    sessionStorage.setItem(this.#storageKey, JSON.stringify(this.#entries));
    this.#changed(this.#entries);
  }
}

/** A random id; `crypto.randomUUID` exists on secure origins only. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Time and a wire that only a test moves: import this before a generated client connects.
let now = 0;
let last = 0;
const timers = new Map();

globalThis.setTimeout = (run, milliseconds = 0) => {
  // As real timers: what they cannot hold goes off at once.
  const held = milliseconds >= 1 && milliseconds < 2 ** 31 ? milliseconds : Math.sign(milliseconds);
  timers.set(++last, { at: now + (held || 0), run });
  return last;
};
globalThis.clearTimeout = (id) => timers.delete(id);
Object.defineProperty(performance, "now", { value: () => now });
Math.random = () => 0.5;

const settle = async () => {
  for (let turn = 0; turn < 50; turn++) await null;
};

/** Let time pass: every timer that is due runs at its time. */
export async function pass(milliseconds) {
  const end = now + milliseconds;
  for (;;) {
    await settle();
    const [id] = [...timers.keys()].sort((a, b) => timers.get(a).at - timers.get(b).at);
    const next = timers.get(id);
    if (!next || next.at > end) break;
    timers.delete(id);
    now = Math.max(now, next.at);
    next.run();
  }
  now = end;
}

/** Let time pass with timers that are late, as those of hidden pages are. */
export function stall(milliseconds) {
  now += milliseconds;
}

/** How many timers run out within so many milliseconds. */
export const timersWithin = (milliseconds) =>
  [...timers.values()].filter(({ at }) => at <= now + milliseconds).length;

/** The client's WebSocket; `Wire.last` is the newest one. */
export class Wire {
  static last;
  readyState = 0;
  bufferedAmount = 0;
  sent = [];
  pings = [];
  closed = undefined;
  began = now;

  constructor() {
    Wire.last = this;
    globalThis.setTimeout(() => {
      this.readyState = 1;
      this.began = now;
      this.onopen?.();
    });
  }
  send(data) {
    const at = Math.round(now - this.began);
    if (typeof data === "string") this.sent.push([at, JSON.parse(data)]);
    else this.pings.push(at);
  }
  close(...how) {
    this.readyState = 3;
    this.closed = how;
  }
  pong() {
    this.onmessage({ data: new ArrayBuffer(0) });
  }
  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
  lose() {
    this.readyState = 3;
    this.onclose({ code: 1006, reason: "" });
  }
  /** What was sent since the last call: when, and its text, or the whole message. */
  heard() {
    return this.sent
      .splice(0)
      .filter(([, message]) => message.event !== undefined)
      .map(([at, { data, event }]) => [at, data?.text ?? (typeof data === "string" ? data : event)]);
  }
}

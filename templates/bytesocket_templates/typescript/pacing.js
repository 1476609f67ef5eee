// ---------------------------------------------------------------- runtime: the rates of events

/**
 * What the burst allows may go at once. What waits for its turn waits for a margin more, as messages
 * may come closer together on their way: by the time of a packet lost and sent again, or as much as
 * costs no messages a second. The buckets fill a little slower than the server's.
 */
function createPacing(rates) {
  const place = (pattern, event) => JSON.stringify([pattern, event]);
  const paces = new Map();
  for (const [pattern, event, perSecond, burst, per] of rates) {
    const each = 1002 / perSecond;
    const margin = Math.min(250, Math.max(0.5, burst - 1) * each);
    paces.set(place(pattern, event), { each, margin, burst, per, fullAt: -Infinity, spent: 0 });
  }
  return {
    opened() {
      for (const pace of paces.values()) if (pace.per === "socket") pace.fullAt = -Infinity;
    },
    take(pattern, event, losable, count = 1) {
      const pace = paces.get(place(pattern, event));
      if (!pace) return 0;
      const now = performance.now();
      const { each, burst, fullAt } = pace;
      const margin = losable ? 0 : pace.margin;
      if (fullAt + margin <= now) pace.spent = 0;
      const wait = fullAt + margin - Math.max(0, burst - count) * each - now;
      if (pace.spent + count > burst && wait > 0) return wait;
      pace.fullAt = Math.max(fullAt, now) + count * each;
      pace.spent += count;
      return 0;
    },
    empty(pattern, event, milliseconds) {
      const pace = paces.get(place(pattern, event));
      if (!pace || !(milliseconds > 0)) return;
      pace.fullAt = performance.now() + milliseconds + (pace.burst - 1) * pace.each;
      pace.spent = pace.burst;
    },
  };
}

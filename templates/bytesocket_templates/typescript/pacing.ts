// ---------------------------------------------------------------- runtime: the rates of events

/** A room's pattern or "", an event, messages a second, messages at once, and whose rate it is. */
type $Rate = readonly [string, $Name, number, number, string];

interface $Pacing {
  /** Begin a connection: what the server counts for each socket begins anew. */
  opened(): void;
  /** Milliseconds until an event may be sent, to so many rooms; 0 for now, which counts as sent. */
  take(pattern: string, event: $Name, losable?: boolean, count?: number): number;
  /** Heed a refusal: no such event for so many milliseconds. */
  empty(pattern: string, event: $Name, milliseconds: number): void;
}

interface $Pace {
  /** Milliseconds from one message to the next. */
  each: number;
  margin: number;
  burst: number;
  per: string;
  fullAt: number;
  /** Messages since the bucket was full. */
  spent: number;
}

/**
 * What the burst allows may go at once. What waits for its turn waits for a margin more, as messages
 * may come closer together on their way: by the time of a packet lost and sent again, or as much as
 * costs no messages a second. The buckets fill a little slower than the server's.
 */
function createPacing(rates: readonly $Rate[]): $Pacing {
  const place = (pattern: string, event: $Name): string => JSON.stringify([pattern, event]);
  const paces = new Map<string, $Pace>();
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

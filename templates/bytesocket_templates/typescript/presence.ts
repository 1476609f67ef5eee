// ---------------------------------------------------------------- runtime: who is in a room

type $Key = string | number;

interface $PresentUsers extends Map<$Key, readonly unknown[]> {
  count: number;
  update(changes: object): string;
}

interface $Keys {
  entered: $Key[];
  changed: $Key[];
  exited: $Key[];
}

interface $Present {
  /** What callers get: live, and for them to read. */
  users: $PresentUsers;
  /** Take what the server tells; the answer is how that differs from before, if it does. */
  take(told: any, text: boolean): $Keys | undefined;
}

/** What is told of a room that this client is not in any more. */
const nobody = { count: 0, users: [] };

/** `read` makes an entry of what arrived; `failed` hears of one that is no object. */
function createPresent(
  update: (changes: object) => string,
  read: (text: boolean, entry: unknown) => unknown,
  failed: (entry: unknown) => void,
): $Present {
  const users: $PresentUsers = Object.assign(new Map<$Key, readonly unknown[]>(), {
    count: 0,
    update,
  });
  const list = (value: unknown): any[] => (Array.isArray(value) ? value : []);
  const isEntry = (entry: unknown): boolean => {
    if (typeof entry === "object" && entry !== null && !Array.isArray(entry)) return true;
    failed(entry);
    return false;
  };
  return {
    users,
    take(told, text) {
      const before = new Map(users);
      const { count } = users;
      if (Array.isArray(told?.users)) users.clear();
      for (const pair of [told?.users, told?.enter, told?.change].map(list)) {
        for (const [key, entries] of pair.map(list)) {
          if ((typeof key !== "string" && typeof key !== "number") || !Array.isArray(entries))
            continue;
          const fresh = entries.filter(isEntry).map((entry) => read(text, entry));
          const known = before.get(key);
          // Entries that are as they were stay the same objects.
          const isSame = known && JSON.stringify(known) === JSON.stringify(fresh);
          users.set(key, isSame ? known : fresh);
        }
      }
      for (const key of list(told?.exit)) users.delete(key);
      users.count = typeof told?.count === "number" ? told.count : users.size;
      const now = [...users.keys()];
      const change = {
        entered: now.filter((key) => !before.has(key)),
        changed: now.filter((key) => before.has(key) && before.get(key) !== users.get(key)),
        exited: [...before.keys()].filter((key) => !users.has(key)),
      };
      const isNews = (Object as any).values(change).some((keys: $Key[]) => keys.length);
      return isNews || count !== users.count ? change : undefined;
    },
  };
}

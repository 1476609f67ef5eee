// ---------------------------------------------------------------- runtime: who is in a room

/** What is told of a room that this client is not in any more. */
const nobody = { count: 0, users: [] };

/** `read` makes an entry of what arrived; `failed` hears of one that is no object. */
function createPresent(update, read, failed) {
  const users = Object.assign(new Map(), {
    count: 0,
    update,
  });
  const list = (value) => (Array.isArray(value) ? value : []);
  const isEntry = (entry) => {
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
      const isNews = Object.values(change).some((keys) => keys.length);
      return isNews || count !== users.count ? change : undefined;
    },
  };
}

"""People, their logins, channels and messages, in SQLite: what the application had already."""

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

SCHEMA = """
create table people (id integer primary key, name text unique, password text,
    is_muted int default 0);
create table logins (token text primary key, person int references people);
create table channels (id integer primary key, name text, is_archived int default 0);
create table members (channel int references channels, person int references people,
    primary key (channel, person));
create table messages (id integer primary key, channel int references channels, author text,
    text text);
insert into people (name, password) values ('ann', 'a'), ('bob', 'b'), ('cid', 'c');
"""


@dataclass(frozen=True)
class Person:
    """Somebody who can log in."""

    id: int
    name: str
    is_muted: bool = False


@dataclass(frozen=True)
class Channel:
    """Where people talk; the invited ones."""

    id: int
    name: str
    is_archived: bool = False


@dataclass(frozen=True)
class Message:
    """What somebody said."""

    id: int
    author: str
    text: str


class Session:
    """One transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def person(self, **wanted: Any) -> Person | None:
        """Find somebody: by name, or by name and password."""
        columns = " and ".join(f"{column} = :{column}" for column in wanted)
        row = self._row(f"select id, name, is_muted from people where {columns}", wanted)
        return row and Person(row[0], row[1], is_muted=bool(row[2]))

    def log_in(self, person: Person) -> str:
        token = token_urlsafe()
        self._do("insert into logins values (?, ?)", token, person.id)
        return token

    def logged_in(self, token: str) -> Person | None:
        row = self._row("select person from logins where token = ?", (token,))
        return row and self.person(id=row[0])

    def log_out(self, person: Person) -> None:
        self._do("delete from logins where person = ?", person.id)

    def mute(self, person: Person) -> None:
        self._do("update people set is_muted = 1 where id = ?", person.id)

    def open_channel(self, name: str) -> Channel:
        return Channel(self._do("insert into channels (name) values (?)", name), name)

    def channel(self, number: int) -> Channel | None:
        row = self._row("select id, name, is_archived from channels where id = ?", (number,))
        return row and Channel(row[0], row[1], is_archived=bool(row[2]))

    def archive(self, channel: Channel) -> None:
        self._do("update channels set is_archived = 1 where id = ?", channel.id)

    def invite(self, channel: Channel, person: Person) -> None:
        self._do("insert or ignore into members values (?, ?)", channel.id, person.id)

    def remove(self, channel: Channel, person: Person) -> None:
        self._do("delete from members where channel = ? and person = ?", channel.id, person.id)

    def is_member(self, channel: Channel, person: Person) -> bool:
        wanted = (channel.id, person.id)
        query = "select 1 from members where channel = ? and person = ?"
        return self._row(query, wanted) is not None

    def say(self, channel_id: int, author: str, text: str) -> Message:
        query = "insert into messages (channel, author, text) values (?, ?, ?)"
        return Message(self._do(query, channel_id, author, text), author, text)

    def history(self, channel: Channel) -> list[Message]:
        query = "select id, author, text from messages where channel = ? order by id"
        return [Message(*row) for row in self._connection.execute(query, (channel.id,))]

    def _row(self, query: str, wanted: Any) -> Any:
        return self._connection.execute(query, wanted).fetchone()

    def _do(self, query: str, *values: Any) -> int:
        return self._connection.execute(query, values).lastrowid or 0


class Database:
    """A file, and the transactions on it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._connected() as connection:
            connection.executescript(SCHEMA)

    @contextmanager
    def begin(self) -> Generator[Session]:
        """Make a transaction: committed at the end, rolled back if the block raises."""
        with self._connected() as connection, connection:
            yield Session(connection)

    def _connected(self) -> Any:
        return closing(sqlite3.connect(self._path, timeout=20, check_same_thread=False))

"""Checking of room names that server code passes."""


def room_name(room: object) -> str:
    """Return the name of a room unchanged; refuse what is no name, such as a declared room.

    Raises:
        TypeError: It is not a text.
    """
    if not isinstance(room, str):
        raise TypeError(
            f"{room!r} is no name of a room, which is a text. Pass the name, or use the room "
            "itself: `await doc.at(doc_id=7).join(socket)`, `await doc.emit(event, doc_id=7)`."
        )
    return room

"""The documents themselves, who may open and who may change them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from bytesocket_app import Depends, Refusal
from tests.apps.document.events import Edit, Saved

PLAN = UUID("00000000-0000-4000-8000-000000000001")
DIARY = UUID("00000000-0000-4000-8000-000000000002")


class NoSuchDocument(Refusal, code="no_such_document"):
    """There is none under this id."""


class NotShared(Refusal, code="not_shared"):
    """Its owner does not share it with you."""


class ReadOnly(Refusal, code="read_only"):
    """You may look at it and no more."""


class OutOfDate(Refusal, code="out_of_date"):
    """Somebody was faster: look again."""

    data: Saved


@dataclass
class Document:
    """One text, its version, and what each person may do with it."""

    shared_with: Mapping[str, Literal["read", "write"]]
    text: str = ""
    version: int = 0

    def change(self, author: str, edit: Edit) -> Saved:
        """Carry an edit out, if nobody was faster."""
        if self.shared_with[author] != "write":
            raise ReadOnly("You may read this document, not change it.")
        if edit.version != self.version:
            raise OutOfDate("Somebody was faster.", data=Saved(version=self.version))
        self.text = self.text[: edit.start] + edit.text + self.text[edit.end :]
        self.version += 1
        return Saved(version=self.version)


documents = {
    PLAN: Document({"Ann": "write", "Bob": "write", "Eve": "read"}, text="Plan"),
    DIARY: Document({"Ann": "write"}),
}


def find_document(doc_id: UUID) -> Document:
    """Find the document of the room that an event came in."""
    if doc_id not in documents:
        raise NoSuchDocument(f"There is no document {doc_id}.")
    return documents[doc_id]


Opened = Annotated[Document, Depends(find_document)]

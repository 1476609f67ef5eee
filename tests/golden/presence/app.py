"""Defaults, aliases, computed and excluded fields: input is not output."""

from pydantic import ConfigDict, Field, computed_field
from pydantic.alias_generators import to_camel

from bytesocket_app import ByteSocket, Event


class Profile(Event):
    """Who somebody is."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    user_name: str
    nick_name: str | None = None
    tags: list[str] = Field(default_factory=list)
    is_admin: bool = Field(default=False, description="May do anything.", deprecated="Ask.")
    pass_word: str = Field("", exclude=True)

    @computed_field
    def shown_name(self) -> str:
        """What others see."""
        return self.nick_name or self.user_name


app = ByteSocket(title="Profiles", events=[Profile])

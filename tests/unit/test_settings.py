"""Settings are frozen, checked where they are made, and have one preset."""

from copy import copy
from dataclasses import FrozenInstanceError, fields, replace
from math import inf, nan
from typing import Any

import pytest

from bytesocket_app import ByteSocket, ConfigurationError, Limits, Policies, Settings, Timeouts
from tests.support.server_process import ROOT
from tests.support.settings_reference import inserted, reference


def test_the_defaults_are_the_safe_ones() -> None:
    settings = Settings()
    assert (settings.timeouts.auth, settings.timeouts.middleware) == (10, 10)
    assert (settings.timeouts.handler, settings.timeouts.idle) == (30, 120)
    assert settings.limits.message_bytes == 1024 * 1024
    assert settings.limits.auth_message_bytes == 16 * 1024
    assert (settings.limits.depth, settings.limits.rooms_per_socket) == (64, 128)
    assert (settings.limits.rooms_per_message, settings.limits.room_name_bytes) == (64, 256)
    assert settings.policies == Policies(
        undeclared="refuse",
        membership=True,
        room_and_rooms="refuse",
        bulk_copies="one",
        broadcast_room="reserved",
        before_auth="close",
        auth_timeout="retry",
        origins="same",
        slow_reader="close",
    )


def test_drop_in_is_the_origins_behaviour() -> None:
    settings = Settings.drop_in()
    assert settings.policies.undeclared == settings.policies.broadcast_room == "open"
    assert not settings.policies.membership
    assert settings.limits.rooms_per_socket == settings.limits.outbox_bytes == 0
    assert settings.timeouts.handler == settings.timeouts.middleware == 0


def test_the_readme_has_every_setting_as_its_class_says_it() -> None:
    page = (ROOT / "README.md").read_text()
    assert page == inserted(page), "run python -m tests.support.settings_reference"
    rows = reference().splitlines()
    for each in fields(Settings):
        for setting in fields(getattr(Settings(), each.name)):
            assert any(row.startswith(f"| `{setting.name}` |") for row in rows)
    assert "| `message_bytes` | `1_048_576` | `104_857_600` | Bytes of a message" in page


def test_a_setting_in_the_wrong_place_is_sent_to_its_own() -> None:
    make: Any = Settings
    with pytest.raises(
        ConfigurationError,
        match=rf"^Settings\(after_close=5\) \(.*{__name__}.*\) cannot be: it belongs into "
        r"Timeouts: Settings\(timeouts=Timeouts\(after_close=5\)\)\.$",
    ):
        make(after_close=5)
    make = Timeouts
    with pytest.raises(ConfigurationError, match=r"Limits: Settings\(limits=Limits\(depth=1\)\)"):
        make(depth=1)
    with pytest.raises(
        ConfigurationError, match=r"no such setting\. Did you mean 'after_close'\?$"
    ):
        make(aftr_close=1)
    assert copy(Timeouts(auth=1)) == replace(Timeouts(), auth=1)


@pytest.mark.parametrize("wrong", [10, None, {"connections": 10}, Timeouts()])
def test_a_group_is_of_its_class(wrong: Any) -> None:
    with pytest.raises(
        ConfigurationError,
        match=rf"^Settings\(limits=.*{__name__}.*: use limits=Limits\(\.\.\.\)\.$",
    ):
        Settings(limits=wrong)


def test_a_misspelt_group_is_named_without_all_that_is_in_it() -> None:
    make: Any = Settings
    with pytest.raises(
        ConfigurationError,
        match=r"^Settings\(limit=Limits\(\.\.\.\)\) .* Did you mean 'limits'\?$",
    ):
        make(limit=Limits())


def test_a_group_in_place_of_the_settings_is_refused() -> None:
    wrong: Any = Limits(connections=10)
    with pytest.raises(
        ConfigurationError,
        match=r"settings=Limits\(\.\.\.\) .*: write settings=Settings\(limits=Limits\(",
    ):
        ByteSocket(title="Talk", events=[], settings=wrong)


def test_settings_cannot_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().timeouts = Timeouts()  # type: ignore[misc]


@pytest.mark.parametrize("value", [-1, nan, inf, True, "5", None])
def test_a_timeout_is_a_number_of_seconds(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"Timeouts\(auth=.*{__name__}.*use seconds"):
        Timeouts(auth=value)


@pytest.mark.parametrize("value", [-1, 1.5, True, "5", None])
def test_a_limit_is_a_whole_number(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Limits\(depth=.*use a whole number"):
        Limits(depth=value)


def test_a_misspelt_policy_is_refused_with_the_near_miss() -> None:
    wrong: Any = "opne"
    with pytest.raises(ConfigurationError, match=r"use 'refuse' or 'open'\. Did you mean 'open'\?"):
        Policies(undeclared=wrong)


@pytest.mark.parametrize("value", ["no", 1, 0, None])
def test_a_switch_is_true_or_false(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Policies\(membership=.*use True or False\.$"):
        Policies(membership=value)


def test_zero_turns_a_deadline_off() -> None:
    assert Timeouts(auth=0, handler=0.5).auth == 0


def test_a_failure_may_be_answered_by_a_word_or_a_function() -> None:
    def act(error: Exception, socket: Any) -> None:
        raise NotImplementedError

    assert Policies(middleware_error=act, middleware_timeout="close").middleware_error is act
    wrong: Any = "clos"
    with pytest.raises(ConfigurationError, match=r"use 'ignore' or 'close'\. Did you mean 'close'"):
        Policies(middleware_timeout=wrong)

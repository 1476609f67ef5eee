"""The document is canonical text with a fingerprint, and a bad file is told what is wrong."""

import json

import pytest

from bytesocket_app.contract import Contract, ContractError, ContractSource, build
from bytesocket_app.contract.fingerprint import canonical


@pytest.fixture
def contract() -> Contract:
    return build(ContractSource("Größe", version="1.0.0"))


def test_canonical_text_has_sorted_keys_two_spaces_and_one_newline_at_its_end() -> None:
    assert canonical({"b": ["ü"], "a": {}}) == '{\n  "a": {},\n  "b": [\n    "ü"\n  ]\n}\n'


def test_the_documents_keys_are_sorted_in_memory_too(contract: Contract) -> None:
    assert list(contract.document) == sorted(contract.document)


def test_what_was_written_reads_back_equal(contract: Contract) -> None:
    assert Contract.from_json(contract.to_json()) == contract


def test_line_endings_do_not_matter(contract: Contract) -> None:
    assert Contract.from_json(contract.to_json().replace("\n", "\r\n")) == contract


def test_values_that_json_cannot_carry_are_refused() -> None:
    with pytest.raises(ContractError, match="JSON cannot carry"):
        Contract.seal({"x": object()})


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ContractError, match="JSON cannot carry"):
        Contract.seal({"x": float("nan")})


def test_a_lone_surrogate_has_a_fingerprint() -> None:
    assert len(Contract.seal({"x": "\ud800"}).fingerprint) == 64


def changed(contract: Contract, **values: object) -> str:
    return json.dumps({**contract.document, **values})


@pytest.mark.parametrize("text", ["", "{", "<<<<<<< HEAD\n{}", '{"a": 1,}'])
def test_broken_json_says_where(text: str) -> None:
    with pytest.raises(ContractError, match=r"c\.json is not JSON \(line 1, column \d+"):
        Contract.from_json(text, place="c.json")


def test_json_nested_without_end_is_refused() -> None:
    with pytest.raises(ContractError, match="nested too deeply"):
        Contract.from_json("[" * 200_000)


@pytest.mark.parametrize("text", ["[]", "1", "null"])
def test_json_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ContractError, match="no object"):
        Contract.from_json(text)


def test_missing_keys_are_listed(contract: Contract) -> None:
    document = {k: v for k, v in contract.document.items() if k not in {"rooms", "events"}}
    with pytest.raises(ContractError, match=r"lacks `events`, `rooms`.*bytesocket generate"):
        Contract.from_json(json.dumps(document))


def test_a_newer_format_asks_for_an_upgrade(contract: Contract) -> None:
    with pytest.raises(ContractError, match=r"format 2.*reads up to 1.*Upgrade"):
        Contract.from_json(changed(contract, format=2))
    with pytest.raises(ContractError, match="format 9"):
        Contract.from_json('{"format": 9}')


@pytest.mark.parametrize("version", ["1", None, 0])
def test_a_format_that_never_was_is_refused(contract: Contract, version: object) -> None:
    with pytest.raises(ContractError, match="`format` is"):
        Contract.from_json(changed(contract, format=version))


@pytest.mark.parametrize(
    ("key", "value"), [("events", {}), ("rooms", 1), ("types", []), ("refusals", []), ("title", 1)]
)
def test_a_value_of_the_wrong_kind_is_named(contract: Contract, key: str, value: object) -> None:
    with pytest.raises(ContractError, match=f"`{key}` is not"):
        Contract.from_json(changed(contract, **{key: value}))


def test_a_change_by_hand_shows(contract: Contract) -> None:
    with pytest.raises(ContractError, match="was changed since it was written"):
        Contract.from_json(changed(contract, serialization="json"))

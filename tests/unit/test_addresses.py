"""Where a connection comes from, and what counts as one address."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesocket_app import Policies
from bytesocket_app.addresses import Client, Proxies, address_key
from bytesocket_app.errors import ConfigurationError

PROXY: Client = ("10.0.0.1", 4711)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("testclient", "testclient"),
        ("x" * 1000, "x" * 64),
        ("", "unknown"),
    ],
)
def test_what_counts_as_one_address(address: str, key: str) -> None:
    assert address_key((address, 1)) == key
    assert address_key((address, 2)) == key


def test_peers_without_an_address_count_as_one() -> None:
    assert address_key(None) == "unknown"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("", PROXY),
        ("192.0.2.1", ("192.0.2.1", 0)),
        (" 192.0.2.1 ", ("192.0.2.1", 0)),
        ("192.0.2.1:5678", ("192.0.2.1", 5678)),
        ("192.0.2.1:", ("192.0.2.1", 0)),
        ("192.0.2.1:99999999", ("192.0.2.1", 0)),
        ("2001:db8::1", ("2001:db8::1", 0)),
        ("[2001:db8::1]", ("2001:db8::1", 0)),
        ("[2001:db8::1]:5678", ("2001:db8::1", 5678)),
        ("::ffff:192.0.2.1", ("192.0.2.1", 0)),
        # The client may write what it likes: only what trusted proxies added counts.
        ("203.0.113.9, 192.0.2.1", ("192.0.2.1", 0)),
        ("203.0.113.9,192.0.2.1", ("192.0.2.1", 0)),
        ("192.0.2.1, 10.0.0.2", ("192.0.2.1", 0)),
        ("203.0.113.9, 192.0.2.1, 10.0.0.3, 10.0.0.2", ("192.0.2.1", 0)),
        ("192.0.2.1, 2001:db8:ffff::7", ("192.0.2.1", 0)),
        ("192.0.2.1, ::ffff:10.0.0.9", ("192.0.2.1", 0)),
        # All trusted: the first of them began it.
        ("10.0.0.3, 10.0.0.2", ("10.0.0.3", 0)),
        # What is no address ends the search.
        ("192.0.2.1, unknown", PROXY),
        ("192.0.2.1, ", PROXY),
        ("192.0.2.1, unknown, 10.0.0.2", ("10.0.0.2", 0)),
        ("192.0.2.1, 10.0.0.2.", PROXY),
        ("[2001:db8::1", PROXY),
        ("[2001:db8::1]5678", PROXY),
        ("fe80::1%eth0", PROXY),
        ("'; DROP TABLE", PROXY),
        ("1" * 20_000, PROXY),
        ("," * 20_000, PROXY),
    ],
)
def test_the_last_address_that_is_no_proxy_is_the_client(forwarded: str, expected: Client) -> None:
    proxies = Proxies(["10.0.0.0/8", "2001:db8:ffff::/48"])
    assert proxies.client(PROXY, {"x-forwarded-for": forwarded}) == expected


@pytest.mark.parametrize("peer", [("192.0.2.7", 1), ("testclient", 0), ("", 0), None])
@pytest.mark.parametrize("trusted", [(), ("10.0.0.0/8",)])
def test_nobody_else_is_believed(peer: Client, trusted: tuple[str, ...]) -> None:
    headers = {"x-forwarded-for": "203.0.113.9"}
    assert Proxies(trusted).client(peer, headers) == peer


def test_a_proxy_on_an_ipv4_address_is_found_on_a_listener_for_both() -> None:
    headers = {"x-forwarded-for": "203.0.113.9"}
    assert Proxies(["10.0.0.1"]).client(("::ffff:10.0.0.1", 1), headers) == ("203.0.113.9", 0)


def test_a_proxy_on_a_unix_socket_is_trusted_by_that_word() -> None:
    headers = {"x-forwarded-for": "203.0.113.9"}
    assert Proxies(["unix"]).client(None, headers) == ("203.0.113.9", 0)
    assert Proxies(["unix"]).client(("", 0), headers) == ("203.0.113.9", 0)
    assert Proxies(["unix"]).client(("192.0.2.7", 1), headers) == ("192.0.2.7", 1)


@given(header=st.text(st.characters(max_codepoint=255), max_size=200))
def test_no_header_has_a_proxy_fail_or_tells_what_is_no_address(header: str) -> None:
    found = Proxies(["10.0.0.0/8"]).client(PROXY, {"x-forwarded-for": header})
    assert found is not None
    assert not set(found[0]) - set("0123456789abcdef.:")


def test_a_setting_that_names_no_network_is_refused() -> None:
    Policies(trusted_proxies=("unix", "10.0.0.1", "::1", "10.0.0.0/8"))
    for wrong in ("nginx", "10.0.0.1/8", "", "10.0.0"):
        with pytest.raises(ConfigurationError, match="trusted_proxies"):
            Policies(trusted_proxies=(wrong,))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("10.0.0.1", "nginx"), r"'nginx' is no address or network; use a tuple of addresses"),
        (("10.0.0.1/8",), r"'10\.0\.0\.1/8' is an address in a network; use '10\.0\.0\.0/8'"),
        ("10.0.0.1", r"cannot be: use a tuple of addresses and networks, as in"),
        (["10.0.0.1"], r"cannot be: use a tuple of addresses and networks, as in"),
        ((b"\x0a\x00\x00\x01",), r"is no address or network"),
    ],
)
def test_the_entry_that_is_wrong_is_named_with_what_to_write(wrong: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Policies(trusted_proxies=wrong)


@pytest.mark.parametrize(
    ("hosts", "addresses", "expected"),
    [
        ("", "", ""),
        ("page.example", "", "page.example"),
        (" page.example:8443 ", "192.0.2.1", "page.example:8443"),
        # The client may write what it likes: only what trusted proxies added counts.
        ("evil.example, page.example", "", "page.example"),
        ("evil.example, page.example", "203.0.113.9, 192.0.2.1", "page.example"),
        ("page.example, inner", "192.0.2.1, 10.0.0.2", "page.example"),
        ("evil.example, page.example, inner", "192.0.2.1, 10.0.0.2", "page.example"),
        ("page.example", "192.0.2.1, 10.0.0.2", "page.example"),
        ("page.example, inner", "192.0.2.1, nonsense", "inner"),
        ("a, b, c", "10.0.0.4, 10.0.0.3, 10.0.0.2", "a"),
        (",", "192.0.2.1", ""),
    ],
)
def test_the_host_that_trusted_proxies_tell(hosts: str, addresses: str, expected: str) -> None:
    headers = {"x-forwarded-host": hosts, "x-forwarded-for": addresses}
    proxies = Proxies(("10.0.0.0/8",))
    assert proxies.host(PROXY, headers) == expected
    assert proxies.host(("192.0.2.9", 1), headers) == ""
    assert proxies.host(None, headers) == ""
    assert Proxies(()).host(PROXY, headers) == ""
    assert Proxies(("unix",)).host(None, {"x-forwarded-host": "page"}) == "page"

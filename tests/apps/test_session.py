"""Who a session belongs to: only the person at this machine needs no further proof."""

from __future__ import annotations

import pytest

from apps.common.session import (
    LOCAL,
    Connection,
    IdentityError,
    SignInRequiredError,
    is_loopback,
    principal_of,
)
from apps.common.settings import AppSettings
from fmapps.errors import ConfigurationError
from fmapps.records import Principal

AT_HOME = {"Host": "127.0.0.1:8501", "Origin": "http://127.0.0.1:8501"}


def connection(
    bind: str | None = "127.0.0.1", peer: str | None = None, url: str | None = None, **headers: str
) -> Connection:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Connection(bind, peer, {**AT_HOME, **named}, url)


def configured(**values: str) -> AppSettings:
    return AppSettings.model_validate(values)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_is_recognised_in_every_spelling(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address", [None, "", "0.0.0.0", "::", "10.0.0.1", "localhost.example.org", "127.0.0.1.nip.io"]
)
def test_what_may_be_another_machine_is_not_loopback(address: str | None) -> None:
    assert not is_loopback(address)


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1", "localhost"])
@pytest.mark.parametrize("peer", [None, "127.0.0.1", "::1"])
def test_the_person_at_this_machine_is_the_local_principal(bind: str, peer: str | None) -> None:
    settings = configured(local_role="lawyer", local_labels="matter-7, public")
    principal = principal_of(connection(bind, peer, "http://localhost:8501/"), settings)
    assert principal == Principal(LOCAL, "lawyer", frozenset({"matter-7", "public"}))


@pytest.mark.parametrize(
    "reached",
    [
        connection(bind=None),
        connection(bind="0.0.0.0"),
        connection(bind="192.168.1.20"),
        connection(bind="unix:/run/app.sock"),
        connection(peer="192.168.1.9"),
        connection(Host="law.example.org"),
        connection(Host="127.0.0.1.nip.io:8501"),
        connection(Origin="https://law.example.org"),
        connection(url="https://law.example.org/"),
        connection(X_Forwarded_For="203.0.113.9"),
        connection(Forwarded="for=203.0.113.9"),
        connection(Via="1.1 proxy"),
        Connection("127.0.0.1", None, {}),
    ],
    ids=lambda reached: f"{reached.bind_address}-{reached.peer}-{sorted(reached.headers.items())[-1:]}-{reached.url}",
)
def test_anything_that_may_come_from_elsewhere_is_refused(reached: Connection) -> None:
    with pytest.raises(IdentityError) as refused:
        principal_of(reached, configured())
    assert "FMAPPS_TRUSTED_PROXY_HEADER" in refused.value.remedy


def test_the_trusted_proxy_names_the_user_and_their_labels() -> None:
    settings = configured(
        trusted_proxy_header="X-User", trusted_proxies="10.0.0.0/28", trusted_proxy_labels_header="X-Labels"
    )
    reached = connection("0.0.0.0", "10.0.0.4", Host="law.example.org", X_User="ada", X_Labels="a, b")
    assert principal_of(reached, settings) == Principal("proxy:ada", labels=frozenset({"a", "b"}))


def test_a_header_from_anybody_but_the_proxy_is_not_believed() -> None:
    settings = configured(trusted_proxy_header="X-User", trusted_proxies="10.0.0.4")
    with pytest.raises(IdentityError, match="does not come from the trusted proxy"):
        principal_of(connection("0.0.0.0", "10.0.0.5", X_User="ada"), settings)


def test_a_proxy_on_this_machine_is_believed_only_where_it_is_named() -> None:
    named = configured(trusted_proxy_header="X-User", trusted_proxies="127.0.0.1")
    assert principal_of(connection(X_User="ada", X_Forwarded_For="203.0.113.9"), named).id == "proxy:ada"
    other = configured(trusted_proxy_header="X-User", trusted_proxies="10.0.0.4")
    with pytest.raises(IdentityError):
        principal_of(connection(X_User="ada"), other)


def test_a_proxy_that_names_nobody_gives_no_principal_even_on_loopback() -> None:
    settings = configured(trusted_proxy_header="X-User", trusted_proxies="127.0.0.1")
    for reached in (connection(), connection(X_User="  ")):
        with pytest.raises(IdentityError, match="did not say who is asking"):
            principal_of(reached, settings)


@pytest.mark.parametrize("proxies", ["", "not an address"])
def test_a_proxy_header_without_a_proxy_is_a_mistake_and_not_an_open_door(proxies: str) -> None:
    settings = configured(trusted_proxy_header="X-User", trusted_proxies=proxies)
    with pytest.raises(ConfigurationError) as mistake:
        principal_of(connection(X_User="ada"), settings)
    assert mistake.value.where == "FMAPPS_TRUSTED_PROXIES"


def test_who_signed_in_is_the_principal_with_the_labels_of_their_token() -> None:
    user = {"is_logged_in": True, "iss": "https://id.example.org", "sub": "42", "groups": ["a", "b"], "job": "teacher"}
    settings = configured(oidc_labels_claim="groups", oidc_role_claim="job")
    principal = principal_of(connection("0.0.0.0", "203.0.113.9"), settings, user=user)
    assert principal == Principal("oidc:https://id.example.org|42", "teacher", frozenset({"a", "b"}))


def test_where_sign_in_is_configured_even_the_person_at_this_machine_signs_in() -> None:
    with pytest.raises(SignInRequiredError):
        principal_of(connection(), configured(), user={"is_logged_in": False})


def test_a_token_that_names_nobody_gives_no_principal() -> None:
    with pytest.raises(IdentityError, match="did not say who signed in"):
        principal_of(connection(), configured(), user={"is_logged_in": True, "email": "a@example.org"})


def test_nobody_can_be_made_the_local_principal_from_outside() -> None:
    proxied = configured(trusted_proxy_header="X-User", trusted_proxies="10.0.0.4")
    assert principal_of(connection("0.0.0.0", "10.0.0.4", X_User=LOCAL), proxied).id != LOCAL
    assert principal_of(connection(), configured(), user={"is_logged_in": True, "sub": LOCAL}).id != LOCAL


def test_a_launch_that_is_not_configured_says_so_instead_of_falling_back() -> None:
    with pytest.raises(ConfigurationError, match="not configured"):
        principal_of(connection(), configured(), ticket="abc")


def test_a_launch_ticket_comes_before_every_other_identity() -> None:
    class Launches:
        def redeem(self, ticket: str) -> Principal:
            if ticket != "good":
                raise IdentityError("this launch has expired", remedy="open it again from the course")
            return Principal("lti:7", "learner")

    assert principal_of(connection("0.0.0.0"), configured(), ticket="good", launches=Launches()).id == "lti:7"
    with pytest.raises(IdentityError, match="expired"):
        principal_of(connection(), configured(), ticket="old", launches=Launches())

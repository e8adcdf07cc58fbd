"""Who a session belongs to: every page asks here first, and shows nothing to a session without a principal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

from apps.common.settings import AppSettings, separated
from fmapps.errors import ConfigurationError, FmappsError
from fmapps.records import Principal

LAUNCH_PARAMETER = "lti_launch"
"""Query parameter in which a learning platform's launch hands over its ticket."""

LOCAL = "local"
"""Id of the person who sits at the machine that serves the page; no other source of identity can make it."""

_FORWARDING = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})


class IdentityError(FmappsError):
    """The session has no principal, so nothing may be shown to it."""

    code: ClassVar[str] = "no_identity"
    status: ClassVar[int] = 401


class SignInRequiredError(IdentityError):
    """Sign-in is configured; this person has not signed in yet."""

    code: ClassVar[str] = "sign_in_required"


@dataclass(frozen=True, slots=True)
class Connection:
    """What is known of how a browser reached the server.

    Attributes:
        bind_address: the address the server was told to listen on; None: all of them.
        peer: the other end of the connection; None: loopback.
        headers: of the request that opened the session, names in any case.
        url: what stands in the browser's address bar, as the browser says.
    """

    bind_address: str | None
    peer: str | None
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None

    def header(self, name: str) -> str:
        """The header's value; empty if it was not sent."""
        return next((value for key, value in self.headers.items() if key.casefold() == name.casefold()), "")

    @property
    def is_local(self) -> bool:
        """Whether browser and server are surely one machine, with nothing in between.

        The server listens on loopback only, the peer is loopback, no proxy left a trace, and the browser itself
        believes that it talks to loopback: a proxy on this machine, or a name that was made to resolve to it,
        shows in `Host`, `Origin` or the address bar.
        """
        host, origin = self.header("Host"), self.header("Origin")
        return (
            is_loopback(self.bind_address)
            and (self.peer is None or is_loopback(self.peer))
            and is_loopback(urlsplit(f"//{host}").hostname)
            and (not origin or is_loopback(urlsplit(origin).hostname))
            and (not self.url or is_loopback(urlsplit(self.url).hostname))
            and not any(key.casefold() in _FORWARDING for key in self.headers)
        )


class LaunchVerifier(Protocol):
    """Redeems the ticket of a learning platform's launch (LTI 1.3): checked, unexpired, and good for one session."""

    def redeem(self, ticket: str) -> Principal:
        """The learner or teacher who was launched.

        Raises:
            IdentityError: the ticket is forged, expired or used.
        """
        ...


def is_loopback(address: str | None) -> bool:
    """Whether an address or host name can only mean this machine."""
    if not address:
        return False
    if address.casefold() == "localhost":
        return True
    try:
        parsed = ip_address(address.strip("[]"))
    except ValueError:
        return False
    return parsed.is_loopback


def principal_of(
    connection: Connection,
    settings: AppSettings,
    *,
    user: Mapping[str, Any] | None = None,
    ticket: str = "",
    launches: LaunchVerifier | None = None,
) -> Principal:
    """Who the session belongs to.

    A launch ticket comes first, then the trusted proxy, then sign-in, and the local user last. Where a proxy or
    sign-in is configured, being local is not enough.

    Args:
        connection: how the browser reached the server.
        settings: of this deployment.
        user: claims of the identity token, with `is_logged_in`; None where no sign-in is configured.
        ticket: of a learning platform's launch.
        launches: redeems tickets.

    Raises:
        SignInRequiredError: sign-in is configured and has not happened.
        IdentityError: there is no principal.
        ConfigurationError: what is configured does not fit.
    """
    if ticket:
        return _launched(ticket, launches)
    if settings.trusted_proxy_header:
        return _proxied(connection, settings)
    if user is not None:
        return _signed_in(user, settings)
    if connection.is_local:
        return Principal(LOCAL, settings.local_role, frozenset(separated(settings.local_labels)))
    raise IdentityError(
        "this page is reachable from other machines, and nothing is configured that tells who is asking",
        remedy=(
            "listen on this machine only (--address 127.0.0.1); or configure sign-in ([auth] in "
            ".streamlit/secrets.toml), or an authenticating proxy (FMAPPS_TRUSTED_PROXY_HEADER and "
            "FMAPPS_TRUSTED_PROXIES)"
        ),
    )


def _launched(ticket: str, launches: LaunchVerifier | None) -> Principal:
    if launches is None:
        raise ConfigurationError(
            "a learning platform launched this page, but launches are not configured here",
            where=LAUNCH_PARAMETER,
            remedy="pass a LaunchVerifier to apps.common.page.show, or open the page without a launch",
        )
    return launches.redeem(ticket)


def _proxied(connection: Connection, settings: AppSettings) -> Principal:
    networks = settings.proxy_networks
    if not networks:
        raise ConfigurationError(
            "a proxy header is trusted from nobody",
            where="FMAPPS_TRUSTED_PROXIES",
            remedy="list the proxy's addresses there, or unset FMAPPS_TRUSTED_PROXY_HEADER",
        )
    peer = ip_address("127.0.0.1" if connection.peer is None else connection.peer)
    if not any(peer.version == network.version and peer in network for network in networks):
        raise IdentityError(
            "this connection does not come from the trusted proxy",
            where=str(peer),
            remedy="open the page through the proxy; its address must be among FMAPPS_TRUSTED_PROXIES",
        )
    name = connection.header(settings.trusted_proxy_header).strip()
    if not name:
        raise IdentityError(
            "the proxy did not say who is asking",
            where=settings.trusted_proxy_header,
            remedy="let the proxy authenticate every request and set this header, dropping what the browser sent",
        )
    labels = connection.header(settings.trusted_proxy_labels_header) if settings.trusted_proxy_labels_header else ""
    return Principal(f"proxy:{name}", labels=frozenset(separated(labels)))


def _signed_in(user: Mapping[str, Any], settings: AppSettings) -> Principal:
    if user.get("is_logged_in") is not True:
        raise SignInRequiredError("please sign in to go on", remedy="use the sign-in button")
    subject = user.get("sub")
    if not subject:
        raise IdentityError(
            "the identity provider did not say who signed in", where="sub", remedy="ask it for the scope openid"
        )
    labels = user.get(settings.oidc_labels_claim, ()) if settings.oidc_labels_claim else ()
    names = separated(labels) if isinstance(labels, str) else [str(label) for label in labels]
    role = user.get(settings.oidc_role_claim, "") if settings.oidc_role_claim else ""
    return Principal(f"oidc:{user.get('iss', '')}|{subject}", str(role), frozenset(names))


def current_connection() -> Connection:
    """The connection of the session that is running."""
    import streamlit as st

    return Connection(
        bind_address=st.get_option("server.address"),
        peer=st.context.ip_address,
        headers=st.context.headers.to_dict(),
        url=st.context.url,
    )


def current_user() -> Mapping[str, Any] | None:
    """The claims of who signed in to the running session; None where no sign-in is configured."""
    import streamlit as st

    claims = st.user.to_dict()
    return claims if "is_logged_in" in claims else None

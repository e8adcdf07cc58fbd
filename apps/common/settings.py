"""What a deployment of the pages may set, from the environment (FMAPPS_*)."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeAlias

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from fmapps.errors import ConfigurationError

Network: TypeAlias = IPv4Network | IPv6Network


class AppSettings(BaseSettings):
    """Each field is `FMAPPS_` and its name in capitals; lists are separated by commas."""

    model_config = SettingsConfigDict(env_prefix="FMAPPS_", extra="ignore", frozen=True)

    corpus: Path | None = Field(default=None, description="a corpus folder to offer first")
    app_home: Path = Field(
        default_factory=lambda: Path.home() / ".fmapps",
        description="where the pages keep sample corpora and the collections that people make",
    )
    local_role: str = Field(default="", description="role of the local user on loopback")
    local_labels: str = Field(default="", description="access labels of the local user on loopback")
    trusted_proxy_header: str = Field(
        default="", description="header in which an authenticating proxy names the user; empty: none is trusted"
    )
    trusted_proxies: str = Field(default="", description="addresses or networks of that proxy, such as 10.0.0.4/32")
    trusted_proxy_labels_header: str = Field(
        default="", description="header in which that proxy lists the user's access labels"
    )
    oidc_labels_claim: str = Field(default="", description="claim of the identity token that lists access labels")
    oidc_role_claim: str = Field(default="", description="claim of the identity token that holds the role")

    @property
    def proxy_networks(self) -> tuple[Network, ...]:
        """The trusted proxies.

        Raises:
            ConfigurationError: one of them is neither an address nor a network.
        """
        try:
            return tuple(ip_network(part) for part in separated(self.trusted_proxies))
        except ValueError as error:
            raise ConfigurationError(
                str(error),
                where="FMAPPS_TRUSTED_PROXIES",
                remedy="list addresses or networks separated by commas, such as 10.0.0.4 or 10.0.0.0/28",
            ) from None


def separated(text: str) -> list[str]:
    """The parts of a list written with commas, without blanks."""
    return [part.strip() for part in text.split(",") if part.strip()]


@cache
def app_settings() -> AppSettings:
    """The settings of this process, read once.

    Raises:
        ConfigurationError: a variable holds something else than it should.
    """
    try:
        return AppSettings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "FMAPPS_" + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigurationError(first["msg"], where=name, remedy="correct or remove this variable") from None

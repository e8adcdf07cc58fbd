"""Which document collections a person may choose from, and where the pages keep them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from apps.common.settings import AppSettings
from fmapps.errors import InputError
from fmapps.records import Principal
from fmapps.vertical import Vertical

_NAME = re.compile(r"\w[\w \-]{0,59}")


@dataclass(frozen=True, slots=True)
class Collection:
    """A corpus by the name a person knows it by.

    Attributes:
        title: its name.
        path: its folder.
        samples: folder of the sample documents that it holds; None: it holds what people added.
        writable: whether this person may add documents.
    """

    title: str
    path: Path
    samples: Path | None = None
    writable: bool = True


def collections(vertical: Vertical, principal: Principal, settings: AppSettings, *, local: bool) -> list[Collection]:
    """What this person may choose from, first the one to start with.

    A collection that was given when the page was started is everyone's to search; on a server, nobody adds to it here.

    Args:
        vertical: whose page it is.
        principal: who asks.
        settings: of this deployment.
        local: whether the person sits at this machine.
    """
    found = []
    if settings.corpus is not None:
        found.append(Collection(settings.corpus.stem or str(settings.corpus), settings.corpus, writable=local))
    found.append(
        Collection(
            f"Sample documents ({vertical.title.lower()})",
            settings.app_home / vertical.name / "samples.fmapps",
            samples=vertical.samples,
            writable=False,
        )
    )
    folder = own_folder(vertical, principal, settings)
    found += [Collection(path.stem, path) for path in sorted(folder.glob("*.fmapps")) if path.is_dir()]
    return found


def own_folder(vertical: Vertical, principal: Principal, settings: AppSettings) -> Path:
    """Where one person's own collections are, which nobody else is offered."""
    person = hashlib.sha256(principal.id.encode()).hexdigest()[:32]
    return settings.app_home / vertical.name / "people" / person


def new_collection(name: str, vertical: Vertical, principal: Principal, settings: AppSettings) -> Collection:
    """A collection that does not exist yet; its folder is made when it is opened.

    Raises:
        InputError: the name cannot be used, or is taken.
    """
    title = " ".join(name.split())
    if not _NAME.fullmatch(title):
        raise InputError(
            "this name cannot be used",
            remedy="use 1 to 60 letters, digits, spaces, hyphens and underscores, and begin with a letter or digit",
        )
    path = own_folder(vertical, principal, settings) / f"{title}.fmapps"
    taken = {existing.stem.casefold() for existing in path.parent.glob("*.fmapps")}
    if title.casefold() in taken:
        raise InputError(f"there is a collection {title!r} already", remedy="choose it from the list, or another name")
    return Collection(title, path)

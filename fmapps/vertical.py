"""What a domain brings, and how installed verticals are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from fmapps.errors import ConfigurationError, UnknownTaskError, UnknownVerticalError
from fmapps.pipeline import Step
from fmapps.records import Turn
from fmapps.safety.policy import Policy
from fmapps.task import Task

GROUP = "fmapps.verticals"
"""The entry-point group through which any installed package offers a vertical."""


@dataclass(frozen=True, slots=True)
class Vertical:
    """What a domain brings.

    Attributes:
        name: as the command line calls it, such as "law".
        title: as a person reads it.
        description: one sentence: for whom, what for.
        notice: what every answer's reader must know, such as "information, not advice".
        tasks: the jobs; the first is the question.
        policy: the rules, in order.
        samples: folder of the sample corpus.
        examples: questions that the sample corpus answers.
        page: the Streamlit page's file.
        steps: for a step of the turn by its name, what to use in its place, given the default.
    """

    name: str
    title: str
    description: str
    notice: str
    tasks: tuple[Task[Any, Any], ...]
    policy: Policy
    samples: Path
    examples: tuple[str, ...]
    page: Path | None = None
    steps: Mapping[str, Callable[[Step[Turn]], Step[Turn]]] = field(default_factory=dict)

    def task(self, name: str) -> Task[Any, Any]:
        """The task of that name.

        Raises:
            UnknownTaskError: there is none.
        """
        for task in self.tasks:
            if task.name == name:
                return task
        names = ", ".join(task.name for task in self.tasks)
        raise UnknownTaskError(f"{self.name} has no task {name!r}", remedy=f"choose one of: {names}")


def installed() -> dict[str, EntryPoint]:
    """The verticals that installed packages offer, by name, not yet loaded."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def load(name: str) -> Vertical:
    """The installed vertical of that name.

    Raises:
        UnknownVerticalError: no installed package offers it.
        ConfigurationError: the package that offers it does not load, or offers something else.
    """
    found = installed()
    if name not in found:
        raise UnknownVerticalError(
            f"no installed package offers a vertical {name!r}",
            remedy=f"choose one of: {', '.join(found) or 'none installed'}; or install the package that brings it",
        )
    entry = found[name]
    try:
        vertical = entry.load()
    except Exception as error:
        raise ConfigurationError(
            f"the vertical {name!r} does not load: {error}", where=entry.value, remedy="reinstall or mend that package"
        ) from error
    if not isinstance(vertical, Vertical):
        raise ConfigurationError(
            f"the entry point of {name!r} is a {type(vertical).__name__}, not a Vertical",
            where=entry.value,
            remedy="point the entry point at a fmapps.vertical.Vertical",
        )
    return vertical


def sample_folder(package_file: str, name: str) -> Path:
    """The sample corpus of a vertical: inside its installed package, or in the checkout's data_samples.

    Args:
        package_file: the package's `__file__`.
        name: the vertical's name.
    """
    package = Path(package_file).resolve().parent
    candidates: Sequence[Path] = (package / "samples", package.parent.parent / "data_samples" / name)
    return next((folder for folder in candidates if folder.is_dir()), candidates[0])

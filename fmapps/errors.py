"""One root for every error: what was wrong, where, what to do, and whether trying again can help."""

from __future__ import annotations

from typing import ClassVar


class FmappsError(Exception):
    """The root.

    Args:
        message: what was wrong.
        where: the file, line, resource path or setting.
        remedy: what to do about it.

    Attributes:
        code: a stable name for programs.
        status: the HTTP status that fits.
        retryable: whether the same call can succeed later.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        self.message = message
        self.where = where
        self.remedy = remedy
        super().__init__(message)

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}. To mend it: {self.remedy}" if self.remedy else text

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.where, self.remedy))


def _rebuild(kind: type[FmappsError], message: str, where: str, remedy: str) -> FmappsError:
    return kind(message, where=where, remedy=remedy)


class InputError(FmappsError):
    """What the caller gave is not usable."""

    code, status = "bad_input", 400


class InvalidDocumentError(InputError):
    """A document record that cannot be stored."""

    code, status = "invalid_document", 422


class UnreadableFileError(InputError):
    """A file that could not be read into a document."""

    code, status = "unreadable_file", 422


class ConfigurationError(FmappsError):
    """A setting, a rule file or an installation that does not fit."""

    code = "configuration"


class MissingDependencyError(ConfigurationError):
    """An optional package is not installed; the remedy is the command that installs it."""

    code = "missing_dependency"


class NotFoundError(FmappsError):
    """A named thing does not exist, or the principal may not know that it does."""

    code, status = "not_found", 404


class UnknownVerticalError(NotFoundError):
    """No installed package offers the vertical."""

    code = "unknown_vertical"


class UnknownTaskError(NotFoundError):
    """The vertical has no such task."""

    code = "unknown_task"


class DocumentNotFoundError(NotFoundError):
    """No such document that the principal may read."""

    code = "document_not_found"


class StoreError(FmappsError):
    """The store cannot do what was asked."""

    code = "store"


class StoreBusyError(StoreError):
    """Another process is writing."""

    code, status, retryable = "store_busy", 503, True


class StoreVersionError(StoreError):
    """The folder was written by a newer fmapps."""

    code = "store_version"


class CorruptStoreError(StoreError):
    """The truth itself is damaged."""

    code = "store_corrupt"


class ModelMismatchError(StoreError):
    """The vectors were made by another model than the one at hand."""

    code, status = "model_mismatch", 409


class ModelError(FmappsError):
    """A model could not be loaded or did not answer."""

    code, status = "model", 502

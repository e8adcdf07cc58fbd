"""Files and resources to documents, documents to passages."""

from fmapps.ingestion.reader import Format, count_files, formats, read_path, register
from fmapps.ingestion.source import Failure, Limits, Reader, SourceFile
from fmapps.ingestion.splitter import split

__all__ = [
    "Failure",
    "Format",
    "Limits",
    "Reader",
    "SourceFile",
    "count_files",
    "formats",
    "read_path",
    "register",
    "split",
]

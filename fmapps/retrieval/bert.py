"""The forward pass of a BERT encoder on packed sequences: no padding, in the arithmetic the processor is best at."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

Linear: TypeAlias = Callable[[Tensor], Tensor]
"""Shape (tokens, in) to (tokens, out)."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """One encoder layer; `attention_norm` and `output_norm` hold weight and bias."""

    query_key_value: Linear
    attention_output: Linear
    attention_norm: tuple[Tensor, Tensor]
    intermediate: Linear
    output: Linear
    output_norm: tuple[Tensor, Tensor]


class PackedBert:
    """A BERT encoder that takes sequences end to end instead of padded to the longest.

    The dense layers, which are most of the work, see one matrix of all tokens and no padding; attention alone sees the
    sequences side by side, padded and masked. A text's vector does not depend on what it is batched with.

    Args:
        weights: tensors by their names in a `BertModel` checkpoint, with or without the prefix `bert.`.
        heads: attention heads.
        epsilon: of the layer norms.
        dtype: `torch.float32` or `torch.bfloat16`; dense layers, attention and activations all run in it.
        cls_pooling: take the first token's state; otherwise the mean of all.

    Raises:
        KeyError: a tensor of the architecture is missing.

    Source: Devlin et al. 2019, BERT; Krell et al. 2021, Efficient Sequence Packing without Cross-contamination.
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        *,
        heads: int,
        epsilon: float,
        dtype: torch.dtype,
        cls_pooling: bool = False,
    ) -> None:
        tensors = {name.removeprefix("bert."): tensor for name, tensor in weights.items()}
        self._heads = heads
        self._epsilon = epsilon
        self._cls_pooling = cls_pooling

        def load(name: str) -> Tensor:
            return tensors[name].to(dtype).contiguous()

        def norm(name: str) -> tuple[Tensor, Tensor]:
            return load(f"{name}.weight"), load(f"{name}.bias")

        def dense(*names: str) -> Linear:
            weight = torch.cat([load(f"{name}.weight") for name in names])
            return _linear(weight, torch.cat([load(f"{name}.bias") for name in names]))

        self._words = load("embeddings.word_embeddings.weight")
        segment = tensors["embeddings.token_type_embeddings.weight"][0].float()
        self._positions = (tensors["embeddings.position_embeddings.weight"].float() + segment).to(dtype)
        self._norm = norm("embeddings.LayerNorm")
        count = 1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("encoder.layer."))
        self._layers = [
            _Layer(
                query_key_value=dense(*(f"{layer}.attention.self.{part}" for part in ("query", "key", "value"))),
                attention_output=dense(f"{layer}.attention.output.dense"),
                attention_norm=norm(f"{layer}.attention.output.LayerNorm"),
                intermediate=dense(f"{layer}.intermediate.dense"),
                output=dense(f"{layer}.output.dense"),
                output_norm=norm(f"{layer}.output.LayerNorm"),
            )
            for layer in (f"encoder.layer.{number}" for number in range(count))
        ]

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._words.shape[1])

    def __call__(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        """Pool token sequences into unit vectors.

        Args:
            sequences: n lists of token ids, none empty; near lengths together run fastest.

        Returns:
            Shape (n, dimension), float32, each row of L2 norm 1.
        """
        with torch.inference_mode():
            layout = _Layout([len(sequence) for sequence in sequences], self._words.dtype)
            tokens = torch.tensor(list(itertools.chain.from_iterable(sequences)))
            hidden = self._normalise(self._words[tokens] + self._positions[layout.columns], self._norm)
            for layer in self._layers:
                attended = layer.attention_output(self._attend(layer.query_key_value(hidden), layout))
                hidden = self._normalise(attended.add_(hidden), layer.attention_norm)
                widened = layer.output(F.gelu(layer.intermediate(hidden)))
                hidden = self._normalise(widened.add_(hidden), layer.output_norm)
            return F.normalize(self._pool(hidden.float(), layout), dim=1)

    def _normalise(self, hidden: Tensor, norm: tuple[Tensor, Tensor]) -> Tensor:
        return F.layer_norm(hidden, (hidden.shape[-1],), *norm, self._epsilon)

    def _attend(self, query_key_value: Tensor, layout: _Layout) -> Tensor:
        """Attention within each sequence; shape (tokens, 3 * dimension) to (tokens, dimension)."""
        width = query_key_value.shape[1] // 3
        size = width // self._heads
        padded = layout.pad(query_key_value).view(layout.count, layout.longest, 3, self._heads, size)
        query, key, value = padded.permute(2, 0, 3, 1, 4)
        if query.dtype == torch.float32:
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=layout.mask)
        else:  # the fused kernel is slower in bfloat16 than its three parts
            scores = torch.matmul(query * size**-0.5, key.transpose(2, 3))
            if layout.mask is not None:
                scores += layout.mask
            mixed = torch.matmul(torch.softmax(scores, dim=-1), value)
        return layout.pack(mixed.transpose(1, 2).reshape(layout.count * layout.longest, width))

    def _pool(self, hidden: Tensor, layout: _Layout) -> Tensor:
        if self._cls_pooling:
            return hidden[layout.firsts]
        sums = torch.zeros(layout.count, hidden.shape[1]).index_add_(0, layout.rows, hidden)
        return sums / layout.lengths[:, None]


class _Layout:
    """Where each token of n packed sequences is, in the pack and in the padded form of shape (n, longest).

    Args:
        lengths: of the sequences.
        dtype: of the mask.

    Attributes:
        count: n.
        longest: length of the longest sequence.
        lengths: shape (n,).
        firsts: shape (n,), the packed position of each sequence's first token.
        rows: shape (tokens,), each token's sequence.
        columns: shape (tokens,), each token's place in its sequence.
        mask: shape (n, 1, 1, longest), 0 for tokens and minus infinity for padding; None without padding.
    """

    def __init__(self, lengths: Sequence[int], dtype: torch.dtype) -> None:
        self.count = len(lengths)
        self.longest = max(lengths)
        self.lengths = torch.tensor(lengths)
        self.firsts = self.lengths.cumsum(0) - self.lengths
        self.rows = torch.repeat_interleave(torch.arange(self.count), self.lengths)
        self.columns = torch.arange(len(self.rows)) - self.firsts[self.rows]
        self.mask: Tensor | None = None
        if min(lengths) < self.longest:
            places = torch.arange(self.longest)
            padding = places >= self.lengths[:, None]
            self.mask = torch.zeros(padding.shape, dtype=dtype).masked_fill_(padding, float("-inf"))[:, None, None]
            self._padded = (self.firsts[:, None] + torch.where(padding, 0, places)).flatten()
            self._packed = self.rows * self.longest + self.columns

    def pad(self, packed: Tensor) -> Tensor:
        """Shape (tokens, width) to (n * longest, width); padding repeats a sequence's first token."""
        return packed if self.mask is None else packed.index_select(0, self._padded)

    def pack(self, padded: Tensor) -> Tensor:
        """The way back."""
        return padded if self.mask is None else padded.index_select(0, self._packed)


def _linear(weight: Tensor, bias: Tensor) -> Linear:
    """A dense layer through oneDNN, whatever the maker of the processor.

    torch sends float32 products to MKL, which on processors of other makers than its own falls back to a path several
    times slower; bfloat16 goes to oneDNN by itself.
    """
    if weight.dtype == torch.float32 and hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        product = torch.ops.mkldnn._linear_pointwise
        return lambda hidden: product(hidden, weight, bias, "none", [], "")
    return lambda hidden: F.linear(hidden, weight, bias)

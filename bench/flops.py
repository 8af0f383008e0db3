"""The floating-point operations of a Transformer's forward pass, by formula: over a whole text, and in segments.

    full attention   one pass over n positions                     weights * n  +  scores * n * n
    in segments      n / (s - m) passes over s positions each,     the same, for s: linear in n
                     of which m hold the memory and s - m text

The formula is that of Hoffmann et al. 2022 (arXiv 2203.15556, appendix F); what it is used for is figure 3 of the RMT
report (Bulatov et al., arXiv 2304.11062). Knows shapes; no weights, no text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..base.errors import UserError, did_you_mean, one_line

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


@dataclass(frozen=True)
class Shape:
    """What of a Transformer the formula needs.

    `block_weights` are the entries of all weight matrices of one block: 4 d^2 for the projections of attention and
    2 d f for the feed-forward layer, unless heads share keys or the layer is gated. `heads` is the number of query
    heads, of `head_size` each.
    """

    name: str
    layers: int
    width: int
    heads: int
    head_size: int
    block_weights: int
    vocabulary: int


@dataclass(frozen=True)
class Reading:
    """What is counted besides the products with the blocks' weights and the two products of attention.

    `embedding`: looking words up, as a product with one-hot vectors. `logits`: the product with the vocabulary after
    the last block, at every position. `per_score`: elementwise operations on every attention score of every head.
    """

    embedding: bool
    logits: bool
    per_score: int


#: Appendix F of Hoffmann et al. as it is printed; the products of matrices alone, which is what PyTorch's own counter
#: counts; and the reading that gives both figures of the RMT report (docs/flops.md says how it was found).
READINGS = {
    "hoffmann": Reading(embedding=True, logits=True, per_score=3),
    "products": Reading(embedding=False, logits=True, per_score=0),
    "report": Reading(embedding=False, logits=True, per_score=10),
}


@dataclass(frozen=True)
class Cost:
    """One model at one length: FLOPs of one pass over all of it, and of reading it in segments."""

    model: str
    tokens: int
    segments: int
    full: int
    segmented: int

    @property
    def ratio(self) -> float:
        """How many times fewer operations the segments take."""
        return self.full / self.segmented


def _opt(name: str, layers: int, width: int, heads: int) -> Shape:
    return Shape(name, layers, width, heads, width // heads, 4 * width**2 + 2 * width * 4 * width, 50_272)


#: The OPT models: Zhang et al. 2022 (arXiv 2205.01068), table 1; the vocabulary is that of the published weights. (The
#: weights of OPT-350M embed words at half its width, which table 1 does not say: it is left out.)
FAMILIES = {
    shape.name.lower(): shape
    for shape in (
        _opt("OPT-125M", 12, 768, 12),
        _opt("OPT-1.3B", 24, 2048, 32),
        _opt("OPT-2.7B", 32, 2560, 32),
        _opt("OPT-6.7B", 32, 4096, 32),
        _opt("OPT-13B", 40, 5120, 40),
        _opt("OPT-30B", 48, 7168, 56),
        _opt("OPT-66B", 64, 9216, 72),
        _opt("OPT-175B", 96, 12288, 96),
    )
}


def forward_flops(shape: Shape, positions: int, reading: Reading) -> int:
    """Of one pass over `positions` positions, each of which attends to all (a causal mask saves nothing here)."""
    scores = shape.heads * positions**2
    block = 2 * positions * shape.block_weights + (4 * shape.head_size + reading.per_score) * scores
    vocabulary = 2 * positions * shape.width * shape.vocabulary
    return shape.layers * block + (reading.embedding + reading.logits) * vocabulary


def segment_flops(shape: Shape, tokens: int, reading: Reading, segment: int, memory: int = 0) -> int:
    """Of reading `tokens` tokens in passes over `segment` positions, of which `memory` hold no text.

    The last pass is as short as what is left.
    """
    passes, rest = divmod(tokens, _text(segment, memory))
    last = forward_flops(shape, rest + memory, reading) if rest else 0
    return passes * forward_flops(shape, segment, reading) + last


def cost(shape: Shape, tokens: int, reading: Reading, segment: int = 512, memory: int = 0) -> Cost:
    """Both ways to read `tokens` tokens. Raises `UserError` when the memory leaves no room for text."""
    return Cost(
        shape.name,
        tokens,
        -(-tokens // _text(segment, memory)),
        forward_flops(shape, tokens, reading),
        segment_flops(shape, tokens, reading, segment, memory),
    )


def load_shape(model: str) -> Shape:
    """The shape of a named model, or of a Hugging Face configuration: a folder, a file, or a name on the hub.

    Raises `UserError` when there is no such model, or the formula does not describe it.
    """
    if model.lower() in FAMILIES:
        return FAMILIES[model.lower()]
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(model)
    except (OSError, ValueError) as error:
        raise UserError(
            f"no model {model!r}{did_you_mean(model.lower(), FAMILIES)} ({one_line(error)}); give a folder with a "
            f"config.json, a name on the hub, or one of {', '.join(FAMILIES)}"
        ) from error
    return shape_of(config, model)


def shape_of(config: PreTrainedConfig, name: str) -> Shape:
    """The shape of the model that a Hugging Face configuration describes; the model is built, but without weights.

    Raises `UserError` when it is not a stack of like blocks of attention and feed-forward layers.
    """
    if config.is_encoder_decoder:
        raise UserError(f"{name!r} has an encoder and a decoder; the formula is for a single stack of blocks")
    try:
        layers, width, heads = config.num_hidden_layers, config.hidden_size, config.num_attention_heads
        vocabulary = config.vocab_size
    except AttributeError as error:
        raise UserError(f"{name!r} is no Transformer over tokens: {one_line(error)}") from error
    head_size = getattr(config, "head_dim", None) or width // heads
    return Shape(name, layers, width, heads, head_size, _block_weights(config, name, layers), vocabulary)


def counted_flops(config: PreTrainedConfig, positions: int) -> int:
    """What PyTorch counts in one pass of this model over `positions` positions, logits included: what to check against.

    The model is built without weights (on the `meta` device), so that size costs nothing.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoModelForCausalLM

    with torch.device("meta"), torch.no_grad():
        model = AutoModelForCausalLM.from_config(config).eval()
        with FlopCounterMode(display=False) as counter:
            model(input_ids=torch.zeros(1, positions, dtype=torch.long))
    return counter.get_total_flops()


def _block_weights(config: Any, name: str, layers: int) -> int:
    """The entries of the weight matrices of one block."""
    import torch
    from transformers import AutoModel

    with torch.device("meta"):
        model = AutoModel.from_config(config)
    stacks = [part for part in model.modules() if isinstance(part, torch.nn.ModuleList) and len(part) == layers]
    blocks = [
        [parameter for parameter in block.parameters() if parameter.ndim > 1] for stack in stacks for block in stack
    ]
    sizes = {sum(parameter.numel() for parameter in block) for block in blocks}
    if len(stacks) != 1 or len(sizes) != 1 or any(parameter.ndim > 2 for block in blocks for parameter in block):
        raise UserError(
            f"{name!r} ({config.model_type}) is not a stack of {layers} like blocks whose weights are all matrices; "
            "the formula does not hold for experts, convolutions or mixed layers"
        )
    return sizes.pop()


def _text(segment: int, memory: int) -> int:
    if not 0 <= memory < segment:
        raise UserError(f"{memory} positions of memory leave no room for text in a segment of {segment}")
    return segment - memory

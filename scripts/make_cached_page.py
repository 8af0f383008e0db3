"""Make docs/cached.md, how releases read on with a cache: `python scripts/make_cached_page.py`. A quarter of a minute.

Every family of tests/bench/models/tiny.py, as a tiny random model: what one call for a segment would get wrong, and how
it is read instead.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import torch
import transformers

from rmt_bench.bench.models.causal import Causal, Kept
from rmt_bench.bench.models.piecewise import Proof, Way, find_way, read_in
from rmt_bench.bench.reading import state_bytes

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/cached.md"
_SEGMENT, _VOCABULARY, _READ = 32, 4096, 512

HEAD = """# Reading on with a cache

Made by `python scripts/make_cached_page.py` with transformers {transformers} and torch {torch}, on {device}. Random
models of two to four layers and width 32 (xLSTM: 128), in single precision, in segments of {segment} tokens.

`cached:NAME` reads a text segment by segment with the model's own cache. That is only right where the release continues
its layers from the cache in calls of any size. Before the first reading this is proved with the model's own weights:
random tokens, read whole and in pieces, must agree in the logits at the ends of every piece and in every tensor of the
cache, within ten times what the model rounds. Where a segment in one call does not, smaller pieces are tried, then
single tokens; where none is right, the model is refused.

{columns}
|---|---|--:|--:|--:|---|--:|--:|---|
"""
_COLUMNS = (
    "family", "class", "a segment a call: logits off by", "cache off by", "one token a call: off by",
    "so it is read in", "which is off by", f"bytes of state after {_READ} tokens", "grows",
)  # fmt: skip
TAIL = """
Differences are relative to the largest value. Off by 1e-6 is rounding; **bold** is not.

- **Mamba, Falcon-Mamba, Jamba, Zamba**: a call of several tokens scans from a state of zeros instead of the cached one,
  so all that was read before the call is lost to that layer. The logits of a small random model hide it.
- **RecurrentGemma**: the convolution does not see the tokens before the call; its state is in attributes of its layers.
- **MiniMax**: the mask of a call of several tokens is made without regard to what is cached.
- **RWKV**: a call of one token mixes the rows of a batch; single tokens are read row by row.
- **Nemotron-H, Zamba2**: a call of several tokens bounds its time steps from below, a call of one does not. Single
  tokens are held back until there are more, and so every token is read as in one call.
- **Bamba** counts positions from 0 in every call unless it is told them; here it is told.

Everything that is read token by token is slow. `full:NAME` reads a text in one call; it keeps the text instead.
"""


def main() -> None:
    """Write the page."""
    sys.path.insert(0, str(ROOT / "tests/bench/models"))
    from tiny import FAMILIES

    logging.disable(logging.WARNING)
    transformers.logging.set_verbosity_error()
    versions = {"transformers": transformers.__version__, "torch": torch.__version__, "device": "a processor"}
    rows = [_row(family) for family in FAMILIES]
    head = HEAD.format(**versions, segment=_SEGMENT, columns=f"| {' | '.join(_COLUMNS)} |")
    PAGE.write_text(head + "\n".join(rows) + "\n" + TAIL, "utf-8")
    print(f"{PAGE}: {len(rows)} families")


def _row(family: str) -> str:
    from tiny import tiny_model

    causal = Causal(tiny_model(family, _VOCABULARY))
    with torch.inference_mode():
        proof = Proof(causal)
        pieces = proof.apart(Way(_SEGMENT), [_SEGMENT, _SEGMENT, 3])
        singles = proof.apart(Way(1), [4] + [1] * 12)
        way = find_way(causal, _SEGMENT)
        kept = Kept()
        for segment in torch.randint(_VOCABULARY, (1, _READ)).split(_SEGMENT, 1):
            kept = read_in(causal, way, kept, segment, 0)[1]
    growth = causal.growth
    cells = [
        f"`{family}`", type(causal.module).__name__, _shown(pieces.logits), _shown(pieces.cache),
        _shown(singles.largest), str(way), _shown(way.difference), f"{state_bytes(kept):,}",
        "yes" if growth.endless else f"to {growth.flat_after} tokens" if growth.flat_after else "no",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _shown(off: float) -> str:
    return f"**{off:.0e}**" if off > 1e-5 else f"{off:.0e}"


if __name__ == "__main__":
    main()

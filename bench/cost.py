"""What reading costs: the highest memory while something is done, and floating-point operations. Knows no samples.

Memory is that of the process (Linux can set its high-water mark back; elsewhere it is the highest so far) and that of
the accelerator. Operations are counted by `torch.utils.flop_counter` on one segment, read once more and thrown away.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

from .environment import peak_memory_bytes
from .reading import model_device

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Peaks:
    """The highest memory since `begin`: of the process, and of the accelerator that `device` is (0: none)."""

    def __init__(self, device: torch.device):
        self._device = device

    def begin(self) -> None:
        """Count from here on."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        if _RESET.exists():
            try:
                _RESET.write_text("5")
            except PermissionError:
                return  # a kernel that forbids it: the mark stays that of the whole process

    @property
    def host_bytes(self) -> int:
        """Highest resident memory of the process."""
        found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text()) if _STATUS.exists() else None
        return int(found[1]) * 1024 if found else peak_memory_bytes()

    @property
    def device_bytes(self) -> int:
        """Highest memory that tensors took on the accelerator."""
        return torch.cuda.max_memory_allocated(self._device) if self._device.type == "cuda" else 0


def can_be_tried(model: Any) -> bool:
    """Whether a segment may be read just to see what it costs: by a torch module, unless it says `counts_flops` False.

    That says a model which asks a server, or whose work hangs on the words that it reads.
    """
    return isinstance(model, torch.nn.Module) and bool(getattr(model, "counts_flops", True))


def is_compiled(model: Any) -> bool:
    """Whether `read` goes through torch.compile."""
    return hasattr(model.read, "_torchdynamo_orig_callable")


def warm_up(model: Any, rows: int) -> None:
    """Let a model read two segments of `rows` documents, which it forgets: what it does once is then done.

    Two, because a first state can differ from those that follow in ways that a compiler takes for another program.
    """
    with torch.inference_mode():
        state, segment = model.start(rows), _zeros(model, rows)
        for _ in range(2):
            state = model.read(state, segment)


def flops_per_token(model: Any) -> float | None:
    """Floating-point operations for each token that a torch module reads, counted on a first segment of one document.

    Products of matrices, convolutions and attention are counted, at two operations for a multiplication with an
    addition; kernels that torch does not know are not. None for what cannot be tried.
    """
    if not can_be_tried(model):
        return None
    from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

    def attention(query: Any, key: Any, value: Any, *rest: Any, **more: Any) -> int:
        return sdpa_flop_count(query, key, value)  # of shapes: which is how torch asks

    read: Any = getattr(model.read, "_torchdynamo_orig_callable", model.read)
    start: Any = model.start
    tokens = _zeros(model, 1)
    on_cpu = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention}
    with torch.inference_mode(), FlopCounterMode(display=False, custom_mapping=on_cpu) as counter:
        read(start(1), tokens)
    return counter.get_total_flops() / tokens.numel()


def _zeros(model: Any, rows: int) -> torch.Tensor:
    return torch.zeros((rows, model.segment_length), dtype=torch.int64, device=model_device(model))

"""Training as TensorBoard shows it, beside the log in JSON lines. Knows step reports and no models."""

from __future__ import annotations

from pathlib import Path

from ..base.errors import UserError
from .trainer import StepReport


class Board:
    """Writes event files to `folder`; what was written from step `step` on is shown no more.

    Raises `UserError` when the package tensorboard is not installed.
    """

    def __init__(self, folder: str | Path, step: int):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UserError("--tensorboard takes a package of its name: pip install 'rmt-bench[train]'") from error
        self._writer = SummaryWriter(str(folder), purge_step=step)
        self._stage = ""

    def log(self, report: StepReport) -> None:
        """Add one step: its loss, its accuracies, the rate, how many segments it had, and where a stage begins."""
        for name in ("loss", "accuracy", "recent_accuracy", "rate", "segments"):
            value = getattr(report, name)
            if value is not None:
                self._writer.add_scalar(name, value, report.step)
        if report.stage != self._stage:
            self._stage = report.stage
            self._writer.add_text("stage", report.stage, report.step)

    def close(self) -> None:
        """Write what is not written yet."""
        self._writer.close()

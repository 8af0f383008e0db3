import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.curriculum import Stage
from rmt_bench.bench.processes import Accelerated, Alone, find_processes
from rmt_bench.bench.stream import Stream

_STAGE = Stage("7 segments", 7, 7)


@pytest.fixture(autouse=True)
def _forgetful():
    """Accelerate keeps what it was told first in a state of the whole process."""
    from accelerate.state import AcceleratorState

    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def test_a_process_that_nobody_launched_is_alone(monkeypatch):
    for name in ("WORLD_SIZE", "ACCELERATE_MIXED_PRECISION"):
        monkeypatch.delenv(name, raising=False)
    for precision in (None, "no"):
        alone = find_processes(precision, "cpu")
        assert type(alone) is Alone
        assert alone.is_first
        assert alone.identity() == {}
        assert alone.total([1.5, 2]) == [1.5, 2]


def test_bf16_computes_products_in_bfloat16_and_stands_in_the_identity():
    processes = find_processes("bf16", "cpu")
    assert isinstance(processes, Accelerated)
    assert processes.identity() == {"precision": "bf16"}
    linear = torch.nn.Linear(4, 4)
    with processes.autocast():
        assert linear(torch.zeros(1, 4)).dtype == torch.bfloat16
    assert linear(torch.zeros(1, 4)).dtype == torch.float32


def test_processes_that_do_not_work_together_are_refused(monkeypatch):
    Accelerated("no", "cpu")  # accelerate remembers for as long as a process lives that it is alone
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(UserError, match="3 processes were started, and accelerate makes 1 of them work together"):
        Accelerated("no", "cpu")


def test_a_batch_is_shared_without_rest(make_plan):
    plan = make_plan("detect", split="train")

    def examples(share):
        import numpy as np

        stream = Stream(plan.tasks, plan.source, 32, 5, share)
        groups = stream.batch(3, 2, _STAGE, np.random.default_rng(0)).groups
        return sorted(
            (np.concatenate(list(one.document.tokens)).tolist(), one.target) for group in groups for one in group
        )

    whole = examples((0, 1))
    assert sorted(examples((0, 2)) + examples((1, 2))) == whole
    assert len(examples((0, 2))) == 3


def test_more_processes_than_rows_are_refused(make_plan):
    plan = make_plan("detect", split="train")
    with pytest.raises(UserError, match="4 processes cannot share a batch of 3: raise --batch-size"):
        Stream(plan.tasks, plan.source, 32, 3, (0, 4))

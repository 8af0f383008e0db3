from collections.abc import Callable

import pytest

from rmt_bench.generators.background import load_background
from rmt_bench.generators.lengths import parse_lengths
from rmt_bench.generators.plan import Plan, load_tasks
from rmt_bench.generators.samples import Source


@pytest.fixture
def make_plan(byte_bpe, story) -> Callable[..., Plan]:
    """Makes small plans over the short story: `make_plan("detect", "0,200", samples=3, seed=0, ...)`."""

    def make(tasks: str = "detect", lengths: str = "0,200", samples: int = 3, **source) -> Plan:
        made = Source(load_background(str(story)), byte_bpe, **{"segment_length": 32, **source})
        return Plan(load_tasks(tasks.split(",")), parse_lengths(lengths), samples, made)

    return make

import json
import os
import platform
import subprocess
import sys

import pytest

#: Takes and frees the same 80 MB again and again; tells how many pages the kernel handed out for it.
_CHURN = """
import json, os, resource, sys
if sys.argv[1] == "kept":
    from rmt_bench.base.allocator import keep_freed_memory
    keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    blocks = [bytearray(4 << 20) for _ in range(20)]
    del blocks
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(json.dumps([faults, {key: value for key, value in os.environ.items() if key.startswith("MALLOC_")}]))
"""

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is about glibc")


def churn(how: str, **settings: str) -> tuple[int, dict[str, str]]:
    """Page faults, and what children are told."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    call = [sys.executable, "-c", _CHURN, how]
    told = subprocess.run(call, check=True, capture_output=True, text=True, env={**others, **settings}).stdout
    faults, environment = json.loads(told)
    return faults, environment


def test_memory_that_was_freed_is_taken_again_without_the_kernel():
    (as_it_comes, _), (kept, told) = churn("as it comes"), churn("kept")
    assert kept < as_it_comes / 3
    assert set(told) == {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"}


def test_what_the_environment_says_stands():
    _, told = churn("kept", MALLOC_TRIM_THRESHOLD_="4096")
    assert told["MALLOC_TRIM_THRESHOLD_"] == "4096"

"""`python -m rmt_bench` is `rmt-bench`."""

from .cli import main

main()

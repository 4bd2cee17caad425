"""Benchmarks beside other tools: ``python -m tests.benchmarks``. They measure; no test depends on a time."""

"""Measured ratios, printed and never asserted: `python -m tests.benchmarks` runs every module of this folder."""

"""Metrics, one idea one file: `update` with one prediction at a time, then `compute`."""

"""Losses, one idea one file."""

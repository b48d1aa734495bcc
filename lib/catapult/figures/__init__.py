"""Figures: each function takes results and returns a matplotlib figure; none of them trains."""

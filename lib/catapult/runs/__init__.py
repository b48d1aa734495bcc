"""Runs: grids of parameters, what is computed of them and where, and the store that keeps the results."""

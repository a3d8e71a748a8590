"""Checks of what the rows say: refusals, residue, injected orders, degenerate answers, labels; a file each."""

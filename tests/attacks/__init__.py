"""Hostile submissions, tried for real: what each attempt comes to under each set of layers."""

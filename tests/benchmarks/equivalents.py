"""Why some mutants cannot be told from the original, in words: each was read by a person."""

from tests.benchmarks.mutants import Mutant

REASONS: dict[str, str] = {}


def reason(mutant: Mutant) -> str:
    """Return why a mutant is equivalent; empty where nobody has said so."""
    return REASONS.get(mutant.key, "")

"""Matching with scores on many made-up customers; `python -m bench.matching` says more."""

from __future__ import annotations

from bench.matching import measure


def test_no_false_link_among_10_000_customers() -> None:
    """Typing errors, moved words, abbreviations, namesakes, sister companies, fields left out; default thresholds."""
    found = measure(seed=7, customers=10_000)
    assert min(found.records) >= 10_000
    assert found.false == []
    assert found.linked / found.pairs > 0.45
    assert found.linked_identified / found.identified > 0.6
    assert (found.linked + found.asked) / found.pairs > 0.8
    assert found.asked_wrongly < 0.01 * sum(found.records)

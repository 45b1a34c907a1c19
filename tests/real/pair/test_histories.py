"""People, faults and kills between two systems that nobody here wrote: in the end both hold the same, and nothing is
lost or there twice. `make test-real ARGS='--pair-seeds 100-200'` plays others.
"""

from tests.end_to_end.rounds import Rounds
from tests.real.pair.history import History
from tests.real.pair.pair import Pair, with_key


def test_history(bare: Pair, rounds: Rounds, pair_seed: int) -> None:
    """Odd seeds have a custom field of Redmine's issues for the key of a create, even ones nothing of the kind."""
    if pair_seed % 2:
        bare.change(lambda text: with_key(text, bare.redmine))
    History(bare, rounds, pair_seed).play()

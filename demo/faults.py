"""What can be made to go wrong on purpose: named faults, each with a rate, a count and the requests it applies to."""

import random
from dataclasses import dataclass
from typing import Literal

import msgspec

from .model import Call

Stage = Literal["before", "after", "listing", "late", "slow"]


@dataclass(frozen=True, slots=True)
class Fault:
    """`stage` says when it strikes; `writes` that it strikes only requests that change something."""

    stage: Stage
    meaning: str
    writes: bool = False


FAULTS: dict[str, Fault] = {
    "answer_lost_before": Fault("before", "connection closed, nothing done"),
    "answer_lost_after": Fault("after", "done, then connection closed without an answer"),
    "error_500_before": Fault("before", "500, nothing done"),
    "error_500_after": Fault("after", "done, then 500"),
    "late_effect": Fault("late", "connection closed without an answer; done delay_s later", writes=True),
    "truncated": Fault("after", "done; the answer's body stops half-way"),
    "html_200": Fault("before", "200 with a login page"),
    "error_in_200": Fault("before", "200 with an error in its body"),
    "empty_200": Fault("before", "200 without a body"),
    "empty_list": Fault("listing", "200 with no records, total 0"),
    "short_list": Fault("listing", "the last record of a page is left out"),
    "unauthorized_401": Fault("before", "401"),
    "forbidden_403": Fault("before", "403"),
    "rate_429": Fault("before", "429, with Retry-After when the rule has retry_after"),
    "unavailable_503": Fault("before", "503, with Retry-After when the rule has retry_after"),
    "stale_list": Fault("listing", "the listing as it was delay_s ago"),
    "slow": Fault("slow", "answered after delay_s"),
    "redirect": Fault("before", "302 to location, another host"),
}


class Rule(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One switch. `path` is a beginning of the request's path, `count` how often it fires at most (null: always).

    `effect` lets html_200, error_in_200, empty_200, unavailable_503 and rate_429 strike after the request was obeyed.
    """

    name: str
    rate: float = 1.0
    count: int | None = None
    method: str | None = None
    path: str | None = None
    delay_s: float = 1.0
    retry_after: float | None = None
    location: str = "http://elsewhere.invalid/login"
    effect: bool = False

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise ValueError(f"no fault is named {self.name!r}; there are: {', '.join(FAULTS)}")


class Switches(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /_faults."""

    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    rules: list[Rule] = []


class Faults:
    """The active switches and how often each has fired."""

    def __init__(self, switches: Switches, seed: int) -> None:
        self._random = random.Random(seed)
        self.replace(switches)

    def replace(self, switches: Switches) -> None:
        """Take these switches instead; counts start again."""
        self.switches = switches
        self._fired = [0] * len(switches.rules)

    def delay(self) -> float:
        """Seconds that this answer waits."""
        s = self.switches
        if not s.latency_ms and not s.jitter_ms:
            return 0.0
        return max(0.0, s.latency_ms + self._random.uniform(-s.jitter_ms, s.jitter_ms)) / 1000

    def strike(self, call: Call, *, listing: bool) -> Rule | None:
        """The first rule that hits this request, now counted; None lets it pass."""
        for number, rule in enumerate(self.switches.rules):
            if self._applies(rule, call, listing) and not self._used_up(number) and self._random.random() < rule.rate:
                self._fired[number] += 1
                return rule
        return None

    def _used_up(self, number: int) -> bool:
        count = self.switches.rules[number].count
        return count is not None and self._fired[number] >= count

    @staticmethod
    def _applies(rule: Rule, call: Call, listing: bool) -> bool:
        fault = FAULTS[rule.name]
        if (fault.stage == "listing" and not listing) or (fault.writes and call.method == "GET"):
            return False
        return (rule.method is None or rule.method.upper() == call.method) and call.path.startswith(rule.path or "/")

    def report(self) -> dict[str, object]:
        """The switches as they are, each rule with `fired`."""
        rules = [{**msgspec.to_builtins(r), "fired": n} for r, n in zip(self.switches.rules, self._fired, strict=True)]
        latency = {"latency_ms": self.switches.latency_ms, "jitter_ms": self.switches.jitter_ms}
        return {**latency, "rules": rules, "known": {name: fault.meaning for name, fault in FAULTS.items()}}


def from_command_line(pairs: list[str]) -> list[Rule]:
    """`["rate_429=0.1", "slow=0.5"]` to rules; ValueError names what is wrong."""
    rules = []
    for pair in pairs:
        name, _, rate = pair.partition("=")
        rules.append(Rule(name=name, rate=float(rate or 1)))
    return rules

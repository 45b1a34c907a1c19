"""Matching with scores, measured: made-up customers, entered in two systems by two people.

`python -m bench.matching --customers 10000 --seeds 3` plays a first round for each seed on systems in memory, and says
how many links are false, how many pairs were linked or came to a person, and how long it took.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accord.config.load import load
from accord.connectors.memory import Behaviour, MemorySystem, TickingClock
from accord.engine.round import Caller, run_round
from accord.engine.setting import Options
from accord.store.opening import open_state


def _words(text: str) -> list[str]:
    return text.split()


ROWS = ("name", "org", "email", "phone", "street", "postal", "town")
WEIGHTS = {"name": 4, "org": 4, "email": 2, "phone": 2, "street": 1, "postal": 1, "town": 1}
BEGIN = _words("Nor Sol Berg Fjell Hav Lund Dal Vik Strand Elv Sund Gran Alm Bjork Tind Myr Foss Brekk Skog Stein")
MIDDLE = ["", "er", "en", "e", "o", "a", "in", "al", "um", "ar"]
END = _words("mark vang stad nes heim mo by rud set land lien haug voll gard bo tun ås røy helm dyr")
BRANCH = _words(
    "Consulting Bakeri Bygg Elektro Transport Maskin Data Rør Regnskap Eiendom Design Invest Marine "
    "Import Service International Engineering Trading Catering Logistikk"
)
SISTERS = ["Holding", "Eiendom", "Invest", "Drift", "Utvikling", "Nord", "Sør"]
FORMS = {"AS": ["A/S", "AS", "as"], "Ltd": ["Limited", "Ltd.", "LTD"], "GmbH": ["G.m.b.H.", "GmbH"], "Inc": ["Inc."]}
FIRST = _words("Anna Ola Kari Per Ingrid Lars Maria Jon Eva Nils Tuva Erik Liv Odd Siri Hans Greta Otto Ida Karl")
TOWNS = [(f"{number:02}", f"{a}{b}") for number, (a, b) in enumerate(zip(BEGIN, reversed(END), strict=True), start=11)]
STREETS = _words("Storgata Kirkeveien Skolegata Havnegata Parkveien Industriveien Torggata Elveveien")


@dataclass
class Made:
    """Records of two systems, and which are one customer."""

    left: list[dict[str, Any]] = field(default_factory=list)
    right: list[dict[str, Any]] = field(default_factory=list)
    """Each record has the number of its customer under `truth`, which no row names."""


class Maker:
    """Makes customers up from lists of words, the same from the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def made(self, customers: int) -> Made:
        """About so many customers in each of two systems: 85 of 100 in both."""
        made = Made()
        for number, customer in enumerate(self._customers(customers * 100 // 92)):
            where = self.random.random()
            if where < 0.925:
                made.left.append({**self._entered(customer), "truth": number})
            if where >= 0.925 or where < 0.85:
                made.right.append({**self._entered(customer), "truth": number})
        self.random.shuffle(made.right)
        return made

    def _customers(self, count: int) -> Iterator[dict[str, Any]]:
        given = 0
        while given < count:
            customer = self._person() if self.random.random() < 0.2 else self._company()
            family = [customer]
            kind = self.random.random()
            if kind < 0.06:  # a namesake in another town
                other = self._person() if customer["org"] is None else self._company()
                family.append({**other, "name": customer["name"]})
            elif kind < 0.12 and customer["org"]:
                family += list(self._sisters(customer))
            elif kind < 0.14 and customer["org"] is None:  # of one household
                first = self.random.choice([name for name in FIRST if not customer["name"].startswith(f"{name} ")])
                family.append({**customer, "name": f"{first} {customer['name'].split(' ', 1)[1]}"})
            given += len(family)
            yield from family

    def _sisters(self, customer: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Companies of one group: one address, often one telephone and one mailbox, a number of their own each."""
        stem, form = customer["name"].rsplit(" ", 1)
        first = stem.split()[0]
        others = [word for word in SISTERS if word not in stem]
        for word in self.random.sample(others, self.random.randint(1, 2)):
            yield {**customer, "name": f"{first} {word} {form}", "org": self._digits(9)}

    def _word(self) -> str:
        pick = self.random.choice
        return pick(BEGIN) + pick(MIDDLE) + pick(END)

    def _digits(self, count: int) -> str:
        return str(self.random.randint(10 ** (count - 1), 10**count - 1))

    def _company(self) -> dict[str, Any]:
        name = self._word()
        words = [name, *self.random.sample(BRANCH, self.random.choice((1, 1, 1, 2)))]
        form = self.random.choice([*FORMS, "AS", "AS"])
        return {
            "name": f"{' '.join(words)} {form}",
            "org": self._digits(9),
            "email": f"{self.random.choice(('post', 'info', 'office'))}@{name.lower()}{self._digits(2)}.example",
            **self._place(),
        }

    def _person(self) -> dict[str, Any]:
        first, last = self.random.choice(FIRST), self._word()
        mail = f"{first.lower()}.{last.lower()}{self._digits(2)}@mail.example"
        return {"name": f"{first} {last}", "org": None, "email": mail, **self._place()}

    def _place(self) -> dict[str, Any]:
        begin, town = self.random.choice(TOWNS)
        street = f"{self.random.choice(STREETS)} {self.random.randint(1, 90)}"
        phone = f"+47{self.random.choice('249')}{self._digits(7)}"
        return {"phone": phone, "street": street, "postal": f"{begin}{self._digits(2)}", "town": town}

    # what a person makes of it

    def _entered(self, customer: dict[str, Any]) -> dict[str, Any]:
        """A customer as somebody typed it in: fields left out, names spelt and ordered otherwise."""
        found = dict(customer)
        found["name"] = self._typed_name(customer["name"], customer["org"] is not None)
        for row, left_out, wrong in (("org", 0.3, 0.02), ("email", 0.4, 0.03), ("phone", 0.4, 0.03)):
            if found[row] is not None and self.random.random() < wrong:
                found[row] = self._error(found[row])
            if self.random.random() < left_out:
                found[row] = None
        if self.random.random() < 0.06:  # moved house, or another contact
            found |= self._place()
        if found["phone"] and self.random.random() < 0.5:
            found["phone"] = f"{found['phone'][3:6]} {found['phone'][6:8]} {found['phone'][8:]}"
        for row in ("street", "postal"):
            if self.random.random() < 0.2:
                found[row] = None
        return found

    def _typed_name(self, name: str, is_company: bool) -> str:
        words = name.split()
        form = words.pop() if is_company else None
        if self.random.random() < 0.2:
            at = self.random.randrange(len(words))
            words[at] = self._error(words[at])
        if self.random.random() < 0.08:
            at = self.random.randrange(len(words))
            words[at] = words[at][:5] + "." if len(words[at]) > 7 else words[at]
        if self.random.random() < 0.1:
            self.random.shuffle(words)
        if form is not None and self.random.random() < 0.85:
            words.append(self.random.choice([form, *FORMS[form]]))
        text = " ".join(words)
        return text.upper() if self.random.random() < 0.1 else text

    def _error(self, text: str) -> str:
        """One typing error that keeps digits digits."""
        at = self.random.randrange(1, len(text) - 1) if len(text) > 2 else 0
        same = "0123456789" if text[at].isdigit() else "abcdefghijklmnopqrstuvwxyz"
        kind = self.random.randrange(4)
        if kind == 0:
            return text[:at] + self.random.choice(same) + text[at + 1 :]
        if kind == 1:
            return text[:at] + self.random.choice(same) + text[at:]
        if kind == 2:
            return text[:at] + text[at + 1 :]
        return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one first round did."""

    records: tuple[int, int]
    pairs: int
    """Customers that are in both systems."""
    identified: int
    """Of these, such with an equal organisation number, address or telephone number on both sides."""
    linked: int
    linked_identified: int
    false: list[tuple[str, str]]
    asked: int
    """Pairs not linked, of which a person is asked with the right record among those named."""
    asked_wrongly: int
    """Records that a person is asked about although they have no counterpart."""
    seconds: float

    def words(self) -> str:
        """For a person."""
        return (
            f"{self.records[0]:,} and {self.records[1]:,} records, {self.pairs:,} customers in both: "
            f"{len(self.false)} false links, {self.linked / self.pairs:.1%} linked "
            f"({self.linked_identified / self.identified:.1%} of those that something identifies), "
            f"{(self.linked + self.asked) / self.pairs:.1%} linked or asked; "
            f"{self.asked_wrongly:,} records asked about without a counterpart; {self.seconds:.0f} s"
        )


def measure(seed: int, customers: int) -> Measured:
    """A first round over made-up customers, `link: match-only`, at the default thresholds."""
    made = Maker(seed).made(customers)
    with tempfile.TemporaryDirectory() as name:
        folder, clock = Path(name), TickingClock()
        systems = {
            side: MemorySystem({"customer": Behaviour()}, clock=clock, instance=f"matching-{side}")
            for side in ("left", "right")
        }
        entered = {
            f"{side}/customer/{systems[side].insert('customer', record)}": record
            for side, records in (("left", made.left), ("right", made.right))
            for record in records
        }
        project = load(_file(folder))
        begun = time.perf_counter()
        run_round(project, Options(), Caller(clock=clock))
        seconds = time.perf_counter() - begun
        return _counted(made, entered, folder, seconds)


def _file(folder: Path) -> Path:
    types = {"email": "email", "phone": "phone(NO)"}
    flow = {
        "left": "customer",
        "right": "customer",
        "link": "match-only",
        "conflict": "latest",
        "match_score": {"rows": WEIGHTS},
        "rows": [{"left": row, "right": row, "type": types.get(row, "string")} for row in ROWS],
    }
    systems = {
        side: {"connector": "memory", "instance": f"matching-{side}", "datatypes": {"customer": {}}}
        for side in ("left", "right")
    }
    path = folder / "accord.yaml"
    path.write_text(json.dumps({"accord": 1, "state": str(folder / "s.db"), "systems": systems, "flows": {"c": flow}}))
    return path


def _counted(made: Made, entered: dict[str, dict[str, Any]], folder: Path, seconds: float) -> Measured:
    truth = {ref: record["truth"] for ref, record in entered.items()}
    both = {record["truth"] for record in made.left} & {record["truth"] for record in made.right}
    left = {record["truth"]: record for record in made.left}
    identified = {each["truth"] for each in made.right if each["truth"] in both and _same(left[each["truth"]], each)}
    linked: set[int] = set()
    false = []
    with open_state(str(folder / "s.db")) as state:
        for link in state.links.load(list(state.links.numbers("c"))).values():
            refs = [str(member.ref) for member in link.members]
            if len(refs) == 2 and truth[refs[0]] == truth[refs[1]]:
                linked.add(truth[refs[0]])
            elif len(refs) == 2:
                false.append((str(entered[refs[0]]), str(entered[refs[1]])))
        items = list(state.held.list(kind="review"))
    named = [(truth[item.refs[0]], [truth[ref] for ref in item.refs[1:]]) for item in items]
    return Measured(
        records=(len(made.left), len(made.right)),
        pairs=len(both),
        identified=len(identified),
        linked=len(linked),
        linked_identified=len(linked & identified),
        false=false,
        asked=len({mine for mine, others in named if mine in others} - linked),
        asked_wrongly=sum(mine not in both for mine, _ in named),
        seconds=seconds,
    )


def _same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    """Whether something that identifies is equal."""
    phones = [(record["phone"] or "").replace(" ", "")[-8:] for record in (left, right)]
    return any(left[row] and left[row] == right[row] for row in ("org", "email")) or (
        bool(phones[0]) and phones[0] == phones[1]
    )


def main() -> None:
    """Measure some seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    for seed in range(1, given.seeds + 1):
        measured = measure(seed, given.customers)
        print(f"seed {seed}: {measured.words()}", flush=True)
        for pair in measured.false:
            print(f"  false: {pair[0]} | {pair[1]}")


if __name__ == "__main__":
    main()

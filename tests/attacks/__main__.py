"""``python -m tests.attacks``: the table of attacks × layers. Also ``containers``, ``fuzz``, ``leaks`` and
``soak``; see ``--help``."""

import argparse
import sys
from collections import Counter

from tests.attacks import containers, fuzz, leaks, soak
from tests.attacks.runner import ATTACKS, CONFIGURATIONS, FELL, HELD, REFUSED, run

_SHORT = {HELD: "+", REFUSED: "r", FELL: "FELL"}


def table(configurations: list[str], names: list[str]) -> int:
    """Try the attacks, print a row for each and the reasons of those that fell; return how many did."""
    print("columns: " + ", ".join(f"{i} {c}" for i, c in enumerate(configurations, 1)))
    print(f"{HELD} +   {REFUSED} to grade r   {FELL} FELL\n", flush=True)
    found: dict[str, list[str]] = {name: [] for name in names}
    fallen = []
    for configuration in configurations:
        for name, outcome, reasons in run(configuration, names):
            found[name].append(outcome)
            if outcome == FELL:
                fallen.append(f"{configuration}: {name}: {'; '.join(reasons)}")
        print(f"{configuration}: {dict(Counter(o[-1] for o in found.values()))}", flush=True)
    print()
    row = ""
    for name, outcomes in sorted(found.items(), key=lambda item: (ATTACKS[item[0]].row, item[0])):
        if ATTACKS[name].row != row:
            row = ATTACKS[name].row
            print(f"\n{row}")
        print(f"  {name:<50}" + "".join(f"{_SHORT[o]:>5}" for o in outcomes))
    print(f"\n{len(names)} attacks, {len(configurations)} configurations, {len(fallen)} fell")
    print("\n".join(fallen))
    return len(fallen)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m tests.attacks", description=__doc__)
    parser.add_argument("--only", help="configurations, by number, such as 1,3")
    parser.add_argument("--match", default="", help="only attacks whose name or kind contains this")
    commands = parser.add_subparsers(dest="command")
    fuzzing = commands.add_parser("fuzz", help="damage frames, notebooks, results and archives, and read them")
    fuzzing.add_argument("--inputs", type=int, default=1_000_000)
    fuzzing.add_argument("--what", choices=[*fuzz.TARGETS], default="frames")
    fuzzing.add_argument("--seed", type=int, default=0)
    leaking = commands.add_parser("leaks", help="search the words of all assignments for what is hidden")
    leaking.add_argument("assignments", nargs="*")
    soaking = commands.add_parser("soak", help="grade many submissions, a third hostile, and watch the machine")
    soaking.add_argument("--submissions", type=int, default=5000)
    soaking.add_argument("--seed", type=int, default=0)
    containing = commands.add_parser("containers", help="try the attacks inside containers (needs root and podman)")
    containing.add_argument("--count", type=int, default=30)
    chosen = parser.parse_args(arguments)
    if chosen.command == "fuzz":
        return fuzz.main(chosen.what, chosen.inputs, chosen.seed)
    if chosen.command == "leaks":
        return leaks.main(chosen.assignments)
    if chosen.command == "containers":
        return containers.main(chosen.count)
    if chosen.command == "soak":
        return soak.main(chosen.submissions, chosen.seed)
    configurations = list(CONFIGURATIONS)
    if chosen.only:
        configurations = [configurations[int(n) - 1] for n in chosen.only.split(",")]
    names = [n for n, a in ATTACKS.items() if chosen.match in n or chosen.match in a.row]
    return 1 if table(configurations, names) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Compare policies on the same clips: accuracy, actions, milliseconds.

Prints the machine and a Markdown table. Every row is one `edge-dnq eval`, whose cost is measured in
turns with uniform w8a8 on the same clips; "bit operations" are those of
`edge_dnq.evaluation.relative_bit_operations`.

Run: python benchmarks/policies.py BUNDLE DATA [--split val] [--limit N]
"""

from __future__ import annotations

import argparse
import math

from edge_dnq.bundle import Bundle
from edge_dnq.evaluation import Evaluation, evaluate, relative_bit_operations
from edge_dnq.host import read_cpu
from edge_dnq.programs.litert import find_package

POLICIES = (
    "learned",
    "uniform:w8a8",
    "uniform:w4a4",
    "uniform:w2a2",
    "random",
    "w4a4,skip",
    "w4a4,skip,skip,skip",
)


def standard_error(result: Evaluation) -> float:
    """Return the standard error of the accuracy, in points."""
    p = result.accuracy_top1
    return 100 * math.sqrt(p * (1 - p) / result.clips)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle")
    parser.add_argument("data")
    parser.add_argument("--split", default="val")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--policies", nargs="+", default=POLICIES)
    arguments = parser.parse_args()
    bundle = Bundle.load(arguments.bundle)
    cpu, package = read_cpu(), find_package()
    rows = []
    for policy in arguments.policies:
        result = evaluate(
            bundle, arguments.data, arguments.split, policy=policy, limit=arguments.limit
        )
        actions = " ".join(f"{name} {share:.0%}" for name, share in result.actions.items() if share)
        rows.append(
            f"| `{policy}` | {100 * result.accuracy_top1:.1f} ± {standard_error(result):.1f} | "
            f"{actions} | {result.mean_ms_per_frame:.3f} | {result.relative_cost:.2f} | "
            f"{relative_bit_operations(bundle.manifest, result.actions):.3f} |"
        )
    print(
        f"{cpu.model} ({cpu.architecture}, {' '.join(cpu.features)}), {package.name} "
        f"{package.version}, one thread; {result.clips} clips, {result.frames} frames\n"
    )
    print("| policy | top-1 % | actions | ms per frame | of w8a8 | bit operations of w8a8 |")
    print("|---|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()

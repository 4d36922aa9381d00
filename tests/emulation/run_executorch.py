"""Runs in the emulated Python: a bundle's ExecuTorch programs through the package's own modules.

``run_executorch.py BUNDLE INPUTS ANSWERS PATH... -- KERNELS...``: INPUTS holds one array of frames
per program, ANSWERS gets KERNELS/PROGRAM, and for the policy KERNELS/policy/N for its outputs.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(words: list[str]) -> None:
    split = words.index("--")
    bundle_path, inputs, answers, *paths = words[:split]
    sys.path[:0] = paths
    import numpy as np

    from edge_dnq.bundle import Bundle
    from edge_dnq.programs import RUNTIMES, load_program

    bundle = Bundle.load(bundle_path)
    policy = bundle.manifest.policy
    assert policy is not None
    found: dict[str, np.ndarray] = {}
    with np.load(inputs) as arrays:
        frames = dict(arrays)
    for kernels in words[split + 1 :]:
        key = RUNTIMES["executorch"].keys(kernels)[0]
        for spec in bundle.manifest.programs:
            content, ends = bundle.read(spec.files[key]), ((spec.input,), (spec.output,))
            program = load_program(content, *ends, "executorch", kernels=kernels)
            assert (program.kernels.isa or "off") == kernels, program.kernels
            rows = [program.run(frame[None])[0] for frame in frames[spec.name]]
            found[f"{kernels}/{spec.name}"] = np.concatenate(rows)
        content = bundle.read(policy.files[key])
        program = load_program(
            content, policy.inputs, policy.outputs, "executorch", kernels=kernels
        )
        state = [np.zeros(spec.shape, np.float32) for spec in policy.inputs[1:]]
        logits = []
        for frame in frames["policy"]:
            output, *state = program.run(frame[None], *state)
            logits.append(output)
        for index, array in enumerate([np.concatenate(logits), *state]):
            found[f"{kernels}/policy/{index}"] = array
    np.savez(Path(answers), **found)


if __name__ == "__main__":
    main(sys.argv[1:])

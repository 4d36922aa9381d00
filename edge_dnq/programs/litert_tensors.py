"""Every tensor of a run, not only the outputs: for looking into a program."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from numpy.typing import NDArray

from edge_dnq.errors import BundleError
from edge_dnq.programs.litert import find_package


class TensorObserver:
    """A TFLite program whose intermediate tensors can be read after a run.

    It runs on the runtime's own kernels, because a kernel library keeps inner tensors to itself.
    Their integers are the golden ones.

    Args:
        content: The flatbuffer, from a checked bundle.

    Raises:
        BundleError: the runtime does not take it.
        RuntimeMissingError: no runtime for TFLite programs is installed.
    """

    def __init__(self, content: bytes) -> None:
        package = find_package()
        self._content = content
        try:
            with warnings.catch_warnings():
                # It warns about the memory that the kept tensors take.
                warnings.simplefilter("ignore", UserWarning)
                self._interpreter = package.interpreter(
                    model_content=content, num_threads=1, experimental_preserve_all_tensors=True
                )
            self._interpreter.allocate_tensors()
            self._input = self._interpreter.get_input_details()[0]["index"]
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"{package.name} cannot load it: {error}") from error

    def run(
        self, codes: NDArray[Any], tensors: Iterable[int]
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        """Run once; yield each of ``tensors`` (by index in the file) and its values.

        Raises:
            BundleError: the program does not run, or a tensor was not computed.
        """
        try:
            self._interpreter.set_tensor(self._input, codes)
            self._interpreter.invoke()
            for index in tensors:
                yield index, self._interpreter.get_tensor(index)
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"the program does not tell its tensors: {error}") from error

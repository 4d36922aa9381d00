"""Errors a person can act on.

Every failure that a user can cause is raised as an :class:`EdgeDnqError` whose message is one line:
what was given, what was expected, what to do next. The command line prints that line and exits with
:attr:`EdgeDnqError.exit_code`; it never shows a traceback for one of these.
"""

from __future__ import annotations


class EdgeDnqError(Exception):
    """A mistake or a limit that is told to the user in one line.

    Args:
        message: The line. What is not printable in it, such as a line break or an escape sequence
            in the name of a file, is shown escaped.
    """

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__("".join(map(_printable, message)))


class BundleError(EdgeDnqError):
    """A bundle is missing, damaged, of an unknown version, or unsafe."""


class CheckpointError(EdgeDnqError):
    """A checkpoint cannot be read or does not fit the network it names."""


class SourceError(EdgeDnqError):
    """A video, a folder of images or a camera gives no frames."""


class DataError(EdgeDnqError):
    """A training or evaluation set is missing or malformed."""


class RuntimeMissingError(EdgeDnqError):
    """An inference runtime or an optional extra is not installed."""


class ExportError(EdgeDnqError):
    """An exported program does not equal its reference, or cannot be made."""


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")

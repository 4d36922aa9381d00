"""Errors a person can act on.

Every failure that a user can cause is raised as an :class:`EdgeDnqError` whose message is one line:
what was given, what was expected, what to do next. The command line prints that line and exits with
:attr:`EdgeDnqError.exit_code`; it never shows a traceback for one of these.
"""

from __future__ import annotations


class EdgeDnqError(Exception):
    """A mistake or a limit that is told to the user in one line."""

    exit_code = 2


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

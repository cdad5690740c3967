"""The errors a user can meet: each class carries its exit code, each instance names the cause and the remedy.

Everything that can go wrong because of input, options, weights, output or device is raised as a subclass of
`DhvtError`; the command line turns it into one line on stderr and the class's exit code. Any other exception is a
defect of this program (exit code 1).
"""

from __future__ import annotations


class DhvtError(Exception):
    """Base of all expected errors.

    Args:
        subject: what the error is about: a file name, an option, a device.
        cause: what is wrong with it, in a few words.
        remedy: what the user can do about it.
    """

    exit_code = 1

    def __init__(self, subject: object, cause: str, remedy: str) -> None:
        self.subject = str(subject)
        self.cause = cause
        self.remedy = remedy
        super().__init__(subject, cause, remedy)

    def __str__(self) -> str:
        """One line, whatever the parts contain."""
        return " ".join(f"{self.subject}: {self.cause}; {self.remedy}".split())


class UsageError(DhvtError):
    """An option is unknown, out of its range, or contradicts another."""

    exit_code = 2


class InputError(DhvtError):
    """An input is missing, unreadable, not an image, too large, or an array of the wrong shape."""

    exit_code = 3


class WeightsError(DhvtError):
    """A weights file is missing, of another format, or does not match its recorded hash."""

    exit_code = 4


class OutputError(DhvtError):
    """An output cannot be written, or exists already."""

    exit_code = 5


class DeviceError(DhvtError):
    """The device asked for is not there."""

    exit_code = 6


class BatchError(DhvtError):
    """Some files of a batch failed; the others are done."""

    exit_code = 7

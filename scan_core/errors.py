"""Errors that a person can act on: each message says what was found, where, what was expected and what to do."""


class ScanError(Exception):
    """Base of every error that a stage prints as one line and ends with exit status 1."""


def one_line(message: str) -> str:
    """``message`` with escapes for what is not printable, such as a line break in a file's name."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)


def visible(message: str) -> str:
    """``message`` with escapes for what could alter a terminal, such as bidirectional marks; its lines remain."""
    return "\n".join(map(one_line, message.split("\n")))


class ArtifactError(ScanError):
    """An artifact is missing, malformed or cannot be written."""


class DataError(ScanError):
    """A dataset's origin is missing, unreachable or malformed; names in it may hold anything, the message may not.

    Args:
        argument: of the function that was called, if one of its values is to be corrected: ``source``, for instance.
            Whoever has read that value from a file can say what it is called there.
    """

    def __init__(self, message: str, *, argument: str | None = None) -> None:
        super().__init__(one_line(message))
        self.argument = argument


class ParamsError(ScanError):
    """``params.yaml`` has an unknown key, a wrong type or a value out of range."""


class WeightsError(DataError):
    """Weights to start an encoder from are missing, unreachable, unreadable, or those of another network."""


class TrainingError(ScanError):
    """A training cannot go on: no finite loss, no confident image, fewer images than a batch."""


class MissingPackageError(ScanError):
    """A package that only this command needs is not installed."""

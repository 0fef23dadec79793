"""What can be wrong with a body."""

__all__ = ["BodyError", "BoundError", "CodingError", "MissingLibraryError"]


class BodyError(ValueError):
    """A body cannot be read as what it says it is; the base of the others."""


class CodingError(BodyError):
    """It is broken, incomplete, or in a coding that nobody here knows."""


class BoundError(BodyError):
    """It would become more than is allowed."""


class MissingLibraryError(ImportError):
    """A library is needed that is not installed; the text says how to get it."""

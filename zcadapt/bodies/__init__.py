"""What a body is inside: its codings undone, its files taken apart, its digest.

All of these take an ``AsyncIterable[bytes]``, such as ``request.body``, and
give another one. They work bit by bit: none holds more than a small part of a
body, whatever its size, and each is bounded.
"""

from zcadapt.bodies.base64 import Base64String, base64_strings
from zcadapt.bodies.coding import codings
from zcadapt.bodies.decoded import decoded
from zcadapt.bodies.errors import BodyError, BoundError, CodingError, MissingLibraryError
from zcadapt.bodies.hashed import Hashed
from zcadapt.bodies.multipart import FormPart, form_parts

__all__ = [
    "Base64String",
    "BodyError",
    "BoundError",
    "CodingError",
    "FormPart",
    "Hashed",
    "MissingLibraryError",
    "base64_strings",
    "codings",
    "decoded",
    "form_parts",
]

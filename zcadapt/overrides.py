"""What an administrator may set for one utility, whatever its protocol."""

from dataclasses import dataclass

from zcadapt.fields import setting

__all__ = ["UtilitySettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilitySettings:
    """What can be said of one service or policy; ``None`` leaves it to the utility itself."""

    on_error: str | None = setting(
        None,
        "What follows when it fails: an error, the next one is asked, or the message is blocked.",
        choices=("error", "skip", "block"),
    )
    timeout: float | None = setting(
        None, "Seconds that an asynchronous answer may take.", least=0.001, most=3600
    )

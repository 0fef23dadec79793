"""What an administrator may set for one utility, whatever its protocol."""

from dataclasses import dataclass

from zcadapt.fields import setting

__all__ = ["UtilitySettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilitySettings:
    """What can be said of one service or policy; ``None`` leaves it to the utility itself."""

    on_error: str | None = setting(
        None,
        "What follows when it fails: error tells the client of it (ICAP 500, ICP_OP_ERR), skip "
        "asks the next one, block answers with the block page, or with ICP_OP_DENIED. Where it is "
        "not set the plugin's own on_error holds; without either, error for a service and skip "
        "for a policy.",
        choices=("error", "skip", "block"),
    )
    timeout: float | None = setting(
        None,
        "Seconds that an answer may take which is awaited, or comes from a thread. Where it is "
        "not set the plugin's own timeout holds; without either, 30 for a service and 1 for a "
        "policy.",
        least=0.001,
        most=3600,
    )

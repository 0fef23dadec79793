"""``python -m zcadapt``."""

from zcadapt.cli import main

main(prog_name="zcadapt")

"""`python -m pnp_course`, and the program `pnp-course`."""

import os
import signal


def _quit(signum: int, frame: object) -> None:
    """Ctrl-C while the program is still loading: end at once, for a module that is interrupted may take it for its own."""
    os.write(2, b"pnp_course: interrupted; no file is half-written.\n")
    os._exit(130)


def main() -> None:
    """Run the command line."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _quit)  # until the command begins its work: cli.loaded
    from pnp_course import cli

    try:
        cli.main()
    except SystemExit as end:
        if end.code == 130:  # Python would rather die of the signal than give this code
            os._exit(130)
        raise


if __name__ == "__main__":
    main()

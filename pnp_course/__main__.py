"""`python -m pnp_course`, and the program `pnp-course`."""

import os
import signal


def _quit(signum: int, frame: object) -> None:
    """End at once on Ctrl-C while the program is still loading, as an imported module may catch the exception itself."""
    os.write(2, b"pnp_course: interrupted; no file is half-written.\n")
    os._exit(130)


def main() -> None:
    """Run the command line."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _quit)  # until the command begins its work: one_line.loaded
    from pnp_course import cli

    try:
        cli.main()
    except SystemExit as end:
        if end.code == 130:  # without this, Python would end by the signal and not with this exit code
            os._exit(130)
        raise


if __name__ == "__main__":
    main()

"""What the command line says when a command fails: one line for what a user can fix, a traceback for our own faults."""

from __future__ import annotations

import dis
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer.core

DEBUG = "--debug"


def loaded() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from here on, so that a command can clean up: the library has been imported."""
    if getattr(signal.getsignal(signal.SIGINT), "__module__", "").endswith("__main__"):
        signal.signal(signal.SIGINT, signal.default_int_handler)


def is_expected(error: BaseException) -> bool:
    """Is this error about the input or the machine, and not a fault of the program?

    Expected are the package's own classes of error, errors of the operating system, a lack of memory or of an optional
    package, and the ValueErrors and RuntimeErrors that a line of this package raises. One that comes from torch, from
    numpy or from a wrong line of ours is a fault, since nobody checked its cause.
    """
    if type(error).__module__.partition(".")[0] == "pnp_course" or _is_lack_of_memory(error):
        return True
    if isinstance(error, ModuleNotFoundError):
        return not (error.name or "pnp_course").startswith("pnp_course")
    if isinstance(error, OSError) and error.errno is not None:
        return True
    return isinstance(error, ValueError | RuntimeError | OSError) and _is_raised_by_us(error)


def _is_raised_by_us(error: BaseException) -> bool:
    """Was it raised by a `raise` statement of this package?"""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None or last.tb_frame.f_globals.get("__name__", "").partition(".")[0] != "pnp_course":
        return False
    return dis.opname[last.tb_frame.f_code.co_code[last.tb_lasti]] == "RAISE_VARARGS"


def _is_lack_of_memory(error: BaseException) -> bool:
    signs = ("allocate memory", "out of memory")  # torch has no class for it on a CPU
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(s in str(error) for s in signs))


def sentence(error: BaseException) -> str:
    """One line about an expected error."""
    if _is_lack_of_memory(error):
        return "there is not enough memory for this: use a smaller picture."
    if isinstance(error, ModuleNotFoundError):
        return f"this needs the Python package {error.name}: pip install 'pnp_course[all]'."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'input or output failed'}: {error.strerror}."
    if (usage := getattr(error, "format_message", None)) is not None:  # of the command line itself
        context = getattr(error, "ctx", None)
        return f"{usage().rstrip('.')}." + (f" See `{context.command_path} --help`." if context else "")
    return " ".join(str(error).split())


class OneLine(typer.core.TyperGroup):
    """The group of commands. It decides what is printed on failure, and the exit code: 2, or 130 after Ctrl-C."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and exit."""
        given = sys.argv[1:] if args is None else args
        debug = DEBUG in given  # at any place in the command line
        args = [a for a in given if a != DEBUG] if debug else args
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a file's name may have letters that the terminal lacks
                stream.reconfigure(errors="backslashreplace")
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
            sys.stdout.flush()
        except KeyboardInterrupt:
            code = 130
        except Exception as error:
            code = self._failed(error, debug)
        if code == 130:
            print("pnp_course: interrupted; no file is half-written.", file=sys.stderr)
        sys.exit(code if isinstance(code, int) else 0)

    @staticmethod
    def _failed(error: Exception, debug: bool) -> int:
        usage = hasattr(error, "format_message")
        if not usage and not is_expected(error):
            error.add_note(
                "This is a fault of pnp_course, not of what you gave it: please report it with this traceback."
            )
            raise error
        if debug and not usage:
            traceback.print_exception(error)
        print(f"pnp_course: {' '.join(sentence(error).split())}", file=sys.stderr)
        _let_go_of_stdout()
        return 2


def _let_go_of_stdout() -> None:
    """Prevent a second message at the end of the program, where Python flushes stdout again, which may fail again."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

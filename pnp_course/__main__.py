"""`python -m pnp_course`."""

from pnp_course.cli import main

main()

"""`python -m pnp_course`."""

import sys

try:
    from pnp_course.cli import main

    main()
except KeyboardInterrupt:
    print("pnp_course: interrupted.", file=sys.stderr)
    raise SystemExit(130) from None

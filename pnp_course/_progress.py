"""The bar that shows how far a long computation is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm.std import tqdm


def progress_bar(shown: bool, **options: Any) -> tqdm[Any]:
    """Return tqdm's bar, which nobody sees unless `shown`.

    The environment variable TQDM_DISABLE hides every bar, as tqdm documents it: it is a default of the argument `disable`, so
    an explicit `disable=False` would override it. Therefore the argument is given only to hide.

    Args:
        shown: whether there is anybody to look at it.
        options: tqdm's own, such as `total`, `initial`, `desc` and `unit`.
    """
    from tqdm.auto import tqdm  # slow to import, and not needed by most of the library

    return tqdm(**options) if shown else tqdm(disable=True, **options)

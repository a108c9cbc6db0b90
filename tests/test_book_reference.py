"""Every page of the reference of the built book, opened wide and narrow; a file of its own, so that two processes share."""

import pytest
from site_visit import PAGES, REFERENCE, browser, faults, reader, site  # noqa: F401

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("path", [p for p in PAGES if p.startswith(REFERENCE)])
def test_page_is_whole_at_both_widths(reader, site, path):  # noqa: F811
    assert faults(reader, site, path) == {}

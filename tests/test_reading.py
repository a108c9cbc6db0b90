"""Minutes of reading: what is counted, what is left out of the core, and where the numbers are stated."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import reading  # noqa: E402

SMALL = r"""# %% [markdown]
# # Title of four words
#
# > **Time.** 90 minutes; quick.
#
# Three plain words, $a + b$ and [a link](somewhere/else.ipynb) of $c$.
#
# $$ x = y \\ z = w $$
#
# **Exercise 1.** Do it.
#
# <details>
# <summary>Solution</summary>
#
# So, with $d$.
#
# </details>

# %%
one = 1

two = 2

# %% tags=["solution"]
three = 3

# %% [markdown]
# ## More (beyond the core)
#
# Seven words are not in the core.

# %%
four = 4

# %% [markdown]
# ### Still
#
# beyond
#
# ## Back
#
# again

# %% tags=["beyond"]
five = 5
"""


@pytest.fixture
def small(tmp_path):
    source, plan = tmp_path / "03_small.py", tmp_path / "intro.md"
    source.write_text(SMALL, encoding="utf-8")
    plan.write_text("| [03 Small](../notebooks/03_small.ipynb) | 90 | 02 |\n", encoding="utf-8")
    return source, plan


def test_counts_by_hand(small):
    core, full = reading.read(small[0])
    # 4 title, Time. 90 minutes quick (4), Three plain words and a link of (7), Exercise 1. Do it. (4), Back again (2)
    assert core == reading.Counts(words=21, formulas=2, displayed=2, code=2, exercises=1)
    # Solution So with (3), More beyond the core (4), seven words (7), Still beyond (2)
    assert full == reading.Counts(words=37, formulas=3, displayed=2, code=5, exercises=1)


def test_the_rates_give_what_the_docstring_says():
    usual = reading.Counts(words=3000, formulas=400, displayed=17, code=380, exercises=4)
    assert usual.minutes == 90
    assert reading.Counts(6000, 800, 34, 760, 8).minutes == 180  # 182
    assert reading.Counts(100, 0, 0, 0, 1).minutes == 5  # 6


def test_other_minutes_are_a_fault_and_are_written(small):
    source, plan = small
    assert [f.split(" ")[0] for f in reading.faults(source, plan)] == ["its", "intro.md"]
    reading.write(source, plan)
    assert reading.faults(source, plan) == []
    assert "> **Time.** 5 minutes; quick." in source.read_text(encoding="utf-8")  # the same with all that is folded
    assert plan.read_text(encoding="utf-8") == "| [03 Small](../notebooks/03_small.ipynb) | 5 | 5 | 02 |\n"
    plan.write_text(plan.read_text(encoding="utf-8").replace("| 5 | 5", "| 5 | 10"), encoding="utf-8")
    assert reading.faults(source, plan) == [
        "intro.md states 5 and 10 minutes; computed are 5 and 5: run tools/nb.py minutes --write"
    ]
    source.write_text(SMALL.replace("90 minutes", "5 minutes (5 with all that is folded)"), encoding="utf-8")
    assert "its head says '**Time.** 5 minutes (5 with" in reading.faults(source, plan)[0]
    source.write_text(SMALL.replace("So, with", "word " * 1000 + "with"), encoding="utf-8")
    reading.write(source, plan)
    assert "> **Time.** 5 minutes (15 with all that is folded); quick." in source.read_text(encoding="utf-8")
    assert reading.faults(source, plan) == []
    source.write_text(SMALL.replace("**Time.**", "Time:"), encoding="utf-8")
    assert "its head does not state the minutes" in reading.faults(source, plan)[0]


@pytest.mark.parametrize("left", ["TODO", "*Figure 3.* TO DO", "SENTENCE-SCHEDULE", "XXX"])
def test_text_that_is_still_to_be_written_is_a_fault(small, left):
    source, _ = small
    source.write_text(SMALL + f"\n# {left}\n", encoding="utf-8")
    line = len(SMALL.splitlines()) + 2
    assert reading.unfinished(source) == [f"line {line} is unfinished: {left.removeprefix('*Figure 3.* ')}"]


def test_no_page_is_unfinished():
    pages = [*(ROOT / "notebooks" / "src").glob("[0-9]*.py"), *(ROOT / "book").rglob("*.md")]
    assert len(pages) > 40
    assert [fault for page in pages for fault in reading.unfinished(page)] == []


@pytest.mark.parametrize("source", sorted((ROOT / "notebooks" / "src").glob("[0-9]*.py")), ids=lambda p: p.stem)
def test_each_notebook_and_the_plan_state_the_computed_minutes(source):
    assert reading.faults(source, ROOT / "book" / "intro.md") == []

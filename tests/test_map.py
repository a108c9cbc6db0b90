"""The map of the course agrees with the rules, and its arrows between conditions hold on random Jacobians."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

from pnp_course.guarantees import RULES, Constants, Rule
from pnp_course.guarantees.conditions import Parameters
from pnp_course.viz import course_map

ROOT = Path(__file__).resolve().parent.parent


def test_the_committed_map_is_what_the_tool_writes():
    subprocess.run([sys.executable, "tools/map_page.py", "--check"], cwd=ROOT, check=True)
    assert "{include} map.md" in (ROOT / "book" / "intro.md").read_text(encoding="utf-8")


def test_the_check_notices_another_rule(monkeypatch):
    sys.path.insert(0, str(ROOT / "tools"))
    import map_page

    before = map_page.files()
    monkeypatch.delitem(RULES, "fista")
    after = map_page.files()
    assert all(before[path] != after[path] for path in before)


def test_every_algorithm_is_in_the_picture_and_in_the_table_once():
    drawn = [
        node.text for node in ElementTree.fromstring(course_map.picture()).iter("{http://www.w3.org/2000/svg}text")
    ]
    page = course_map.table() + course_map.without()
    for name in RULES:
        assert drawn.count(name) == 1
        assert page.count(f"`{name}`") == 1
    assert len([r for rules in course_map.rungs().values() for r in rules]) == len(RULES)


def test_the_classes_of_well_known_algorithms():
    assert {n: course_map.end(RULES[n]) for n in ("fista", "rmmo_drs", "coco_admm", "b_red", "dps")} == {
        "fista": "minimiser", "rmmo_drs": "fixed point", "coco_admm": "critical point", "b_red": "critical point", "dps": "",
    }  # fmt: skip
    touched = {n: course_map.touches(RULES[n]) for n in ("pgd", "drs", "coco_pegd", "b_red", "dpir")}
    assert touched == {"pgd": "gradient", "drs": "prox", "coco_pegd": "prox", "b_red": "bregman", "dpir": "none"}


def test_a_rule_that_the_map_cannot_read_is_refused():
    with pytest.raises(ValueError, match="the condition 'new' begins with 0"):
        course_map.key("new")
    with pytest.raises(ValueError, match="the conclusion of s names nothing"):
        course_map.end(Rule("s", "t", "d", "f", "p", "it is nice", lambda c, p: []))


def test_notebooks_named_exist_and_text_stays_in_its_box():
    found = {p.name[:2] for p in (ROOT / "notebooks" / "src").glob("*.py")}
    assert {n for numbers in course_map.NOTEBOOKS.values() for n in numbers} <= found
    picture = course_map.picture()
    for size, words in re.findall(r'<text x="36"[^>]*font-size="([\d.]+)"[^>]*>([^<]*)<', picture):
        assert len(words) * float(size) * 0.53 < course_map.LEFT - 40, words


def norm(m):
    return float(torch.linalg.matrix_norm(m, 2))


def constants(j, k=0.9):
    """The constants of a linear denoiser, from its matrix."""
    eye, s = torch.eye(len(j), dtype=j.dtype), torch.linalg.eigvalsh((j + j.T) / 2)
    return Constants(
        bottom=float(s[0]), top=float(s[-1]), asymmetry=norm(j - j.T), norm=norm(j), residual=norm(eye - j),
        firm=norm(2 * j - eye), quarter=norm(j / 2 - eye), strict=norm(k * eye + (1 - k) * j), k=k,
        gradient_step=norm(j - j.T) == 0,
    )  # fmt: skip


GENTLE = {"step": 1e-3, "lam": 1e-3, "t": 1e-3, "a": 0.05, "b": 0.05, "relaxation": 1.0, "backtracking": True}
WITNESS = {  # for each rung a rule that asks for nothing else once its parameters are gentle
    "prox of a convex function": "drs", "||2J - I||": "rmmo_drs", "k-strictly pseudo-contractive": "pnpi_hqs",
    "Lipschitz, pseudo-contractive": "pnpi_gd", "smooth gradient step": "prox_pnp_drs", "J = J^T": "coco_admm",
    "gradient step D = I - grad g": "gs_pnp_pgd", "gradient step, Bregman or not": "b_red",
}  # fmt: skip


def met(rung, c):
    values = GENTLE | ({"t": 0.2} if rung == "k-strictly pseudo-contractive" else {})
    return all(held for held, _ in RULES[WITNESS[rung]].check(c, Parameters(values, lambda: 1.0)))


def matrices():
    generator = torch.Generator().manual_seed(0)
    eye = torch.eye(3, dtype=torch.float64)
    for k in range(600):
        m = torch.randn(3, 3, generator=generator, dtype=torch.float64)
        m = m + m.T if k % 2 else m
        m = m / norm(m)
        yield (0.5 * (eye + m), 0.3 * eye + m, eye - 3 * m @ m.T, 9 * (m - eye) + eye)[k // 2 % 4]


def test_the_arrows_between_conditions_hold_and_could_fail():
    order = list(course_map.NOTEBOOKS)
    arrows = [p for p in pairwise(order) if p[0] in course_map.IMPLIED_BELOW] + [course_map.APART]
    assert len(arrows) == len(course_map.IMPLIED_BELOW) + 1
    seen = [constants(j) for j in matrices()]
    for above, below in arrows:
        assert all(met(below, c) for c in seen if met(above, c)), (above, below)
        assert sum(met(above, c) for c in seen) > 20, above
    for above, below in (arrows[0], arrows[1], arrows[2], course_map.APART):
        assert any(met(below, c) and not met(above, c) for c in seen), (above, below)  # the lower one is weaker


def test_the_witnesses_belong_to_their_rungs():
    for rung, rules in course_map.rungs().items():
        if course_map.key(rung) != "any":
            assert WITNESS[course_map.key(rung)] in [r.solver for r in rules]

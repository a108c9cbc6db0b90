"""The plain-text formulas of docstrings and rules as TeX, so that a page shows them as formulas.

`formulas("step lam L_f < 2, any lam")` is "$\\mathrm{step}\\,\\lambda L_f < 2$, any $\\lambda$": what is a formula is
recognised by its signs; words stay words.
"""

from __future__ import annotations

import re

GREEK = ("alpha", "beta", "gamma", "delta", "eta", "zeta", "lambda", "sigma", "tau", "phi", "psi", "rho")
NAMES = {
    "lam": r"\lambda", "l": r"\ell", "step": r"\mathrm{step}", "relaxation": r"\mathrm{relaxation}", "min": r"\min",
    "min_k": r"\min_k", "log": r"\log", "sqrt": r"\surd", "inf": r"\infty", "xbar": r"\bar x", "xhat": r"\hat x",
    "largest": r"\mathrm{largest}", "smallest": r"\mathrm{smallest}", "o": r"\circ", "dR": r"\partial R", "dG": r"\partial G",
    "sum": r"\textstyle\sum", "dual": r"\mathrm{dual}", "max": r"\max", "eigenvalue": r"\mathrm{eigenvalue}",
    "prox": r"\operatorname{prox}", "kI": "k I", "grad": r"\nabla", "cap": r"\mathrm{cap}",
} | {name: "\\" + name for name in GREEK}  # fmt: skip
SIGNS = re.compile(r"[_^<>=+*/‖|{}\[\]∇]|\d|->|<-")
OPERATORS = {"<", "<=", ">", ">=", "=", "+", "-", "/", "->", "<-", "*", "o"}
RELATIONS = OPERATORS - {"*", "o"}
MATH_WORDS = {"lam", "grad", "dR", "dG", "step", "relaxation", "t", "k", "J", "D", "F", "G", "f", "g", "x", "u", "v", "e", "l",
              "M", "R", "I", "b", "phi", "beta", *GREEK}  # fmt: skip


def tex(formula: str) -> str:
    """A formula in the notation of the docstrings as TeX."""
    text = formula.replace("||", "‖")
    text = re.sub(r"‖([^‖]*)‖", r"\\lVert \1\\rVert ", text)
    text = re.sub(r"<([^<>]*,[^<>]*)>", r"\\langle \1\\rangle ", text)
    text = re.sub(r"(?<![<>])->|→", r"\\to ", text)
    text = text.replace("<-", r"\gets ").replace("<=", r"\le ").replace(">=", r"\ge ")
    text = re.sub(r"\^T\b", r"^{\\mathsf T}", text)
    text = re.sub(r"\^(-?\d+|\*)", r"^{\1}", text)
    text = re.sub(r"(?<=[A-Za-z])\*", r"^*", text)
    text = re.sub(r"sqrt\(([^()]*(?:\([^()]*\)[^()]*)*)\)", r"\\sqrt{\1}", text)
    text = re.sub(r"\bgrad_x\b", r"\\nabla_x ", text)
    text = re.sub(r"_([A-Za-z]\w+)", r"_{\1}", text)

    def name(match: re.Match[str]) -> str:
        word = match[0]
        if word in NAMES:
            joined = match.string[match.end() : match.end() + 1] == "_"
            return NAMES[word] + (r"\," if word in {"step", "relaxation"} and not joined else " ")
        return word if len(word) == 1 else rf"\text{{{word} }}"

    text = re.sub(r"(?<![\\A-Za-z])[A-Za-z]+(?![A-Za-z{])|(?<![\\A-Za-z])(?:prox|min|max)(?=_)", name, text)
    text = re.sub(r"(?<![\\A-Za-z{])(prox|grad)(?=[_ ])", lambda m: NAMES[m[1]], text)
    return re.sub(r"\s+", " ", text).strip()


def is_formula(word: str) -> bool:
    """Does a word between two spaces belong to a formula?"""
    bare = word.strip(",.;:()")
    if (
        "`" in word
        or re.fullmatch(r"\[[AB]\]|\d{1,4}|\(\d+\)-\(\d+\)", word.strip(",.;:"))
        or re.fullmatch(r"\d{4}", bare)
    ):
        return False
    if re.match(r"[A-Za-z](_\w)?\([^()]*\)", word):
        return True
    if not bare or re.fullmatch(r"\(\d+\)[,.;:]?", word) or re.fullmatch(r"[A-Za-z]+(-[A-Za-z]{3,})+", bare):
        return bool(set(word) & set("()")) and not bare
    return bool(SIGNS.search(bare)) or bare in MATH_WORDS or word in OPERATORS


def formulas(words: str) -> str:
    """Words in which each formula stands between dollars."""
    words = words.replace("||", "‖")
    # a letter or symbol that is joined to a word by a hyphen
    words = re.sub(r"(?<![\w$])([A-Za-z](?:_[A-Za-z])?)-(?=[A-Za-z]{4,})", lambda m: f"${tex(m[1])}$-", words)
    out: list[str] = []
    held: list[str] = []
    depth = 0

    def close() -> None:
        nonlocal held, depth
        if held:
            piece = " ".join(held)
            match = re.fullmatch(r"(.*?)([,.;:]*)", piece, flags=re.S)
            body, tail = match[1], match[2]  # type: ignore[index]
            if body.count("(") > body.count(")") and body.startswith("("):
                out.append(f"(${tex(body[1:])}${tail}")
            elif body.count(")") > body.count("(") and body.endswith(")"):
                out.append(f"${tex(body[:-1])}$){tail}")
            else:
                out.append(f"${tex(body)}${tail}")
        held, depth = [], 0

    tokens = words.split()
    for k, word in enumerate(tokens):
        before, after = tokens[k - 1] if k else "", tokens[k + 1] if k + 1 < len(tokens) else ""
        joined = (held and (depth > 0 or before in RELATIONS or len(word.strip(",.")) == 1)) or after in RELATIONS
        named = word.startswith("step") and before in {"gradient", "a", "the", "unit"}  # no parameter, but a word
        if "$" in word or named or not (joined or is_formula(word)):
            close()
            out.append(word)
            continue
        held.append(word)
        depth = max(0, depth + sum(word.count(c) for c in "([{") - sum(word.count(c) for c in ")]}"))
        if depth == 0 and word[-1] in ",.;:":
            close()
    close()
    return " ".join(out)

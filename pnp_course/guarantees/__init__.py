"""Guarantees: what a denoiser satisfies (certificates, constants), what theorems ask (rules, bounds), and what holds."""

from pnp_course.guarantees.answer import Guarantee, guarantee
from pnp_course.guarantees.bounds import (
    admm_margin,
    gradient_lipschitz,
    largest_averaging,
    pegd_step_bound,
    published_averaging,
    weak_convexity,
)
from pnp_course.guarantees.certificates import Certificate, certificate
from pnp_course.guarantees.conditions import Rule
from pnp_course.guarantees.constants import Constants
from pnp_course.guarantees.rules import RULES

__all__ = [
    "RULES",
    "Certificate",
    "Constants",
    "Guarantee",
    "Rule",
    "admm_margin",
    "certificate",
    "gradient_lipschitz",
    "guarantee",
    "largest_averaging",
    "pegd_step_bound",
    "published_averaging",
    "weak_convexity",
]

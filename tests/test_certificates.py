"""Certificates against dense linear algebra, on a network and on the exact oracle."""

import pytest
import torch

from pnp_course.denoisers import (
    DRUNet,
    GradientStep,
    GrayFromColour,
    at_sigma,
    available_denoisers,
    averaged,
    denoiser_card,
)
from pnp_course.denoisers.base import Fast
from pnp_course.fidelities import Gaussian
from pnp_course.guarantees import (
    Constants,
    admm_margin,
    certificate,
    gradient_lipschitz,
    guarantee,
    largest_averaging,
    published_averaging,
    weak_convexity,
)
from pnp_course.guarantees.certificates import conclusions_renewed
from pnp_course.jacobian import Gated, Linearized, dense, eigenvalues
from pnp_course.operators import Identity
from pnp_course.toy import GaussianMixture, PixelMixture


@pytest.fixture(scope="module", params=["elu", "relu", "gradient step"])
def network(request):
    """Networks linearised in the three ways: double backpropagation, gates, symmetric."""
    torch.manual_seed(1)
    net = DRUNet(1, (4, 6, 8, 8), 1, "relu" if request.param == "relu" else "elu")
    denoiser = GradientStep(net) if request.param == "gradient step" else net
    return denoiser.double(), torch.rand(3, 1, 8, 8, dtype=torch.float64)


def test_certificate_equals_dense_linear_algebra(network):
    denoiser, x = network
    j = dense(at_sigma(denoiser, 0.1), x)
    c = certificate(denoiser, x, 0.1, iterations=64, k=0.8)
    ends = torch.linalg.eigvalsh((j + j.mT) / 2)
    torch.testing.assert_close(c.lambda_min, ends[:, 0], atol=1e-9, rtol=0)
    torch.testing.assert_close(c.lambda_max, ends[:, -1], atol=1e-9, rtol=0)
    eye = torch.eye(64, dtype=torch.float64)
    want = {
        "asymmetry": j - j.mT, "norm": j, "residual": eye - j, "firm": 2 * j - eye, "quarter": j / 2 - eye,
        "strict": 0.8 * eye + 0.2 * j,
    }  # fmt: skip
    worst = c.constants
    assert (worst.bottom, worst.top) == pytest.approx((float(ends[:, 0].min()), float(ends[:, -1].max())), abs=1e-9)
    said = c.summary()
    for name, matrix in want.items():
        norms = torch.linalg.matrix_norm(matrix, 2)
        torch.testing.assert_close(getattr(c, name), norms, rtol=1e-4, atol=1e-12)
        assert getattr(worst, name) == pytest.approx(float(norms.max()), rel=1e-4, abs=1e-12)
        three = (float(norms.mean()), float(norms.std()), float(norms.max()))
        assert [said[f"{name}_{word}"] for word in ("mean", "std", "worst")] == pytest.approx(three, rel=2e-3, abs=1e-5)


def test_cost_is_counted(network, monkeypatch):
    """`evaluations` is the number of products with J or J^T that were really made."""
    denoiser, x = network
    made = []
    for kind in (Linearized, Gated):
        for name in ("j", "jt"):
            original = getattr(kind, name)

            def counted(self, v, original=original, name=name):
                if not (name == "j" and self.symmetric):  # J v is then J^T v, counted there
                    made.append(name)
                return original(self, v)

            monkeypatch.setattr(kind, name, counted)
    c = certificate(denoiser, x, 0.1, iterations=10)
    assert c.evaluations == len(made)
    assert 10 < c.evaluations <= 12 * 10  # what the docstring promises


def test_oracle_is_certified_as_what_it_is():
    """Pixels at known places of the exact denoiser: J is diagonal with entries known in closed form."""
    oracle, sigma = PixelMixture(GaussianMixture.two_peaks()), 0.15
    x = torch.linspace(0, 1, 64, dtype=torch.float64).reshape(1, 1, 8, 8)
    j = oracle.mixture.jacobian(x.reshape(-1, 1), sigma).flatten()
    c = certificate(oracle, x, sigma, iterations=64)
    assert float(c.gamma) == pytest.approx(1 / float(j.max()), rel=1e-9)
    assert float(c.delta) == 0
    assert float(c.asymmetry.max()) < 1e-12
    assert float(c.lambda_min) == pytest.approx(float(j.min()), abs=1e-9)
    assert c.summary()["lambda_max_worst"] == pytest.approx(float(j.max()), abs=2e-5)
    gamma = float(c.gamma)
    assert c.largest_averaging == pytest.approx(min(gamma / (1 - gamma), 0.5), rel=1e-12)
    # J in [0.10, 3.34]: a prox for every t < 1, neither nonexpansive nor residual nonexpansive; gamma > 1/4
    holds = c.theorems(t=0.33)
    assert [name for name, value in holds.items() if not value] == [
        "firmly nonexpansive: RMMO-DRS", "nonexpansive: NE", "0.9-strictly pseudo-contractive: PnPI",
        "residual Lipschitz below 1 and conservative: [A] Prop. 3.1, Prox-PnP",
    ]  # fmt: skip
    beyond = c.theorems(t=0.5)
    assert not beyond[
        "CoCo-ADMM converges, t = 0.5: [B] Theorem 4.1, sharpened: the condition of Themelis and Patrinos 2020"
    ]
    assert beyond["D_t is a prox, t = 0.5: [B] Theorem 2.2 with slack"]
    # D itself is no longer invertible where an eigenvalue is 0; here none is below 0.1, but the rule counts on no more than 0
    undamped = {name.split(",")[0]: value for name, value in c.theorems(t=1.0).items()}
    assert not undamped["D_t is a prox"]
    assert not undamped["CoCo-PEGD converges"]


def test_nonsymmetric_spectra_are_not_called_conservative():
    """A rotation by a small angle: S = cos I, so both ends look harmless; the asymmetry tells."""

    class Rotation(torch.nn.Module):
        def forward(self, x, sigma):
            a, b = x[..., :1], x[..., 1:]
            return torch.cat((0.6 * a - 0.5 * b, 0.5 * a + 0.6 * b), dim=-1)

    x = torch.rand(1, 1, 1, 2, dtype=torch.float64)
    c = certificate(Rotation(), x, 0.1, iterations=2)
    assert float(c.lambda_min) == pytest.approx(0.6)
    assert float(c.lambda_max) == pytest.approx(0.6)
    assert float(c.asymmetry) == pytest.approx(1.0)
    assert (float(c.gamma), float(c.delta), c.summary()["norm_std"]) == (1.0, 0.0, 0.0)  # of a single patch, below I
    holds = c.theorems()
    assert holds["nonexpansive: NE"]
    assert not holds["conservative (J = J^T)"]
    assert not any(value for name, value in holds.items() if "[B] Theorem" in name or "[A]" in name)
    spectrum = eigenvalues(lambda z: Rotation()(z, 0.1), x)
    torch.testing.assert_close(spectrum.imag.abs(), torch.full((1, 2), 0.5, dtype=torch.float64))


@pytest.mark.parametrize("bad", [torch.rand(1, 1, 8, 8).bfloat16(), torch.rand(1, 1, 8, 8).half()])
def test_no_certificate_in_half_precision(bad):
    with pytest.raises(ValueError, match="float32 or float64"):
        certificate(DRUNet(1, (4, 6, 8, 8), 1), bad, 0.1)
    with pytest.raises(ValueError, match="bfloat16"):
        certificate(Fast(DRUNet(1, (4, 6, 8, 8), 1)), torch.rand(1, 1, 8, 8), 0.1)


@pytest.mark.parametrize("delta", [0.0, 0.01, 0.1])
@pytest.mark.parametrize(("gamma", "t"), [(0.25, 0.3), (0.5, 0.35), (0.2, 0.15)])
def test_slack_constants_are_attained(gamma, t, delta):
    """Hess F = 1/j - 1 over j in [1 - t(1 + delta), 1 - t + t/gamma]: the modulus and its weak convexity."""
    j = torch.linspace(1 - t * (1 + delta), 1 - t + t / gamma, 100001, dtype=torch.float64)
    hessian = 1 / j - 1
    assert float(hessian.abs().max()) == pytest.approx(gradient_lipschitz(gamma, t, delta), abs=1e-12)
    assert float(-hessian.min()) == pytest.approx(weak_convexity(gamma, t), abs=1e-12)


def test_how_much_slack_the_papers_averaging_has():
    """At gamma = 1/4: by [B] (20) t = 0.33 tolerates delta < 0.011, t = 0.30 delta < 0.13; by the sharper bound 0.51, 0.66."""
    assert admm_margin(0.25, 0.33, 0.010) > 0 > admm_margin(0.25, 0.33, 0.012)
    assert admm_margin(0.25, 0.30, 0.12) > 0 > admm_margin(0.25, 0.30, 0.14)
    for t, slack in ((0.33, 0.51), (0.30, 0.66)):
        assert largest_averaging(0.25, slack) > t > largest_averaging(0.25, slack + 0.01)


def test_the_sharper_bound_contains_the_papers():
    for gamma in torch.linspace(0.02, 0.99, 40).tolist():
        for delta in (-0.5, -0.1, 0.0, 0.05, 0.3, 1.0):
            assert published_averaging(gamma, delta) <= largest_averaging(gamma, delta) + 1e-9
    assert largest_averaging(0.2) == pytest.approx(published_averaging(0.2))  # where [B]'s was sharp already
    assert largest_averaging(0.5) == 0.5
    assert largest_averaging(1.0, 0.25) == published_averaging(1.0, 0.25) == 0.8
    # a denoiser that keeps half of every direction: (20) gives 0.703, the sharper bound is no less
    assert published_averaging(0.5, -0.5) == pytest.approx(0.703, abs=1e-3)
    assert largest_averaging(0.5, -0.5) == 1.0
    for wrong in (-1.0, -2.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"delta is .*wanted a finite number > -1"):
            largest_averaging(0.5, wrong)


def test_the_bounds_at_the_ends_of_their_ranges():
    """At s = t (1 + delta) >= 1 D_t has an eigenvalue <= 0: no L. Where D keeps 0.9 of every direction every t will do."""
    assert gradient_lipschitz(0.5, 0.8, 0.25) == gradient_lipschitz(0.5, 0.8, 0.5) == float("inf")
    j = 1 - torch.linspace(0, 1, 1001, dtype=torch.float64)[:, None] * torch.linspace(-1 / 9, 0.1, 101).double()
    hessian = 1 / j - 1  # over t, and over the spectrum of J in [0.9, 1 / 0.9]
    assert ((1 + hessian.amin(1)) / 2 > hessian.abs().amax(1) ** 2).all()
    assert published_averaging(0.9, -0.9) == pytest.approx(1.0, abs=1e-9)


def test_the_worst_values_are_rounded_outward():
    """A bound of 1 must not be met by rounding 1.00004 to 1.0000."""
    from pnp_course.guarantees.certificates import _direction, _rounded

    assert _rounded(1.00004, _direction("firm_worst")) == 1.0001
    assert _rounded(-0.0123456, _direction("lambda_min_worst")) == -0.012346
    assert _rounded(0.333338, _direction("gamma_worst")) == 0.33333
    assert _rounded(1.00004, _direction("firm_mean")) == 1.0
    assert _rounded(0.25, -1) == 0.25
    assert _rounded(0.0, 1) == 0.0


def test_no_theorem_is_read_off_the_jacobian_of_a_denoiser_that_jumps():
    """A gradient step on a ReLU network: its Jacobian never exceeds I, yet D is expansive across a kink."""
    net = GradientStep(DRUNet(1, widths=(4, 4, 4, 4), blocks=1)).double()
    x = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    c = certificate(net, x, 0.1, iterations=64)
    assert float(c.lambda_max.max()) < 1 + 1e-9
    assert c.summary()["norm_std"] == pytest.approx(float((c.norm[0] - c.norm[1]).abs()) / 2**0.5, rel=1e-4)
    assert float(c.norm[0]) != float(c.norm[1])
    assert c.jumps
    assert not any(c.theorems().values())


@pytest.mark.parametrize(
    "wrap", [lambda d: averaged(d, 0.5), GrayFromColour, lambda d: averaged(GrayFromColour(d), 0.5)]
)
def test_a_wrapper_keeps_what_its_denoiser_is(wrap):
    """A wrapped gradient step is one; a wrapped one with kinks still jumps, though its Jacobian does not say so."""
    for activation, smooth in (("elu", True), ("relu", False)):
        torch.manual_seed(0)
        step = GradientStep(DRUNet(3, widths=(4, 4, 4, 4), blocks=1, activation=activation)).eval()
        wrapped = wrap(step)
        x = torch.rand(1, 1 if "Gray" in repr(wrapped) else 3, 8, 8)
        c = certificate(wrapped, x, 0.05, iterations=4)
        assert (c.gradient_step, c.jumps) == (smooth, not smooth)
        assert not any(c.theorems().values()) or smooth


def test_zero_is_no_proximal_denoiser():
    """[A] Prop. 3.1 asks L < 1: D = 0 has I - J = I, L = 1, and is the prox of no function that is finite everywhere."""

    class Zero(torch.nn.Module):
        def forward(self, x, sigma):
            return 0 * x

    c = certificate(Zero(), torch.rand(1, 1, 4, 4, dtype=torch.float64), 0.1, iterations=4)
    assert float(c.residual) == pytest.approx(1.0, abs=1e-12)
    assert not c.theorems()["residual Lipschitz below 1 and conservative: [A] Prop. 3.1, Prox-PnP"]


@pytest.mark.parametrize("name", available_denoisers())
def test_cards_say_what_the_rules_say(name):
    """A card's conclusions are those of its own constants, and `guarantee` agrees with them at every level."""
    card = denoiser_card(name)
    if "certificate" not in card:
        return
    assert conclusions_renewed(card)["certificate"] == card["certificate"]
    x, y = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    for level in ("15", "25", "40"):
        at, sigma = card["certificate"][level], int(level) / 255
        c = Constants.of(card, sigma)
        bound = at["largest_averaging"]
        assert bound <= largest_averaging(c.gamma, c.delta) < bound * (1 + 1e-4)
        admm = next(value for key, value in at["theorems"].items() if key.startswith("CoCo-ADMM"))
        pegd = next(value for key, value in at["theorems"].items() if key.startswith("CoCo-PEGD"))
        assert admm == guarantee("coco_admm", card, Gaussian(Identity(), y), x, sigma=sigma, lam=1.0).covered
        assert pegd == guarantee("coco_pegd", card, Gaussian(Identity(), y), x, sigma=sigma, lam=1.0).covered
        firm = at["theorems"]["firmly nonexpansive: RMMO-DRS"]
        assert firm == guarantee("rmmo_drs", card, Gaussian(Identity(), y), x, sigma=sigma, lam=1.0).covered
        assert card["config"].get("activation") != "relu" or card["architecture"] != "gradient-step" or not admm


def test_a_certificate_and_its_summary_lead_to_the_same():
    """Up to the five digits that a summary keeps, rounded so that no bound is met by rounding."""
    torch.manual_seed(1)
    c = certificate(
        DRUNet(1, (4, 6, 8, 8), 1).double(), torch.rand(3, 1, 8, 8, dtype=torch.float64), 0.1, iterations=30
    )
    said = c.for_card()
    assert said["theorems"].keys() == c.theorems().keys()
    assert said["largest_averaging"] <= c.largest_averaging <= said["largest_averaging"] * (1 + 3e-4)
    for name, held in said["theorems"].items():
        assert c.theorems()[name] or not held, name

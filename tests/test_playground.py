"""The playground's JavaScript against the library on the same numbers, in a headless browser without any page or network."""

import json
import math
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
import torch
from site_visit import browser  # noqa: F401  a fixture

from pnp_course import denoisers, images, load_denoiser, metrics, solvers
from pnp_course.denoisers.dncnn import FFDNet
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.guarantees import guarantee
from pnp_course.operators import Blur, Identity, kernels
from pnp_course.toy import GaussianMixture, fields

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "site" / "static" / "playground"
ROOMS = (
    "rooms",
    "fft",
    "physics",
    "assembled",
    "products",
    "ridge",
    "networks",
    "solvers",
    "job",
    "theorems",
    "field",
    "data",
)
N = 32
ROLES = ("certified", "unconstrained")

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def js(browser):  # noqa: F811
    """Evaluates a JavaScript function of one argument with all rooms loaded."""
    page = browser.new_page()
    for room in ROOMS:
        page.add_script_tag(path=str(SCRIPTS / f"{room}.js"))
    yield page.evaluate
    page.close()


@pytest.fixture(scope="module")
def data():
    text = (SCRIPTS / "data.js").read_text(encoding="utf-8")
    return json.loads(text[text.index("{") : text.rindex("}") + 1])


@pytest.fixture(scope="module")
def scene():
    """A small blurred photograph seen by counting photons: clean, kernel, observation."""
    clean = images.to_channels(images.photo("coffee", N), 1)
    kernel = kernels.motion(9, seed=1)
    y = torch.poisson(50 * Blur(kernel)(clean).clamp_min(0), torch.Generator().manual_seed(0)) / 50
    return clean, kernel, y


def flat(x):
    return x.detach().double().flatten().tolist()


def numbers(values):
    return torch.tensor(values, dtype=torch.float64)


def as_picture(values):
    return numbers(values).reshape(1, 1, N, N)


def kernel_of(kernel):
    return {"size": len(kernel), "values": flat(kernel)}


def shipped(data, role, tol=1e-6):
    """The library's denoiser of this role, in double precision, as accurate as `tol`."""
    net = load_denoiser(data["denoisers"][role]["name"]).double()
    if hasattr(net, "tol"):
        net.tol = tol
    return net if net.in_channels == 1 else denoisers.GrayFromColour(net)


def test_exported_numbers_are_those_of_the_library():
    subprocess.run([sys.executable, "tools/playground.py", "--check"], cwd=ROOT, check=True)


@pytest.mark.parametrize("n", [2, 8, 64])
def test_transform(js, n):
    x = torch.rand(n, n, dtype=torch.float64)
    re, im, again = js(
        """({x, n}) => { const s = PnP.fft.real(Float64Array.from(x), n), kept = [[...s.re], [...s.im]];
        return [...kept, [...PnP.fft.back(s, n)]]; }""",
        {"x": flat(x), "n": n},
    )
    found = torch.complex(numbers(re), numbers(im)).reshape(n, n // 2 + 1)
    torch.testing.assert_close(found, torch.fft.rfft2(x), atol=1e-10, rtol=0)
    torch.testing.assert_close(numbers(again), x.flatten(), atol=1e-12, rtol=0)


def test_a_side_that_is_no_power_of_two_is_refused(js):
    assert "power of two" in js(
        "() => { try { PnP.fft.real(new Float64Array(36), 6); } catch (e) { return e.message; } }"
    )


@pytest.mark.parametrize("size", [1, 4, 9])
def test_blur(js, scene, size):
    clean, kernel = scene[0].double(), torch.rand(size, size, dtype=torch.float64)  # not symmetric, also of even size
    found = js(
        "({x, k, n}) => [...new PnP.physics.Blur(k, n).apply(Float64Array.from(x))]",
        {"x": flat(clean), "k": kernel_of(kernel), "n": N},
    )
    torch.testing.assert_close(as_picture(found), Blur(kernel)(clean), atol=1e-10, rtol=0)


def test_proximal_map_of_the_poisson_fidelity(js, scene):
    clean, kernel, y = scene
    z = clean + 0.2 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    for lam in (0.02, 1.5, 30.0):
        found = js(
            """({z, y, k, n, lam}) => {
            const f = new PnP.physics.Poisson(new PnP.physics.Blur(k, n), Float64Array.from(y));
            return [...f.prox(Float64Array.from(z), lam)]; }""",
            {"z": flat(z), "y": flat(y), "k": kernel_of(kernel), "n": N, "lam": lam},
        )
        wanted = Poisson(Blur(kernel), y.double()).prox(z.double(), lam)
        torch.testing.assert_close(as_picture(found), wanted, atol=1e-6, rtol=0)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("sigma", [0.01, 5 / 255, 0.1, 0.16, 0.23])
def test_denoiser(js, data, scene, role, sigma):
    noisy = scene[0].double() + sigma * torch.randn(1, 1, N, N, generator=torch.Generator().manual_seed(2)).double()
    found = js(
        """({z, role, sigma}) => {
        const denoise = PnP.job.denoiser(PnP.data.denoisers[role], sigma, {tol: 1e-6});
        return [...denoise(Float64Array.from(z))]; }""",
        {"z": flat(noisy), "role": role, "sigma": sigma},
    )
    torch.testing.assert_close(as_picture(found), shipped(data, role)(noisy, sigma), atol=2e-5, rtol=0)


def test_ffdnet(js, scene, monkeypatch):
    """A network with random weights, packed as the tool packs them."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    from playground import convolutions

    torch.manual_seed(0)
    net = FFDNet(1, 6, 3).eval().requires_grad_(False)
    found = js(
        """({z, layers}) => [...PnP.job.denoiser({architecture: "ffdnet", layers}, 0.1)(Float64Array.from(z))]""",
        {"z": flat(scene[2]), **convolutions(net)},
    )
    torch.testing.assert_close(as_picture(found), net.double()(scene[2].double(), 0.1), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("rows", "columns", "n"), [(4, 1, 4), (12, 16, 64), (32, 288, 36)])
def test_products(js, rows, columns, n):
    """Assembled and in JavaScript, on arrays that begin anywhere in the memory; nothing is written beside the result."""
    generator = torch.Generator().manual_seed(7)
    m, lines = (torch.randn(*shape, generator=generator).double() for shape in ((rows, columns), (columns, n)))
    assembled, script, beside, fast = js(
        """({m, lines, rows, columns, n}) => {
        const space = new PnP.products.Workspace([3, m.length, lines.length + 2, rows * n + 5]);
        const [, values, held, out] = space.arrays, input = held.subarray(2), result = out.subarray(4, 4 + rows * n);
        values.set(m), input.set(lines);
        space.multiply(values, rows, columns, input, result, n); const first = [...result];
        PnP.products.inScript(values, rows, columns, input, result, n);
        return [first, [...result], [...out.subarray(0, 4), out.at(-1)], Boolean(space.product)]; }""",
        {"m": flat(m), "lines": flat(lines), "rows": rows, "columns": columns, "n": n},
    )
    assert fast, "this Chromium runs WebAssembly with SIMD, so the playground must"
    assert assembled == script  # they add in the same order
    torch.testing.assert_close(numbers(assembled).view(rows, n), m @ lines, atol=1e-12, rtol=0)
    assert beside == [0] * 5


@pytest.mark.parametrize("role", ROLES)
def test_a_browser_without_webassembly(js, browser, scene, role):  # noqa: F811
    """It gets the same picture, by the product in JavaScript."""
    denoise = """({z, role}) => [[...PnP.job.denoiser(PnP.data.denoisers[role], 0.1)(Float64Array.from(z))],
        Boolean(new PnP.products.Workspace([4]).product)]"""
    page = browser.new_page()
    page.evaluate("delete WebAssembly.Module")
    for room in ROOMS:
        page.add_script_tag(path=str(SCRIPTS / f"{room}.js"))
    task = {"z": flat(scene[0]), "role": role}
    (expected, fast), (found, without) = js(denoise, task), page.evaluate(denoise, task)
    page.close()
    assert (fast, without) == (True, False)
    assert found == expected


def test_a_warm_start_keeps_the_accuracy(js, data, scene):
    """The second of two neighbouring pictures, from the first one's result, within the bound on its error."""
    noisy = scene[0].double() + 0.1 * torch.randn(1, 1, N, N, generator=torch.Generator().manual_seed(3)).double()
    found, cold, warm = js(
        """(z) => { const net = new PnP.ridge.Ridge(PnP.data.denoisers.certified, 0.1);
        net.apply(Float64Array.from(z, (v) => v + 0.01)); const cold = net.gradients;
        const x = net.apply(Float64Array.from(z)); return [[...x], cold, net.gradients - cold]; }""",
        flat(noisy),
    )
    exact = shipped(data, "certified", 1e-7)(noisy, 0.1)
    assert float((as_picture(found) - exact).square().mean().sqrt()) < 5e-4
    assert warm < cold


ALGORITHMS = {
    "coco_admm": lambda f, d, y: solvers.coco_admm(f, d, y, lam=1.4, t=0.33),
    "coco_pegd": lambda f, d, y: solvers.coco_pegd(f, d, y, lam=1.4, t=0.33),
    "admm": lambda f, d, y: solvers.admm(f, d, y, lam=1.4),
    "hqs": lambda f, d, y: solvers.hqs(f, d, y, lam=1.4),
}
RESTORE = """({clean, y, k, role, algorithm, options}) => [...PnP.job.restore({
    clean: Float64Array.from(clean), y: Float64Array.from(y), kernel: k, weights: PnP.data.denoisers[role], algorithm,
    sigma: 0.16, lam: 1.4, t: 0.33, iterations: 12, options,
})].map(({k, x, psnr, change, diverged}) => ({k, x: [...x], psnr, change, diverged}))"""


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_algorithm(js, data, scene, role, algorithm):
    """Every iterate, and the two curves, of a run on the same observation."""
    clean, kernel, y = (x.double() for x in scene)
    rows = js(
        RESTORE,
        {"clean": flat(clean), "y": flat(y), "k": kernel_of(kernel), "role": role, "algorithm": algorithm,
         "options": {"denoiser": {"tol": 1e-5}}},
    )  # fmt: skip
    denoise = denoisers.at_sigma(shipped(data, role, 1e-5), 0.16)
    with torch.no_grad():
        made = islice(ALGORITHMS[algorithm](Poisson(Blur(kernel), y), denoise, y), 12)
        wanted = [iterate.x for iterate in made]
    assert [row["k"] for row in rows] == list(range(1, 13))
    assert not any(row["diverged"] for row in rows)
    before = None
    for row, x in zip(rows, wanted, strict=True):
        assert float((as_picture(row["x"]) - x).abs().max()) < 1e-3
        assert row["psnr"] == pytest.approx(metrics.psnr(x, clean), abs=0.01)
        if before is not None:
            assert row["change"] == pytest.approx(float((x - before).norm() / x.norm()), abs=2e-4)
        before = x


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_as_the_page_runs_it(js, data, scene, algorithm):
    """With the page's own accuracy and warm starts the certified run stays within 1e-3 of the exact one."""
    clean, kernel, y = scene
    rows = js(
        RESTORE,
        {"clean": flat(clean), "y": flat(y), "k": kernel_of(kernel), "role": "certified", "algorithm": algorithm},
    )  # fmt: skip
    denoise, y = denoisers.at_sigma(shipped(data, "certified"), 0.16), y.double()
    with torch.no_grad():
        *_, last = islice(ALGORITHMS[algorithm](Poisson(Blur(kernel.double()), y), denoise, y), 12)
    assert float((as_picture(rows[-1]["x"]) - last.x).abs().max()) < 1e-3


def test_a_growing_run_is_reported_as_diverged(js, scene):
    clean, kernel, y = scene
    js("() => { PnP.solvers.growing = function* (f, d, x) { while (true) yield (x = x.map((v) => 100 * v)); }; }")
    rows = js(
        RESTORE,
        {"clean": flat(clean), "y": flat(y), "k": kernel_of(kernel), "role": "unconstrained", "algorithm": "growing"},
    )
    assert [row["diverged"] for row in rows] == [False, False, True]


def test_photons_are_poisson_distributed(js):
    """Mean, variance and the whole distribution; equal seeds count equally."""
    for mean in (0.5, 3.0, 40.0):
        counts = torch.tensor(
            js(
                """(mean) => { const u = PnP.physics.uniforms(7);
                return Array.from({length: 20000}, () => PnP.physics.poisson(mean, u)); }""",
                mean,
            )
        ).double()
        assert abs(float(counts.mean()) - mean) < 5 * math.sqrt(mean / 20000)
        assert abs(float(counts.var()) / mean - 1) < 5 * math.sqrt((2 + 1 / mean) / 20000)
        levels = torch.arange(0, int(mean + 8 * math.sqrt(mean)) + 2).double()
        expected = 20000 * torch.exp(levels * math.log(mean) - mean - torch.lgamma(levels + 1))
        seen = torch.bincount(counts.long(), minlength=len(levels))[: len(levels)].double()
        often = expected > 5
        chi = float(((seen - expected).square() / expected)[often].sum())
        degrees = int(often.sum())
        assert chi < degrees + 5 * math.sqrt(2 * degrees)
    first, again, other = js("() => [3, 3, 4].map((seed) => PnP.physics.uniforms(seed)())")
    assert first == again != other


@pytest.mark.parametrize("role", ROLES)
def test_the_theorem_named_is_the_library_s(js, data, scene, role):
    name, fidelity = data["denoisers"][role]["name"], Poisson(Identity(), scene[2])
    for algorithm in ALGORITHMS:
        for t in (0.05, 0.33, 0.34, 0.6, 0.99):
            said = js(
                "({role, algorithm, t}) => PnP.theorems.guarantee({denoiser: PnP.data.denoisers[role], algorithm, t})",
                {"role": role, "algorithm": algorithm, "t": t},
            )
            averaging = {"t": t} if algorithm.startswith("coco") else {}
            answer = guarantee(
                algorithm, denoisers.denoiser_card(name), fidelity, scene[0], sigma=25 / 255, lam=1.4, **averaging
            )
            assert said["covered"] == answer.covered, (algorithm, t, str(answer))


FIELD = """({means, covariances, weights, sigma, centre, turn, from, to, points}) => {
    const F = PnP.field, bumps = means.map((mean, k) => ({mean, covariance: covariances[k], weight: weights[k]}));
    const parts = F.helmholtz(F.sample([F.displacement(bumps, sigma), F.swirl(centre, turn), F.push(from, to)]));
    const at = (name) => points.map((p) => parts[name].at(p));
    return {full: at("full"), conservative: at("conservative"), hamiltonian: at("hamiltonian"),
        energy: parts.hamiltonian.energy, node: [0, 1].map((a) => parts.full.grid()[a][5 * 64 + 9]),
        path: F.loop(parts.full, [0.62, 0.2], [0.5, 0.5], 0.1, 40)}; }"""


def test_field_and_its_parts(js):
    means, shapes = [[0.3, 0.35], [0.72, 0.6]], [[0.004, 0.0, 0.004], [0.008, 0.003, 0.004]]
    given = {"means": means, "covariances": shapes, "weights": [1, 0.8], "sigma": 0.15, "centre": [0.4, 0.3]}
    given |= {"turn": 0.2, "from": [0.5, 0.8], "to": [0.7, 0.75]}
    points = torch.rand(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = js(FIELD, {**given, "points": points.tolist()})
    covariances = numbers([[[a, b], [b, c]] for a, b, c in shapes])
    ideal = fields.periodic_displacement(GaussianMixture(torch.tensor([1.0, 0.8]), numbers(means), covariances), 0.15)

    def whole(x):
        wave = torch.sin(2 * math.pi * (x - numbers(given["centre"])))
        around = 0.2 * torch.stack((-wave[:, 1], wave[:, 0]), 1)
        shift = torch.arange(-2, 3, dtype=torch.float64)
        offset = (x - numbers(given["from"]))[:, None] + shift[None, :, None]
        bell = torch.exp(-offset.square() / 0.02).sum(1).prod(1, keepdim=True)
        return ideal(x) + around + bell * (numbers(given["to"]) - numbers(given["from"]))

    full = fields.PeriodicField.sample(whole, 65)
    mean, gradient, hamiltonian = full.helmholtz()
    wanted = {"full": full(points), "conservative": (mean + gradient)(points), "hamiltonian": hamiltonian(points)}
    for name, values in wanted.items():
        torch.testing.assert_close(numbers(found[name]), values, atol=1e-6, rtol=0)
    assert found["energy"] == pytest.approx(hamiltonian.squared_norm(), rel=1e-6)
    node = full(torch.tensor([[5 / 64, 9 / 64]], dtype=torch.float64))[0]
    torch.testing.assert_close(numbers(found["node"]), node, atol=1e-6, rtol=0)

    def denoise(z):
        p = z.reshape(1, 2)
        return (p + full(p)).reshape(z.shape)

    start, y = (torch.tensor(p, dtype=torch.float64).reshape(1, 1, 1, 2) for p in ([0.62, 0.2], [0.5, 0.5]))
    loop = [it.x.flatten() for it in islice(solvers.pgd(Gaussian(Identity(), y), denoise, start, lam=0.1), 40)]
    torch.testing.assert_close(numbers(found["path"][1:]), torch.stack(loop), atol=1e-5, rtol=0)

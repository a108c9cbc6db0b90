"""Products with a Jacobian, by each of their ways, against dense automatic differentiation; and by two threads at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from small_jacobians import DENOISERS, make, with_jacobians

from pnp_course.denoisers import GradientStep, averaged
from pnp_course.jacobian import Gated, Linearized, dense, jv, linearize


@pytest.fixture(scope="module", params=list(DENOISERS))
def setting(request):
    return with_jacobians(request.param)


def test_products_equal_dense(setting, generator):
    """Double backpropagation, forward mode, and the way `linearize` chooses: all are J v and J^T v."""
    denoiser, x, exact = setting
    v = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    flat = v.reshape(3, 64, 1)
    for lin in (Linearized(lambda z: denoiser(z, 0.1), x), linearize(denoiser, x, 0.1)):
        torch.testing.assert_close(lin.j(v).reshape(3, 64, 1), exact @ flat, atol=1e-12, rtol=0)
        torch.testing.assert_close(lin.jt(v).reshape(3, 64, 1), exact.mT @ flat, atol=1e-12, rtol=0)
    if not isinstance(denoiser, GradientStep):  # forward mode does not go through torch.autograd.grad
        torch.testing.assert_close(jv(lambda z: denoiser(z, 0.1), x, v), lin.j(v), atol=1e-12, rtol=0)


def test_the_cheapest_way_is_chosen():
    x = torch.rand(1, 1, 8, 8, dtype=torch.float64)
    assert isinstance(linearize(make("relu"), x, 0.1), Gated)
    assert isinstance(linearize(averaged(make("relu"), 0.5), x, 0.1), Gated)
    assert isinstance(linearize(make("softplus"), x, 0.1), Linearized)
    assert not linearize(make("softplus"), x, 0.1).symmetric
    assert linearize(GradientStep(make("elu")), x, 0.1).symmetric
    assert linearize(averaged(GradientStep(make("elu")), 0.5), x, 0.1).symmetric


def test_gates_leave_the_network_as_it_was():
    net, x = make("relu"), torch.rand(1, 1, 8, 8, dtype=torch.float64)
    before = net(x, 0.1)
    lin = linearize(net, x, 0.1)
    lin.j(torch.randn_like(x))
    torch.testing.assert_close(net(x, 0.1), before, atol=0, rtol=0)
    torch.testing.assert_close(lin.out, before, atol=0, rtol=0)


def test_gates_with_padding(generator):
    """Sizes that DRUNet pads with a constant: the gated network is affine there."""
    net, x = make("relu"), torch.rand(2, 1, 7, 11, dtype=torch.float64)
    v = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    lin = linearize(net, x, 0.1)
    assert isinstance(lin, Gated)
    torch.testing.assert_close(lin.j(v), jv(lambda z: net(z, 0.1), x, v), atol=1e-12, rtol=0)


def test_dense_equals_automatic_differentiation(setting):
    denoiser, x, exact = setting
    torch.testing.assert_close(dense(lambda z: denoiser(z, 0.1), x), exact, atol=1e-12, rtol=0)


def test_two_threads_share_a_network():
    """Linearised at two images at once, in lockstep layer by layer: each thread gets what it gets alone."""
    net, n = make("relu"), 2
    generator = torch.Generator().manual_seed(0)
    x = [torch.rand(1, 1, 8, 8, generator=generator, dtype=torch.float64) for _ in range(n)]
    v = [torch.randn(1, 1, 8, 8, generator=generator, dtype=torch.float64) for _ in range(n)]

    def products(i):
        lin = linearize(net, x[i], 0.1)
        return torch.stack((lin.j(v[i]), lin.jt(v[i]), lin.pairing(v[i], v[i]).detach().expand_as(v[i])))

    alone = [products(i) for i in range(n)]
    plain = net(x[0], 0.1)
    barrier = threading.Barrier(n, timeout=30)

    def wait(*_):
        barrier.wait()

    handles = [m.register_forward_pre_hook(wait) for m in net.modules() if not list(m.children())]
    with ThreadPoolExecutor(n) as pool:
        together = list(pool.map(products, range(n)))
    for handle in handles:
        handle.remove()
    for got, want in zip(together, alone, strict=True):
        torch.testing.assert_close(got, want, atol=1e-14, rtol=0)
    # one thread linearises while another only denoises
    entered, done = threading.Event(), threading.Event()

    def pause(*_):
        if threading.current_thread() is not threading.main_thread():
            entered.set()
            done.wait(30)

    handle = net.m_body.register_forward_pre_hook(pause)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(products, 1)
        assert entered.wait(30)
        torch.testing.assert_close(net(x[0], 0.1), plain, atol=0, rtol=0)
        done.set()
        torch.testing.assert_close(other.result(), alone[1], atol=1e-14, rtol=0)
    handle.remove()

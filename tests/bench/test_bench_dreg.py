"""The benchmark of a network's step compares programs with equal results. Speed is not tested here."""

import io

import torch
from rich.console import Console

from labkit.bench import dreg as bench
from labkit.dreg import VAE, Config


def test_port_and_labkit_give_equal_gradients_from_equal_noise():
    torch.manual_seed(0)
    model = VAE(Config(4, 3, (3,), (5,))).double()
    x = torch.bernoulli(torch.full((6, 1, 4, 3), 0.4)).double()
    got = bench.network_step(model, x, 5, torch.Generator().manual_seed(1), bench.SIX)
    wanted = bench.port(model, x, 5, torch.Generator().manual_seed(1))
    assert len(got) == len(wanted) == len(list(model.parameters()))
    assert all((a - b).abs().max() < 1e-12 for a, b in zip(got, wanted, strict=True))


def test_plain_ways_give_equal_gradients_from_equal_noise():
    torch.manual_seed(0)
    model = VAE(Config(4, 3, (3,), (5,))).double()
    x = torch.bernoulli(torch.full((6, 1, 4, 3), 0.4)).double()
    wanted = bench.network_step(model, x, 5, torch.Generator().manual_seed(1), bench.SIX[:1])
    for way in (bench.layered_step, bench.surrogate_step):
        got = way(model, x, 5, torch.Generator().manual_seed(1))
        assert all((a - b).abs().max() < 1e-12 for a, b in zip(got, wanted, strict=True))


def test_the_table_compares_both_bounds_with_the_measurements():
    model, x = VAE(Config(4, 3, (3,), (5,))), torch.zeros(2, 1, 4, 3)
    times = bench.measure_step(3, model, x, 2)
    assert {name: len(each) for name, each in times.items()} == dict.fromkeys(
        ("labkit", "port", "six", "layers", "surrogates"), 3
    )
    file = io.StringIO()
    made_up = {"labkit": [10.0, 20.0, 30.0], "port": [16.0, 20.0, 60.0], "six": [10.5, 30.0, 31.5]}
    made_up |= {"layers": [13.0, 40.0, 39.0], "surrogates": [15.0, 30.0, 60.0]}
    Console(file=file, width=160).print(bench.step_table(made_up))
    assert "labkit is quicker by 1.6/1.5 ok" in file.getvalue() and "takes 1.05/1.10 ok" in file.getvalue()
    assert "takes 1.3 " in file.getvalue() and "takes 1.5 " in file.getvalue()
    slow = made_up | {"port": [10.0, 20.0, 30.0], "six": [12.0, 24.0, 36.0]}
    Console(file=file, width=160).print(bench.step_table(slow))
    assert "labkit is quicker by 1/1.5 short" in file.getvalue() and "takes 1.2/1.10 over" in file.getvalue()

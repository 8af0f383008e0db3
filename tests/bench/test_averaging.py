import torch

from rmt_bench.bench.averaging import Average


def _trained(module, steps):
    torch.manual_seed(1)
    for _ in range(steps):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(torch.randn_like(parameter))
        yield {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def test_the_average_forgets_exponentially():
    module = torch.nn.Linear(2, 3)
    expected = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
    average = Average(module, 0.9)
    for weights in _trained(module, 30):
        average.update()
        expected = {name: 0.9 * old + 0.1 * weights[name] for name, old in expected.items()}
    last = module.weight.detach().clone()
    for name, mean in average.tensors().items():
        torch.testing.assert_close(mean, expected[name])
    average.put()
    torch.testing.assert_close(module.weight.detach(), expected["weight"])
    assert not torch.allclose(module.weight, last)


def test_an_average_that_is_restored_goes_on_as_if_nothing_had_happened():
    module = torch.nn.Linear(2, 3)
    whole = Average(module, 0.9)
    kept: dict[str, torch.Tensor] = {}
    resumed = None
    for number, _ in enumerate(_trained(module, 6)):
        whole.update()
        if resumed:
            resumed.update()
        if number == 2:
            kept = {name: tensor.clone() for name, tensor in whole.tensors().items()}
            resumed = Average(module, 0.9)
            resumed.restore(kept)
    assert resumed is not None
    assert all(torch.equal(resumed.tensors()[name], mean) for name, mean in whole.tensors().items())


def test_weights_that_are_tied_are_averaged_once():
    module = torch.nn.ModuleList([torch.nn.Linear(2, 2, bias=False), torch.nn.Linear(2, 2, bias=False)])
    module[1].weight = module[0].weight
    average = Average(module, 0.5)
    for _ in _trained(module, 1):
        average.update()
    assert list(average.tensors()) == ["0.weight"]
    average.put()
    assert module[1].weight is module[0].weight

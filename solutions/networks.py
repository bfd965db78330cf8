"""A network that runs: layer descriptions with their parameters, forward and backward, saved and loaded.

The descriptions are data (descriptions.py), one layer runs in layers.py; here they are strung together. Knows no
loss, no optimizer and no data.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any
from zipfile import BadZipFile

import numpy as np

from solutions.architecture import Shape, output_shapes, parameter_shapes
from solutions.arrays import Array, namespace
from solutions.descriptions import Layer, complete_all
from solutions.layers import Arrays, initial, layer_backward, layer_forward


@dataclass
class Network:
    """Layers in a row with their arrays, named as PyTorch's ``Sequential`` names them: ``"0.weight"``, ``"0.bias"``.

    Attributes
    ----------
    layers : list of completed layer descriptions
    input_shape : (C, H, W) or (features,), without the batch
    parameters : name to learned array; an optimizer replaces them
    running : name to the running mean or variance that batch normalisation stores
    gradients : name to gradient, as the last `backward` left them

    Examples
    --------
    >>> import numpy as np
    >>> layers = [{"kind": "linear", "out_features": 3}, {"kind": "relu"}]
    >>> network = Network.create(layers, (2,), rng=np.random.default_rng(0))
    >>> {name: array.shape for name, array in network.parameters.items()}
    {'0.weight': (3, 2), '0.bias': (3,)}
    >>> out = network.forward(np.ones((5, 2), dtype=np.float32), training=True)
    >>> network.backward(np.ones_like(out)).shape, network.gradients["0.bias"].shape
    ((5, 2), (3,))
    """

    layers: list[dict[str, Any]]
    input_shape: Shape
    parameters: Arrays
    running: Arrays
    gradients: Arrays = field(default_factory=dict)
    _caches: list[Any] | None = field(default=None, repr=False)

    @classmethod
    def create(
        cls,
        layers: Sequence[Layer],
        input_shape: Sequence[int],
        *,
        rng: np.random.Generator,
        dtype: Any = np.float32,
        xp: Any = np,
    ) -> "Network":
        """Return a network with fresh parameters: He's normal weights, zero biases, unit scales.

        Parameters
        ----------
        layers, input_shape
            As in `solutions.architecture.output_shapes`.
        rng : numpy.random.Generator
            Draws the weights, on the CPU, so that every backend starts from the same ones.
        dtype : NumPy type of the parameters, and so of everything computed
        xp : the array library that holds them (``numpy``, ``cupy``)

        Raises
        ------
        ValueError
            If a description is wrong or a layer does not fit what it is given.
        """
        arrays = {}
        for name, (kind, shape) in _array_shapes(layers, input_shape).items():
            arrays[name] = xp.asarray(initial(kind, name.split(".")[1], shape, rng, dtype))
        return cls._of(layers, input_shape, arrays)

    @classmethod
    def _of(cls, layers: Sequence[Layer], input_shape: Sequence[int], arrays: Arrays) -> "Network":
        running = {name: array for name, array in arrays.items() if ".running_" in name}
        parameters = {name: array for name, array in arrays.items() if name not in running}
        return cls(complete_all(layers), tuple(input_shape), parameters, running)

    def forward(self, x: Array, *, training: bool = False, rng: np.random.Generator | None = None) -> Array:
        r"""Return the last layer's output for a batch x (N, \*input_shape).

        In training, dropout drops, batch normalisation uses and records the batch's statistics, and what `backward`
        needs is kept; otherwise nothing is kept or changed.

        Raises
        ------
        ValueError
            If x has another shape, or dropout lacks ``rng`` in training.
        """
        self._caches = None
        caches = []
        for out, cache in self._steps(x, training, rng):
            x = out
            if training:
                caches.append(cache)
        if training:
            self._caches = caches
        return x

    def backward(self, dout: Array) -> Array:
        """Fill `gradients` from the last training forward and return the gradient with respect to its x.

        Raises
        ------
        ValueError
            If no ``forward(x, training=True)`` went before; each serves one backward.
        """
        if self._caches is None:
            raise ValueError("backward needs a forward(x, training=True) before it")
        caches, self._caches, self.gradients = self._caches, None, {}
        for position in reversed(range(len(self.layers))):
            dout, gradients = layer_backward(self.layers[position]["kind"], dout, caches.pop())
            self.gradients.update({f"{position}.{name}": gradient for name, gradient in gradients.items()})
        return dout

    def outputs(self, x: Array) -> Iterator[Array]:
        """Yield each layer's output for a batch in turn, as the network computes them outside training."""
        for out, _ in self._steps(x, False, None):
            yield out

    def _steps(self, x: Array, training: bool, rng: np.random.Generator | None) -> Iterator[tuple[Array, Any]]:
        if tuple(x.shape[1:]) != self.input_shape:
            expected = ", ".join(str(n) for n in ("N", *self.input_shape))
            raise ValueError(f"x must be a batch of shape ({expected}), got {tuple(x.shape)}")
        for position, layer in enumerate(self.layers):
            x, cache, running = layer_forward(layer, self._arrays_of(position), x, training=training, rng=rng)
            self.running.update({f"{position}.{name}": array for name, array in running.items()})
            yield x, cache

    def _arrays_of(self, position: int) -> Arrays:
        prefix = f"{position}."
        return {name[len(prefix) :]: array for name, array in self.arrays().items() if name.startswith(prefix)}

    def arrays(self) -> Arrays:
        """Return parameters and running averages under one roof."""
        return self.parameters | self.running

    def snapshot(self) -> Arrays:
        """Return a copy of every parameter and running average."""
        return {name: namespace(array).asarray(array, copy=True) for name, array in self.arrays().items()}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Take back (a copy of) what `snapshot` returned."""
        for kept in (self.parameters, self.running):
            kept.update({name: namespace(arrays[name]).asarray(arrays[name], copy=True) for name in kept})

    def save(self, path: str | PathLike[str]) -> None:
        """Write descriptions and arrays to an npz file, which `load` reads without pickle."""
        description = json.dumps({"layers": self.layers, "input_shape": self.input_shape})
        arrays = {name: to_numpy(array) for name, array in self.arrays().items()}
        with open(path, "wb") as file:  # np.savez given a name would add ".npz" to it
            np.savez(file, description=np.array(description), **arrays)

    @classmethod
    def load(cls, path: str | PathLike[str], *, xp: Any = np) -> "Network":
        """Return the network that `save` wrote, its arrays held by ``xp``.

        Raises
        ------
        ValueError
            If the file is no saved network, or its arrays do not fit its description.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                described = json.loads(str(file["description"]))
                layers, input_shape = described["layers"], described["input_shape"]
                shapes = {name: shape for name, (_, shape) in _array_shapes(layers, input_shape).items()}
                arrays = {name: file[name] for name in shapes}
        except (AttributeError, BadZipFile, EOFError, IndexError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} holds no network that Network.save wrote: {error}") from error
        for name, shape in shapes.items():
            if arrays[name].shape != shape or arrays[name].dtype.kind != "f":
                found = f"{arrays[name].dtype} of shape {arrays[name].shape}"
                raise ValueError(f"{path}: {name} must be floats of shape {shape}, got {found}")
        return cls._of(layers, input_shape, {name: xp.asarray(array) for name, array in arrays.items()})


def to_numpy(array: Array) -> Any:
    """Return an array of any library as NumPy's: a CuPy array is fetched from its GPU."""
    return array.get() if hasattr(array, "get") else np.asarray(array)


def _array_shapes(layers: Sequence[Layer], input_shape: Sequence[int]) -> dict[str, tuple[str, Shape]]:
    """Return (kind of layer, shape) of every array that the network keeps, by its full name."""
    before = [tuple(input_shape), *output_shapes(layers, input_shape)]
    return {
        f"{position}.{name}": (layer["kind"], shape)
        for position, layer in enumerate(complete_all(layers))
        for name, shape in parameter_shapes(layer, before[position], stored=True).items()
    }

"""Training loops of small networks as compiled kernels (numba), one core each.

An eager step of a 32-wide network is all overhead: a hundred operators at some microseconds each, for a microsecond of arithmetic.
Here a whole run is one compiled function. What makes it fast:

- **Tiles, batch last.** A batch is cut into tiles of COLUMNS examples; activations lie as [tile][feature][column], so that one
  vector instruction does the same thing to 8 or 16 examples, whatever the width of the layer. Features are padded to a multiple
  of 4 with weights that are zero and stay zero.
- **Register blocks** (`vector.py`). A block of rows x COLUMNS of a product stays in registers while the sum over inputs runs;
  bias, LeakyReLU and masks are applied before the block is written once.
- **The slope penalty for one extra forward pass** (`layers.py`). R1 asks for the weight gradient of gamma/2 |dD/dx|^2. For a
  network of LeakyReLU layers D is linear around each x, so with e_l the back-propagated unit vector, c = dLoss/dD and t_l the
  tangent that starts as t_0 = gamma dD/dx,

      d(Loss + penalty)/dW_l = sum over examples of e_l (c h_{l-1} + t_{l-1})^T

  One backward pass, one forward pass of tangents, one outer product: no second derivative. Fixed Fourier features are no
  obstacle (t_0 goes through their Jacobian: the term in which the Jacobian itself changes has no weights in it), and the penalty
  of WGAN-GP, lambda (|g| - 1)^2, is the same with t_0 = 2 lambda (|g| - 1) g / |g|.

`target.py` chooses the vectors: PLAYGROUND_KERNEL = wide (16 floats, AVX-512), narrow (8, AVX2 with FMA) or plain (loops that any
CPU can run). Importing this package imports nothing; importing one of its modules imports numba."""

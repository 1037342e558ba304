"""The cases in JAX, each one jitted function."""
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

PAIRS = 10**6


def cases(peer, threads):
    random = np.random.default_rng(0)
    table = {}

    def normal(*shape):
        return jnp.asarray(random.standard_normal(shape, dtype=np.float32))

    def whole(low, high, shape):
        return jnp.asarray(random.integers(low, high, shape))

    def case(name):
        return lambda make: table.setdefault(name, make)

    def call(function, *arguments):
        compiled = jax.jit(function)
        return lambda: jax.block_until_ready(compiled(*arguments))

    def training(loss, parameters, *batch):
        """A whole step: value, gradients and Adam in one compiled function that reuses its buffers."""

        def step(p, m, v, t, *batch):
            value, g = jax.value_and_grad(loss)(p, *batch)
            t = t + 1
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
            scale1, scale2 = 1 - 0.9**t, 1 - 0.999**t
            p = jax.tree.map(lambda p, m, v: p - 1e-3 * (m / scale1) / (jnp.sqrt(v / scale2) + 1e-8), p, m, v)
            return p, m, v, t, value

        compiled = jax.jit(step, donate_argnums=(0, 1, 2))
        zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)
        state = [parameters, zeros(), zeros(), jnp.float32(0)]

        def run():
            result = jax.block_until_ready(compiled(*state, *batch))
            state[:] = result[:4]

        return run

    @case("dpo_loss n=1e6")
    def _():
        loss = lambda pc, pr, rc, rr: -jax.nn.log_sigmoid(0.1 * ((pc - pr) - (rc - rr))).mean()
        return call(jax.value_and_grad(loss, (0, 1)), *[normal(PAIRS) for _ in range(4)])

    @case("bt_loss n=1e6")
    def _():
        return call(jax.value_and_grad(lambda margin: -jax.nn.log_sigmoid(margin).mean()), normal(PAIRS))

    @case("attr_attention B=65536 A=19 d=64")
    def _():
        community = whole(0, 45, 65536)

        def both(texts, queries, upstream):
            def forward(texts, queries):
                weights = jax.nn.softmax(jnp.einsum("bad,bd->ba", texts, queries[community]) * 0.125, -1)
                return jnp.einsum("ba,bad->bd", weights, texts)

            value, pull = jax.vjp(forward, texts, queries)
            return value, pull(upstream)

        return call(both, normal(65536, 19, 64), normal(45, 64), normal(65536, 64))

    def mlp(batch):
        def make():
            layers = [(normal(i, o) * 0.06, jnp.zeros(o)) for i, o in ((256, 512), (512, 512), (512, 1))]

            def loss(layers, x, y):
                for weight, bias in layers[:-1]:
                    x = jax.nn.relu(x @ weight + bias)
                z = x @ layers[-1][0] + layers[-1][1]
                return (jax.nn.softplus(z) - y * z).mean()

            return training(loss, layers, normal(batch, 256), whole(0, 2, (batch, 1)).astype(jnp.float32))

        return make

    for batch in (32, 256, 4096):
        table[f"mlp_step 256-512-512-1 B={batch}"] = mlp(batch)

    def norm(x, scale, shift):
        mean = x.mean(-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(-1, keepdims=True)
        return (x - mean) * lax.rsqrt(variance + 1e-5) * scale + shift

    def sasrec(items, where, width=64, heads=1):
        def loss(p, x, target):
            h = p["items"][x] + p["places"]
            batch, length, _ = h.shape
            causal = jnp.tril(jnp.ones((length, length), bool))
            for b in p["blocks"]:
                qkv = norm(h, *b["norm1"]) @ b["qkv"][0] + b["qkv"][1]
                q, k, v = (
                    part.reshape(batch, length, heads, width // heads).transpose(0, 2, 1, 3)
                    for part in jnp.split(qkv, 3, -1))
                scores = jnp.where(causal, q @ k.transpose(0, 1, 3, 2) * (width // heads) ** -0.5, -1e30)
                mixed = (jax.nn.softmax(scores, -1) @ v).transpose(0, 2, 1, 3).reshape(batch, length, width)
                h = h + mixed @ b["out"][0] + b["out"][1]
                inner = jax.nn.relu(norm(h, *b["norm2"]) @ b["up"][0] + b["up"][1])
                h = h + inner @ b["down"][0] + b["down"][1]
            if where == "last":
                h, target = h[:, -1:], target[:, -1:]
            logits = norm(h, *p["norm"]).reshape(-1, width) @ p["items"].T
            target = target.reshape(-1)
            picked = jnp.take_along_axis(logits, target[:, None], 1)[:, 0]
            return (jax.nn.logsumexp(logits, -1) - picked).mean()

        def make():
            linear = lambda i, o: (normal(i, o) * 0.05, jnp.zeros(o))
            affine = lambda: (jnp.ones(width), jnp.zeros(width))
            block = lambda: dict(
                norm1=affine(), norm2=affine(), qkv=linear(width, 3 * width), out=linear(width, width),
                up=linear(width, width), down=linear(width, width))
            parameters = dict(
                items=normal(items, width) * 0.02, places=normal(50, width) * 0.02,
                blocks=[block(), block()], norm=affine())
            return training(loss, parameters, whole(0, items, (128, 50)), whole(0, items, (128, 50)))

        return make

    for items, where in ((3706, "all"), (50000, "last"), (50000, "all")):
        table[f"sasrec_step B=128 L=50 d=64 V={items} softmax={where}"] = sasrec(items, where)

    @case("em_noise n=1e6")
    def _():
        def update(margin):
            right = 0.8 * jax.nn.sigmoid(margin)
            weight = right / (right + 0.2 * jax.nn.sigmoid(-margin))
            return weight, 1 - weight.mean()

        return call(update, normal(PAIRS))

    @case("em_mixture n=1e6 K=8")
    def _():
        def update(margin, prior):
            weight = jax.nn.softmax(prior + jax.nn.log_sigmoid(margin), -1)
            return weight, weight.mean(0)

        return call(update, normal(PAIRS, 8), jnp.log(jnp.full(8, 0.125)))

    @case("ddim_inversion 16x4x64x64")
    def _():
        now, then = 0.81, 0.79

        def move(x, noise):
            return then**0.5 * ((x - (1 - now) ** 0.5 * noise) / now**0.5) + (1 - then) ** 0.5 * noise

        return call(move, normal(16, 4, 64, 64), normal(16, 4, 64, 64))

    @case("denoiser_2d_train B=4096")
    def _():
        layers = [(normal(i, o) * i**-0.5, jnp.zeros(o)) for i, o in ((34, 128), (128, 128), (128, 128), (128, 2))]

        def loss(layers, x, time, target):
            h = jnp.concatenate([x, time], 1)
            for weight, bias in layers[:-1]:
                h = jax.nn.silu(h @ weight + bias)
            return ((h @ layers[-1][0] + layers[-1][1] - target) ** 2).mean()

        return training(loss, layers, normal(4096, 2), normal(4096, 32), normal(4096, 2))

    @case("topk10 Q=64 N=1e6 d=128")
    def _():
        return call(lambda queries, items: lax.top_k(queries @ items.T, 10), normal(64, 128), normal(10**6, 128))

    return table

"""Shaping and the token world in PyTorch, as a programmer of the field writes them: batched, no Python loop over answers.

The world's matrices are drawn anew and the policy starts with the demonstrations' chance to end an answer, so that answers are
as long as those of Sources/PreferenceModels/PAR; networks, batch, losses and optimisers are the same.
"""
import torch
from torch import nn
from torch.nn import functional as F

REWARDS = 10**7
CONTENT, END, BEGIN, LONGEST, WIDTH = 16, 16, 17, 40, 8
BATCH, REFERENCES, PROMPTS = 128, 10, 384


def network(inputs, outputs, activation, scale):
    layers = []
    for i, (a, b) in enumerate(((inputs, 32), (32, 32), (32, outputs))):
        layer = nn.Linear(a, b)
        nn.init.normal_(layer.weight, std=a**-0.5 * (scale if i == 2 else 1))
        nn.init.zeros_(layer.bias)
        layers += [layer] + ([activation()] if i < 2 else [])
    return nn.Sequential(*layers)


class World:
    """One PPO step a call: answers, rewards, advantages, policy, critic."""

    def __init__(self):
        self.prompts = torch.randn(PROMPTS, WIDTH)
        self.taste = torch.randn(CONTENT, WIDTH) * WIDTH**-0.5
        self.policy = network(43, CONTENT + 1, nn.Tanh, 0.01)
        with torch.no_grad():
            self.policy[-1].bias[END] = 0.7  # about 0.11 of the mass
        self.reference = network(43, CONTENT + 1, nn.Tanh, 0.01)
        self.reference.load_state_dict(self.policy.state_dict())
        self.critic = network(43, 1, nn.Tanh, 0.01)
        self.proxy = network(89, 1, nn.ReLU, 0.1)
        self.references = torch.randn(PROMPTS, REFERENCES)
        self.adam = torch.optim.Adam(self.policy.parameters(), 1e-3, fused=True)
        self.critic_adam = torch.optim.Adam(self.critic.parameters(), 3e-3, fused=True)

    @torch.no_grad()
    def answers(self, place):
        """Tokens, features, log-probabilities and which of them count: [time, batch]."""
        u = self.prompts[place]
        before = F.one_hot(torch.full((BATCH,), BEGIN), CONTENT + 2).float()
        counts = torch.zeros(BATCH, CONTENT)
        alive = torch.ones(BATCH, dtype=torch.bool)
        tokens, features, logs, counted = [], [], [], []
        for t in range(LONGEST):
            x = torch.cat([u, before, counts / 8, torch.full((BATCH, 1), t / LONGEST)], 1)
            logits = self.policy(x)
            if t == 0:
                logits[:, END] = -1e9
            token = torch.multinomial(torch.softmax(logits, 1), 1).squeeze(1)
            tokens.append(token)
            features.append(x)
            logs.append(torch.log_softmax(logits, 1).gather(1, token[:, None]).squeeze(1))
            counted.append(alive)
            one = F.one_hot(token, CONTENT + 2).float()
            counts = counts + one[:, :CONTENT] * alive[:, None]
            alive = alive & (token != END)
            before = one
            if not alive.any():
                break
        return u, counts, torch.stack(tokens), torch.stack(features), torch.stack(logs), torch.stack(counted)

    def step(self):
        place = torch.randint(0, PROMPTS, (BATCH,))
        u, counts, tokens, x, old, counted = self.answers(place)
        mask = counted.float()
        with torch.no_grad():
            suiting = counts @ self.taste / 4
            length = counts.sum(1, keepdim=True)
            seen = torch.cat([u, counts, length / 8 - 1, (u[:, :, None] * suiting[:, None, :]).flatten(1)], 1)
            reward = self.proxy(seen)
            shaped = torch.sigmoid(reward - self.references[place]).mean(1)
            logits = self.reference(x)
            logits[0, :, END] = -1e9
            apart = old - torch.log_softmax(logits, 2).gather(2, tokens[:, :, None]).squeeze(2)
            values = self.critic(x).squeeze(2) * mask
            rewards = -0.005 * apart * mask
            last = counted.sum(0) - 1
            rewards[last, torch.arange(BATCH)] += shaped
            advantage, total = torch.zeros_like(values), torch.zeros_like(values)
            a, g, following = torch.zeros(BATCH), torch.zeros(BATCH), torch.zeros(BATCH)
            for t in reversed(range(len(values))):
                a = (rewards[t] + following - values[t]) * mask[t] + 0.95 * a
                g = rewards[t] + g
                advantage[t], total[t], following = a, g, values[t]
            n = mask.sum()
            mean = (advantage * mask).sum() / n
            variance = ((advantage - mean) ** 2 * mask).sum() / n
            advantage = (advantage - mean) / torch.sqrt(variance + 1e-8) * mask
        logits = self.policy(x)
        forbidden = torch.zeros_like(logits)
        forbidden[0, :, END] = -1e9
        logp = torch.log_softmax(logits + forbidden, 2).gather(2, tokens[:, :, None]).squeeze(2)
        ratio = torch.exp(logp - old)
        loss = -(torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage) * mask).sum() / n
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.policy.parameters(), 1.0)
        self.adam.step()
        now = self.critic(x).squeeze(2)
        clipped = values + (now - values).clamp(-0.2, 0.2)
        loss = (torch.maximum((now - total) ** 2, (clipped - total) ** 2) * mask).sum() / n
        self.critic_adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.critic.parameters(), 1.0)
        self.critic_adam.step()


def cases(peer, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    table = {}

    def shaping(references):
        def make():
            reward, others = torch.randn(REWARDS), torch.randn(REWARDS, references)
            shape = lambda r, o: torch.sigmoid(r[:, None] - o).mean(1)
            shape = torch.compile(shape) if peer == "compile" else shape
            return lambda: shape(reward, others)

        return make

    for references in (1, 10):
        table[f"par_shaping n=1e7 M={references}"] = shaping(references)

    def world():
        if peer == "compile":
            raise NotImplementedError("answers end at their own times: every length would be compiled again")
        task = World()

        def ten():
            for _ in range(10):
                task.step()

        return ten

    table["token_world B=128, 10 steps of PPO"] = world
    return table

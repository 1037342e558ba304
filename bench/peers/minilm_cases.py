"""The sentence encoder in transformers. PENCHANT_MINILM names its Hugging Face folder."""
import os

import torch
from transformers import AutoModel


def cases(peer, threads):
    torch.set_num_threads(threads)

    def embed():
        model = AutoModel.from_pretrained(os.environ["PENCHANT_MINILM"]).eval()
        tokens = torch.randint(1000, 20000, (32, 128))
        mask = torch.ones_like(tokens)

        def run():
            with torch.no_grad():
                hidden = model(input_ids=tokens, attention_mask=mask).last_hidden_state
                return torch.nn.functional.normalize(hidden.mean(1), dim=-1)

        return run

    return {"minilm_embed B=32 L=128": embed}

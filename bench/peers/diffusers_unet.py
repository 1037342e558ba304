"""Tiny networks as diffusers makes and saves them, with what they say of a picture.

    python diffusers_unet.py FOLDER        needs torch and diffusers 0.30
    PENCHANT_DIFFUSERS=FOLDER swift test --filter DiffusersPeerTests

Each sub-folder holds what save_pretrained writes and peer.safetensors: x, times and eps (channels first),
and context, pooled and labels where the network is told them.
"""

import sys
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel, UNet2DModel
from safetensors.torch import save_file

conditioned = dict(in_channels=4, out_channels=4, norm_num_groups=8, sample_size=8)
FORMS = {
    "stable": UNet2DConditionModel, "large": UNet2DConditionModel, "plain": UNet2DModel,
    "shifting": UNet2DModel,
}
SETTINGS = {
    "stable": dict(
        conditioned, block_out_channels=(16, 32, 32, 32), attention_head_dim=8, cross_attention_dim=12,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3),
    "large": dict(
        conditioned, block_out_channels=(16, 32, 48), attention_head_dim=(2, 4, 6), cross_attention_dim=20,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 2, 3), use_linear_projection=True,
        addition_embed_type="text_time", addition_time_embed_dim=4,
        projection_class_embeddings_input_dim=30),
    "plain": dict(
        sample_size=8, in_channels=3, out_channels=3, block_out_channels=(8, 16), layers_per_block=1,
        norm_num_groups=4, attention_head_dim=None, flip_sin_to_cos=False, freq_shift=1,
        downsample_padding=0, num_class_embeds=3, down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D")),
    "shifting": dict(
        sample_size=6, in_channels=1, out_channels=1, block_out_channels=(8, 16), layers_per_block=2,
        norm_num_groups=4, attention_head_dim=4, resnet_time_scale_shift="scale_shift", add_attention=False,
        down_block_types=("AttnDownBlock2D",) * 2, up_block_types=("AttnUpBlock2D",) * 2),
}


def main(folder: Path) -> None:
    for name, form in FORMS.items():
        torch.manual_seed(7)
        net = form(**SETTINGS[name]).eval()
        with torch.no_grad():
            for key, value in net.named_parameters():
                # Norms and biases start at 1 and 0, where a mistake would not be seen.
                if value.dim() == 1:
                    value.add_(0.2 * torch.randn_like(value))
        net.save_pretrained(folder / name)
        side, channels = net.config.sample_size, net.config.in_channels
        rows = 3
        peer = {"x": torch.randn(rows, channels, side, side), "times": torch.tensor([0.0, 417.0, 999.0])}
        told = {}
        if form is UNet2DConditionModel:
            peer["context"] = torch.randn(rows, 5, net.config.cross_attention_dim)
            told["encoder_hidden_states"] = peer["context"]
        if name == "large":
            peer["pooled"] = torch.randn(rows, 6)
            ids = torch.tensor([[8.0 * side, 8.0 * side, 0, 0, 8.0 * side, 8.0 * side]]).repeat(rows, 1)
            told["added_cond_kwargs"] = {"text_embeds": peer["pooled"], "time_ids": ids}
        if name == "plain":
            told["class_labels"] = torch.tensor([0, 1, 2])
        with torch.no_grad():
            peer["eps"] = net(peer["x"], peer["times"], **told).sample
        save_file({key: value.contiguous() for key, value in peer.items()}, folder / name / "peer.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

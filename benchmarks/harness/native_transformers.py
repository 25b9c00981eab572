"""A bare training loop over Hugging Face's GPT-2: the yardstick for the transformers backend.

It follows the library's guide to training in native PyTorch: a model from a config, in training
mode, the fused `torch.optim.AdamW`, forward, backward, step, gradients set to none. The loss is
the cross entropy of the logits, since the targets are shifted already. Mode `compile` passes the
model through `torch.compile`. Of the networks of this harness only `transformer` is a model of
Transformers.

`Loop` offers that part of the trainer contract that is timed, so that the same worker can run it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch  # noqa: TID253  runs in a worker
from torch.nn import functional  # noqa: TID253
from transformers import GPT2Config, GPT2LMHeadModel  # noqa: TID253

from envdoctor.child.contract import Unsupported
from envdoctor.child.layers import TransformerBlock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envdoctor.child.contract import Array, Data, Job, Setting, Workload

BLOCK = {
    "attention_norm.scale": "ln_1.weight",
    "attention_norm.offset": "ln_1.bias",
    "qkv.kernel": "attn.c_attn.weight",
    "qkv.bias": "attn.c_attn.bias",
    "projection.kernel": "attn.c_proj.weight",
    "projection.bias": "attn.c_proj.bias",
    "mlp_norm.scale": "ln_2.weight",
    "mlp_norm.offset": "ln_2.bias",
    "expand.kernel": "mlp.c_fc.weight",
    "expand.bias": "mlp.c_fc.bias",
    "contract.kernel": "mlp.c_proj.weight",
    "contract.bias": "mlp.c_proj.bias",
}
ENDS = {
    "embedding_1.table": "transformer.wte.weight",
    "position_embedding_1.table": "transformer.wpe.weight",
    "layer_norm_1.scale": "transformer.ln_f.weight",
    "layer_norm_1.offset": "transformer.ln_f.bias",
}


class Loop:
    """The training loop of one decoder."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Set threads, and flush denormal numbers as all rows do."""
        torch.set_flush_denormal(True)
        torch.set_num_threads(setting.threads)

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Make model and optimiser and load the weights."""
        blocks = [layer for layer in job.workload.layers if isinstance(layer, TransformerBlock)]
        if not blocks:
            raise Unsupported("only the decoder is a model of Transformers")
        model = GPT2LMHeadModel(_config(job.workload, blocks))
        names = {**ENDS, **_block_names(blocks)}
        model.load_state_dict(
            {names[name]: torch.tensor(value) for name, value in weights.items()}, strict=False
        )
        model.tie_weights()
        model.train()
        spec = job.optimizer
        self._optimizer = torch.optim.AdamW(
            model.parameters(),
            lr=spec.learning_rate,
            betas=(spec.beta1, spec.beta2),
            eps=spec.epsilon,
            weight_decay=spec.weight_decay,
            fused=True,
        )
        compiled = job.setting.mode == "compile"
        self._model: Any = torch.compile(model) if compiled else model
        self._loss = torch.tensor(math.nan)

    def stage(self, data: Data) -> None:
        """Put data and plan on the device."""
        self._inputs = torch.tensor(data.train_inputs, dtype=torch.int64)
        self._targets = torch.tensor(data.train_targets, dtype=torch.int64)
        self._batches = torch.tensor(data.batches, dtype=torch.int64).unbind()

    def step(self, batch: int) -> None:
        """Take one step."""
        rows = self._batches[batch]
        logits = self._model(input_ids=self._inputs[rows]).logits
        self._loss = functional.cross_entropy(logits.flatten(0, 1), self._targets[rows].flatten())
        self._loss.backward()
        self._optimizer.step()
        self._optimizer.zero_grad()

    def wait(self) -> None:
        """Nothing: on the CPU a call returns when its work is done."""

    def loss(self) -> float:
        """The loss of the latest step."""
        return float(self._loss.item())

    def compilations(self) -> None:
        """Not counted."""


def _config(workload: Workload, blocks: list[TransformerBlock]) -> GPT2Config:
    steps, width = blocks[0].input_shape
    return GPT2Config(
        vocab_size=workload.symbols,
        n_positions=steps,
        n_embd=width,
        n_layer=len(blocks),
        n_head=blocks[0].heads,
        n_inner=blocks[0].hidden,
        activation_function="gelu_pytorch_tanh",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        use_cache=False,
    )


def _block_names(blocks: list[TransformerBlock]) -> dict[str, str]:
    return {
        f"{block.name}.{ours}": f"transformer.h.{index}.{theirs}"
        for index, block in enumerate(blocks)
        for ours, theirs in BLOCK.items()
    }

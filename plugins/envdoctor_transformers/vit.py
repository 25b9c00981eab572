"""The Vision Transformer with a linear head, from the layers of a workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

from torch import Tensor, nn
from transformers import ViTConfig, ViTForImageClassification

from envdoctor.child.contract import Unsupported
from envdoctor_torch.parameters import Binding, Bindings, bind_linear, bind_norm, bind_vector

if TYPE_CHECKING:
    from envdoctor.child.contract import Array, Workload
    from envdoctor.child.layers import Shape, TransformerBlock

MODULES = {
    "query": "attention.q_proj",
    "key": "attention.k_proj",
    "value": "attention.v_proj",
    "projection": "attention.o_proj",
    "expand": "mlp.fc1",
    "contract": "mlp.fc2",
}
"""The products of a block, and the modules that do them."""
EARLIER_MODULES = {
    "query": "attention.attention.query",
    "key": "attention.attention.key",
    "value": "attention.attention.value",
    "projection": "attention.output.dense",
    "expand": "intermediate.dense",
    "contract": "output.dense",
}
"""The same before Transformers renamed them, in the course of its version 5."""


@dataclass(frozen=True)
class ReshapedBinding(Binding):
    """A parameter that has another number of axes in the library.

    The canonical value, in the form `between`, has the axes that `axes` speaks of.
    """

    canonical: Shape
    between: Shape

    def load(self, value: Array) -> None:
        """Overwrite the parameter with a canonical value."""
        super().load(value.reshape(self.between))

    def to_canonical(self, value: Tensor) -> Array:
        """A copy, in canonical layout, of the parameter or of something shaped like it."""
        return super().to_canonical(value).reshape(self.canonical)


class Classifier(nn.Module):
    """ViT as a function of images whose channels are the last axis."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.model = ViTForImageClassification(config)

    def forward(self, images: Tensor) -> Tensor:
        """(batch, height, width, channels) to the logits (batch, classes)."""
        logits: Tensor = self.model(pixel_values=images.permute(0, 3, 1, 2)).logits
        return logits


def build_vit(
    workload: Workload, block: TransformerBlock, activation: str
) -> Tuple[nn.Module, Bindings]:
    """The model of patches, class token, position embedding, blocks, norm and head."""
    layers: Tuple[Any, ...] = workload.layers
    patches, project, token, positions, *blocks, norm, _, head = layers
    if any(each.activation != "none" or not each.bias for each in (project, head)):
        raise Unsupported("ViT has linear layers with a bias before and after its blocks")
    height, width, channels = workload.input_shape
    classifier = Classifier(
        ViTConfig(
            image_size=(height, width),
            patch_size=patches.size,
            num_channels=channels,
            hidden_size=block.input_shape[-1],
            num_hidden_layers=len(blocks),
            num_attention_heads=block.heads,
            intermediate_size=block.hidden,
            hidden_act=activation,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            layer_norm_eps=block.epsilon,
            num_labels=head.output_shape[-1],
        )
    )
    model: Any = classifier.model
    embeddings = model.vit.embeddings
    bindings: Dict[str, Binding] = {
        **_bind_patches(project.name, embeddings.patch_embeddings.projection),
        **_bind_row(f"{token.name}.token", embeddings.cls_token, (block.input_shape[-1],)),
        **_bind_row(
            f"{positions.name}.table", embeddings.position_embeddings, positions.input_shape
        ),
        **bind_norm(norm.name, model.vit.layernorm),
        **bind_linear(head.name, model.classifier),
    }
    for layer, part in zip(blocks, _parts(model.vit)):
        bindings.update(_bind_block(layer.name, part))
    return classifier, bindings


def _parts(body: Any) -> List[Any]:
    return list(body.layers if hasattr(body, "layers") else body.encoder.layer)


def _bind_block(name: str, part: nn.Module) -> Bindings:
    names = MODULES if hasattr(part, "mlp") else EARLIER_MODULES
    bindings = {
        **bind_norm(f"{name}.attention_norm", part.layernorm_before),
        **bind_norm(f"{name}.mlp_norm", part.layernorm_after),
    }
    for product, path in names.items():
        linear: Any = part.get_submodule(path)
        bindings.update(bind_linear(f"{name}.{product}", linear))
    return bindings


def _bind_patches(name: str, convolution: Any) -> Bindings:
    """Patches are cut and projected by one convolution, (width, channels, size, size)."""
    width, channels, size, _ = convolution.weight.shape
    kernel = ReshapedBinding(
        convolution.weight,
        axes=(3, 2, 0, 1),
        canonical=(size * size * channels, width),
        between=(size, size, channels, width),
    )
    return {f"{name}.kernel": kernel, **bind_vector(f"{name}.bias", convolution.bias)}


def _bind_row(name: str, parameter: nn.Parameter, canonical: Shape) -> Bindings:
    """Bind a parameter that has further axes of length 1 before it."""
    between = tuple(parameter.shape)
    axes = tuple(range(len(between)))
    return {name: ReshapedBinding(parameter, axes, canonical=canonical, between=between)}

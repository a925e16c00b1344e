"""The model types that are known: which spec each has, and what is known of its config's keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from costcalc.base import Data, Datum


class Family:
    """What is known of one model type.

    `spec`: its file in `families`. `heads`: what may stand on it, the first where the file doesn't say. `knobs`: values
    where they differ from the spec's. `only`: keys of which some values alone can be expressed. `idle`: keys that
    change no cost, beside those of all. `activations`: the keys that name one. `classes`: how many, where the file
    doesn't say. `derived`: the values of knobs that follow from others, where the file doesn't say them.
    `nested`: keys under which a config of one of some model types stands, whose keys are knobs of this spec. `called`:
    keys that have another name than their knob.
    """

    def __init__(
        self,
        spec: str,
        heads: str = "classification model",
        knobs: Mapping[str, Datum] = MappingProxyType({}),
        *,
        only: Mapping[str, tuple[Datum, ...]] = MappingProxyType({}),
        idle: str = "",
        activations: str = "hidden_act pooler_act activation_function",
        classes: int = 2,
        derived: Mapping[str, Callable[[Data], Datum]] = MappingProxyType({}),
        nested: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
        called: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.spec = spec
        self.heads = heads.split()
        self.knobs = knobs
        self.only = only
        self.idle = frozenset(idle.split())
        self.classes = classes
        self.derived = derived
        self.nested = nested
        self.called = called
        self.activations = frozenset(activations.split())


# The last words of a class's name -> the head.
HEADS = {
    "Model": "model",
    "Backbone": "backbone",
    "ForImageClassification": "classification",
    "ForImageClassificationWithTeacher": "teacher",
    "ForMaskedImageModeling": "masked",
    "ForSemanticSegmentation": "segmentation",
    "ForObjectDetection": "detection",
    "ForDepthEstimation": "depth",
    "ForPreTraining": "pretraining",
    "ModelWithProjection": "projection",
    "ForMaskedLM": "masked",
    "ForSequenceClassification": "classification",
    "ForTokenClassification": "tokens",
    "ForQuestionAnswering": "answers",
}

# transformers' words for activations -> ours.
ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu",
    "gelu_fast": "gelu",
    "gelu_python": "gelu",
    "gelu_pytorch_tanh": "gelu",
    "quick_gelu": "gelu",
    "relu": "relu",
    "relu6": "relu6",
    "silu": "silu",
    "swish": "swish",
    "hardswish": "hard_swish",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "mish": "mish",
    "leaky_relu": "leaky_relu",
    "linear": "identity",
}

# timm's names of backbones, as sizes of a ResNet.
BACKBONES: dict[str, Data] = {
    f"resnet{depth}": {"depths": depths, "layer_type": kind, "hidden_sizes": [wide * 2**i for i in range(4)]}
    for depth, kind, wide, depths in (
        (18, "basic", 64, [2, 2, 2, 2]),
        (34, "basic", 64, [3, 4, 6, 3]),
        (50, "bottleneck", 256, [3, 4, 6, 3]),
        (101, "bottleneck", 256, [3, 4, 23, 3]),
        (152, "bottleneck", 256, [3, 8, 36, 3]),
    )
}

# Backbones that stand within another type alone, and whose keys are those of a type that is known.
WITHIN = {"rt_detr_resnet": "resnet"}

# Keys that say how long the list of another is.
LENGTHS = {"num_stages": "depths", "num_encoder_blocks": "depths", "num_layers": "depths"}

# Keys of any config that change no cost: of training, of generating text, of how tensors are stored.
IDLE = frozenset(
    """
    _name_or_path _attn_implementation _attn_implementation_autoset attn_implementation _commit_hash
    transformers_version auto_map custom_pipelines torch_dtype dtype torchscript use_bfloat16 problem_type
    return_dict return_dict_in_generate output_attentions output_hidden_states output_scores chunk_size_feed_forward
    finetuning_task task_specific_params initializer_range initializer_factor layer_norm_eps layer_norm_epsilon
    batch_norm_eps batch_norm_momentum hidden_dropout_prob attention_probs_dropout_prob attention_dropout
    dropout_rate drop_path_rate drop_rate classifier_dropout_prob classifier_dropout hidden_dropout dropout
    semantic_loss_ignore_index layer_scale_init_value layerscale_value gradient_checkpointing
    use_pretrained_backbone is_decoder is_encoder_decoder add_cross_attention cross_attention_hidden_size
    tie_encoder_decoder tie_word_embeddings pruned_heads use_cache prefix tokenizer_class bos_token_id eos_token_id
    pad_token_id sep_token_id decoder_start_token_id forced_bos_token_id forced_eos_token_id bad_words_ids
    begin_suppress_tokens suppress_tokens max_length min_length do_sample early_stopping num_beams num_beam_groups
    diversity_penalty temperature top_k top_p typical_p repetition_penalty length_penalty no_repeat_ngram_size
    encoder_no_repeat_ngram_size num_return_sequences remove_invalid_values exponential_decay_length_penalty
    tf_legacy_loss use_return_dict stage_names out_features out_indices
    """.split()
)

_LAYERS = {"layer_type": ("basic", "bottleneck")}

_FEATURES = "apply_layernorm reshape_hidden_states"  # of a backbone's maps

_STRIDES = {"output_stride": (8, 16, 32)}
_DERIVED = "in_channels hidden_dim num_hidden_layers drop_connect_rate"  # what other keys say, or no cost

_BIT: Mapping[str, tuple[Datum, ...]] = {
    "layer_type": ("preactivation", "bottleneck"),
    "global_padding": (None, "same", "SAME", "valid", "VALID"),
    **_STRIDES,
}
_HIERA = (
    "decoder_hidden_size decoder_depth decoder_num_heads normalize_pixel_loss mask_ratio hidden_size layer_norm_init"
)
_COSTS = (  # of a detector's training
    "auxiliary_loss class_cost bbox_cost giou_cost bbox_loss_coefficient giou_loss_coefficient eos_coefficient "
    "mask_loss_coefficient dice_loss_coefficient cls_loss_coefficient focal_alpha"
)
_DETR: Data = {
    "only": {"position_embedding_type": ("sine", "learned"), **_LAYERS},
    "idle": f"{_COSTS} use_timm_backbone backbone_kwargs encoder_layerdrop decoder_layerdrop activation_dropout "
    "init_std init_xavier_std scale_embedding max_position_embeddings num_hidden_layers hidden_size "
    "num_attention_heads",
    "nested": {"backbone_config": ("resnet", "timm_backbone"), "backbone": ("timm_backbone",)},
}
_RT_DETR: Data = {
    "only": {
        "num_feature_levels": (3,),
        "eval_size": (None,),
        "encode_proj_layers": ([2],),
        "learn_initial_query": (False,),
        **_LAYERS,
    },
    "idle": f"{_COSTS} feat_strides positional_encoding_temperature decoder_in_channels activation_dropout "
    "label_noise_ratio box_noise_scale anchor_image_size disable_custom_kernels with_box_refine use_focal_loss "
    "matcher_alpha matcher_gamma matcher_class_cost matcher_bbox_cost matcher_giou_cost focal_loss_alpha "
    "focal_loss_gamma weight_loss_vfl weight_loss_bbox weight_loss_giou initializer_bias_prior_prob hidden_size "
    "decoder_offset_scale decoder_method decoder_n_levels",
    "activations": "hidden_act activation_function encoder_activation_function decoder_activation_function",
    "called": {"encoder_attention_heads": "num_attention_heads"},
    "nested": {"backbone_config": ("rt_detr_resnet",)},
}
_AUGMENTS = "pos_embed_shift pos_embed_jitter pos_embed_rescale"
_TEXT = "text_config logit_scale_init_value text_config_dict vision_config_dict"
_DROPS = "aspp_dropout_prob attn_dropout ffn_dropout"
_LAST: Mapping[str, tuple[Datum, ...]] = {"head_in_index": (-1,)}
_DPT: Mapping[str, tuple[Datum, ...]] = {
    "is_hybrid": (False,),
    "expand_channels": (False,),
    "backbone_config": (None,),
    "backbone": (None,),
    "backbone_featmap_shape": (None,),
    "neck_ignore_stages": ([],),
    "readout_type": ("project", "add", "ignore"),
    **_LAST,
}
_BEIT = "classification model masked segmentation"
_DECODER = "add_fpn auxiliary_loss_weight segmentation_indices"


_TEXTS = "model masked classification tokens answers"
_POSITIONS: Mapping[str, tuple[Datum, ...]] = {"position_embedding_type": ("absolute",)}


def _down_ops(knobs: Data) -> Datum:
    """Return LeViT's two steps down: heads follow from the sizes."""
    size = knobs["key_dim"][0]
    return [["subsample", size, hidden // size, 4, 2, 2] for hidden in knobs["hidden_sizes"][:2]]


FAMILIES = {
    "bert": Family("bert", f"{_TEXTS} pretraining", only=_POSITIONS),
    "roberta": Family("bert", _TEXTS, {"vocab_size": 50265}, only=_POSITIONS),
    "xlm-roberta": Family("bert", _TEXTS, only=_POSITIONS),
    "camembert": Family("bert", _TEXTS, only=_POSITIONS),
    "mpnet": Family("bert", _TEXTS, {"vocab_size": 30527, "type_vocab_size": 0, "relative_attention_num_buckets": 32}),
    "resnet": Family("resnet", "classification model backbone", only=_LAYERS),
    "convnext": Family(
        "convnext",
    ),
    "convnextv2": Family(
        "convnext",
        knobs={"layer_scale_init_value": 0, "response_norm": True},
    ),
    "regnet": Family("regnet", only={"layer_type": ("x", "y")}),
    "poolformer": Family("poolformer", idle="patch_size stride"),
    "segformer": Family("segformer", "classification model segmentation", idle="reshape_last_stage downsampling_rates"),
    "pvt_v2": Family("pvt_v2"),
    "mobilenet_v1": Family("mobilenet_v1"),
    "mobilenet_v2": Family("mobilenet_v2", "classification model segmentation", only=_STRIDES),
    "efficientnet": Family("efficientnet", only={"pooling_type": ("mean", "max")}, idle=_DERIVED),
    "mobilevit": Family("mobilevit", "classification model segmentation", only=_STRIDES, idle="aspp_dropout_prob"),
    "levit": Family("levit", "classification model teacher", idle="patch_size", derived={"down_ops": _down_ops}),
    "mobilevitv2": Family("mobilevitv2", "classification model segmentation", only=_STRIDES, idle=_DROPS),
    "pvt": Family("pvt", classes=1000),
    "swinv2": Family("swinv2", "classification model masked", idle="hidden_size pretrained_window_sizes path_norm"),
    "beit": Family("beit", _BEIT, idle=f"{_FEATURES} {_DECODER}"),
    "data2vec-vision": Family("beit", "classification model segmentation", {"pooler": False}, idle=_DECODER),
    "bit": Family("bit", "classification model backbone", only=_BIT),
    "focalnet": Family("focalnet", "classification model masked", idle="hidden_sizes"),
    "cvt": Family("cvt", idle="qkv_projection_method attention_drop_rate"),
    "swiftformer": Family("swiftformer", idle="drop_mlp_rate drop_conv_encoder_rate"),
    "hiera": Family("hiera", idle=_HIERA),
    "yolos": Family("yolos", "detection model", idle=_COSTS),
    "vit_mae": Family("vit_mae", "pretraining model", idle="norm_pix_loss"),
    "detr": Family("detr", "detection model", **_DETR),
    "table-transformer": Family("detr", "detection model", {"normalize_before": True}, **_DETR),
    "conditional_detr": Family("conditional_detr", "detection model", **_DETR),
    "upernet": Family(
        "upernet_resnet",
        "segmentation",
        idle="auxiliary_loss_weight loss_ignore_index use_timm_backbone backbone_kwargs",
        only={"auxiliary_in_channels": (None,), "backbone": (None,)},
        nested={"backbone_config": ("resnet", "convnext", "swin")},
    ),
    "dinov3_vit": Family("dinov3_vit", "model", idle=f"{_FEATURES} rope_theta rope_parameters {_AUGMENTS}"),
    "dinov3_convnext": Family("convnext", "model"),
    "clip_vision_model": Family("clip_vision", "model projection"),
    "clip": Family("clip_vision", "classification", nested={"vision_config": ("clip_vision_model",)}, idle=_TEXT),
    "siglip_vision_model": Family("siglip_vision", "model"),
    "siglip": Family("siglip_vision", "classification", nested={"vision_config": ("siglip_vision_model",)}, idle=_TEXT),
    "glpn": Family(
        "segformer", "depth model", {"decoder_hidden_size": 64}, only=_LAST, idle="max_depth downsampling_rates"
    ),
    "dpt": Family(
        "dpt",
        "depth segmentation model",
        only=_DPT,
        idle="auxiliary_loss_weight semantic_classifier_dropout",
        derived={"use_bias_in_fusion_residual": lambda knobs: not knobs["use_batch_norm_in_fusion_residual"]},
    ),
    "distilbert": Family(
        "bert",
        _TEXTS,
        {"num_hidden_layers": 6, "type_vocab_size": 0, "pooler": False, "pooler_act": "relu"},
        only={"tie_word_embeddings": (True,)},
        idle="sinusoidal_pos_embds qa_dropout seq_classif_dropout tie_weights_ output_past",
        called={
            "dim": "hidden_size",
            "n_layers": "num_hidden_layers",
            "n_heads": "num_attention_heads",
            "hidden_dim": "intermediate_size",
            "activation": "hidden_act",
        },
    ),
    "hgnet_v2": Family(
        "hgnet_v2", "classification backbone", idle="stage_in_channels depths hidden_sizes embedding_size"
    ),
    "textnet": Family("textnet", "classification model backbone", activations="stem_act_func", idle="depths"),
    "depth_anything": Family(
        "depth_anything",
        "depth",
        only={"depth_estimation_type": ("relative", "metric"), **_LAST},
        idle="reassemble_hidden_size max_depth",
        nested={"backbone_config": ("dinov2",)},
    ),
    "rt_detr": Family("rt_detr", "detection model", **_RT_DETR),
    "rt_detr_v2": Family("rt_detr", "detection model", **_RT_DETR),
    "vit": Family("vit", "classification model masked"),
    "deit": Family("vit", "classification model masked teacher", knobs={"class_tokens": 2}),
    "vit_msn": Family("vit", knobs={"pooler": False}),
    "ijepa": Family("vit", knobs={"pooler": False, "class_tokens": 0}),
    "dinov2": Family("dinov2", idle=_FEATURES),
    "dinov2_with_registers": Family("dinov2", knobs={"num_register_tokens": 4, "patch_size": 16}, idle=_FEATURES),
    "swin": Family("swin", "classification model masked", idle="hidden_size path_norm"),
}

"""Darknet's words: the keys of its sections that change no cost, its activations, its short names."""

from __future__ import annotations

from costcalc.base import Datum
from costcalc.interop import words

# Keys of any layer, and of some, that change nothing in the network's cost: training, loading, scheduling.
ANY = frozenset(
    "clip onlyforward dont_update burnin_update stopbackward train_only_bn dontload dontloadscales learning_rate "
    "dontsave truth smooth numload stream wait_stream".split()
)
NET = frozenset(
    "batch subdivisions time_steps notruth momentum decay learning_rate learning_rate_min max_batches policy step "
    "scale steps scales seq_scales burn_in gamma power adam B1 B2 eps sgdr_cycle sgdr_mult track augment_speed "
    "try_fix_nan sequential_subdivisions weights_reject_freq equidistant_point badlabels_rejection_percentage "
    "ema_alpha loss_scale num_sigmas_reject_badlabels use_cuda_graph dynamic_minibatch optimized_memory "
    "workspace_size_limit_MB max_crop min_crop center crop flip blur gaussian_noise mixup cutmix mosaic letter_box "
    "mosaic_bound contrastive unsupervised contrastive_jit_flip contrastive_color label_smooth_eps resize_step "
    "attention adversarial_lr max_chart_loss angle aspect saturation exposure hue show_receptive_field random hflip "
    "vflip cache test max_epochs seen max_ratio min_ratio".split()
)
CONV = frozenset("assisted_excitation flipped dot angle grad_centr reverse dilation".split())
HEAD = frozenset(
    "anchors map max tree side rescore random jitter resize log sqrt softmax forced reorg background absolute "
    "classfix bias_match thresh ignore_thresh truth_thresh iou_thresh iou_thresh_kind iou_loss focal_loss coord_scale "
    "mask_scale object_scale noobject_scale class_scale show_details max_delta counters_per_class label_smooth_eps "
    "scale_x_y objectness_smooth new_coords uc_normalizer iou_normalizer obj_normalizer cls_normalizer "
    "delta_normalizer beta_nms nms_kind yolo_point track_history_size sim_thresh dets_for_track dets_for_show "
    "track_ciou_norm embedding_layer num mask beta1".split()
)

# Darknet's words for activations, as operators of costcalc; the slopes of leaky and relie are those of activations.h.
ACTIVATIONS: dict[str, tuple[str, dict[str, Datum]]] = {
    word: (kind, {}) for word, kind in words.ACTIVATIONS.read(words.DARKNET).items()
} | {"leaky": ("leaky_relu", {"slope": 0.1}), "relie": ("leaky_relu", {"slope": 0.01})}

SHORT = {
    "network": "net", "conv": "convolutional", "deconv": "deconvolutional", "conn": "connected", "max": "maxpool",
    "avg": "avgpool", "local_avg": "local_avgpool", "lrn": "normalization", "soft": "softmax", "silence": "empty",
    "Gaussian_yolo": "gaussian_yolo",
}  # fmt: skip
# Sections that Darknet has and costcalc has not, and what costcalc lacks.
_RECURRENT = dict.fromkeys("rnn gru lstm crnn conv_lstm history".split(), "costcalc has no recurrent layers")
_OTHERS = dict.fromkeys("contrastive implicit l2norm iseg".split(), "costcalc has no operator for it")
UNKNOWN = _RECURRENT | _OTHERS

"""What goes wrong in optimizers and schedules, gathered from the files beside this one. Knows no case and no points."""

from .adam_misconceptions import ADAM, ADAMW
from .adaptive_misconceptions import ADAGRAD, RMSPROP
from .momentum_misconceptions import MOMENTUM, NESTEROV, SGD
from .schedule_misconceptions import COSINE_DECAY, EXPONENTIAL_DECAY, STEP_DECAY

__all__ = ["COSINE_DECAY", "EXPONENTIAL_DECAY", "STEPS", "STEP_DECAY"]

STEPS = {
    "sgd_step": SGD,
    "momentum_step": MOMENTUM,
    "nesterov_step": NESTEROV,
    "adagrad_step": ADAGRAD,
    "rmsprop_step": RMSPROP,
    "adam_step": ADAM,
    "adamw_step": ADAMW,
}

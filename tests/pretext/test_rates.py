from torch.optim.optimizer import register_optimizer_step_pre_hook

from scan_core.training.schedule import warmup_cosine
from tests.tasks import SMALL_TASKS
from tests.test_resumable_trainings import pretext


def test_each_step_has_the_rate_of_its_place_in_the_schedule(tiny_images):
    rates = []
    hook = register_optimizer_step_pre_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"]))
    training = pretext(SMALL_TASKS["simclr"], tiny_images)
    found = [training.run_epoch()["learning_rate"] for _ in range(4)]
    hook.remove()
    # 24 images in batches of 8 for four epochs, one of them warm-up.
    assert rates == [warmup_cosine(step, total=12, warmup=3, peak=0.1, final=0.01) for step in range(12)]
    assert found == rates[2::3]

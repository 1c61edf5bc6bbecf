from itertools import pairwise

from playground.sessions.record import Item, Kept


def fill(kept, steps, size=100):
    for i, step in enumerate(steps):
        kept.add(Item(i, step, bytes(size)))


def test_kept_items_stay_within_budget_log_spaced_with_both_ends():
    kept = Kept(lambda: 10_000)
    fill(kept, range(0, 50_000, 10))
    steps = [item.step for item in kept.items]
    assert sum(len(item.data) for item in kept.items) == kept.bytes <= 10_000
    assert steps[0] == 0 and steps[-1] == 49_990 and steps == sorted(steps)
    late = [b / a for a, b in pairwise(steps) if a > 1_000]
    assert max(late) < 1.5


def test_the_last_three_checkpoints_are_kept_whatever_they_weigh():
    kept = Kept(lambda: 10, tail=3)
    fill(kept, range(0, 100, 10))
    assert [item.step for item in kept.items] == [0, 70, 80, 90]


def test_pinned_checkpoints_are_thinned_last():
    kept = Kept(lambda: 1_000, tail=3)
    for step in range(200):
        kept.add(Item(step, step, bytes(100), pinned=step == 57))
    assert 57 in [item.step for item in kept.items]


def test_setting_back_and_finding():
    kept = Kept(lambda: 10_000)
    fill(kept, [0, 10, 20, 30])
    assert kept.at(25).step == 20 and kept.at(5).step == 0
    kept.cut(19)
    assert [item.step for item in kept.items] == [0, 10] and kept.bytes == 200
    kept.add(Item(9, 10, b"new"))
    assert kept.items[-1].data == b"new" and len(kept.items) == 2

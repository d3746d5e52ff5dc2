"""The schedule of a chaos run: repeatable, complete, in time."""

from chaos.schedule import Blow, schedule


def test_the_same_seed_gives_the_same_schedule_and_another_seed_another() -> None:
    assert schedule(1, 120) == schedule(1, 120)
    assert schedule(1, 120) != schedule(2, 120)


def test_every_kind_of_misfortune_happens_within_the_time_and_in_order() -> None:
    for seconds in (30, 120, 600):
        blows = schedule(7, seconds)
        assert {due.blow for due in blows} == set(Blow)
        assert [due.at for due in blows] == sorted(due.at for due in blows)
        assert 0 < blows[0].at < blows[-1].at < seconds

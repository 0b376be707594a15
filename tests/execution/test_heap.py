import gc

from arb.execution.process.heap import settled_heap


def test_what_is_there_when_it_settles_is_not_looked_through_again_until_the_end() -> None:
    before = gc.get_freeze_count()
    with settled_heap() as settle:
        assert gc.get_freeze_count() == before
        settle()
        assert gc.get_freeze_count() > before + 1_000
        assert len(gc.get_objects()) < 1_000
    assert gc.get_freeze_count() == 0

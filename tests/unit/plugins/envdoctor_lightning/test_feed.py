from __future__ import annotations

from envdoctor_lightning.feed import ENDLESS, Feed


def test_it_yields_what_is_ordered_and_ends_when_closed():
    feed = Feed()
    feed.order("first", updates=True)
    feed.order("second", updates=False)
    feed.close()
    assert [(rows, feed.updates) for rows in feed] == [("first", True), ("second", False)]


def test_a_mark_is_set_only_when_what_was_ordered_before_it_is_done():
    feed = Feed()
    feed.order("rows", updates=True)
    mark = feed.mark()
    feed.close()
    batches = iter(feed)
    assert next(batches) == "rows"
    assert not mark.is_set()  # the step on these rows is still to be done
    assert list(batches) == []
    assert mark.is_set()


def test_it_claims_a_length_so_that_nothing_is_fetched_ahead():
    assert len(Feed()) == ENDLESS

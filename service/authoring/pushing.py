"""What a push of a clinic's words would change, and what is found in them once all of them are sent."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from service.authoring.model import SHIPPED, Checked, Newest
from service.authoring.page import Page
from service.render import fallbacks, tag_of
from service.store.templates import TemplateKey


def pushed(
    sources: Mapping[TemplateKey, str], newest: Mapping[TemplateKey, Newest], locale: str, *, publish: bool
) -> tuple[TemplateKey, ...]:
    """What a push saves, in the order in which it is to be published.

    Words in the clinic's own language (`locale`) are sent to whoever has none in theirs, before shipped ones. So they
    come last, and where they change, shipped words of the same message that are among these `sources` become the
    clinic's own with them: their readers keep them.
    """
    spoken = set(fallbacks(locale))
    changed = {key for key, source in sources.items() if _changes(source, newest.get(key), publish)}
    heard = {key[:3] for key in changed if tag_of(key.locale) in spoken}
    kept = {key for key in sources.keys() - changed if key[:3] in heard and newest[key].number == SHIPPED}
    in_order = (key for key in sources if key in changed | kept)
    return tuple(sorted(in_order, key=lambda key: tag_of(key.locale) in spoken))


def judged(
    page: Page, sources: Mapping[TemplateKey, str], changed: Collection[TemplateKey], readers: Collection[str]
) -> dict[TemplateKey, Checked]:
    """What is found in each source, read by clients of these locales in a clinic that sends all that has changed."""
    own = page.own
    for key in changed:
        own = own.with_draft(key, sources[key])
    return {key: replace(page, key=key, own=own).judge(source, readers) for key, source in sources.items()}


def _changes(source: str, newest: Newest | None, publish: bool) -> bool:
    """Line by line: files end their lines as their editor does. A draft that waits is sent by publishing it."""
    if newest is None or (publish and newest.draft):
        return True
    return source.strip().splitlines() != newest.source.strip().splitlines()

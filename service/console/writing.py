"""What staff do about their words from the console: write, accept, publish, restore, hold back, test, confirm."""

from collections.abc import Mapping

from service.acts.acts import Who
from service.authoring import Change
from service.authoring.reviews import confirm
from service.console.authors import Authors
from service.console.desk import Desk, not_found
from service.store.templates import TemplateKey
from service.store.views import Member

Form = Mapping[str, str]


async def perform(desk: Desk, who: Member, protocol: str, act: str, form: Form) -> None:
    """The act that a form asks for. Raises what the book, the staff's post and the reviews raise, and NotFound."""
    authors, clinic, doer = desk.parts.authors, who.clinic, str(Who("staff", who.staff))
    if act == "confirm":
        names = {"clinician": form.get("clinician", ""), "reader": form.get("reader", ""), "doer": doer}
        await confirm(desk.parts.database, authors.content, clinic, [protocol], form.get("locale", ""), **names)
        return
    key = authors.book.key(protocol, form.get("step", ""), form.get("medium", ""), form.get("locale", ""))
    change = Change(who.staff, form.get("note", "")[:500], number_in(form, "newest"), doer)
    match act:
        case "save":
            await authors.book.save(clinic, key, form.get("source", ""), change)
        case "accept":
            await _accept(authors, clinic, key, change)
        case "publish":
            # The button stands beside the draft itself, and the form says which one that was: it has been looked at.
            await authors.book.publish(clinic, key, number_in(form, "number"), change, shown=True)
        case "restore":
            # No number is no choice: 0 would be the shipped words.
            if "number" not in form:
                raise not_found()
            await authors.book.restore(clinic, key, number_in(form, "number"), change)
        case "hold":
            await authors.book.hold(clinic, {**key._asdict(), "medium": key.medium.value}, change)
        case "release":
            await _release(authors, clinic, key, doer)
        case "test":
            how = {"sample": form.get("sample", "ordinary"), "asked_by": doer}
            await authors.trials.send(clinic, key, who.staff, number=number_in(form, "number"), **how)
        case _:
            raise not_found()


def number_in(form: Form, name: str) -> int:
    """A version's number; 0 where it is none."""
    text = form.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


async def _accept(authors: Authors, clinic: str, key: TemplateKey, change: Change) -> None:
    """Take on all that the draft is warned of: the same words as a new draft."""
    sheet = await authors.book.open(clinic, key)
    if sheet.draft is None:
        raise not_found()
    taken_on = [*sheet.draft.accepted, *(warning.code for warning in sheet.checked.warnings)]
    await authors.book.save(clinic, key, sheet.draft.source, change, taken_on)


async def _release(authors: Authors, clinic: str, key: TemplateKey, doer: str) -> None:
    """Let a message go on, whether it was held alone or with others of its step."""
    for row in await authors.book.holds(clinic):
        if (row.protocol, row.step) == key[:2] and row.medium in {"", key.medium} and row.locale in {"", key.locale}:
            what = {name: getattr(row, name) for name in TemplateKey._fields}
            await authors.book.release(clinic, what, doer, alone=True)

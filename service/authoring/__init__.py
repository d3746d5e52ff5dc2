"""Where a clinic's staff write what their clients read: drafts, checks, previews, publishing, holding back."""

from service.authoring.book import TemplateBook
from service.authoring.check import WritingRules, canonical, check, key_of, where_of
from service.authoring.look import preview_page
from service.authoring.model import SHIPPED, Change, Checked, Published, Sheet, Shown, Stale, Standing

__all__ = [
    "SHIPPED",
    "Change",
    "Checked",
    "Published",
    "Sheet",
    "Shown",
    "Stale",
    "Standing",
    "TemplateBook",
    "WritingRules",
    "canonical",
    "check",
    "key_of",
    "preview_page",
    "where_of",
]

"""A plain page for people: what the providers got, newest first. Everything in it is escaped."""

from html import escape
from typing import Any

from service.sandbox.wire import Answer

SHOWN = 100
_POLICY = (("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),)
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; color: CanvasText; background: Canvas }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
article { border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: .6rem;
  padding: .6rem 1rem; margin: .8rem 0 }
header, .told { font-size: .85rem; opacity: .75 }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: .4rem 0 }
.faulted, .refused, .unanswered { border-left: .3rem solid #b3541e }
form { display: grid; gap: .8rem; max-width: 24rem }
label { display: grid; gap: .2rem }
input, textarea, button { font: inherit; padding: .4rem .6rem; color: inherit; background: transparent;
  border: 1px solid color-mix(in srgb, currentColor 50%, transparent); border-radius: .4rem }
button { justify-self: start; cursor: pointer }
"""
_HEAD = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'


def page(lines: list[dict[str, Any]], stats: dict[str, Any]) -> Answer:
    """Ledger lines, newest first, and the ledger's statistics."""
    counts = ", ".join(f"{stats[name]} {name}" for name in ("accepted", "refused", "faulted", "duplicates"))
    articles = "".join(map(_article, lines)) or "<p>Nothing yet: send something.</p>"
    html = (
        f'{_HEAD}<meta http-equiv="refresh" content="5"><title>Aftercare sandbox</title>'
        f"<style>{_STYLE}</style><main><h1>What the providers got</h1><p>{escape(counts)}</p>"
        f'<p><a href="/phone">Text the clinic as a client</a></p>{articles}</main></html>'
    )
    return Answer(200, html.encode(), "text/html; charset=utf-8", _POLICY)


def phone_page(fields: dict[str, str], told: str = "") -> Answer:
    """A form that texts the clinic from a client's phone, with what was filled in, and what came of the last text."""
    shown = {name: escape(fields.get(name, ""), quote=True) for name in ("from", "to", "body")}
    html = (
        f"{_HEAD}<title>Text the clinic</title><style>{_STYLE}</style><main><h1>Text the clinic</h1>"
        f"<p role=status>{escape(told)}</p>"
        '<form method="post" action="/sandbox/phone">'
        f'<label>From <input name="from" required value="{shown["from"]}"></label>'
        f'<label>To <input name="to" required value="{shown["to"]}"></label>'
        f'<label>Text <textarea name="body" rows="3" autofocus>{shown["body"]}</textarea></label>'
        '<button>Send</button></form><p><a href="/">What the providers got</a></p></main></html>'
    )
    return Answer(200, html.encode(), "text/html; charset=utf-8", _POLICY)


def _article(line: dict[str, Any]) -> str:
    shown = {name: escape(str(value)) for name, value in line.items() if value not in (None, "")}
    outcome, subject, body = shown["outcome"], shown.get("subject"), shown.get("body")
    way = (
        f"{shown['provider']} · {shown.get('from', '')} → {shown.get('to', '')}" if "to" in shown else shown["provider"]
    )
    parts = [f"<article class={outcome}><header>{shown['at']} · {way}</header>"]
    if subject:
        parts.append(f"<strong>{subject}</strong>")
    if body:
        parts.append(f"<pre>{body}</pre>")
    parts.append(f"<div class=told>{_story(shown)}</div></article>")
    return "".join(parts)


def _story(shown: dict[str, str]) -> str:
    if "of" in shown:
        return f"the client of line {shown['of']} left before its answer"
    fault = f" · fault: {shown['fault']}" if "fault" in shown else ""
    code = f" · code {shown['code']}" if "code" in shown else ""
    return f"{shown['outcome']} · told {shown['told']}{fault}{code} · {shown.get('id', 'no id')}"

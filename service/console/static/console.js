// The console works without this file. With it, pages follow what happens, a chosen message opens in place, and a
// letter is as tall as its text.
"use strict";

const EVERY = 4000;
const parser = new DOMParser();
const seen = new Map(); // id of a live part -> the markup last put in

async function read(address) {
  const answer = await fetch(address, { cache: "no-store", headers: { Accept: "text/html" } });
  if (answer.redirected) location.reload(); // signed out in the meantime
  if (!answer.ok) throw new Error(answer.status);
  return parser.parseFromString(await answer.text(), "text/html");
}

function live() {
  return document.querySelectorAll("[data-live]");
}

function keys(part) {
  return new Set([...part.querySelectorAll("[data-key]")].map((one) => one.dataset.key));
}

// Replace a part; what is new in it is marked for a moment, and the keyboard stays where it was.
function swap(old, fresh) {
  const known = keys(old);
  const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
  old.replaceWith(fresh);
  for (const one of fresh.querySelectorAll("[data-key]")) one.classList.toggle("fresh", !known.has(one.dataset.key));
  if (focused) [...fresh.querySelectorAll("a[href]")].find((a) => a.getAttribute("href") === focused)?.focus();
}

// Put in what changed: the sheet where it is about another message now, and the parts that follow events.
function follow(page) {
  const sheet = document.getElementById("sheet");
  const freshSheet = page.getElementById("sheet");
  if (freshSheet && freshSheet.dataset.of !== sheet?.dataset.of) {
    sheet.replaceWith(freshSheet);
    fit();
  }
  for (const old of live()) {
    const fresh = page.getElementById(old.id);
    if (!fresh || seen.get(old.id) === fresh.outerHTML) continue;
    seen.set(old.id, fresh.outerHTML);
    swap(old, fresh);
  }
}

async function keepUp() {
  if (document.visibilityState === "visible") {
    try {
      const address = location.href;
      const page = await read(address);
      if (address === location.href) follow(page);
      document.body.classList.remove("stale");
    } catch {
      document.body.classList.add("stale");
    }
  }
  setTimeout(keepUp, EVERY);
}

async function open(address) {
  try {
    follow(await read(address));
  } catch {
    location.assign(address);
  }
}

function measure(frame) {
  const page = frame.contentDocument?.documentElement;
  if (!page) return;
  frame.style.height = "0"; // a page is never shorter than its frame
  frame.style.height = `${page.scrollHeight}px`;
}

function fit() {
  for (const frame of document.querySelectorAll("iframe[data-letter]")) {
    frame.onload = () => measure(frame);
    measure(frame);
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-open]");
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
  if (!link || !plain || !matchMedia("(min-width: 900px)").matches) return;
  event.preventDefault();
  const address = link.getAttribute("href");
  history.pushState(null, "", address);
  open(address);
});
addEventListener("popstate", () => open(location.href));
addEventListener("resize", fit);
fit();
for (const part of live()) seen.set(part.id, part.outerHTML);
if (seen.size) setTimeout(keepUp, EVERY);

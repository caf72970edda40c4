// Keeps a page that says where it comes from fresh without losing the place: every few seconds the page is fetched again and its main part
// exchanged, unless somebody is in the middle of pressing a button or the tab is hidden.
"use strict";
const EVERY = 5000;
let busy = false;

async function freshen() {
  const live = document.getElementById("live");
  if (!live || busy || document.hidden || live.querySelector("button:focus, button:active, input:focus, details[open]")) return;
  busy = true;
  try {
    const response = await fetch(live.dataset.from, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (response.status === 401) { location.reload(); return; }
    if (!response.ok) throw new Error(String(response.status));
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const next = page.getElementById("live");
    if (next) live.replaceChildren(...next.childNodes);
    document.title = page.title;
    document.body.classList.remove("stale");
  } catch {
    document.body.classList.add("stale");
  } finally {
    busy = false;
  }
}

setInterval(freshen, EVERY);
document.addEventListener("visibilitychange", freshen);
if (location.search) history.replaceState(null, "", location.pathname);

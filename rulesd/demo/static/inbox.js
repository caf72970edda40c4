// Brings the page up to date: items are replaced one by one and only when they changed, so that what is open stays open.
"use strict";
(() => {
  const lists = ["planted", "messages", "incidents", "tickets"];
  const shown = new Map();
  let chosen = "";

  const element = (html) => {
    const holder = document.createElement("template");
    holder.innerHTML = html.trim();
    return holder.content.firstElementChild;
  };

  const folds = (item) => new Set([...item.querySelectorAll("details[open]")].map((d) => d.dataset.fold));

  const put = (list, rows, first) => {
    const box = document.getElementById(list);
    let before = box.firstElementChild;
    for (const [key, html] of rows) {
      let item = [...box.children].find((one) => one.dataset.key === key);
      if (!item || (shown.get(list + key) !== html && (!first || shown.has(list + key)))) {
        const fresh = element(html);
        if (item) {
          const open = folds(item);
          fresh.querySelectorAll("details").forEach((d) => { d.open = open.has(d.dataset.fold); });
          if (item === before) before = fresh;
          item.replaceWith(fresh);
          if (list === "planted" && item.className !== fresh.className) fresh.classList.add("flash");
        } else {
          box.insertBefore(fresh, before);
          fresh.classList.add("new");
        }
        item = fresh;
      }
      shown.set(list + key, html);
      before = item === before ? item.nextElementSibling : before;
    }
  };

  const choose = () => {
    document.querySelectorAll("#messages > *").forEach((m) => { m.hidden = chosen !== "" && m.dataset.channel !== chosen; });
    document.querySelectorAll("#channels button").forEach((b) => { b.setAttribute("aria-pressed", String(b.dataset.channel === chosen)); });
  };

  document.getElementById("channels").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) { chosen = button.dataset.channel; choose(); }
  });

  let first = true;
  const live = new EventSource("/live");
  live.onmessage = (event) => {
    const parts = JSON.parse(event.data);
    for (const name of ["tiles", "verdict", "channels"]) {
      if (shown.get(name) !== parts[name]) document.getElementById(name).innerHTML = parts[name];
      shown.set(name, parts[name]);
    }
    for (const list of lists) put(list, parts[list], first);
    first = false;
    document.getElementById("over").hidden = true;
    choose();
  };
  live.onerror = () => { document.getElementById("over").hidden = false; };
  choose();
})();

"use strict";
(() => {
  const all = (root, what) => Array.from(root.querySelectorAll(what));

  // Sorting: numbers where the column holds them, text elsewhere; what is not known stays last.
  const key = (cell, numeric) => {
    const text = cell.dataset.by ?? cell.textContent.trim();
    if (text === "-" || text === "") return null;
    return numeric ? Number(text.replaceAll(",", "")) : text.toLowerCase();
  };
  const sort = (table, header, column) => {
    const down = header.getAttribute("aria-sort") === "ascending";
    const numeric = header.classList.contains("n");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => [key(row.cells[column], numeric), row]);
    rows.sort(([one], [other]) => {
      if (one === null || other === null) return (one === null) - (other === null);
      return (one < other ? -1 : one > other ? 1 : 0) * (down ? -1 : 1);
    });
    for (const other of all(table, "th[aria-sort]")) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...rows.map(([, row]) => row));
  };
  for (const table of all(document, "table.sortable")) {
    all(table, "thead th").forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      button.addEventListener("click", () => sort(table, header, column));
      header.append(button);
    });
  }

  // Filters: an item is shown where all that was chosen fits; a group without items is hidden.
  for (const filter of all(document, ".filter")) {
    const root = document.getElementById(filter.dataset.for);
    const items = all(root, "[data-item]");
    const texts = new Map();
    const text = (item) => {
      if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
      return texts.get(item);
    };
    const apply = () => {
      const chosen = all(filter, "select, input[type=checkbox]").filter((field) =>
        field.type === "checkbox" ? field.checked : field.value);
      const words = filter.querySelector("[name=text]").value.toLowerCase().trim();
      let shown = 0;
      for (const item of items) {
        const fits = chosen.every((field) => item.dataset[field.name] === field.value) && text(item).includes(words);
        item.hidden = !fits;
        shown += fits;
      }
      for (const group of all(root, "[data-group]")) group.hidden = !group.querySelector("[data-item]:not([hidden])");
      filter.querySelector("output").textContent = `${shown} of ${items.length} shown`;
    };
    for (const event of ["input", "change"]) filter.addEventListener(event, apply);
    filter.hidden = false;
    apply();
  }

  for (const [name, open] of [["open", true], ["close", false]]) {
    for (const button of all(document, `button[data-${name}]`)) {
      button.addEventListener("click", () => {
        for (const item of all(document.getElementById(button.dataset[name]), ":scope > details")) item.open = open;
      });
    }
  }

  for (const button of all(document, "button[data-copy]")) {
    const source = document.getElementById(button.dataset.copy);
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = "copied";
      } catch {
        getSelection().selectAllChildren(source);
        button.textContent = "selected: copy it with the keyboard";
      }
    });
  }

  // On paper everything is open.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all(document, "details:not([open])");
    for (const item of closed) item.open = true;
  });
  addEventListener("afterprint", () => {
    for (const item of closed) item.open = false;
  });
})();

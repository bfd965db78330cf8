// Makes the headings of sortable tables into buttons. Without it the tables stand as they are.
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const kind = heading.dataset.sort;
    if (!kind) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    const key = (row) => (kind === "number" ? Number(row.cells[column].dataset.value) : row.cells[column].textContent);
    button.addEventListener("click", () => {
      // Numbers begin with the largest, names with the first.
      const before = heading.getAttribute("aria-sort");
      const order = before ? (before === "ascending" ? "descending" : "ascending") : kind === "number" ? "descending" : "ascending";
      const sign = order === "ascending" ? 1 : -1;
      const compare = kind === "number" ? (a, b) => key(a) - key(b) : (a, b) => key(a).localeCompare(key(b));
      body.append(...[...body.rows].sort((a, b) => sign * compare(a, b)));
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", order);
    });
  });
}

// A note with verdict and evidence beside the marked figure that is pointed at, focused or tapped.
(() => {
  const note = document.getElementById("note"), body = note.querySelector(".body");
  const marks = [...document.querySelectorAll("mark")], stops = marks.filter(mark => mark.tabIndex === 0);
  let pinned = null;
  const place = mark => {
    if (getComputedStyle(note).position === "fixed") {
      // The note covers the foot of the screen: keep the figure above it.
      const below = mark.getBoundingClientRect().bottom - (innerHeight - note.offsetHeight - 24);
      if (below > 0) scrollBy(0, below);
      return;
    }
    const box = mark.getClientRects()[0], text = mark.closest(".text").getBoundingClientRect();
    const margin = mark.closest("article").getBoundingClientRect().right - text.right - 24;
    if (margin > 300) {
      // Beside the text, at the height of the figure.
      note.style.width = `${Math.min(margin, 416)}px`;
      note.style.left = `${text.right + 12 + scrollX}px`;
      note.style.top = `${Math.max(8, Math.min(box.top - 8, innerHeight - note.offsetHeight - 8)) + scrollY}px`;
      return;
    }
    note.style.width = "";
    const room = document.documentElement.clientWidth - note.offsetWidth - 12;
    note.style.left = `${Math.max(8, Math.min(box.left, room)) + scrollX}px`;
    const under = box.bottom + 8, fits = under + note.offsetHeight < innerHeight || box.top < note.offsetHeight + 16;
    note.style.top = `${(fits ? under : box.top - note.offsetHeight - 8) + scrollY}px`;
  };
  const show = mark => {
    marks.forEach(other => other.classList.toggle("open", other === mark));
    body.replaceChildren(...mark.dataset.claims.split(" ").map(id => {
      const copy = document.getElementById(id).cloneNode(true);
      copy.removeAttribute("id");
      copy.querySelectorAll("[id]").forEach(node => node.removeAttribute("id"));
      return copy;
    }));
    note.dataset.verdict = mark.dataset.verdict;
    note.hidden = false;
    note.scrollTop = 0;
    place(mark);
  };
  const hide = () => { note.hidden = true; pinned = null; marks.forEach(mark => mark.classList.remove("open")); };
  const leave = () => { if (!pinned) hide(); };
  let waiting = 0;
  for (const mark of marks) {
    mark.addEventListener("pointerenter", event => { if (event.pointerType === "mouse" && !pinned) { clearTimeout(waiting); show(mark); } });
    // Time to move from the figure onto its note.
    mark.addEventListener("pointerleave", event => { if (event.pointerType === "mouse") waiting = setTimeout(leave, 250); });
    mark.addEventListener("focus", () => { pinned = null; show(mark); });
    mark.addEventListener("blur", event => { if (!note.contains(event.relatedTarget)) leave(); });
    mark.addEventListener("click", () => { show(mark); pinned = mark; });
    mark.addEventListener("keydown", event => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); show(mark); pinned = mark; }
    });
  }
  note.addEventListener("pointerenter", () => clearTimeout(waiting));
  note.addEventListener("pointerleave", event => { if (event.pointerType === "mouse") leave(); });
  const close = () => { const mark = pinned; hide(); if (mark && note.contains(document.activeElement)) mark.focus(); };
  note.querySelector(".close").addEventListener("click", hide);
  document.addEventListener("keydown", event => { if (event.key === "Escape") close(); });
  document.addEventListener("click", event => { if (!event.target.closest("mark, #note, .legend")) hide(); });
  for (const button of document.querySelectorAll("[data-next]")) {
    let last = -1;
    button.addEventListener("click", () => {
      const own = stops.filter(mark => mark.dataset.verdict === button.dataset.next);
      if (!own.length) return;
      last = (last + 1) % own.length;
      own[last].scrollIntoView({ block: "center" });
      own[last].focus();
    });
  }
})();

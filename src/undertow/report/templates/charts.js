// Draws every chart when it comes into view, in the colours of the page; redraws when they change.
(() => {
  const specs = JSON.parse(document.getElementById("charts").textContent);
  const style = () => getComputedStyle(document.documentElement);
  const coloured = (node, css) => {
    if (typeof node === "string") return node.startsWith("@") ? css.getPropertyValue("--" + node.slice(1)).trim() : node;
    if (Array.isArray(node)) return typeof node[node.length - 1] === "number" ? node : node.map(item => coloured(item, css));
    if (node && typeof node === "object")
      return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, coloured(value, css)]));
    return node;
  };
  const draw = box => {
    const css = style(), spec = coloured(specs[box.dataset.chart], css), narrow = box.clientWidth < 520;
    const axis = { gridcolor: css.getPropertyValue("--line").trim(), zerolinecolor: css.getPropertyValue("--muted").trim(), automargin: true };
    const layout = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: css.getPropertyValue("--ink").trim(), family: "system-ui, sans-serif", size: narrow ? 11 : 12 },
      margin: { l: narrow ? 44 : 56, r: 12, t: 12, b: 36 }, hovermode: "x unified", dragmode: narrow ? false : "zoom",
      hoverlabel: { bgcolor: css.getPropertyValue("--card").trim(), bordercolor: css.getPropertyValue("--line").trim(), font: { color: css.getPropertyValue("--ink").trim() } },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 }, xaxis: {}, yaxis: {}, ...spec.layout,
    };
    for (const key of Object.keys(layout)) if (/^[xy]axis/.test(key)) layout[key] = { ...axis, ...layout[key] };
    if (narrow && spec.narrow) Object.assign(layout, spec.narrow);
    Plotly.react(box, spec.data, layout, { responsive: true, displaylogo: false, displayModeBar: false });
    box.dataset.drawn = "1";
  };
  const boxes = [...document.querySelectorAll(".chart[data-chart]")];
  const seen = new IntersectionObserver(entries => entries.forEach(entry => {
    if (entry.isIntersecting && !entry.target.dataset.drawn) draw(entry.target);
  }), { rootMargin: "400px" });
  boxes.forEach(box => seen.observe(box));
  const redraw = () => boxes.filter(box => box.dataset.drawn).forEach(draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => boxes.forEach(draw));
})();

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
  // What a chart shows, as rows: one object per point, with the names of its parts.
  const points = spec => spec.data.flatMap(trace => {
    const name = trace.name || "", label = i => Array.isArray(trace.text) ? { text: trace.text[i] } : {};
    if (trace.type === "sankey")
      return trace.link.value.map((value, i) => ({ from: trace.node.label[trace.link.source[i]], to: trace.node.label[trace.link.target[i]], value }));
    if (trace.type === "heatmap") return trace.z.flatMap((row, j) => row.map((z, i) => ({ name, x: trace.x[i], y: trace.y[j], z })));
    if (trace.type === "candlestick")
      return trace.x.map((x, i) => ({ name, x, open: trace.open[i], high: trace.high[i], low: trace.low[i], close: trace.close[i] }));
    if (trace.type === "indicator") return [{ name, value: trace.value }];
    return (trace.x || []).map((x, i) => ({ name, x, y: trace.y[i], ...label(i) }));
  });
  const csv = spec => {
    const rows = points(spec), names = [...new Set(rows.flatMap(Object.keys))];
    const cell = value => value == null ? "" : /[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
    return [names, ...rows.map(row => names.map(name => row[name]))].map(row => row.map(cell).join(",")).join("\n") + "\n";
  };
  const save = (box, format) => {
    const name = box.dataset.chart;
    if (format === "csv") {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([csv(specs[name])], { type: "text/csv" }));
      link.download = name + ".csv";
      link.click();
      return;
    }
    if (!box.dataset.drawn) draw(box);
    const layout = { ...box.layout, paper_bgcolor: style().getPropertyValue("--card").trim() };
    Plotly.downloadImage({ data: box.data, layout }, { format, filename: name, width: 1000, height: 560 });
  };
  const offer = box => {
    const row = document.createElement("div");
    row.className = "downloads";
    for (const format of ["png", "svg", "csv"]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = format.toUpperCase();
      button.setAttribute("aria-label", `${box.dataset.chart} as ${format.toUpperCase()}`);
      button.addEventListener("click", () => save(box, format));
      row.append(button);
    }
    box.after(row);
  };
  const boxes = [...document.querySelectorAll(".chart[data-chart]")];
  const seen = new IntersectionObserver(entries => entries.forEach(entry => {
    if (entry.isIntersecting && !entry.target.dataset.drawn) draw(entry.target);
  }), { rootMargin: "400px" });
  boxes.forEach(box => { seen.observe(box); offer(box); });
  const redraw = () => boxes.filter(box => box.dataset.drawn).forEach(draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => boxes.forEach(draw));
})();

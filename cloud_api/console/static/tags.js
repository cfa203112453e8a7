// The tags of an asset as they stand: value, status, age, the last hour as a line, unit and range.
import { ENTRIES, get, iso, isText } from "./trends/ask.js";
import { quality } from "./trends/curve.js";
import { button, h, length, maybe, setup, shown, text } from "./trends/dom.js";

const MOST = 200;
const HOUR = 3600000;
const place = document.getElementById("ma-tags");
const rows = new Map();

function sparkline(points) {
  const values = points.map((each) => each[1]).filter((value) => value !== null);
  if (values.length < 2) return h("span", { class: "ms-muted" }, "–");
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [points[0][0], points.at(-1)[0]];
  const x = (at) => ((at - first) / (last - first || 1)) * 116 + 2;
  const y = (value) => 24 - ((value - low) / (high - low || 1)) * 20;
  let path = "", isDown = false;
  for (const [at, value] of points) {
    if (value === null) { isDown = false; continue; }
    path += `${isDown ? "L" : "M"}${x(at).toFixed(1)},${y(value).toFixed(1)}`;
    isDown = true;
  }
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("width", "120"); picture.setAttribute("height", "28"); picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", text("tags.course", { low: shown(low), high: shown(high) }));
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path); line.setAttribute("fill", "none"); line.setAttribute("stroke", "currentColor"); line.setAttribute("stroke-width", "1.4");
  picture.append(line);
  return picture;
}

async function begin() {
  const found = await get(`/assets/${setup.asset.id}/series`, { limit: MOST });
  if (!found.items.length) return void place.replaceChildren(h("p", { class: "ms-muted" }, text("tags.none")));
  const heads = ["tags.tag", "tags.value", "tags.status", "tags.age", "tags.hour", "tags.range", "tags.source"].map((key) => h("th", { scope: "col" }, setup.texts[key]));
  const body = h("tbody");
  for (const series of found.items) {
    const cells = { value: h("td", { class: "mt-number" }, "–"), status: h("td"), age: h("td", { class: "ms-figure" }), course: h("td") };
    rows.set(series.id, { series, cells });
    const range = series.low === null && series.high === null ? "" : `${shown(series.low)} … ${shown(series.high)}${series.unit ? ` ${series.unit}` : ""}`;
    body.append(h("tr", { "data-tag": series.id },
      h("td", {}, h("a", { href: `/trends?s=${series.id}` }, series.tag), series.description ? h("span", { class: "mt-series-more" }, series.description) : null,
        setup.mayEnter && series.agent === ENTRIES ? button(text("entering.button"), () => window.emitEvent("tag_enter", { id: series.id }), { "aria-label": `${text("entering.button")}: ${series.tag}` }) : null),
      cells.value, cells.status, cells.age, cells.course, h("td", {}, range || "–"), h("td", { class: "ms-muted" }, series.agent === ENTRIES ? text("entering.entered") : [series.agent, series.device].filter(Boolean).join(" / "))));
  }
  place.replaceChildren(h("table", { class: "ms-table mt-table" }, h("thead", {}, h("tr", {}, ...heads)), body), found.next ? h("p", { class: "ms-muted" }, text("tags.more", { count: MOST })) : "");
  await refresh();
  setInterval(() => { if (!document.hidden) refresh().catch(() => {}); }, 5000);
  await courses();
}

async function refresh() {
  const found = await get("/latest", { asset: setup.asset.path, limit: 1000 });
  for (const sample of found.items) {
    const row = rows.get(sample.id);
    if (!row) continue;
    const kind = quality(sample.status);
    row.cells.value.textContent = kind === "bad" ? "–" : shown(sample.value, row.series.unit);
    row.cells.status.textContent = `${kind === "good" ? "" : kind === "bad" ? "✕ " : "? "}${maybe(`quality.${kind}`, kind)}`;
    row.cells.status.className = `mt-${kind}`;
    row.cells.age.textContent = length(Math.max(0, Math.round((Date.now() - Date.parse(sample.time)) / 1000) * 1000));
  }
}

async function courses() {
  const numeric = [...rows.values()].filter((row) => !isText(row.series)).map((row) => row.series.id);
  const now = Date.now();
  for (let start = 0; start < numeric.length; start += 50) {
    const answer = await get("/query", { series: numeric.slice(start, start + 50), from: iso(now - HOUR), to: iso(now), points: 60, aggregate: ["average"], fill: "null" });
    for (const each of answer.series) rows.get(each.id)?.cells.course.replaceChildren(sparkline(each.rows.map((row) => [Date.parse(row[0]), row[1]])));
  }
}

window.msTagsChanged = () => refresh().then(courses);

if (setup.asset) begin().catch((error) => place.replaceChildren(h("p", { role: "alert" }, error.message)));

// The series of the chart as a table: value under the pointer or now, at the cursors, their difference, statistics.
import { STATISTICS, isText } from "./ask.js";
import { quality, valueAt } from "./curve.js";
import { button, h, maybe, shown, text } from "./dom.js";

const SHOWN = ["minimum", "maximum", "average", "standard_deviation_population", "percent_good"];

export function showTable(place, model, act, colours) {
  if (!model.series.length) return void place.replaceChildren();
  const heads = ["", text("trends.series"), text("trends.value"), text("trends.at_a"), text("trends.at_b"), text("trends.delta"), ...SHOWN.map((name) => text(`statistic.${name}`)), ""];
  const body = model.series.map((each, index) => row(each, index, model, act, colours));
  place.replaceChildren(h("table", { class: "ms-table mt-table" },
    h("thead", {}, h("tr", {}, ...heads.map((head, index) => h("th", { scope: "col", class: index > 1 ? "mt-number" : null }, head || h("span", { class: "ms-hidden" }, text(index ? "trends.actions" : "trends.shown")))))),
    h("tbody", {}, ...body)));
}

function row(each, index, model, act, colours) {
  const { series } = each;
  const colour = colours.series[index % 12];
  const short = series.path.split("/").slice(-3).join("/");
  const statistics = model.statistics?.get(series.id) ?? {};
  const cell = (name) => h("td", { class: "mt-number", "data-cell": name });
  return h("tr", { "data-row": series.id },
    h("td", {}, h("label", { class: "mt-key" }, h("input", { type: "checkbox", checked: !each.isHidden, "aria-label": text("trends.show_series", { path: series.path }), onchange: () => act.toggle(series.id) }),
      h("span", { class: "mt-swatch", style: `border-color:${colour}`, "aria-hidden": "true" }, String(index + 1)))),
    h("td", {}, h("span", { title: series.path }, short), h("span", { class: "mt-series-more" }, [series.description, each.curve ? text(each.curve.form === "buckets" ? "trends.by_buckets" : "trends.by_samples", { resolution: each.curve.resolution }) : null].filter(Boolean).join(" · "))),
    cell("value"), cell("a"), cell("b"), cell("delta"),
    ...SHOWN.map((name) => h("td", { class: "mt-number", "data-cell": name }, isText(series) ? "–" : name === "percent_good" ? (typeof statistics[name] === "number" ? `${shown(statistics[name])} %` : "–") : shown(statistics[name] ?? null))),
    h("td", {}, button("✕", () => act.remove(series.id), { class: "mt-icon", "aria-label": text("trends.remove_series", { path: series.path }), title: text("trends.remove") })));
}

// What follows the pointer is written into the cells that are there.
export function showValues(place, model, cursors, now) {
  const at = cursors.hover ?? (model.isLive ? now : model.to);
  for (const each of model.series) {
    const line = place.querySelector(`[data-row="${each.series.id}"]`);
    if (!line || !each.curve) continue;
    const found = valueAt(each.curve, each.holes, at);
    const [a, b] = [cursors.a, cursors.b].map((cursor) => (cursor === null ? null : valueAt(each.curve, each.holes, cursor)));
    write(line, "value", found, each.series.unit);
    write(line, "a", a, each.series.unit);
    write(line, "b", b, each.series.unit);
    const isNumeric = typeof a?.value === "number" && typeof b?.value === "number";
    line.querySelector('[data-cell="delta"]').textContent = isNumeric ? shown(b.value - a.value, each.series.unit) : "–";
  }
}

function write(line, name, found, unit) {
  const cell = line.querySelector(`[data-cell="${name}"]`);
  const kind = found ? quality(found.status) : "none";
  const word = found && kind !== "good" && found.least === undefined ? ` ${maybe(`quality.${kind}`, kind)}` : "";
  const range = found && found.least !== undefined && found.least !== null ? ` [${shown(found.least)} … ${shown(found.most)}]` : "";
  cell.textContent = found ? `${shown(found.value, unit)}${range}${word}` : "–";
  cell.className = `mt-number mt-${kind}`;
}

export { STATISTICS };

// The trend: one view (in the address), its data (from the API), its picture.
import * as ask from "./ask.js";
import { Chart, colours } from "./chart.js";
import { missing, valueAt } from "./curve.js";
import { button, h, instant, length, local, maybe, setup, shown, text } from "./dom.js";
import { listen } from "./hands.js";
import { showPanel } from "./panel.js";
import { showTable, showValues } from "./table.js";
import { RANGES, SHIFTS, View } from "./view.js";
import { showNotes } from "./notes.js";

const MOST_SERIES = 12;
const SETTLE_MS = 180;
const REFRESH_MS = 15000;

const place = (id) => document.getElementById(id);
const view = new View(location.search);
const model = { series: [], alarms: [], notes: [], statistics: new Map(), from: view.from, to: view.to, now: Date.now(), tell };
const cursors = { a: view.a, b: view.b, hover: null };
let chart, abort = new AbortController(), unfollow = () => {}, settleTimer = 0, asked = 0, isLoading = false, isFresh = true;

// What tests and people at the browser's own tools can look at.
window.msTrend = { view, model, cursors, get isLoading() { return isLoading; }, get option() { return chart.chart.getOption(); } };

function tell(each, span) {
  const kind = maybe(`trends_kind.${span.kind}`, span.kind);
  const why = span.kind === "hole" || span.kind === "planned" ? maybe(`reason.${span.reason}`, span.reason ?? "") : span.status ? `0x${span.status.toString(16).toUpperCase().padStart(8, "0")}` : "";
  const blame = span.blame ? ` (${maybe(`blame.${span.blame}`, span.blame)})` : "";
  return [each.series.path, `${kind}${why ? `: ${why}` : ""}${blame}`, `${instant(span.from)} – ${instant(span.to)} (${length(span.to - span.from)})`].map(escape).join("<br>");
}
const escape = (words) => { const made = document.createElement("i"); made.textContent = words; return made.innerHTML; };

function say(words, isError = false) {
  const status = place("mt-status");
  status.textContent = words;
  status.classList.toggle("mt-error", isError);
}

function remember() {
  Object.assign(view, { a: cursors.a === null ? null : Math.round(cursors.a), b: cursors.b === null ? null : Math.round(cursors.b) });
  history.replaceState(history.state, "", view.address());
  window.emitEvent?.("trend_view", view.query());
}

// Series

async function add(ids) {
  const wanted = ids.filter((id) => !view.ids.includes(id));
  if (view.ids.length + wanted.length > MOST_SERIES) return say(text("trends.too_many", { count: MOST_SERIES }), true);
  view.ids.push(...wanted);
  await describe();
}

async function describe() {
  const known = new Map(model.series.map((each) => [each.series.id, each]));
  const wanted = view.ids.filter((id) => !known.has(id));
  const found = await ask.describe(wanted);
  const missing = wanted.filter((id) => !found.some((each) => each.id === id));
  for (const series of found) known.set(series.id, { series, holes: [], curve: null, isHidden: false });
  view.ids = view.ids.filter((id) => known.has(id));
  model.series = view.ids.map((id) => known.get(id));
  actions();
  for (const each of model.series) if (each.limits === undefined) each.limits = ask.isText(each.series) ? [] : null;
  remember();
  await load();
  follow();
  for (const each of model.series) {
    if (each.limits !== null) continue;
    ask.limits(each.series).then((limits) => { each.limits = limits; draw(); }).catch((error) => { each.limits = []; say(error.message, true); });
  }
  if (missing.length) say(text("trends.not_there", { count: missing.length }), true);
}

const act = {
  toggle: (id) => { const each = model.series.find((one) => one.series.id === id); each.isHidden = !each.isHidden; draw(); },
  remove: (id) => { view.ids = view.ids.filter((one) => one !== id); describe(); },
  zoom: (factor, at) => move(at - (at - chart.window[0]) * factor, at + (chart.window[1] - at) * factor),
  pan: (from, to) => move(from, to),
  hover: (at) => { cursors.hover = at; over(); },
  span: (a, b) => { cursors.a = Math.min(a, b); cursors.b = Math.max(a, b); over(); settle(true); },
  place: (at) => {
    if (cursors.a === null || cursors.b !== null) Object.assign(cursors, { a: at, b: null });
    else Object.assign(cursors, { a: Math.min(cursors.a, at), b: Math.max(cursors.a, at) });
    over();
    settle(true);
  },
  step: (by) => {
    const name = cursors.b === null ? "a" : "b";
    cursors[name] = (cursors[name] ?? (chart.window[0] + chart.window[1]) / 2) + (by * (chart.window[1] - chart.window[0])) / 200;
    over();
    settle(true);
  },
  clear: () => { Object.assign(cursors, { a: null, b: null }); over(); settle(true); },
  zoomSelection: () => { if (cursors.b !== null) move(cursors.a, cursors.b); },
  live: () => { view.isLive = true; view.slide(); remember(); load(); follow(); controls(); },
};

function move(from, to) {
  view.show(from, to);
  Object.assign(model, { from: view.from, to: view.to });
  unfollow();
  chart.move(view.from, view.to);
  controls();
  settle();
}

function settle(isCursorOnly = false) {
  clearTimeout(settleTimer);
  settleTimer = setTimeout(() => { remember(); if (isCursorOnly) loadStatistics(); else load(); }, SETTLE_MS);
}

// Data

async function load() {
  const mine = (asked += 1);
  abort.abort();
  abort = new AbortController();
  const { signal } = abort;
  if (view.isLive) view.slide();
  const { from, to, shift } = view;
  const series = model.series.map((each) => each.series);
  const points = Math.max(200, Math.min(2000, Math.round(chart.plot.width)));
  isLoading = true;
  place("mt-chart").setAttribute("aria-busy", "true");
  try {
    if (!series.length) { if (!view.ids.length) model.loadedMs = 0; return void draw(); }
    // What is looked back for makes a line that enters the picture from the left.
    const begun = performance.now();
    const explain = () => Promise.all([
      ask.holes(series, from, Math.min(to, Date.now()), signal).catch(said),
      shift ? ask.holes(series, from - shift, Math.min(to - shift, Date.now()), signal).catch(said) : null,
      ask.events(series, from, Math.max(to, from + 1), signal).catch(said),
      showNotes.load(model, from, to, signal).catch(said),
      ask.entries(series, from, Math.max(to, from + 1), signal).catch(said),
    ]);
    // Of a long window the curves are drawn first, and nobody else asks meanwhile; the rest explains them a moment later.
    const isLong = series.every((each) => ask.isInBuckets(each, to - from, series.length));
    const explained = isLong ? null : explain();
    explained?.catch(() => {});
    const [curves, others] = await Promise.all([
      ask.curves(series, from, to, points, signal),
      shift ? ask.curves(series, from - shift, to - shift, points, signal) : null,
    ]);
    if (mine !== asked) return;
    for (const each of model.series) {
      const { id } = each.series;
      each.curve = curves.get(id) ?? { form: "samples", resolution: "raw", rows: [] };
      each.other = others ? { curve: others.get(id), holes: [], shift } : null;
      // Until it is known why buckets are missing, no line is drawn across them.
      each.unknown = isLong ? missing(each.curve) : [];
      if (ask.isText(each.series)) each.categories = [...new Set(each.curve.rows.map((row) => row[1]).filter((value) => value !== null))];
    }
    if (isLong) {
      Object.assign(model, { from, to });
      draw();
    }
    const [holes, otherHoles, journal, notes, entries] = await (explained ?? explain());
    if (mine !== asked) return;
    for (const each of model.series) {
      each.unknown = [];
      each.holes = holes?.get(each.series.id) ?? [];
      each.entries = (entries?.get(each.series.id) ?? []).map((entry) => entered(each, entry));
      if (each.other) each.other.holes = otherHoles?.get(each.series.id) ?? [];
    }
    Object.assign(model, { from, to, alarms: spans(journal ?? []), notes: notes ?? [], loadedMs: Math.round(performance.now() - begun) });
    draw();
    if (isFresh) say("");
    isFresh = true;
    await loadStatistics();
  } catch (error) {
    if (error.name === "AbortError") return;
    say(text("trends.failed", { why: error.message }), true);
  } finally {
    if (mine === asked) { isLoading = false; place("mt-chart").setAttribute("aria-busy", "false"); }
  }
}

// A correction may have changed the value since: the mark stands on the line.
function entered(each, entry) {
  const at = Date.parse(entry.time);
  const row = each.curve.form === "samples" ? each.curve.rows.find((one) => one[0] === at) : null;
  const words = [`${text("entering.entered")}: ${shown(entry.value, each.series.unit)}`, `${instant(at)} · ${entry.who}`, entry.comment];
  return { at, value: row ? row[1] : entry.value, tip: words.filter(Boolean).map(escape).join("<br>") };
}

function said(error) {
  if (error.name === "AbortError") throw error;
  isFresh = false;
  say(text("trends.partly", { why: error.message }), true);
  return null;
}

// From raise to clear; what was raised before the window begins at its edge, what stands ends now.
function spans(journal) {
  const open = new Map(), found = [];
  const close = (key, at) => { const each = open.get(key); if (each) { open.delete(key); found.push({ ...each, to: at }); } };
  for (const entry of journal) {
    const at = Date.parse(entry.at);
    const key = `${entry.alarm_id}`;
    const name = document.documentElement.lang.startsWith("zh") ? entry.message_zh : entry.message_en;
    if (entry.event === "raise" || entry.event === "escalate") {
      close(key, at);
      open.set(key, { from: at, priority: entry.priority, name: entry.name, event: entry.event, tip: [name ?? entry.name, `${maybe(`priority.${entry.priority}`, entry.priority)} · ${instant(at)}`].map((each) => escape(each ?? "")).join("<br>") });
    } else if (entry.event === "clear") close(key, at);
  }
  for (const key of [...open.keys()]) close(key, Math.min(view.to, Date.now()));
  return found;
}

async function loadStatistics() {
  const [from, to] = cursors.a !== null && cursors.b !== null ? [cursors.a, cursors.b] : [view.from, Math.min(view.to, Date.now())];
  model.selection = { from, to };
  try {
    model.statistics = await ask.statistics(model.series.map((each) => each.series), from, to, abort.signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    said(error);
  }
  table();
}

function follow() {
  unfollow();
  if (!view.isLive || !model.series.length) return;
  const stop = ask.follow(model.series.map((each) => each.series), take, () => load());
  const slide = setInterval(() => { view.slide(); Object.assign(model, { from: view.from, to: view.to, now: Date.now() }); if (!document.hidden) draw(true); }, RANGES[view.range] > 14400 ? 10000 : 1000);
  const refresh = setInterval(() => { if (!document.hidden) load(); }, Math.max(REFRESH_MS, RANGES[view.range] * 5));
  unfollow = () => { stop(); clearInterval(slide); clearInterval(refresh); unfollow = () => {}; };
}

function take(samples) {
  for (const [id, at, value, status] of samples) {
    const each = model.series.find((one) => one.series.id === id);
    const rows = each?.curve?.form === "samples" ? each.curve.rows : null;
    if (!rows) continue;
    if (rows.length && rows.at(-1)[0] >= at) continue;
    rows.push([at, value, status]);
    if (each.categories && value !== null && !each.categories.includes(value)) each.categories.push(value);
    // Who entered it and why is asked for.
    if (each.series.agent === ask.ENTRIES) settle();
    while (rows.length > 2 && rows[1][0] < view.from) rows.shift();
  }
  model.hasNews = true;
}

// Picture

function draw(isLiveStep = false) {
  Object.assign(model, { now: Date.now(), isOwn: view.axes === "own", hasLimits: view.limits, isLive: view.isLive });
  model.description = text("trends.description", { count: model.series.length, from: instant(view.from), to: instant(view.to) });
  place("mt-empty").hidden = model.series.length > 0;
  place("mt-chart").style.height = `${Math.max(300, Math.min(680, window.innerHeight - 420)) + model.series.length * 12}px`;
  chart.cursors = cursors;
  chart.draw(model);
  place("mt-span").textContent = `${instant(view.from)} – ${instant(view.to)} · ${length(view.to - view.from)}`;
  if (!isLiveStep) table();
  else showValues(place("mt-table"), model, cursors, Date.now());
}

function over() {
  chart.cursors = cursors;
  chart.over();
  showValues(place("mt-table"), model, cursors, Date.now());
  const told = [["A", cursors.a], ["B", cursors.b]].filter(([, at]) => at !== null).map(([name, at]) => `${name} ${instant(at, true)}`);
  if (cursors.b !== null) told.push(`Δ ${length(cursors.b - cursors.a)}`);
  place("mt-cursors").textContent = told.join(" · ");
  for (const each of document.querySelectorAll(".mt-needs-span")) each.disabled = cursors.b === null;
  for (const each of document.querySelectorAll(".mt-needs-cursor")) each.disabled = cursors.a === null;
}

function table() {
  showTable(place("mt-table"), model, act, colours());
  const { selection } = model;
  place("mt-selection").textContent = selection && model.series.length ? text(cursors.b !== null ? "trends.statistics_between" : "trends.statistics_window", { from: instant(selection.from), to: instant(selection.to) }) : "";
  over();
}

// Controls

function controls() {
  const ranges = h("select", { id: "mt-range", "aria-label": text("trends.range"), class: "mt-input", onchange: (event) => { view.range = event.target.value; act.live(); } },
    ...Object.keys(RANGES).map((each) => h("option", { value: each, selected: each === view.range }, maybe(`trends_range.${each}`, each))));
  const live = button(text(view.isLive ? "trends.live_on" : "trends.live_off"), () => (view.isLive ? move(view.from, view.to) : act.live()), { "aria-pressed": String(view.isLive), id: "mt-live" });
  const from = h("input", { type: "datetime-local", step: 1, class: "mt-input mt-time", "aria-label": text("trends.from"), value: local(view.from) });
  const to = h("input", { type: "datetime-local", step: 1, class: "mt-input mt-time", "aria-label": text("trends.to"), value: local(view.to) });
  const go = button(text("trends.go"), () => { const [a, b] = [from.value, to.value].map((each) => new Date(each).getTime()); if (a < b) move(a, b); else say(text("trends.span_wrong"), true); });
  const isOwnBegin = view.compare && !(view.compare in SHIFTS);
  const compare = h("select", { id: "mt-compare", class: "mt-input", "aria-label": text("trends.compare"), onchange: (event) => {
    view.compare = event.target.value === "own" ? new Date(view.from - 86400000).toISOString() : event.target.value;
    controls(); remember(); load();
  } }, h("option", { value: "" }, text("trends.compare_none")), ...Object.keys(SHIFTS).map((each) => h("option", { value: each, selected: each === view.compare }, text("trends.compare_before", { length: maybe(`trends_range.${each}`, each) }))),
  h("option", { value: "own", selected: isOwnBegin }, text("trends.compare_own")));
  const begin = isOwnBegin ? h("input", { type: "datetime-local", step: 1, class: "mt-input mt-time", "aria-label": text("trends.compare_begin"), value: local(Date.parse(view.compare)), onchange: (event) => { view.compare = new Date(event.target.value).toISOString(); remember(); load(); } }) : null;
  const option = (name, words, isOn, change) => h("label", { class: "mt-check" }, h("input", { type: "checkbox", checked: isOn, onchange: (event) => { change(event.target.checked); remember(); draw(); } }), words);
  place("mt-controls").replaceChildren(
    h("div", { class: "mt-group" }, live, ranges, button("◀", () => act.pan(view.from - (view.to - view.from) / 2, view.to - (view.to - view.from) / 2), { "aria-label": text("trends.earlier"), title: text("trends.earlier") }), button("▶", () => act.pan(view.from + (view.to - view.from) / 2, view.to + (view.to - view.from) / 2), { "aria-label": text("trends.later"), title: text("trends.later") }),
      button("＋", () => act.zoom(0.5, (view.from + view.to) / 2), { "aria-label": text("trends.zoom_in"), title: text("trends.zoom_in") }), button("－", () => act.zoom(2, (view.from + view.to) / 2), { "aria-label": text("trends.zoom_out"), title: text("trends.zoom_out") })),
    view.isLive ? "" : h("div", { class: "mt-group" }, from, h("span", { "aria-hidden": "true" }, "–"), to, go),
    h("div", { class: "mt-group" }, compare, begin),
    h("div", { class: "mt-group" }, option("limits", text("trends.limits"), view.limits, (isOn) => { view.limits = isOn; }), option("axes", text("trends.own_axes"), view.axes === "own", (isOn) => { view.axes = isOn ? "own" : "unit"; })),
  );
}

const takers = () => model.series.filter((each) => each.series.agent === ask.ENTRIES).map((each) => each.series.id);

function actions() {
  const spanned = (words, onclick) => button(words, onclick, { class: "mt-button mt-needs-span", disabled: true });
  const menu = (words, ...entries) => h("details", { class: "mt-menu" }, h("summary", { class: "mt-button" }, words), h("div", { class: "mt-menu-list" }, ...entries));
  place("mt-actions").replaceChildren(
    spanned(text("trends.zoom_selection"), act.zoomSelection),
    setup.mayEnter ? button(text("entering.button"), () => window.emitEvent("trend_enter", { ids: takers() }), { id: "mt-enter", disabled: !takers().length, title: takers().length ? null : text("entering.button_hint") }) : "",
    setup.mayNote ? button(text("trends.note"), () => showNotes.write(model, cursors), { class: "mt-button mt-needs-cursor", disabled: true }) : "",
    setup.mayConfigure ? spanned(text("trends.correct"), () => { if (model.series.length) window.emitEvent("trend_correct", { ids: model.series.map((each) => each.series.id), from: ask.iso(cursors.a), to: ask.iso(cursors.b) }); }) : "",
    button(text("trends.clear_cursors"), act.clear, { class: "mt-button mt-needs-cursor", disabled: true }),
    h("span", { class: "ms-grow" }),
    button(text("trends.save"), () => save()),
    menu(text("trends.views"), h("div", { id: "mt-views" })),
    button(text("trends.copy_link"), copyLink),
    menu(text("trends.export"), ...["csv", "parquet"].flatMap((form) => [
      button(text("trends.export_shown", { form: form.toUpperCase() }), () => download(form, false)),
      button(text("trends.export_raw", { form: form.toUpperCase() }), () => download(form, true)),
    ]), button("PNG", png)),
  );
  place("mt-actions").querySelectorAll("details").forEach((each) => each.addEventListener("toggle", () => { if (each.open && each.querySelector("#mt-views")) views(); }));
}

async function copyLink() {
  // A link shows to others what is seen here, also tomorrow.
  const query = new URLSearchParams(Object.entries({ ...view.query(), range: null, from: new Date(view.from).toISOString(), to: new Date(view.to).toISOString() }).filter(([, value]) => value !== null));
  const link = `${location.origin}${location.pathname}?${query}`;
  try {
    await navigator.clipboard.writeText(link);
    say(text("trends.copied"));
  } catch {
    window.prompt(text("trends.copy_link"), link);
  }
}

// The service says what it refuses before a file begins.
async function download(form, isRaw) {
  const question = { series: view.ids, from: ask.iso(view.from), to: ask.iso(view.to), format: form, time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone };
  const points = Math.max(200, Math.min(2000, Math.round(chart.plot.width)));
  const how = isRaw ? { resolution: "raw" } : { points, aggregate: ["minimum", "maximum", "average", "count"] };
  if (!isRaw) delete question.time_zone;
  say(text("trends.exporting"));
  const answer = await fetch(ask.address("/query", { ...question, ...how }));
  if (!answer.ok) return say(text("trends.failed", { why: new ask.Refused(await answer.json().catch(() => ({})), answer.status).message }), true);
  hand(URL.createObjectURL(await answer.blob()), `millstream-${local(view.from).replaceAll(":", "")}.${form}`);
  say("");
}

function hand(url, name) {
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const png = () => hand(chart.picture(), `millstream-${local(view.from).replaceAll(":", "")}.png`);

function save() {
  const name = window.prompt(text("trends.save_name"));
  if (name) window.emitEvent("trend_save", { title: name.slice(0, 100), query: view.query() });
}

async function views() {
  const found = await ask.get("/me/views", { prefix: "trends.view." });
  place("mt-views").replaceChildren(...(found.items.length ? found.items.map((each) => h("div", { class: "mt-view" },
    h("a", { href: `${location.pathname}?${new URLSearchParams(Object.entries(each.content.query).filter(([, value]) => value !== null))}` }, each.content.title),
    button("✕", () => { window.emitEvent("trend_forget", { name: each.name }); setTimeout(views, 400); }, { class: "mt-icon", "aria-label": text("trends.forget", { title: each.content.title }) }))) : [h("span", { class: "ms-muted" }, text("trends.no_views"))]));
}

// Beginning

function dropping(target) {
  target.addEventListener("dragover", (event) => { if (event.dataTransfer.types.includes("application/x-millstream-series")) { event.preventDefault(); target.classList.add("mt-drop"); } });
  target.addEventListener("dragleave", () => target.classList.remove("mt-drop"));
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    target.classList.remove("mt-drop");
    const id = Number(event.dataTransfer.getData("application/x-millstream-series"));
    if (id) add([id]);
  });
}

async function begin() {
  chart = new Chart(place("mt-chart"));
  chart.onResize = () => settle();
  listen(chart, act);
  controls();
  actions();
  showPanel(place("mt-panel"), add);
  showNotes.setUp({ place: place("mt-notes"), say, reload: () => load(), show: (note) => { move(note.from - Math.max(60000, (note.to - note.from) / 2), note.to + Math.max(60000, (note.to - note.from) / 2)); Object.assign(cursors, { a: note.from, b: note.to }); over(); }, compareWith: (note) => { view.compare = new Date(note.from).toISOString(); controls(); remember(); load(); } });
  dropping(place("mt-chart"));
  dropping(place("mt-empty"));
  place("mt-side-toggle").addEventListener("click", () => { const isOpen = document.body.classList.toggle("mt-side-closed"); place("mt-side-toggle").setAttribute("aria-expanded", String(!isOpen)); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && view.isLive) load(); });
  for (const path of view.paths) {
    const found = await ask.get("/series", { path, limit: MOST_SERIES });
    view.ids.push(...found.items.map((each) => each.id).filter((id) => !view.ids.includes(id)));
  }
  view.ids = view.ids.slice(0, MOST_SERIES);
  draw();
  await describe();
}

begin().catch((error) => say(text("trends.failed", { why: error.message }), true));
export { valueAt, shown };

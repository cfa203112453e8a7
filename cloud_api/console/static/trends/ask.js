// What a trend asks of the API, straight from the browser: the session's cookie goes along, the reach is the person's.
import { maybe, setup } from "./dom.js";

const API = "/api/v1";
// As many stored samples as the service looks through for the extremes of one answer; above, rollups answer.
const MOST_SAMPLES = 400000;

// A refusal in the reader's language: what its kind says; the API's English words too where these name what is wrong.
function told(problem, kind, status) {
  const details = (problem.errors ?? []).map((each) => `${each.field}: ${each.detail}`).join("; ") || problem.detail || problem.title || String(status);
  const title = maybe(`problem.${kind}`, "");
  if (!title || !setup.language.startsWith("zh")) return details;
  return ["parameter-invalid", "body-invalid", "conflict"].includes(kind) ? `${title}: ${details}` : title;
}

export class Refused extends Error {
  constructor(problem, status) {
    const kind = String(problem.type ?? "").split(":").pop();
    super(told(problem, kind, status));
    this.kind = kind;
    this.status = status;
  }
}

export function address(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters ?? {})) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") query.append(name, each);
    }
  }
  return `${API}${path}?${query}`;
}

export async function get(path, parameters, signal) {
  // Others use the same few slots of the database: what is told to come again comes again.
  for (let attempt = 0; ; attempt += 1) {
    const answer = await fetch(address(path, parameters), { signal, headers: { Accept: "application/json" } });
    if (answer.ok) return answer.json();
    if ((answer.status === 429 || answer.status === 503) && attempt < 4) {
      await new Promise((resolve) => setTimeout(resolve, 500 * (attempt + 1)));
      continue;
    }
    if (answer.status === 401) location.reload();
    throw new Refused(await answer.json().catch(() => ({})), answer.status);
  }
}

// Whose the series are that people enter values into.
export const ENTRIES = "~entries";
export const iso = (ms) => new Date(ms).toISOString();
export const isText = (series) => series.kind === "str" || series.kind === "json";
export const isStepped = (series) => series.aggregation?.stepped ?? (series.kind === "bool" || isText(series));

export async function describe(ids) {
  const found = await Promise.all(ids.map((id) => get(`/series/${id}`).catch((error) => { if (error.status !== 404) throw error; return null; })));
  return found.filter((each) => each !== null);
}

function expected(series, span) {
  return span / 1000 / (series.scan_period_s ?? 1);
}

// Whether a series has too many samples in such a window to be read one by one.
export function isInBuckets(series, span, count) {
  return !isText(series) && expected(series, span) > MOST_SAMPLES / Math.max(1, count);
}

// Stored samples with every extreme among them where these can be read, else lowest, highest and average of buckets.
export async function curves(series, from, to, points, signal) {
  const span = to - from;
  const numeric = series.filter((each) => !isText(each));
  const few = numeric.filter((each) => expected(each, span) <= MOST_SAMPLES / Math.max(1, numeric.length));
  const many = numeric.filter((each) => !few.includes(each));
  const window = { from: iso(from), to: iso(to) };
  const asked = [
    ...(few.length ? [samples(few, window, points, signal)] : []),
    ...(many.length ? [buckets(many, window, points, signal)] : []),
    ...series.filter(isText).map((each) => texts(each, window, signal)),
  ];
  const found = new Map();
  for (const answer of await Promise.all(asked)) for (const [id, curve] of answer) found.set(id, curve);
  return found;
}

async function samples(series, window, points, signal) {
  const question = { series: series.map((each) => each.id), ...window, points: points * 2, points_by: "min_max" };
  try {
    const answer = await get("/query", question, signal);
    return answer.series.map((each) => [each.id, { form: "samples", resolution: answer.resolution, rows: each.rows.map(([time, value, status]) => [Date.parse(time), value, status]) }]);
  } catch (error) {
    if (error.kind !== "query-too-large" && error.kind !== "query-timeout") throw error;
    return buckets(series, window, points, signal);
  }
}

async function buckets(series, window, points, signal) {
  const question = { series: series.map((each) => each.id), ...window, points, aggregate: ["minimum", "maximum", "average"] };
  const answer = await get("/query", question, signal);
  const width = (Date.parse(window.to) - Date.parse(window.from)) / points;
  return answer.series.map((each) => {
    const rows = each.rows.map((row) => [Date.parse(row[0]), row[1], row[2], row[3], row[row.length - 1]]);
    const steps = rows.slice(1).map((row, index) => row[0] - rows[index][0]);
    return [each.id, { form: "buckets", resolution: answer.resolution, width: steps.length ? Math.min(...steps) : width, rows }];
  });
}

async function texts(series, window, signal) {
  const answer = await get("/query", { series: series.id, ...window, resolution: "raw" }, signal);
  const [found] = answer.series;
  return [[series.id, { form: "samples", resolution: "raw", rows: found.rows.map(([time, value, status]) => [Date.parse(time), value, status]) }]];
}

// What is missing of each series, why, and at whose door it lies.
export async function holes(series, from, to, signal) {
  const found = new Map();
  await Promise.all(series.map(async (each) => {
    const answer = await get("/completeness", { path: each.path, from: iso(from), to: iso(to), holes: 300 }, signal);
    const item = answer.items.find((one) => one.id === each.id);
    const missing = (item?.holes ?? []).map((hole) => ({ from: Date.parse(hole.from_at), to: Date.parse(hole.to_at), reason: hole.reason, blame: hole.blame, kind: "hole" }));
    const planned = (item?.planned ?? []).map((span) => ({ from: Date.parse(span.from_at), to: Date.parse(span.to_at), reason: "planned", kind: "planned" }));
    found.set(each.id, [...missing, ...planned].sort((a, b) => a.from - b.from));
  }));
  return found;
}

export async function events(series, from, to, signal) {
  const lists = await Promise.all(series.map((each) => get("/alarms/journal", { path: each.path, from: iso(from), to: iso(to), limit: 500 }, signal)));
  const known = new Map();
  for (const entry of lists.flatMap((each) => each.items)) known.set(entry.number, entry);
  return [...known.values()].sort((a, b) => a.number - b.number);
}

// What people have entered, for the series that take it.
export async function entries(series, from, to, signal) {
  const found = new Map();
  await Promise.all(series.filter((each) => each.agent === ENTRIES).map(async (each) => {
    found.set(each.id, (await get(`/series/${each.id}/entries`, { from: iso(from), to: iso(to), limit: 1000 }, signal)).items);
  }));
  return found;
}

// Limits that alarm definitions set for a series.
export async function limits(series, signal) {
  const found = [];
  const answer = await get("/alarm-definitions", { path: series.path, kind: "limit", limit: 100 }, signal);
  for (const { id, definition } of answer.items) {
    if (!definition.enabled) continue;
    const places = await get(`/alarm-definitions/${id}/places`, { limit: 1000 }, signal);
    const place = places.items.find((each) => each.path === series.path);
    for (const level of place?.levels ?? []) {
      if (level.limit !== null) found.push({ level: level.level, limit: level.limit, priority: level.priority, name: definition.name });
    }
  }
  return found;
}

export const STATISTICS = ["average", "time_average", "minimum", "maximum", "standard_deviation_population", "count", "delta", "percent_good"];

export async function statistics(series, from, to, signal) {
  const found = new Map();
  const numeric = series.filter((each) => !isText(each));
  if (!numeric.length || to <= from) return found;
  const answer = await get("/query", { series: numeric.map((each) => each.id), from: iso(from), to: iso(to), points: 1, aggregate: STATISTICS }, signal);
  for (const each of answer.series) {
    const [row] = each.rows;
    found.set(each.id, row ? Object.fromEntries(STATISTICS.map((name) => [name, row[each.columns.indexOf(name)]])) : {});
  }
  return found;
}

// New samples as they are stored; what was missed while away is asked anew by `onMissed`.
export function follow(series, onSamples, onMissed) {
  const stream = new EventSource(address("/stream", { path: series.map((each) => each.path) }));
  stream.addEventListener("samples", (event) => {
    const told = JSON.parse(event.data);
    onSamples(told.samples.map((each) => [each.id, Date.parse(each.time), each.value, each.status]));
    if (told.skipped) onMissed();
  });
  stream.addEventListener("missed", onMissed);
  return () => stream.close();
}

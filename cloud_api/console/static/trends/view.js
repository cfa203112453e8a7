// The view of a trend as it stands in the address: series, span, comparison, cursors.
export const RANGES = { "5m": 300, "15m": 900, "1h": 3600, "4h": 14400, "8h": 28800, "1d": 86400, "3d": 259200, "1w": 604800, "30d": 2592000, "1y": 31536000 };
export const SHIFTS = { "1h": 3600, "8h": 28800, "1d": 86400, "1w": 604800 };

export class View {
  constructor(search) {
    const query = new URLSearchParams(search);
    this.ids = (query.get("s") ?? "").split(",").map(Number).filter((id) => Number.isInteger(id) && id > 0).slice(0, 12);
    this.paths = [...query.getAll("path"), ...query.getAll("series")];
    this.range = query.get("range") in RANGES ? query.get("range") : "1h";
    this.from = Date.parse(query.get("from") ?? "");
    this.to = Date.parse(query.get("to") ?? "");
    const at = Date.parse(query.get("at") ?? "");
    if (!Number.isNaN(at)) Object.assign(this, { from: at - 900000, to: at + 900000 });
    this.isLive = Number.isNaN(this.from) || Number.isNaN(this.to) || this.from >= this.to;
    this.compare = query.get("compare") ?? "";
    this.a = query.has("a") ? Number(query.get("a")) : at || null;
    this.b = query.has("b") ? Number(query.get("b")) : null;
    this.axes = query.get("axes") === "own" ? "own" : "unit";
    this.limits = query.get("limits") !== "0";
    if (this.isLive) this.slide();
  }

  slide() {
    this.to = Date.now();
    this.from = this.to - RANGES[this.range] * 1000;
  }

  show(from, to) {
    const span = Math.min(Math.max(to - from, 1000), 20 * 365 * 86400000);
    this.from = Math.round(from);
    this.to = Math.round(from + span);
    this.isLive = false;
  }

  // How long before this window the other one lies; 0: none is shown.
  get shift() {
    if (this.compare in SHIFTS) return SHIFTS[this.compare] * 1000;
    const begin = Date.parse(this.compare);
    return Number.isNaN(begin) ? 0 : this.from - begin;
  }

  query() {
    const query = { s: this.ids.join(",") || null };
    if (this.isLive) query.range = this.range;
    else Object.assign(query, { from: new Date(this.from).toISOString(), to: new Date(this.to).toISOString() });
    return { ...query, compare: this.compare || null, a: this.a, b: this.b, axes: this.axes === "own" ? "own" : null, limits: this.limits ? null : "0" };
  }

  address() {
    const query = new URLSearchParams(Object.entries(this.query()).filter(([, value]) => value !== null));
    if (new URLSearchParams(location.search).has("kiosk")) query.set("kiosk", "1");
    return `${location.pathname}?${query}`;
  }
}

// The picture: one plot with its axes, a lane of quality for each series below it, a lane of alarms and notes.
import { echarts } from "nicegui-echart";
import { extent, lines, stretches } from "./curve.js";
import { isStepped, isText } from "./ask.js";

const LANE = 12;
const AXIS = 58;
const PRIORITIES = ["critical", "high", "medium", "low"];
const DASHES = ["solid", [7, 3], [2, 3], [10, 3, 2, 3]];

export function colours() {
  const style = getComputedStyle(document.body);
  const of = (name) => style.getPropertyValue(`--ms-${name}`).trim();
  const isDark = document.body.classList.contains("body--dark");
  return {
    ink: of("ink"), soft: of("soft"), line: of("line"), card: of("card"), raised: of("raised"), accent: of("accent"),
    bad: of("bad"), uncertain: of("uncertain"), stale: of("stale"),
    priority: Object.fromEntries(PRIORITIES.map((each) => [each, of(each)])),
    // Apart in lightness as well, so that they differ without colour (after Okabe and Ito).
    series: isDark
      ? ["#7cc4f4", "#f0b27a", "#7fd6b4", "#d9a3d0", "#f2e58f", "#9fb3ff", "#c7d0d6", "#e58f7d", "#9ad17f", "#c9b08a", "#8fe0e6", "#e8b8c8"]
      : ["#00568f", "#a34a00", "#00704f", "#8a3b7c", "#6d6100", "#3347a8", "#3f4a51", "#8c2f1d", "#3d6b1f", "#6b4e16", "#0b6a72", "#96395a"],
  };
}

// Buckets with values, in stretches without a hole.
function neighbours(curve) {
  const runs = [];
  let end = null;
  for (const row of curve.rows) {
    if (row[1] === null) continue;
    if (end !== null && row[0] - end < curve.width / 2) runs.at(-1).push(row);
    else runs.push([row]);
    end = row[0] + curve.width;
  }
  return runs;
}

function extremes(run) {
  return [run.reduce((least, row) => Math.min(least, row[1]), Infinity), run.reduce((most, row) => Math.max(most, row[2]), -Infinity)];
}

export class Chart {
  constructor(place) {
    this.place = place;
    this.chart = echarts.init(place, null, { renderer: "canvas" });
    new ResizeObserver(() => { this.chart.resize(); this.onResize?.(); }).observe(place);
  }

  get plot() {
    const { left = 0, right = 0, top = 0, bottom = 0 } = this.grid ?? {};
    return { left, top, width: Math.max(1, this.chart.getWidth() - left - right), height: this.chart.getHeight() - top - bottom };
  }

  timeAt(x) {
    const { left, width } = this.plot;
    return this.window[0] + ((x - left) / width) * (this.window[1] - this.window[0]);
  }

  // The picture of a model: series with curves, holes and others, window, cursors, events, notes.
  draw(model) {
    this.model = model;
    this.window = [model.from, model.to];
    const look = colours();
    const axes = this.axes(model, look);
    const lefts = axes.filter((each) => each.position === "left").length;
    const rights = axes.length - lefts;
    const lanes = model.series.length;
    const bottom = 34 + lanes * LANE + 22;
    this.grid = { left: 14 + Math.max(1, lefts) * AXIS, right: 18 + rights * AXIS, top: 26, bottom };
    this.chart.setOption({
      animation: false,
      useUTC: false,
      textStyle: { fontFamily: "inherit", color: look.ink },
      aria: { enabled: true, label: { description: model.description } },
      grid: [
        { ...this.grid, show: true, borderColor: look.line, backgroundColor: look.raised },
        { left: this.grid.left, right: this.grid.right, height: lanes * LANE + 18, bottom: 6, show: true, borderColor: look.line, backgroundColor: look.raised },
      ],
      xAxis: [this.time(0, look, true), this.time(1, look, false)],
      yAxis: [...axes, { type: "value", gridIndex: 1, min: 0, max: lanes + 1, inverse: true, show: false }],
      series: [...model.series.flatMap((each, index) => this.curve(each, index, axes.length, look)), ...this.marks(model, look, axes.length)],
      tooltip: { show: true, trigger: "item", confine: true, backgroundColor: look.raised, borderColor: look.line, textStyle: { color: look.ink }, formatter: (what) => what.data?.[5] ?? what.data?.tip ?? "" },
    }, { notMerge: true, lazyUpdate: false });
    this.over();
  }

  // Move the window at once; the data follow.
  move(from, to) {
    this.window = [from, to];
    this.chart.setOption({ xAxis: [{ min: from, max: to }, { min: from, max: to }] });
    this.over();
  }

  time(grid, look, isShown) {
    return {
      type: "time", gridIndex: grid, min: this.window[0], max: this.window[1], show: isShown, position: "bottom",
      axisLine: { onZero: false, lineStyle: { color: look.line } }, axisTick: { lineStyle: { color: look.line } },
      axisLabel: { color: look.soft, hideOverlap: true, formatter: { year: "{yyyy}", month: "{yyyy}-{MM}", day: "{MM}-{dd}", hour: "{HH}:{mm}", minute: "{HH}:{mm}", second: "{HH}:{mm}:{ss}", millisecond: "{mm}:{ss}.{SSS}" } },
      splitLine: { show: isShown, lineStyle: { color: look.line, opacity: 0.35 } },
    };
  }

  // Series of one unit share an axis, unless each shall have its own; scales are left and right in turn.
  axes(model, look) {
    const groups = new Map();
    for (const [index, each] of model.series.entries()) {
      if (each.isHidden) continue;
      const key = model.isOwn || isText(each.series) ? `#${index}` : `${each.series.unit ?? ""}|${each.series.kind === "bool" ? "bool" : ""}`;
      groups.set(key, [...(groups.get(key) ?? []), index]);
    }
    const axes = [...groups.values()].map((members, place) => {
      const first = model.series[members[0]];
      const colour = members.length === 1 ? look.series[members[0] % 12] : look.ink;
      for (const index of members) model.series[index].axis = place;
      const common = {
        gridIndex: 0, position: place % 2 ? "right" : "left", offset: Math.floor(place / 2) * AXIS,
        name: `${members.map((index) => index + 1).join(" ")}${first.series.unit ? ` · ${first.series.unit}` : ""}`, nameTextStyle: { color: colour, fontWeight: 600 },
        axisLine: { show: true, lineStyle: { color: colour } }, axisTick: { show: true }, axisLabel: { color: colour, width: AXIS - 12, overflow: "truncate" },
        splitLine: { show: place === 0, lineStyle: { color: look.line, opacity: 0.35 } },
      };
      if (isText(first.series)) return { ...common, type: "category", data: first.categories };
      if (first.series.kind === "bool") return { ...common, type: "value", min: 0, max: 1, interval: 1, axisLabel: { ...common.axisLabel, formatter: (value) => (value === 0 ? "0" : value === 1 ? "1" : "") } };
      const drawn = members.flatMap((index) => [model.series[index].curve, model.series[index].other?.curve]).filter(Boolean);
      const bounds = members.flatMap((index) => (model.hasLimits ? model.series[index].limits ?? [] : []).map((each) => each.limit));
      const found = extent(drawn);
      const low = Math.min(...(found ?? []), ...bounds), high = Math.max(...(found ?? []), ...bounds);
      if (!Number.isFinite(low)) return { ...common, type: "value" };
      const room = (high - low || Math.abs(high) || 1) * 0.06;
      return { ...common, type: "value", scale: true, min: low - room, max: high + room, axisLabel: { ...common.axisLabel, showMinLabel: false, showMaxLabel: false } };
    });
    return axes.length ? axes : [{ type: "value", gridIndex: 0, axisLine: { show: true } }];
  }

  curve(each, index, lane, look) {
    if (!each.curve) return [];
    const colour = look.series[index % 12];
    const common = { xAxisIndex: 0, yAxisIndex: each.axis ?? 0, animation: false, silent: true, z: 3 };
    const line = (name, data, style) => ({ ...common, name, type: "line", data, showSymbol: false, connectNulls: false, step: isStepped(each.series) ? "end" : false, lineStyle: { width: 1.6, color: colour, ...style }, itemStyle: { color: colour } });
    const found = [];
    if (!each.isHidden) {
      if (each.other?.curve) {
        const shifted = { ...each.other.curve, rows: each.other.curve.rows.map((row) => [row[0] + each.other.shift, ...row.slice(1)]) };
        const there = lines(shifted, each.other.holes.map((hole) => ({ ...hole, from: hole.from + each.other.shift, to: hole.to + each.other.shift })));
        if (shifted.form === "buckets") found.push(this.band(shifted, common, colour, 0.1));
        found.push(line(`other ${each.series.id}`, there.solid, { opacity: 0.55, width: 1.2, type: [3, 3] }));
      }
      const { solid, dashed } = lines(each.curve, [...each.holes, ...(each.unknown ?? [])]);
      if (each.curve.form === "buckets") found.push(this.band(each.curve, common, colour, 0.3));
      const dash = isStepped(each.series) ? "solid" : DASHES[Math.floor(index / 12) % 4];
      found.push({ ...line(`series ${each.series.id}`, solid, { type: dash }), ...this.limits(each, look) });
      found.push(line(`uncertain ${each.series.id}`, dashed, { type: [4, 4] }));
      const alone = isolated(solid);
      if (alone.length) found.push({ ...common, type: "scatter", name: `points ${each.series.id}`, data: alone, symbolSize: 4, itemStyle: { color: colour } });
      // What people entered has a shape of its own, and says who when it is pointed at.
      const byHand = (each.entries ?? []).map((entry) => ({ value: [entry.at, typeof entry.value === "boolean" ? Number(entry.value) : entry.value], tip: entry.tip }));
      if (byHand.length) found.push({ ...common, type: "scatter", name: `entered ${each.series.id}`, data: byHand, symbol: "diamond", symbolSize: 13, silent: false, z: 5, itemStyle: { color: look.raised, borderColor: colour, borderWidth: 2 } });
      const lost = each.curve.rows.filter((row) => each.curve.form === "samples" && row[2] >= 0x80000000);
      if (lost.length) found.push({ ...common, type: "scatter", name: `bad ${each.series.id}`, data: this.floor(each, lost), symbol: "path://M0,0 L10,10 M10,0 L0,10", symbolSize: 8, itemStyle: { color: "transparent", borderColor: look.bad, borderWidth: 2 } });
    }
    found.push(this.lane(each, index, lane, look));
    return found;
  }

  // Bad samples have no value: their mark stands where the line ended.
  floor(each, lost) {
    const rows = each.curve.rows;
    let last = null, place = 0;
    return lost.map((bad) => {
      while (rows[place] !== bad) { if (rows[place][2] < 0x80000000 && rows[place][1] !== null) last = rows[place][1]; place += 1; }
      const next = last ?? rows.find((row) => row[2] < 0x80000000 && row[1] !== null)?.[1] ?? 0;
      return [bad[0], typeof next === "boolean" ? Number(next) : next];
    });
  }

  // From the lowest to the highest of each bucket, at least one pixel high: no spike is thinner than that.
  band(curve, common, colour, opacity) {
    // One shape a stretch of neighbours: a shape a bucket would take the browser ten times as long.
    const runs = neighbours(curve);
    return {
      ...common, type: "custom", name: "band", z: 2, data: runs.map((run) => [run[0][0], run.at(-1)[0] + curve.width, ...extremes(run)]), clip: true, encode: { x: [0, 1], y: [2, 3] },
      renderItem: (params, api) => {
        const upper = [], lower = [];
        for (const [from, least, most] of runs[params.dataIndex]) {
          const [x0, y0] = api.coord([from, least]);
          const [x1, y1] = api.coord([from + curve.width, most]);
          const thin = Math.max(0, 1 - Math.abs(y0 - y1)) / 2;
          const end = Math.max(x0 + 1, x1);
          upper.push([x0, Math.min(y0, y1) - thin], [end, Math.min(y0, y1) - thin]);
          lower.push([x0, Math.max(y0, y1) + thin], [end, Math.max(y0, y1) + thin]);
        }
        return { type: "polygon", shape: { points: [...upper, ...lower.reverse()] }, style: { fill: colour, opacity } };
      },
    };
  }

  limits(each, look) {
    const shown = this.model.hasLimits ? each.limits ?? [] : [];
    if (!shown.length) return {};
    return {
      markLine: {
        symbol: "none", silent: true, animation: false, precision: 6,
        data: shown.map(({ level, limit, priority }) => ({ yAxis: limit, name: level, lineStyle: { color: look.priority[priority], type: [8, 4], width: 1.4 }, label: { formatter: `${(level ?? "").toUpperCase()} ${limit}`, position: "insideEndTop", color: look.ink, fontSize: 11 } })),
      },
    };
  }

  lane(each, index, lane, look) {
    const data = each.curve ? stretches(each.curve, each.holes, Math.min(this.model.to, this.model.now)).map((span) => [span.from, span.to, index, span.kind, span.status ?? span.reason, this.model.tell(each, span)]) : [];
    const fills = { bad: look.bad, uncertain: look.uncertain, hole: "transparent", planned: look.line };
    return {
      type: "custom", name: `quality ${each.series.id}`, xAxisIndex: 1, yAxisIndex: lane, data, clip: true, encode: { x: [0, 1] },
      renderItem: (params, api) => {
        const row = data[params.dataIndex];
        const [x0, y0] = api.coord([row[0], index]);
        const [x1, y1] = api.coord([row[1], index + 1]);
        const shape = { x: x0, y: y0 + 2, width: Math.max(2, x1 - x0), height: y1 - y0 - 4 };
        const colour = row[3] === "hole" ? look.ink : fills[row[3]];
        const children = [{ type: "rect", shape, style: { fill: fills[row[3]], stroke: colour, lineWidth: row[3] === "hole" ? 1.2 : 1, lineDash: row[3] === "hole" ? [3, 2] : null } }];
        // Bad is crossed, Uncertain has a bar: shape tells as well as colour.
        if (row[3] === "bad" && shape.width > 8) for (let x = shape.x + 2; x < shape.x + shape.width - 6 && children.length < 200; x += 10) children.push({ type: "line", shape: { x1: x, y1: shape.y, x2: x + 6, y2: shape.y + shape.height }, style: { stroke: look.raised, lineWidth: 1 } });
        if (row[3] === "uncertain") children.push({ type: "line", shape: { x1: shape.x, y1: shape.y + shape.height / 2, x2: shape.x + shape.width, y2: shape.y + shape.height / 2 }, style: { stroke: look.raised, lineWidth: 1, lineDash: [3, 3] } });
        return { type: "group", children };
      },
    };
  }

  marks(model, look, lane) {
    const row = model.series.length + 0.5;
    const alarms = model.alarms.map((each) => [each.from, each.to, row, each.priority, each.name, each.tip]);
    const notes = model.notes.map((each) => ({ value: [Math.max(each.from, model.from), row], tip: each.tip, label: { show: true, formatter: String(each.number), color: look.raised, fontSize: 10 } }));
    return [
      {
        type: "custom", name: "alarms", xAxisIndex: 1, yAxisIndex: lane, data: alarms, clip: true, encode: { x: [0, 1] },
        renderItem: (params, api) => {
          const each = alarms[params.dataIndex];
          const [x0, y0] = api.coord([each[0], row]);
          const [x1] = api.coord([each[1], row]);
          const colour = look.priority[each[3]] ?? look.soft;
          const rank = PRIORITIES.indexOf(each[3]) + 1;
          return { type: "group", children: [
            { type: "rect", shape: { x: x0, y: y0 - 4, width: Math.max(3, x1 - x0), height: 8 }, style: { fill: colour, opacity: 0.75 } },
            { type: "text", style: { x: x0 + 3, y: y0 - 5, text: rank ? String(rank) : "", fill: rank === 1 || rank === 4 ? "#fff" : "#1c1200", fontSize: 10, fontWeight: 700 } },
          ] };
        },
      },
      { type: "scatter", name: "notes", xAxisIndex: 1, yAxisIndex: lane, data: notes, symbol: "roundRect", symbolSize: [16, 13], itemStyle: { color: look.accent }, clip: false },
    ];
  }

  // Cursors and the hair under the pointer: they move often, the curves beneath do not.
  over() {
    const { left, top, width, height } = this.plot;
    const look = colours();
    const x = (at) => left + ((at - this.window[0]) / (this.window[1] - this.window[0])) * width;
    const children = [];
    const bar = (at, label, colour, dash) => {
      if (at === null || at < this.window[0] || at > this.window[1]) return;
      children.push({ type: "line", silent: true, shape: { x1: x(at), y1: top, x2: x(at), y2: top + height }, style: { stroke: colour, lineWidth: 1.4, lineDash: dash } });
      if (label) children.push({ type: "text", silent: true, style: { x: x(at), y: top - 17, text: label, fill: look.card, backgroundColor: colour, padding: [2, 5], fontWeight: 700, fontSize: 11, textAlign: "center" } });
    };
    const { a = null, b = null, hover = null } = this.cursors ?? {};
    if (a !== null && b !== null) {
      const [x0, x1] = [x(Math.min(a, b)), x(Math.max(a, b))].map((each) => Math.min(Math.max(each, left), left + width));
      children.push({ type: "rect", silent: true, shape: { x: x0, y: top, width: x1 - x0, height }, style: { fill: look.accent, opacity: 0.08 } });
    }
    for (const note of this.model?.notes ?? []) {
      const [x0, x1] = [note.from, note.to].map((at) => Math.min(Math.max(x(at), left), left + width));
      if (x1 > x0) children.push({ type: "rect", silent: true, shape: { x: x0, y: top + height - 4, width: x1 - x0, height: 4 }, style: { fill: look.accent, opacity: 0.6 } });
    }
    const lanes = this.model?.series.length ?? 0;
    const laneHeight = lanes * LANE + 18, laneTop = this.chart.getHeight() - 6 - laneHeight;
    for (let index = 0; index < lanes; index += 1) {
      children.push({ type: "text", silent: true, style: { x: left - 8, y: laneTop + ((index + 0.5) / (lanes + 1)) * laneHeight, text: String(index + 1), fill: look.series[index % 12], fontSize: 10, fontWeight: 700, textAlign: "right", textVerticalAlign: "middle" } });
    }
    bar(hover, null, look.soft, [3, 3]);
    bar(a, "A", look.ink, null);
    bar(b, "B", look.ink, null);
    this.chart.setOption({ graphic: [{ id: "over", type: "group", silent: true, children, $action: "replace" }] });
  }

  picture() {
    return this.chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: colours().card });
  }
}

function isolated(points) {
  return points.filter((each, index) => each[1] !== null && (points[index - 1]?.[1] ?? null) === null && (points[index + 1]?.[1] ?? null) === null);
}

// Lines that say only what is known: broken at holes and Bad samples, dashed where Uncertain (no library, no page).
export const UNCERTAIN = 0x40000000;
export const BAD = 0x80000000;
export const quality = (status) => (status >= BAD ? "bad" : status >= UNCERTAIN ? "uncertain" : "good");

const usable = (value, status) => value !== null && value !== undefined && status < BAD;
const plain = (value) => (typeof value === "boolean" ? Number(value) : value);

// The value that stands for a row, and its own status.
export function point(curve, row) {
  if (curve.form === "samples") return [row[0], plain(row[1]), row[2]];
  return [row[0] + curve.width / 2, row[3], row[4]];
}

function isBroken(holes, from, to, least) {
  return holes.some((hole) => hole.to > from && hole.from < to && Math.min(hole.to, to) - Math.max(hole.from, from) > least);
}

// Stretches between buckets where buckets are missing.
export function missing(curve) {
  if (curve.form !== "buckets") return [];
  return curve.rows.slice(1).map((row, index) => ({ from: curve.rows[index][0] + curve.width, to: row[0] })).filter((each) => each.to - each.from > curve.width / 2);
}

// `solid` and `dashed` are points with null where the line ends; every usable value is in one of them.
export function lines(curve, holes) {
  const solid = [], dashed = [];
  let before = null;
  for (const row of curve.rows) {
    const [at, value, status] = point(curve, row);
    // A bucket without Good samples has no value; one with some has, and its status says that others were not.
    const isUsable = curve.form === "samples" ? usable(value, status) : value !== null;
    if (!isUsable) {
      if (before) { solid.push([at, null]); dashed.push([at, null]); }
      before = null;
      continue;
    }
    const least = curve.form === "buckets" ? curve.width : 0;
    const isJoined = before !== null && !isBroken(holes, before.at, at, least);
    if (before && !isJoined) { solid.push([before.at, null]); dashed.push([before.at, null]); }
    const isDoubtful = curve.form === "samples" && status >= UNCERTAIN;
    if (isJoined && (isDoubtful || before.isDoubtful)) {
      if (!before.isDoubtful) dashed.push([before.at, null], [before.at, before.value]);
      dashed.push([at, value]);
      solid.push([at, isDoubtful ? null : value]);
    } else {
      (isDoubtful ? dashed : solid).push([at, value]);
    }
    before = { at, value, isDoubtful };
  }
  return { solid, dashed };
}

// Stretches that are not Good, for the lane below the chart: Bad and Uncertain samples, holes.
export function stretches(curve, holes, end) {
  const found = [];
  let open = null;
  const close = (at) => { if (open) { found.push({ ...open, to: Math.max(at, open.from) }); open = null; } };
  for (const row of curve.rows) {
    const status = row[row.length - 1];
    const isPartial = curve.form === "buckets" && row[3] !== null;
    const kind = isPartial ? (status === 0 ? "good" : "uncertain") : quality(status);
    if (open && (open.kind !== kind || open.status !== status)) close(row[0]);
    if (!open && kind !== "good") open = { from: row[0], kind, status };
  }
  const last = curve.rows.at(-1);
  if (open) close(Math.min(end, curve.form === "buckets" ? last[0] + curve.width : Math.max(last[0] + 1, end)));
  return [...found, ...holes];
}

// What was last measured at an instant; null in a hole, and before the first.
export function valueAt(curve, holes, at) {
  let low = 0, high = curve.rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (curve.rows[middle][0] <= at) low = middle + 1; else high = middle;
  }
  const row = curve.rows[low - 1];
  if (!row || isBroken(holes, row[0], at, curve.form === "buckets" ? curve.width : 0)) return null;
  const value = curve.form === "samples" ? row[1] : row[3];
  const status = row[row.length - 1];
  if (curve.form === "buckets") return { value, least: row[1], most: row[2], status, at: row[0] };
  return { value: status >= BAD ? null : value, status, at: row[0] };
}

export function extent(curves) {
  let low = Infinity, high = -Infinity;
  for (const curve of curves) {
    for (const row of curve.rows) {
      const [least, most, status] = curve.form === "samples" ? [plain(row[1]), plain(row[1]), row[2]] : [row[1], row[2], 0];
      if (typeof least !== "number" || status >= BAD) continue;
      if (least < low) low = least;
      if (most > high) high = most;
    }
  }
  return low > high ? null : [low, high];
}

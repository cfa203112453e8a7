// Pointer, wheel, fingers and keys on the chart: zoom, pan and cursors.
export function listen(chart, act) {
  const surface = chart.chart.getZr();
  let drag = null;
  const isInside = (x) => x >= chart.plot.left && x <= chart.plot.left + chart.plot.width;
  surface.on("mousewheel", (event) => {
    if (!isInside(event.offsetX)) return;
    event.event.preventDefault?.();
    act.zoom(event.wheelDelta > 0 ? 0.8 : 1.25, chart.timeAt(event.offsetX));
  });
  surface.on("pinch", (event) => act.zoom(1 / event.pinchScale, chart.timeAt(event.pinchX)));
  surface.on("mousedown", (event) => { if (isInside(event.offsetX)) drag = { x: event.offsetX, from: chart.window[0], to: chart.window[1], isMoved: false, isShift: event.event.shiftKey }; });
  surface.on("mousemove", (event) => {
    if (drag) {
      const moved = event.offsetX - drag.x;
      drag.isMoved ||= Math.abs(moved) > 4;
      const by = (moved / chart.plot.width) * (drag.to - drag.from);
      if (drag.isMoved && drag.isShift) act.span(chart.timeAt(drag.x), chart.timeAt(event.offsetX));
      else if (drag.isMoved) act.pan(drag.from - by, drag.to - by);
      return;
    }
    act.hover(isInside(event.offsetX) ? chart.timeAt(event.offsetX) : null);
  });
  surface.on("mouseup", (event) => {
    if (drag && !drag.isMoved) act.place(chart.timeAt(event.offsetX));
    drag = null;
  });
  surface.on("globalout", () => { drag = null; act.hover(null); });
  chart.place.addEventListener("keydown", (event) => {
    const [from, to] = chart.window;
    const span = to - from;
    const middle = (from + to) / 2;
    const keys = {
      ArrowLeft: () => (event.shiftKey ? act.step(-1) : act.pan(from - span / 10, to - span / 10)),
      ArrowRight: () => (event.shiftKey ? act.step(1) : act.pan(from + span / 10, to + span / 10)),
      PageUp: () => act.pan(from - span, to - span),
      PageDown: () => act.pan(from + span, to + span),
      "+": () => act.zoom(0.5, middle), "=": () => act.zoom(0.5, middle), "-": () => act.zoom(2, middle),
      Home: () => act.live(), Escape: () => act.clear(), Enter: () => act.place(middle), l: () => act.live(), z: () => act.zoomSelection(),
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}

// A chart that can be taken away at any moment: it is whole once it is there, and gone when it is gone. The library's own
// element makes its chart a moment after it has come, and breaks when somebody takes it away in between.
import { echarts } from "nicegui-echart";

export default {
  template: "<div></div>",
  props: { options: Object },
  mounted() {
    const { clientWidth, clientHeight } = this.$el;
    this.chart = echarts.init(this.$el, null, { renderer: "canvas", width: clientWidth || 300, height: clientHeight || 150 });
    this.chart.setOption(this.options);
    this.watcher = new ResizeObserver(() => this.chart.resize({ width: "auto", height: "auto" }));
    this.watcher.observe(this.$el);
  },
  beforeUnmount() {
    this.watcher.disconnect();
    this.chart.dispose();
  },
};

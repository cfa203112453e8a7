// The list of alarms in the browser: blocks straight from the API, renderers, and a refresh that keeps the place.
window.msAlarms = (() => {
  const texts = window.msAlarmTexts;
  // Little for the first sight, more for whoever scrolls on.
  const FIRST = 100;
  const BLOCK = 500;
  // Nobody reads faster; and where a refresh takes long, browser and service rest longer than they work.
  const LEAST_MS = 150;
  const REST = 2;
  const WIDE = 1700;
  let api = null;
  let question = {};
  const begin = () => ({ question, blocks: [], asOf: "", total: 0, cursor: null, isWhole: false });
  let read = begin();
  // What stands on the screen, also while it is read anew.
  const NOTHING = { as_of: "", total: 0 };
  let seen = NOTHING;
  let reading = Promise.resolve();
  let restUntil = 0;
  let planned = null;
  let isByKeys = false;

  // A cursor belongs to its question, which somebody may change while an answer is on its way.
  function address(into) {
    const parameters = new URLSearchParams({ limit: into.cursor ? BLOCK : FIRST });
    for (const [name, value] of Object.entries(into.question)) {
      for (const each of [value].flat()) parameters.append(name, each);
    }
    if (into.cursor) parameters.set("cursor", into.cursor);
    return `/api/v1/alarms?${parameters}`;
  }

  // Pages are keysets: to see row 7,000 the pages before it are read, in order, once.
  async function readTo(end, into) {
    while (!into.isWhole && into.blocks.length < end) {
      const answer = await fetch(address(into), { credentials: "same-origin" });
      if (answer.status === 401) return void location.reload();
      if (!answer.ok) throw new Error(`${answer.status}`);
      const page = await answer.json();
      into.blocks.push(...page.items);
      if (!into.asOf) {
        into.asOf = page.as_of;
        into.total = page.counts[into.question.state];
      }
      into.cursor = page.next;
      into.isWhole = !page.next;
    }
  }

  function source(first) {
    question = first;
    read = begin();
    return {
      getRows: (wanted) => {
        follow(wanted.sortModel);
        reading = reading.then(async () => {
          const into = read;
          const begun = Date.now();
          try {
            await readTo(wanted.endRow, into);
            const rows = into.blocks.slice(wanted.startRow, wanted.endRow);
            const last = into.isWhole ? into.blocks.length : Math.max(into.total, into.blocks.length + 1);
            wanted.successCallback(rows, last);
            seen = { as_of: into.asOf, total: into.total };
            rows.length || wanted.startRow ? api?.hideOverlay() : api?.showNoRowsOverlay();
          } catch (error) {
            wanted.failCallback();
            ms.say(texts.failed, "warning");
          }
          restUntil = Date.now() + Math.max(LEAST_MS, REST * (Date.now() - begun));
        });
      },
    };
  }

  function forget() {
    read = begin();
  }

  function refresh() {
    if (!api || planned) return;
    const wait = Math.max(0, restUntil - Date.now());
    planned = setTimeout(() => {
      planned = null;
      reading = reading.then(() => {
        forget();
        api.refreshInfiniteCache();
      });
    }, wait);
  }

  // Who set an alarm aside and why comes before where it stands.
  function arrange() {
    const isAside = ["shelved", "suppressed", "out_of_service"].includes(question.state);
    api.moveColumns(["who"], isAside ? 4 : 10);
    // Where there is room for it, and where it is what the list goes by.
    api.setColumnsVisible(["class"], window.innerWidth >= WIDE || (question.sort || "").endsWith("class"));
  }

  // A press on a column's head asks the route for that order: what is here is never all there is.
  function follow([column]) {
    const sort = column ? texts.sorts[column.colId]?.[column.sort] : question.sort;
    if (!sort || sort === question.sort) return;
    question = { ...question, sort };
    forget();
    emitEvent("ms-sort", sort);
  }

  function showSort() {
    const [column] = Object.entries(texts.sorts).filter(([, sorts]) => Object.values(sorts).includes(question.sort));
    const state = column ? [{ colId: column[0], sort: Object.keys(column[1]).find((each) => column[1][each] === question.sort) }] : [];
    api?.applyColumnState({ state, defaultState: { sort: null } });
  }

  function refilter(next) {
    if (JSON.stringify(next) === JSON.stringify(question)) return;
    question = next;
    seen = NOTHING;
    forget();
    showSort();
    reading = reading.then(() => {
      forget();
      api.deselectAll();
      if (api.getDisplayedRowCount()) api.ensureIndexVisible(0);
      arrange();
      api.purgeInfiniteCache();
    });
  }

  // Verbs are built anew when their alarm changes: whoever stood on one by keys stands on its successor.
  let stood = null;
  const detail = () => document.querySelector(".ms-detail");
  document.addEventListener("focusin", (event) => {
    if (detail()?.contains(event.target)) stood = event.target.textContent.trim();
    else if (!event.target.closest(".q-dialog")) stood = null;
  });
  document.addEventListener("pointerdown", () => { stood = null; });
  function regain() {
    if (stood === null || (document.activeElement && document.activeElement !== document.body)) return;
    const same = [...(detail()?.querySelectorAll("button") ?? [])].find((each) => each.textContent.trim() === stood);
    (same ?? detail())?.focus();
  }

  const clock = new Intl.DateTimeFormat(msPage.locale, { hour12: false, hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const day = new Intl.DateTimeFormat(msPage.locale, { month: "short", day: "numeric" });
  const number = new Intl.NumberFormat(msPage.locale, { maximumSignificantDigits: 6 });
  const figure = ({ value, unit }) =>
    value === null ? "–" : [number.format(value), unit].filter(Boolean).join(" ");
  const when = (text) => {
    if (!text) return "–";
    const at = new Date(text);
    const isToday = at.toDateString() === new Date().toDateString();
    return isToday ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`;
  };
  const RANKS = { critical: 1, high: 2, medium: 3, low: 4 };
  const GLYPHS = {
    unacknowledged: "●", acknowledged: "✓", returned: "↩", latched_unacknowledged: "⚑", latched: "⚑",
    shelved: "⏸", suppressed: "∅", out_of_service: "⚒", normal: "○",
  };

  function span(text, className, title) {
    const made = document.createElement("span");
    made.textContent = text;
    if (className) made.className = className;
    if (title) made.title = title;
    return made;
  }
  const of = (render) => (cell) => (cell.data ? render(cell.data) : "");
  const parts = (path) => {
    const at = path.lastIndexOf("/");
    return at < 0 ? ["", path] : [path.slice(0, at), path.slice(at + 1)];
  };

  const cells = {
    priority: of((alarm) => {
      const mark = span("", `ms-prio ms-prio-${alarm.priority}`, texts.priorities[alarm.priority]);
      mark.dataset.rank = RANKS[alarm.priority];
      mark.setAttribute("role", "img");
      mark.setAttribute("aria-label", texts.priorities[alarm.priority]);
      const level = span(alarm.level ? ` ${alarm.level.toUpperCase()}` : "", "ms-level");
      const both = span("");
      both.append(mark, level);
      return both;
    }),
    state: of((alarm) => span(`${GLYPHS[alarm.state]} ${texts.states[alarm.state]}`, "", texts.states[alarm.state])),
    annunciated_at: of((alarm) => span(when(alarm.annunciated_at), "ms-figure")),
    asset: of((alarm) => span(parts(alarm.path)[0].split("/").slice(-2).join(" / "), "", alarm.path)),
    tag: of((alarm) => span(parts(alarm.path)[1], "", alarm.path)),
    message: of((alarm) => {
      const message = msPage.language.startsWith("zh") ? alarm.message_zh : alarm.message_en;
      return span(message.replaceAll(alarm.path, parts(alarm.path)[1]), "", message);
    }),
    class: of((alarm) => span(alarm.class || "–", "", alarm.class || "")),
    value: of((alarm) => span(figure(alarm), "ms-figure")),
    raise_count: of((alarm) => span(number.format(alarm.raise_count), "ms-figure")),
    who: of((alarm) => {
      const by = alarm.shelf?.by || alarm.absence?.by || alarm.acknowledged_by || "";
      const said = alarm.shelf?.reason || alarm.absence?.reason || alarm.suppression?.rule || alarm.comment || "";
      return span([by, said].filter(Boolean).join(": "), "", said);
    }),
  };

  function rowClass(row) {
    const alarm = row.data;
    if (!alarm) return "";
    const waits = ["unacknowledged", "returned", "latched_unacknowledged"].includes(alarm.state);
    return `ms-alarm ms-alarm-${alarm.priority}${waits ? " ms-waits" : ""}${alarm.active ? "" : " ms-gone"}`;
  }

  function open(event) {
    const target = event.event?.target;
    if (!event.data || target?.closest?.(".ag-checkbox, .ag-selection-checkbox")) return;
    isByKeys = event.event?.type === "keydown";
    emitEvent("ms-alarm", event.data.id);
  }

  // Whoever opened an alarm by keys goes on in it; a pointer leaves the list where it is.
  function enter() {
    if (isByKeys) document.querySelector(".ms-detail")?.focus();
  }

  return {
    source, refresh, refilter, cells, rowClass, open, enter, regain,
    attach: (made) => { api = made; arrange(); },
    chosen: () => api.getSelectedRows().map((row) => ({ id: row.id, version: row.version })),
    shown: () => seen,
    deselect: () => api?.deselectAll(),
    focus: () => document.querySelector(".ms-grid .ag-cell-focus")?.focus(),
    locale: { loadingOoo: texts.loading, noRowsToShow: texts.nothing },
  };
})();

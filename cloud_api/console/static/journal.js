// The journal in the browser: pages straight from the API; files put together from as many pages as there are.
window.msJournal = (() => {
  const texts = window.msJournalTexts;
  const PAGE = 1000;
  const FILE_PAGE = 10000;
  let api = null;
  let question = {};
  const begin = () => ({ question, rows: [], cursor: null, isWhole: false });
  let read = begin();
  let reading = Promise.resolve();

  function address(limit, cursor, asked) {
    const parameters = new URLSearchParams({ limit });
    for (const [name, value] of Object.entries(asked)) {
      for (const each of [value].flat()) parameters.append(name, each);
    }
    if (cursor) parameters.set("cursor", cursor);
    return `/api/v1/alarms/journal?${parameters}`;
  }

  function source(first) {
    question = first;
    read = begin();
    return {
      getRows: (wanted) => {
        reading = reading.then(async () => {
          const into = read;
          try {
            while (!into.isWhole && into.rows.length < wanted.endRow) {
              const answer = await fetch(address(PAGE, into.cursor, into.question), { credentials: "same-origin" });
              if (!answer.ok) throw new Error(String(answer.status));
              const page = await answer.json();
              into.rows.push(...page.items);
              into.cursor = page.next;
              into.isWhole = !page.next;
            }
            wanted.successCallback(into.rows.slice(wanted.startRow, wanted.endRow), into.isWhole ? into.rows.length : undefined);
            into.rows.length ? api?.hideOverlay() : api?.showNoRowsOverlay();
          } catch {
            wanted.failCallback();
            ms.say(texts.failed, "warning");
          }
        });
      },
    };
  }

  function refilter(next) {
    question = next;
    reading = reading.then(() => {
      read = begin();
      api.purgeInfiniteCache();
    });
  }

  const nextOf = (answer) => /<([^>]+)>;\s*rel="next"/.exec(answer.headers.get("Link") || "")?.[1];

  // Text pages are joined without their repeated heads; columnar files are complete by themselves, one a page.
  async function download(asked, mediaType, name) {
    let next = address(FILE_PAGE, null, asked);
    const parts = [];
    let number = 0;
    while (next) {
      const place = new URL(next, location.origin);
      const answer = await fetch(place.pathname + place.search, { headers: { Accept: mediaType }, credentials: "same-origin" });
      if (!answer.ok) return void ms.say(texts.failed, "negative");
      next = nextOf(answer);
      if (mediaType === "text/csv") {
        const text = await answer.text();
        parts.push(number ? text.slice(text.indexOf("\n") + 1) : text);
      } else {
        save(await answer.blob(), number || next ? name.replace(/(\.\w+)$/, `-${number + 1}$1`) : name);
      }
      number += 1;
    }
    if (mediaType === "text/csv") {
      const mark = asked.excel ? "\ufeff" : "";
      save(new Blob([mark, ...parts], { type: "text/csv" }), name);
    }
  }

  function save(blob, name) {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  const format = new Intl.DateTimeFormat(msPage.locale, {
    month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
  });
  const RANKS = { critical: 1, high: 2, medium: 3, low: 4 };
  const span = (text, className, title) => Object.assign(document.createElement("span"), { textContent: text, className: className || "", title: title || "" });
  const of = (render) => (cell) => (cell.data ? render(cell.data) : "");
  const cells = {
    number: of((entry) => span(String(entry.number), "ms-figure")),
    at: of((entry) => span(format.format(new Date(entry.at)), "ms-figure", entry.at)),
    priority: of((entry) => {
      const mark = span("", `ms-prio ms-prio-${entry.priority}`, texts.priorities[entry.priority]);
      mark.dataset.rank = RANKS[entry.priority];
      mark.setAttribute("role", "img");
      mark.setAttribute("aria-label", texts.priorities[entry.priority]);
      return mark;
    }),
    event: of((entry) => span((texts.events[entry.event] || entry.event) + (entry.late ? " *" : ""))),
    path: of((entry) => span(entry.path.split("/").slice(-3).join(" / "), "", entry.path)),
    message: of((entry) => {
      const message = msPage.language.startsWith("zh") ? entry.message_zh : entry.message_en;
      return span(message.replaceAll(entry.path, entry.path.split("/").slice(-2).join(" / ")), "", message);
    }),
    who: of((entry) => span(entry.who)),
    comment: of((entry) => span(entry.comment || entry.note || "", "", entry.comment || entry.note || "")),
  };
  const open = (event) => event.data && location.assign(`/alarms?list=open&alarm=${event.data.alarm_id}`);
  return {
    open, source, refilter, download, cells,
    attach: (made) => { api = made; },
    locale: { loadingOoo: texts.loading, noRowsToShow: texts.nothing },
  };
})();

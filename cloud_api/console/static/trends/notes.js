// Notes on a span of time: what people have written about these series, and the way to write one.
import { get, iso } from "./ask.js";
import { button, h, instant, setup, text } from "./dom.js";

let hands = null;

function setUp(given) { hands = given; }

async function load(model, from, to, signal) {
  const lists = await Promise.all(model.series.map((each) => get("/notes", { about: each.series.path, from: iso(from), to: iso(to), limit: 200 }, signal)));
  const known = new Map(lists.flatMap((each) => each.items).map((each) => [each.id, each]));
  const notes = [...known.values()].sort((a, b) => a.from_at.localeCompare(b.from_at)).map((each, index) => ({ ...each, number: index + 1, from: Date.parse(each.from_at), to: Date.parse(each.to_at) }));
  for (const note of notes) {
    const made = document.createElement("i");
    made.textContent = `${note.text} — ${note.who}`;
    note.tip = made.innerHTML;
  }
  list(notes);
  return notes;
}

function list(notes) {
  hands.place.replaceChildren(...notes.map((note) => h("li", { class: "mt-note" },
    h("span", { class: "mt-note-number", "aria-hidden": "true" }, String(note.number)),
    h("div", { class: "ms-grow" }, h("div", {}, note.text),
      h("div", { class: "ms-muted" }, `${instant(note.from)} – ${instant(note.to)} · ${note.path} · ${note.who} · ${instant(Date.parse(note.created_at))}`)),
    button(text("trends.note_show"), () => hands.show(note)),
    note.to > note.from ? button(text("trends.note_compare"), () => hands.compareWith(note), { title: text("trends.note_compare_hint") }) : null,
    setup.mayNote && (note.who === setup.me || setup.mayConfigure) ? button("✕", () => remove(note), { class: "mt-icon", "aria-label": text("trends.note_remove", { text: note.text.slice(0, 40) }) }) : null)));
  hands.place.hidden = !notes.length;
}

function remove(note) {
  window.emitEvent("trend_note_remove", { id: note.id });
}

function write(model, cursors) {
  const about = model.series.map((each) => each.series.path);
  const assets = [...new Set(model.series.map((each) => each.series.asset).filter(Boolean))];
  const words = h("textarea", { class: "mt-input", rows: 3, maxlength: 2000, "aria-label": text("trends.note_text"), required: true });
  const path = h("select", { class: "mt-input", "aria-label": text("trends.note_about") }, ...[...about, ...assets].map((each) => h("option", { value: each }, each)));
  const [from, to] = [cursors.a, cursors.b ?? cursors.a];
  const dialog = h("dialog", { class: "mt-dialog", "aria-label": text("trends.note") },
    h("h2", { class: "ms-h2" }, text("trends.note")), h("p", { class: "ms-muted" }, `${instant(from)} – ${instant(to)}`), path, words,
    h("div", { class: "mt-group" }, button(text("trends.note_keep"), () => {
      if (!words.value.trim()) return words.focus();
      window.emitEvent("trend_note", { path: path.value, from: iso(from), to: iso(to), text: words.value.trim() });
      dialog.close();
    }), button(text("trends.cancel"), () => dialog.close())));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  words.focus();
}

// The service has kept or removed one.
window.msTrendNotesChanged = () => hands?.reload();

export const showNotes = { setUp, load, write };

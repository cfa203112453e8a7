// Where series are found: by words (also pinyin) or in the tree; dragged or added from there.
import { get } from "./ask.js";
import { h, text } from "./dom.js";

const FOUND = 60;

export function showPanel(place, add) {
  const list = h("ul", { class: "mt-found", "aria-label": text("trends.found") });
  const status = h("div", { class: "mt-hint", role: "status" });
  const input = h("input", { type: "search", id: "mt-search", class: "mt-input", placeholder: text("trends.search_hint"), "aria-label": text("trends.search"), autocomplete: "off" });
  const tree = h("ul", { class: "mt-tree", "aria-label": text("trends.tree") });
  let asked = 0, timer = 0;
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, 200); });

  async function search() {
    const words = input.value.trim();
    const mine = (asked += 1);
    tree.hidden = words !== "";
    list.replaceChildren();
    status.textContent = "";
    if (!words) return;
    const answer = await get("/series", { q: words, limit: FOUND });
    if (mine !== asked) return;
    list.replaceChildren(...answer.items.map((each) => entry(each, each.path)));
    status.textContent = answer.items.length ? (answer.next ? text("trends.more_found", { count: FOUND }) : "") : text("trends.nothing_found");
  }

  function entry(series, name) {
    const label = series.description ? `${series.path} · ${series.description}` : series.path;
    return h("li", {},
      h("button", {
        type: "button", class: "mt-series", draggable: true, title: label, "data-series": series.id, "aria-label": text("trends.add_series", { path: series.path }),
        onclick: () => add([series.id]),
        ondragstart: (event) => event.dataTransfer.setData("application/x-millstream-series", String(series.id)),
      }, h("span", { class: "mt-series-name" }, name, series.unit ? h("span", { class: "mt-unit" }, ` ${series.unit}`) : null),
      series.description ? h("span", { class: "mt-series-more" }, series.description) : null));
  }

  async function branch(parent, into) {
    const depth = parent ? parent.depth + 1 : null;
    const answer = parent ? await get("/assets", { asset: parent.path, depth: 1, limit: 2000 }) : await roots();
    const assets = answer.items.filter((each) => depth === null || each.depth === depth);
    const own = parent ? await get(`/assets/${parent.id}/series`, { limit: 1000 }) : { items: [] };
    const direct = own.items.filter((each) => parent && each.path.startsWith(`${parent.path}/`) && !assets.some((asset) => each.path.startsWith(`${asset.path}/`)));
    into.replaceChildren(...assets.map(node), ...direct.map((each) => entry(each, each.path.slice(parent.path.length + 1))));
  }

  // Who is limited to a subtree has no level above it: the roots are those without a parent that is seen.
  async function roots() {
    const all = await get("/assets", { limit: 2000 });
    const seen = new Set(all.items.map((each) => each.path));
    return { items: all.items.filter((each) => !each.parent || !seen.has(each.parent)) };
  }

  function node(asset) {
    const below = h("ul", { hidden: true });
    const name = asset.name[document.documentElement.lang.startsWith("zh") ? "zh" : "en"] ?? asset.path.split("/").pop();
    const toggle = h("button", { type: "button", class: "mt-branch", "aria-expanded": "false", title: asset.path, onclick: async () => {
      const isOpen = toggle.getAttribute("aria-expanded") === "true";
      toggle.setAttribute("aria-expanded", String(!isOpen));
      below.hidden = isOpen;
      if (!isOpen && !below.childElementCount) await branch(asset, below);
    } }, name);
    return h("li", {}, toggle, below);
  }

  place.replaceChildren(input, status, list, tree);
  branch(null, tree).then(() => tree.querySelector(".mt-branch")?.click());
  return input;
}

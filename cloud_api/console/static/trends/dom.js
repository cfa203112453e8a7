// Elements and words of the trend's own parts.
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else if (name in made && ["value", "checked", "disabled", "draggable", "selected", "hidden"].includes(name)) made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const setup = JSON.parse(document.getElementById("ms-trend-setup").textContent);

export function text(key, places = {}) {
  const found = setup.texts[key] ?? key;
  return found.replace(/\{(\w+)\}/g, (whole, name) => places[name] ?? whole);
}
export const maybe = (key, otherwise) => setup.texts[key] ?? otherwise;

const number = new Intl.NumberFormat(setup.language, { maximumSignificantDigits: 6 });
export function shown(value, unit) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return text(value ? "value.true" : "value.false");
  if (typeof value === "number") return number.format(value) + (unit ? ` ${unit}` : "");
  return String(value);
}

export function instant(ms, hasMillis = false) {
  if (ms === null || ms === undefined) return "–";
  const at = new Date(ms);
  const two = (part) => String(part).padStart(2, "0");
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${date} ${time}${hasMillis ? `.${String(at.getMilliseconds()).padStart(3, "0")}` : ""}`;
}

export function length(ms) {
  const seconds = Math.abs(ms) / 1000;
  if (seconds < 60) return `${number.format(Math.round(seconds * 1000) / 1000)} s`;
  const parts = [["length.days", 86400], ["length.hours", 3600], ["length.minutes", 60], ["length.seconds", 1]];
  const found = [];
  let rest = Math.round(seconds);
  for (const [key, size] of parts) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count) found.push(text(key, { count }));
  }
  return found.slice(0, 2).join(text("length.join"));
}

// A button with words; an icon beside them is for the eye alone.
export function button(words, onclick, more = {}) {
  return h("button", { type: "button", class: "mt-button", onclick, ...more }, words);
}

export const local = (ms) => {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60000);
  return at.toISOString().slice(0, 19);
};

// What the browser does by itself: clock, choices, the sound of alarms, and saying what happened to the connection.
const ms = (() => {
  const secure = location.protocol === "https:" ? ";secure" : "";
  const keep = (name, value) => {
    document.cookie = `millstream_${name}=${encodeURIComponent(value)};path=/;max-age=31536000;samesite=strict${secure}`;
  };
  const say = (text, type) =>
    window.Quasar?.Notify?.create({ message: text, type, position: "bottom-left", timeout: 10000 });
  const time = (at) => new Date(at).toLocaleTimeString(msPage.locale, { hour12: false });
  const DATE = { day: "2-digit", month: msPage.language.startsWith("zh") ? "2-digit" : "short", year: "numeric" };
  // As the service writes instants: 27 Nov 2026 14:05:00, and 2026-11-27 14:05:00 in Chinese.
  const date = (at) => at.toLocaleDateString(msPage.locale, DATE).replaceAll("/", "-");

  function tick() {
    const clock = document.getElementById("ms-clock");
    if (clock) clock.textContent = `${date(new Date())} ${time(new Date())}`;
  }

  function choose(name, value) {
    keep(name, value);
    location.reload();
  }

  function logOut() {
    const form = Object.assign(document.createElement("form"), { method: "post", action: "/logout" });
    document.body.append(form);
    form.submit();
  }

  function navigation() {
    const isOpen = document.body.classList.toggle("ms-nav-open");
    if (isOpen) document.querySelector(".ms-nav a")?.focus();
  }

  // The connection: a note in this tab survives the reload that follows a longer absence or a restart.
  const LOST = "ms-lost-at";
  const SETTLED_MS = 1000;
  let isLeaving = false;
  function followConnection() {
    if (!window.socket) return void setTimeout(followConnection, 50);
    window.socket.on("disconnect", () => {
      if (!isLeaving && !sessionStorage.getItem(LOST)) sessionStorage.setItem(LOST, Date.now());
    });
    const back = () => {
      const lost = Number(sessionStorage.getItem(LOST));
      // A console that no longer knows this page makes it load anew: then the next page tells.
      if (!lost || isLeaving || !window.socket.connected) return;
      sessionStorage.removeItem(LOST);
      const isAnew = performance.now() < 15000 && performance.timeOrigin > lost;
      const text = isAnew ? msPage.texts.reloaded : msPage.texts.resumed;
      say(text.replace("{from}", time(lost)).replace("{to}", time(Date.now())), isAnew ? "warning" : "info");
    };
    window.socket.on("connect", () => setTimeout(back, SETTLED_MS));
    if (window.socket.connected) setTimeout(back, SETTLED_MS);
  }
  window.addEventListener("beforeunload", () => {
    // Somebody who leaves on purpose loses nothing; a download that began as a page leaves nobody.
    isLeaving = true;
    setTimeout(() => { isLeaving = false; }, 10000);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (document.body.classList.contains("ms-nav-open")) {
      document.body.classList.remove("ms-nav-open");
      document.querySelector(".ms-menu")?.focus();
    }
    for (const menu of document.querySelectorAll("details.mt-menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // The main buttons that belong to a line: those of the nearest part of its dialog, form or card that has any.
  function mainButtons(line) {
    const whole = line.closest(".q-dialog .q-card, .ms-form") ?? line.closest(".ms-fields")?.closest(".ms-card");
    for (let part = line.parentElement; whole?.contains(part); part = part.parentElement) {
      const found = [...part.querySelectorAll("button.ms-primary")].filter((each) => each.offsetParent);
      if (found.length) return found;
    }
    return [];
  }

  // Enter in a line of a form or a dialog presses its main button, where it has just one.
  const LINES = "input:is([type=text], [type=password], [type=number], :not([type])):not([role=combobox])";
  document.addEventListener("keydown", (event) => {
    // While Chinese is typed, Enter belongs to the input method.
    if (event.key !== "Enter" || event.isComposing || event.defaultPrevented) return;
    if (!event.target.matches?.(LINES)) return;
    const mains = mainButtons(event.target);
    if (mains.length === 1) mains[0].click();
  });

  let sound = { ring: () => {}, silence: () => {} };
  tick();
  setInterval(tick, 1000);
  followConnection();
  return {
    keep, say, choose, logOut, navigation,
    alarms: (ring) => sound.ring(ring),
    silence: () => sound.silence(),
    set sound(made) { sound = made; },
    get sound() { return sound; },
  };
})();
window.ms = ms;

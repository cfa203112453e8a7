// The time zone and the language of this browser go into cookies, which the pages read.
// Where passwords are for everybody, their form is simply there.
const local = document.querySelector("[data-local]");
if (local.dataset.local === "everyone") local.open = true;
const secure = location.protocol === "https:" ? ";secure" : "";
const keep = (name, value) => {
  document.cookie = `millstream_${name}=${encodeURIComponent(value)};path=/;max-age=31536000;samesite=strict${secure}`;
};
keep("zone", Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");
for (const link of document.querySelectorAll("[data-language]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    keep("language", link.dataset.language);
    location.reload();
  });
}

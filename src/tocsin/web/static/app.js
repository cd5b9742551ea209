// What the pages do beyond plain HTML: times in the reader's zone, countdowns, commands without a reload, single keys.
// Everything here is an addition: without it every form and link still works.

const root = document.documentElement;
const serverAhead = Date.parse(root.dataset.now) - Date.now(); // a laptop's clock may be wrong, the server's counts
const now = () => Date.now() + serverAhead;

// --- times ----------------------------------------------------------------------------------------------------------

const inUtc = localStorage.getItem("utc") === "yes";
const zone = inUtc ? { timeZone: "UTC" } : {};
const clockOnly = new Intl.DateTimeFormat(undefined, { ...zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const withDay = new Intl.DateTimeFormat(undefined, { ...zone, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayOf = new Intl.DateTimeFormat("en-CA", { ...zone, year: "numeric", month: "2-digit", day: "2-digit" });

function spell(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  const minutes = Math.floor((seconds % 3600) / 60);
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h${minutes ? ` ${minutes} min` : ""}`;
  return `${Math.floor(seconds / 86400)} days`;
}

function show(time) {
  const at = Date.parse(time.dateTime);
  if (Number.isNaN(at)) return;
  time.title = `${time.dateTime.replace("T", " ").replace("Z", "")} UTC`;
  let text;
  if ("until" in time.dataset) {
    const left = at - now();
    text = left >= 0 ? `${spell(left)} left` : `${spell(-left)} late`;
    time.classList.toggle("late", left < 0 && !time.classList.contains("mild"));
    time.classList.toggle("soon", left >= 0 && left < 300000 && !time.classList.contains("mild"));
  } else if ("ago" in time.dataset) {
    const passed = now() - at;
    text = passed < 60000 ? "just now" : `${passed < 600000 ? `${Math.floor(passed / 60000)} min` : spell(passed)} ago`;
  } else {
    const today = dayOf.format(at) === dayOf.format(now());
    text = (today ? clockOnly : withDay).format(at) + (inUtc ? " UTC" : "");
  }
  if (time.textContent !== text) time.textContent = text;
}

const showAll = () => document.querySelectorAll("time[datetime]").forEach(show);
const tick = () => document.querySelectorAll("time[data-until], time[data-ago]").forEach(show);
showAll();
setInterval(tick, 1000);
document.addEventListener("visibilitychange", () => document.hidden || showAll());

// --- live -----------------------------------------------------------------------------------------------------------

const state = document.querySelector(".live-state");
let lost;

function live(connected) {
  if (!state) return;
  clearTimeout(lost);
  if (connected) {
    state.hidden = true;
    state.textContent = "";
  } else { // a blink of the network is not worth a word
    lost = setTimeout(() => {
      state.hidden = false;
      state.textContent = "Reconnecting";
    }, 2500);
  }
}

document.addEventListener("htmx:sse:after:connection", () => live(true));
document.addEventListener("htmx:sse:error", () => live(false));
document.addEventListener("htmx:sse:close", () => live(false));

let newest = Number(document.getElementById("live")?.dataset.version ?? 0);

document.addEventListener("htmx:after:swap", () => {
  showAll();
  const version = Number(document.getElementById("live")?.dataset.version ?? 0);
  for (let n = newest + 1; n <= version; n += 1) document.getElementById(`fact-${n}`)?.classList.add("fresh");
  newest = Math.max(newest, version);
});

// What a reader folded or unfolded stays so while news comes in; a part that becomes another one has another id.
globalThis.htmx?.registerExtension("folds", {
  htmx_before_morph_attr: (element, { attrName }) => !(attrName === "open" && element.matches("details[id]")),
});

const refresh = () => document.getElementById("live")?.dispatchEvent(new CustomEvent("refresh"));

// What was typed into a form that was refused is still there one step back.
document.addEventListener("click", (event) => {
  if (!event.target.closest("a[data-back]") || history.length < 2) return;
  event.preventDefault();
  history.back();
});

// --- commands -------------------------------------------------------------------------------------------------------

function toast(text, bad = false) {
  const said = document.createElement("p");
  said.className = bad ? "toast bad" : "toast";
  said.textContent = text;
  document.querySelector(".toasts").append(said);
  setTimeout(() => said.remove(), bad ? 8000 : 3000);
}

async function send(form) {
  const button = form.querySelector("button:not([type=button])");
  const words = button.firstChild.textContent; // without the key that is printed beside it
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(new FormData(form)),
    });
    if (answer.status === 401) location.assign("/sign-in");
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.detail || said.title);
    form.closest("[popover]")?.hidePopover();
    form.reset();
    toast(`${words.trim()}: done`);
    refresh();
  } catch (error) {
    const text = error instanceof TypeError ? "Tocsin cannot be reached. Nothing was changed; try again." : error.message;
    const place = form.querySelector(".error");
    if (place) place.textContent = text;
    else toast(text, true);
    refresh();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-command]")) return;
  event.preventDefault();
  const place = event.target.querySelector(".error");
  if (place) place.textContent = "";
  send(event.target);
});

// --- copying --------------------------------------------------------------------------------------------------------

root.classList.toggle("can-copy", Boolean(navigator.clipboard));
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    toast("Copied");
  } catch {
    toast("This browser does not let pages copy; mark the text instead.", true);
  }
});

// --- settings of this browser ---------------------------------------------------------------------------------------

const keys = localStorage.getItem("keys") !== "no"; // single keys can be turned off: WCAG 2.1.4
root.classList.toggle("no-keys", !keys);
const settings = document.getElementById("settings");
if (settings) {
  settings.hidden = false;
  for (const [name, on] of [["utc", inUtc], ["keys", keys]]) {
    const box = document.getElementById(`setting-${name}`);
    box.checked = on;
    box.addEventListener("change", () => {
      localStorage.setItem(name, box.checked ? "yes" : "no");
      location.reload();
    });
  }
}

// --- keys -----------------------------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (!keys || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest("input, textarea, select, [contenteditable], :popover-open")) return;
  const button = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!button?.getClientRects().length) return;
  event.preventDefault();
  button.click();
});

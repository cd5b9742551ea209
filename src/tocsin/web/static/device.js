// "This device": ask for permission, subscribe, tell Tocsin; test; and say in one sentence what stands in the way.

const page = document.getElementById("device");
const [state, on, off, test, said] = ["state", "on", "off", "test", "said"].map((name) => document.getElementById(`device-${name}`));
const headers = { "Content-Type": "application/json", Accept: "application/json" };

async function ask(method, path, body) {
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.status === 401) location.assign("/sign-in");
  if (answer.status === 204) return null;
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.detail || found.title);
  return found;
}

async function named(endpoint) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, 8);
}

function standsInTheWay() {
  const apple = /iPad|iPhone|iPod/.test(navigator.userAgent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);
  const installed = matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;
  if (!window.isSecureContext) return "Browsers push only to pages that come over https: open Tocsin under its https address.";
  if (apple && !installed) return "On an iPhone or iPad, first add Tocsin to the home screen (Share, Add to Home Screen), then open it from there.";
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) return "This browser cannot be pushed to; installing the page may help, else use another browser.";
  if (Notification.permission === "denied") return "Notifications from Tocsin are blocked in this browser: allow them in its settings for this site, then load this page again.";
  return "";
}

async function subscription() {
  const registration = await navigator.serviceWorker.ready;
  return registration.pushManager.getSubscription();
}

async function show() {
  const current = await subscription();
  const device = current && await named(current.endpoint);
  const row = device && document.querySelector(`[data-device="${device}"]`);
  row?.classList.add("here");
  state.textContent = row ? "Pages reach this device." : "Pages do not reach this device yet.";
  on.hidden = Boolean(row);
  off.hidden = test.hidden = !row;
}

async function subscribe() {
  if (await Notification.requestPermission() !== "granted") throw new Error(standsInTheWay() || "Without your permission nothing can be shown here; press the button again and allow it.");
  const { key } = await ask("GET", "/api/push/key");
  const { pushManager } = await navigator.serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey: key };
  let made;
  try {
    made = await pushManager.subscribe(options);
  } catch (error) {
    const old = await pushManager.getSubscription();
    if (error.name !== "InvalidStateError" || !old) throw error;
    await old.unsubscribe(); // it was made for another key
    made = await pushManager.subscribe(options);
  }
  await ask("POST", "/api/me/push", made);
  location.reload();
}

async function unsubscribe() {
  const current = await subscription();
  await ask("DELETE", "/api/me/push", { endpoint: current.endpoint });
  await current.unsubscribe();
  location.reload();
}

async function push() {
  const current = await subscription();
  const found = await ask("POST", "/api/me/push/test", { endpoint: current.endpoint });
  if (found.receipt !== "sent") throw new Error(`${found.receipt}: ${found.detail}`);
  said.textContent = "Sent. If nothing appears within a minute, look at the notification settings of this device.";
}

function does(button, work) {
  button.addEventListener("click", async () => {
    said.className = "quiet";
    said.textContent = "";
    button.setAttribute("aria-busy", "true");
    try {
      await work();
    } catch (error) {
      said.className = "error";
      said.textContent = error instanceof TypeError ? "Tocsin cannot be reached. Nothing was changed; try again." : error.message;
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

const why = standsInTheWay();
if (page && "serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js", { scope: "/" });
if (why) {
  state.textContent = why;
} else if (on) {
  does(on, subscribe);
  does(off, unsubscribe);
  does(test, push);
  show();
}

// Shows what is pushed, acknowledges without opening anything, opens the incident. Nothing is cached: a page about an
// incident that is not current is worse than none.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

function said(event) {
  try {
    return event.data.json();
  } catch { // a push that cannot be read is still a push: browsers take the permission away when nothing is shown
    return { title: "Tocsin", body: "Something happened. Open Tocsin to see what.", incident_url: "/" };
  }
}

self.addEventListener("push", (event) => {
  const { title, body, tag, incident_url, acknowledge_url, loud } = said(event);
  event.waitUntil(self.registration.showNotification(title || "Tocsin", {
    body,
    tag: tag || undefined,
    renotify: Boolean(tag),
    requireInteraction: Boolean(loud),
    icon: "/static/icon-192.png",
    badge: "/static/icon-badge.png",
    data: { incident_url: incident_url || "/", acknowledge_url },
    actions: acknowledge_url ? [{ action: "acknowledge", title: "Acknowledge" }, { action: "open", title: "Open" }] : [],
  }));
});

async function acknowledge(notification) {
  const { incident_url, acknowledge_url } = notification.data;
  let body;
  try {
    const answer = await fetch(acknowledge_url, { method: "POST", headers: { Accept: "text/plain" }, credentials: "omit" });
    body = (await answer.text()).trim().slice(0, 300) || (answer.ok ? "Acknowledged." : `Answered ${answer.status}.`);
    if (!answer.ok) body = `Not acknowledged. ${body}`;
  } catch {
    body = "Not acknowledged: Tocsin cannot be reached. Try again, or open the incident.";
  }
  const failed = body.startsWith("Not acknowledged");
  await self.registration.showNotification(notification.title, {
    body,
    tag: notification.tag,
    icon: "/static/icon-192.png",
    badge: "/static/icon-badge.png",
    requireInteraction: failed,
    data: { incident_url, acknowledge_url },
    actions: failed ? [{ action: "acknowledge", title: "Try again" }, { action: "open", title: "Open" }] : [],
  });
}

async function open(url) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = pages.find((page) => page.url === new URL(url, self.location.origin).href);
  if (there) return there.focus();
  return self.clients.openWindow(url);
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const work = event.action === "acknowledge" ? acknowledge(event.notification) : open(event.notification.data.incident_url);
  event.waitUntil(work);
});

// The browser may change a subscription by itself; without this the device would fall silent.
self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil((async () => {
    const { key } = await (await fetch("/api/push/key")).json();
    const subscription = event.newSubscription
      || await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    await fetch("/api/me/push", { method: "POST", headers, body: JSON.stringify(subscription) });
    if (event.oldSubscription && event.oldSubscription.endpoint !== subscription.endpoint) {
      await fetch("/api/me/push", { method: "DELETE", headers, body: JSON.stringify({ endpoint: event.oldSubscription.endpoint }) });
    }
  })());
});

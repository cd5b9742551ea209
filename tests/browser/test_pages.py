"""The pages in a real browser: live, by keyboard, on a phone, without scripts, and with hostile text."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Open
from tests.http.world import Server
from tocsin.core import commands as c

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.slow]

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>{{7*7}}"


def test_a_new_incident_appears_on_the_list_and_goes_when_it_is_resolved(server: Server, signed_in: Open):
    page = signed_in()
    page.open(server.url)
    assert page.js("document.querySelector('h1').textContent") == "All quiet"
    page.until("document.querySelector('#stream')._htmx?.sse?.lastEventId")

    incident = server.world.alert("Checkout answers 5xx", key="k")
    page.until("document.querySelector('.card h2')?.textContent === 'Checkout answers 5xx'")
    server.world.do(lambda _: server.world.engine.handle("default", incident, c.Resolve(by="ben")))

    page.until("document.querySelector('h1').textContent === 'All quiet'")
    assert page.complaints() == []


def test_the_timeline_is_live_and_resumes_after_the_server_dropped_the_stream(server: Server, signed_in: Open):
    incident = server.world.alert("Checkout answers 5xx", key="k")
    page = signed_in()
    page.open(f"{server.url}/incidents/INC-2026-001")
    page.until("document.querySelector('#stream')._htmx?.sse?.reader")

    server.world.do(lambda _: server.world.engine.handle("default", incident, c.AddNote(by="ben", text="first")))
    page.until("[...document.querySelectorAll('.said-text')].some(each => each.textContent === 'first')")
    page.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    page.js("document.querySelector('#stream')._htmx.sse.reader?.cancel()")
    server.world.do(lambda _: server.world.engine.handle("default", incident, c.AddNote(by="ben", text="missed")))
    page.call("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)

    page.until("[...document.querySelectorAll('.said-text')].some(each => each.textContent === 'missed')")


def test_a_page_is_live_however_late_its_scripts_come(server: Server, signed_in: Open):
    server.world.alert("Checkout answers 5xx", key="k")
    page = signed_in()
    page.call("Fetch.enable", patterns=[{"urlPattern": "*/hx-sse-*"}])
    page.events.clear()
    page.call("Page.navigate", url=f"{server.url}/incidents/INC-2026-001")
    paused = page.wait("Fetch.requestPaused")
    page.until("typeof htmx === 'object'")
    page.js("new Promise(done => setTimeout(done, 100))")  # htmx would start by itself now

    page.call("Fetch.continueRequest", requestId=paused["params"]["requestId"])

    page.until("document.querySelector('#stream')?._htmx?.sse?.reader")


def test_the_key_a_acknowledges_and_a_letter_in_a_field_does_not(server: Server, signed_in: Open):
    server.world.alert("Checkout answers 5xx", key="k")
    page = signed_in()
    page.open(f"{server.url}/incidents/INC-2026-001")
    page.js("document.querySelector('[popovertarget=do-note]').click()")
    page.until("document.activeElement.matches('#do-note textarea')")
    page.key("a")
    assert page.js("document.querySelector('#do-note textarea').value") == "a"
    assert page.js("document.querySelector('.is-unheld') !== null")
    page.js("document.querySelector('#do-note').hidePopover()")
    page.until("!document.querySelector('#do-note').contains(document.activeElement)")

    page.key("a")

    page.until("document.querySelector('.is-held .big')?.textContent === 'Ana Ivanova'")
    assert page.complaints() == []


def test_a_draft_survives_what_happens_meanwhile(server: Server, signed_in: Open):
    incident = server.world.alert("Checkout answers 5xx", key="k")
    page = signed_in()
    page.open(f"{server.url}/incidents/INC-2026-001")
    page.until("document.querySelector('#stream')._htmx?.sse?.reader")
    page.js("document.querySelector('[popovertarget=do-update]').click()")
    page.js("document.querySelector('#do-update textarea').value = 'We are on it'")

    server.world.do(lambda _: server.world.engine.handle("default", incident, c.AddNote(by="ben", text="news")))

    page.until("document.querySelector('.said-text')?.textContent === 'news'")
    assert page.js("document.querySelector('#do-update textarea').value") == "We are on it"
    assert page.js("document.querySelector('#do-update').matches(':popover-open')")
    page.js("document.querySelector('#do-update button.primary').click()")
    page.until("[...document.querySelectorAll('.said-text')].some(each => each.textContent === 'We are on it')")
    assert not page.js("document.querySelector('#do-update').matches(':popover-open')")


def test_a_refusal_is_shown_where_it_was_asked(server: Server, signed_in: Open):
    incident = server.world.alert("Checkout answers 5xx", key="k")
    page = signed_in()
    page.open(f"{server.url}/incidents/INC-2026-001")
    page.js("document.querySelector('[popovertarget=do-escalate]').click()")
    page.js("document.querySelector('#do-escalate textarea').value = 'it grows'")
    server.world.do(lambda _: server.world.engine.handle("default", incident, c.Resolve(by="ben")))

    page.js("document.querySelector('#do-escalate button.primary').click()")

    page.until("document.querySelector('#do-escalate .error').textContent.startsWith('cannot escalate: INC-2026-001')")


@pytest.mark.parametrize("path", ["/", "/incidents/INC-2026-001", "/directory", "/declare"])
def test_hostile_text_is_only_text(server: Server, signed_in: Open, path: str):
    incident = server.world.alert(HOSTILE, key="k", service=HOSTILE)
    for command in (c.AddNote(by=HOSTILE, text=HOSTILE), c.SetImpact(by="ana", impact=HOSTILE)):
        server.world.do(lambda _, each=command: server.world.engine.handle("default", incident, each))
    api = server.client(server.world.token())
    api.put("/api/people/eve", json={"id": "eve", "name": HOSTILE})
    page = signed_in()

    page.open(server.url + path)

    assert "owned" not in page.js("document.title").replace(HOSTILE, "")
    assert page.js("document.images.length") == 0
    assert page.js("[...document.scripts].every(each => each.src)")
    assert page.complaints() == []


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("path", ["/", "/incidents/INC-2026-001", "/incidents/INC-2026-002", "/directory", "/declare"])
def test_nothing_is_wider_than_a_phone(server: Server, signed_in: Open, path: str, width: int):
    server.world.alert("Averyveryverylongwordwithoutanyspaces" * 5, key="k", service="checkout-eu-west-1-production")
    held = server.world.alert("Search is slow", key="k2")
    server.world.do(lambda _: server.world.engine.handle("default", held, c.Acknowledge(by="ana")))
    page = signed_in(width=width, height=844)

    page.open(server.url + path)

    assert page.js("document.documentElement.scrollWidth") <= width
    too_wide = (
        "[...document.querySelectorAll('main *, .actions *')].filter(each => { const r = each.getBoundingClientRect();"
        " return r.width && r.right > innerWidth + 1 && !each.closest('.sr, .chips, [popover]'); })"
        ".map(each => each.outerHTML.slice(0, 80))"
    )
    assert page.js(too_wide) == []
    small = (
        "[...document.querySelectorAll('button, .button, nav a')].filter(each => { const r ="
        " each.getBoundingClientRect(); return r.width && r.height < 32; }).map(each => each.outerHTML.slice(0, 80))"
    )
    assert page.js(small) == []


def test_what_was_typed_into_a_form_that_was_refused_is_there_one_step_back(server: Server, signed_in: Open):
    page = signed_in()
    page.open(f"{server.url}/status-pages")
    form = "document.querySelector('form[action$=\"/update\"]')"

    page.leave(f"{form}.noValidate = true; {form}.elements.name.value = 'Search is slow'; {form}.requestSubmit()")
    page.until("document.querySelector('main')?.textContent.includes('Text: expected a value.')")
    page.leave("document.querySelector('a[data-back]').click()")

    page.until(f"{form}?.elements.name.value === 'Search is slow'")


def test_a_phone_can_acknowledge_with_one_thumb_and_without_scripts(server: Server, signed_in: Open):
    server.world.alert("Checkout answers 5xx", key="k")
    page = signed_in(width=390, height=844, scripts=False)
    page.open(f"{server.url}/incidents/INC-2026-001")

    page.call("Emulation.setScriptExecutionDisabled", value=False)  # the page's own scripts did not run; ours may
    box = page.js(
        "(() => { const r = document.querySelector('[data-key=a]').getBoundingClientRect();"
        " return [r.top, r.bottom, r.height, r.width]; })()"
    )
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    assert box[1] <= 844 and box[0] > 700 and box[2] >= 44 and box[3] >= 120
    x, y = 60, (box[0] + box[1]) / 2
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    page.wait("Page.loadEventFired")

    api = server.client(server.world.token())
    incident = api.get("/api/incidents/INC-2026-001").json()
    assert incident["acknowledged_by"] == "ana"


def test_the_first_load_is_small(server: Server, signed_in: Open):
    server.world.alert("Checkout answers 5xx", key="k")
    page = signed_in()
    page.open(f"{server.url}/incidents/INC-2026-001")
    page.js("new Promise(done => setTimeout(done, 300))")

    page.call("Runtime.evaluate", expression="0")
    total = sum(
        each["params"]["encodedDataLength"] for each in page.events if each.get("method") == "Network.loadingFinished"
    )

    assert 5_000 < total < 60_000


def test_times_are_in_the_readers_zone_and_count_down(server: Server, signed_in: Open):
    server.world.alert("Checkout answers 5xx", key="k", severity="SEV-0")
    page = signed_in()
    page.call("Emulation.setTimezoneOverride", timezoneId="Asia/Kolkata")
    page.open(f"{server.url}/incidents/INC-2026-001")

    page.until("document.querySelector('.head time').textContent === '08:30'")
    assert page.js("document.querySelector('.head time').title") == "2026-11-23 03:00:00 UTC"
    page.until("document.querySelector('.now time[data-until]').textContent === '4:58 left'")

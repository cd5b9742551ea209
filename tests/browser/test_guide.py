"""What the guide says, in a real browser: worked through live, kept folded as the reader left it, on a phone."""

from __future__ import annotations

import pytest

from tests.browser.chromium import Chromium
from tests.browser.conftest import Open
from tests.http.guided import guide
from tests.http.world import Server
from tocsin.core import commands as c

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.slow]

PAGE = "/incidents/INC-2026-001"


@pytest.fixture
def incident(server: Server) -> str:
    guide(server.world)
    return server.world.alert("Checkout answers 5xx", key="k", service="checkout")


@pytest.fixture
def page(server: Server, signed_in: Open, incident: str) -> Chromium:
    """The incident's page, live."""
    browser = signed_in()
    browser.open(server.url + PAGE)
    browser.until("document.querySelector('#stream')._htmx?.sse?.reader")
    return browser


def test_a_step_is_done_without_a_reload_and_what_was_unfolded_stays_so(server: Server, page: Chromium, incident: str):
    page.js("document.querySelector('#book-1').open = true")
    page.js("document.querySelector('#guide-others').open = true")
    page.js("window.untouched = true")

    page.js("document.querySelector('[aria-label=\"Done: Look at the graphs\"]').click()")

    page.until("document.querySelector('.work.finished .stood')?.textContent.startsWith('done · Ana Ivanova')")
    assert page.js("document.querySelector('#book-1').open && document.querySelector('#guide-others').open")
    assert page.js("window.untouched")
    server.world.do(lambda _: server.world.engine.handle("default", incident, c.AddNote(by="ben", text="news")))
    page.until("document.querySelector('.said-text')?.textContent === 'news'")
    assert page.js("document.querySelector('#book-1').open")
    assert page.complaints() == []


def test_a_phase_that_the_reader_folded_stays_so_and_the_next_one_opens_by_itself(
    server: Server, page: Chromium, incident: str
):
    page.js("document.querySelector('#guide-phase-1-now').open = false")

    server.world.do(lambda _: server.world.engine.handle("default", incident, c.AddNote(by="ben", text="news")))
    page.until("document.querySelector('.said-text')?.textContent === 'news'")
    assert not page.js("document.querySelector('#guide-phase-1-now').open")

    command = c.FinishPhase(by="ben", phase="Detection")
    server.world.do(lambda _: server.world.engine.handle("default", incident, command))

    page.until("document.querySelector('#guide-phase-2-now')?.open")
    assert page.js("document.querySelector('#guide-phase-1-now') === null")


def test_a_link_to_a_phase_unfolds_it(page: Chromium):
    page.leave("document.querySelector('a[href$=\"/guide#phase-2\"]').click()")

    page.until("document.querySelector('#guide-phase-2')?.open")
    page.js("document.querySelector('[aria-label=\"Done: Stop the rollout\"]').click()")
    page.until("document.querySelector('#guide-phase-2 .work.finished') !== null")
    assert page.js("document.querySelector('#guide-phase-2').open")


def test_a_command_is_copied_as_the_guide_has_it(page: Chromium):
    page.js("navigator.clipboard.writeText = async text => { window.copied = text; }")
    page.js("document.querySelector('#book-1').open = true")

    page.js("document.querySelectorAll('#book-1 .command [data-copy]')[0].click()")
    page.until("window.copied === 'redis-cli FLUSHALL'")
    page.js("document.querySelectorAll('#book-1 .command [data-copy]')[1].click()")

    page.until("window.copied === 'tocsin run --incident INC-2026-001 -- redis-cli FLUSHALL'")
    assert page.js("document.querySelector('.toast').textContent") == "Copied"


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/guide", "/guides/main", "/guides"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_all_of_it_fits_unfolded(server: Server, signed_in: Open, incident: str, path: str, width: int):
    page = signed_in(width=width, height=844)
    page.open(server.url + path)

    page.js("document.querySelectorAll('details').forEach(each => { each.open = true; })")

    assert page.js("document.documentElement.scrollWidth") <= width
    too_wide = (
        "[...document.querySelectorAll('main *')].filter(each => { const r = each.getBoundingClientRect();"
        " return r.width && r.right > innerWidth + 1 && !each.closest('.sr, .chips, [popover], pre'); })"
        ".map(each => each.outerHTML.slice(0, 80))"
    )
    assert page.js(too_wide) == []
    small = (
        "[...document.querySelectorAll('.guide button, .guide summary, .guide-page summary')].filter(each => {"
        " const r = each.getBoundingClientRect(); return r.width && r.height < 32; })"
        ".map(each => each.outerHTML.slice(0, 80))"
    )
    assert page.js(small) == []
    assert page.complaints() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/guide", "/guides/main"])
def test_what_is_written_can_be_read_in_both_themes(
    server: Server, signed_in: Open, incident: str, path: str, scheme: str
):
    """Every text of the guide's parts against the first ground behind it: 4.5 to 1, as WCAG 2.2 asks."""
    page = signed_in()
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.open(server.url + path)
    page.js("document.querySelectorAll('details').forEach(each => { each.open = true; })")

    assert page.js(CONTRAST) == []


CONTRAST = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const part = (value) => { const c = value / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const ground = (each) => {
    for (let at = each; at; at = at.parentElement) {
      const found = rgba(getComputedStyle(at).backgroundColor);
      if (found[3] > 250) return found;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('.guide *, .guide-page main *')].filter((each) =>
    each.getClientRects().length && [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  if (texts.length < 20) return ['too few texts were looked at'];
  return texts.map((each) => {
    const [one, two] = [light(rgba(getComputedStyle(each).color)), light(ground(each))].sort((a, b) => b - a);
    return [(one + 0.05) / (two + 0.05), each.outerHTML.slice(0, 80)];
  }).filter(([ratio]) => ratio < 4.5);
})()"""

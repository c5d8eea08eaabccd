"""The report in Chromium, as a person opens it: from a file, without a network.

Needs Debian's `chromium` and `chromium-driver`. Nothing is downloaded: the driver is named, so that selenium does not
look for one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from ackdrop.report import html
from ackdrop.report.finished import Finished

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)

OVERLAPS = """
const found = [];
for (const svg of document.querySelectorAll("svg.sequence")) {
  const box = svg.viewBox.baseVal;
  const texts = Array.from(svg.querySelectorAll("text"), (text) => [text.textContent, text.getBBox()]);
  texts.forEach(([words, one], n) => {
    if (one.x < 0 || one.y < 0 || one.x + one.width > box.width || one.y + one.height > box.height) found.push(words);
    for (const [others, other] of texts.slice(n + 1)) {
      if (one.x < other.x + other.width && other.x < one.x + one.width
          && one.y + 3 < other.y + other.height - 3 && other.y + 3 < one.y + one.height - 3) {
        found.push(words + " | " + others);
      }
    }
  });
}
return found;
"""


class Browser:
    """A page in Chromium."""

    def __init__(self, driver: webdriver.Chrome, folder: Path) -> None:
        self.driver = driver
        self._folder = folder

    def show(self, *runs: Finished) -> None:
        path = self._folder / "report.html"
        path.write_text(html.text(runs), encoding="utf-8")
        self.driver.get(path.as_uri())

    def screen(self, width: int, scheme: str = "light") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "screen", "features": features})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def run(self, script: str):
        return self.driver.execute_script(script)

    def all(self, css: str):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def texts(self, css: str) -> list[str]:
        """What the elements say that can be seen, in one call: there may be hundreds."""
        shown = "Array.from(document.querySelectorAll(arguments[0])).filter((item) => item.checkVisibility())"
        return self.driver.execute_script(f"return {shown}.map((item) => item.innerText)", css)

    def console(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]


def _tool(*names: str) -> str:
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        message = f"{names[0]} is not installed: apt-get install chromium chromium-driver"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = _tool("chromium", "chromium-browser", "google-chrome")
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(_tool("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def browser(driver: webdriver.Chrome, tmp_path: Path) -> Browser:
    browser = Browser(driver, tmp_path)
    browser.screen(1400)
    browser.console()
    return browser


@pytest.fixture
def hostile_run(results, hostile) -> Finished:
    """The lost ack, of a topic and with a fault, a record and a client of hostile names."""
    change = results.change

    def arm(told):
        lines = [change(line, topic=hostile, fault=hostile) for line in told.findings[0].attempts]
        finding = change(told.findings[0], record=hostile, fault=hostile, attempts=lines)
        return change(
            told, findings=[finding], producer=change(told.producer, client=hostile, config={hostile: hostile})
        )

    scenario = change(results.lost_ack().scenario, title=hostile)
    return Finished(results.run(arm(results.off_arm()), arm(results.on_arm()), scenario=scenario), None)


def test_a_report_opens_without_a_word_in_the_console_and_shows_its_diagrams(browser, results, kept):
    browser.show(kept(results.lost_ack()))
    assert browser.console() == []
    first, second = browser.all("svg.sequence")
    assert first.is_displayed()
    assert first.size["width"] > 400
    assert [text.text for text in first.find_elements(By.CSS_SELECTOR, ".lane-name")] == [
        "producer", "proxy", "broker", "log",
    ]  # fmt: skip
    assert len(first.find_elements(By.CSS_SELECTOR, ".broken")) == 1
    assert "ack dropped: “lose the third ack”" in first.text
    assert "known already: not written" in second.text
    assert browser.run(OVERLAPS) == []
    timelines = browser.all(".time svg.timeline[role=img]")
    assert len(timelines) == 2
    assert all(timeline.size["height"] > 100 for timeline in timelines)


def test_findings_are_filtered(browser, results):
    browser.show(Finished(results.failed(60), None))
    findings, output = "#r1-found > details.finding, #r1-found tr[data-item]", ".filter output"
    assert browser.texts(output)[0] == "61 of 61 shown"
    assert len(browser.texts(findings)) == 61
    selects = {select.get_attribute("name"): Select(select) for select in browser.all("#r1-findings select")}
    selects["arm"].select_by_value("off")
    assert browser.texts(output)[0] == "1 of 61 shown"
    assert browser.texts("#r1-found h3") == ["record 2 stands at offsets 2 and 3 of partition 0"]
    assert not any(group.is_displayed() for group in browser.all("[data-group]"))
    selects["arm"].select_by_value("")
    selects["cause"].select_by_value("broker-did-not-deduplicate")
    assert browser.texts(output)[0] == "60 of 61 shown"
    browser.all("#r1-findings [name=text]")[0].send_keys("Record 41 STANDS")
    assert browser.texts(output)[0] == "1 of 61 shown"
    assert browser.texts("#r1-found tr[data-item] td:nth-child(3)") == [
        "record 41 stands at offsets 41 and 241 of partition 0"
    ]


def test_attempts_are_sorted_and_filtered(browser, results, kept):
    browser.show(kept(results.lost_ack()))

    def column(n):
        return browser.texts(f"#r1-attempts tbody td:nth-child({n})")

    buttons = browser.all("#r1-attempts thead button")
    number, again = buttons[1], buttons[10]
    assert (number.text, again.text) == ("#", "again")
    number.click()
    assert column(2) == [str(n) for n in range(1, 13) for _ in ("off", "on")]
    number.click()
    assert column(2) == [str(n) for n in range(12, 0, -1) for _ in ("off", "on")]
    assert number.find_element(By.XPATH, "..").get_attribute("aria-sort") == "descending"
    again.click()
    assert column(11) == ["3", "3"] + ["-"] * 22
    again.click()
    assert column(11) == ["3", "3"] + ["-"] * 22
    assert len(browser.all("#r1-attempts [aria-sort]")) == 1
    browser.all("#r1-all [name=eventful]")[0].click()
    assert sorted(column(2)) == ["3", "3", "4", "4"]
    browser.all("#r1-all [name=text]")[0].send_keys("dropped")
    assert column(2) == ["3", "3"]


def test_all_findings_open_and_close_together(browser, results):
    browser.show(Finished(results.failed(10), None))
    opened, closed = browser.all("#r1-findings button")[:2]
    states = "return Array.from(document.querySelectorAll('details.finding'), (item) => item.open)"
    assert browser.run(states) == [True] * 4 + [False] * 7
    opened.click()
    assert browser.run(states) == [True] * 11
    closed.click()
    assert browser.run(states) == [False] * 11
    assert browser.run("return document.querySelectorAll('details.chain[open]').length") == 0


def test_dark_and_light(browser, results):
    browser.show(Finished(results.lost_ack(), None))
    colours = "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
    lane = "return getComputedStyle(document.querySelector('.sequence text')).fill"
    assert browser.run(colours) == ["rgb(255, 255, 255)", "rgb(29, 33, 39)"]
    browser.screen(1400, "dark")
    assert browser.run(colours) == ["rgb(21, 24, 28)", "rgb(227, 231, 236)"]
    assert browser.run(lane) == "rgb(227, 231, 236)"


@pytest.mark.parametrize("width", [400, 1400])
def test_the_page_is_not_wider_than_the_screen(browser, results, kept, hostile_run, width):
    runs = [kept(results.lost_ack()), hostile_run]
    others = [results.failed(50), results.repeated(), results.alone(), results.inconclusive()]
    browser.show(*runs, *(Finished(result, None) for result in others))
    browser.screen(width)
    browser.run("for (const item of document.querySelectorAll('details')) item.open = true")
    assert browser.run("return document.documentElement.scrollWidth") == width
    assert browser.console() == []
    widest = "return Math.max(...Array.from(document.querySelectorAll('svg.sequence'), (svg) => svg.clientWidth))"
    assert browser.run(widest) <= width


def test_a_phone_shows_the_comparison_of_two_arms_whole(browser, results):
    browser.show(Finished(results.lost_ack(), None))
    browser.screen(400)
    assert browser.run("return document.querySelector('table.comparison').getBoundingClientRect().right") <= 400


def test_hostile_names_neither_run_nor_break_the_page(browser, hostile_run, hostile):
    browser.show(hostile_run)
    assert browser.console() == []
    assert browser.all("img") == []
    assert len(browser.all("script")) == 1
    assert browser.run("return document.title").startswith("passed: <script>alert(1)</script>")
    assert "<script>alert(1)</script>" in browser.all("h1")[0].text
    assert r"\u202egnp.exe" in browser.all("h1")[0].text
    assert "\u202e" not in browser.all("body")[0].text
    assert browser.run(OVERLAPS) == []


def test_the_command_is_copied(browser, results):
    browser.show(Finished(results.run(results.off_arm(), run=results.run_info), None))
    (button,) = browser.all("button[data-copy]")
    assert button.is_displayed()
    button.click()
    WebDriverWait(browser.driver, 10).until(lambda _: button.text != "copy")
    assert button.text in ("copied", "selected: copy it with the keyboard")
    assert browser.console() == []


def test_on_paper_everything_is_open_and_nothing_is_to_be_pressed(browser, results):
    browser.show(Finished(results.failed(10), None))
    browser.run("dispatchEvent(new Event('beforeprint'))")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.run("return document.querySelectorAll('details:not([open])').length") == 0
    assert not any(item.is_displayed() for item in browser.all(".filter, nav, button[data-open]"))
    assert all(svg.is_displayed() for svg in browser.all("svg.sequence"))
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert browser.run("return document.querySelectorAll('details:not([open])').length") > 0


def test_without_script_everything_is_there_but_the_filters(browser, results, kept):
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.show(kept(results.lost_ack()))
        there = "['svg.sequence', '#r1-attempts tbody tr', '.filter[hidden]', 'th button']"
        asked = {"expression": f"{there}.map((css) => document.querySelectorAll(css).length).join()"}
        found = browser.driver.execute_cdp_cmd("Runtime.evaluate", asked)
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert found["result"]["value"] == "2,24,2,0"

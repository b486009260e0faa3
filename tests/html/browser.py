#!/usr/bin/env python3
"""Opens pages in a real Chromium without a window and says what it sees.

  browser.py check PAGE...          one line of JSON: for each page what was found; of one called many.html, the half
  browser.py shoot PAGE OUT WIDTH HEIGHT [dark] [noscript] [print] [full] [open] [#ID]
                                    a screenshot, for people who look at it

Speaks the DevTools protocol through a pipe, with Python's standard library alone. No page may reach a network: the
browser has none (every name leads nowhere), and what a page asks for is counted.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

PROGRAMS = ["chromium", "chromium-browser", "google-chrome"]
SECONDS = 120


class Browser:
    """A Chromium, and one page in it."""

    def __init__(self, program):
        self.profile = tempfile.mkdtemp(prefix="labc-chromium-")
        to_browser, ours_out = os.pipe()
        ours_in, from_browser = os.pipe()
        command = [
            program,
            "--headless=new",
            "--remote-debugging-pipe",
            f"--user-data-dir={self.profile}",
            "--no-first-run",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--hide-scrollbars",
        ]
        if os.geteuid() == 0:
            command.append("--no-sandbox")

        def wire():
            # The protocol wants its two ends as 3 and 4.
            os.dup2(to_browser, 33)
            os.dup2(from_browser, 34)
            os.dup2(33, 3)
            os.dup2(34, 4)

        self.process = subprocess.Popen(
            command,
            close_fds=False,
            preexec_fn=wire,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.writer = os.fdopen(ours_out, "wb", buffering=0)
        self.reader = os.fdopen(ours_in, "rb")
        self.number = 0
        self.session = None
        self.events = []

    def close(self):
        self.process.terminate()
        self.process.wait(SECONDS)
        shutil.rmtree(self.profile, ignore_errors=True)

    def receive(self):
        data = bytearray()
        while True:
            # The reader is buffered: one byte at a time is no call to the system each.
            byte = self.reader.read(1)
            if byte == b"":
                raise RuntimeError("Chromium went away")
            if byte == b"\0":
                return json.loads(data)
            data += byte

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.writer.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        while True:
            for event in self.events:
                if event.get("method") == method:
                    self.events.remove(event)
                    return event
            self.events.append(self.receive())

    def page(self):
        """A new page; what an old one said is forgotten."""
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.events = []
        for domain in ["Page", "Runtime", "Network", "Log"]:
            self.call(f"{domain}.enable")

    def view(self, width, height, dark=False, script=True):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if width < 500 else 1,
            mobile=width < 500,
        )
        scheme = "dark" if dark else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)

    def open(self, path, fragment=""):
        # A page of the same address but for the fragment would not be loaded again.
        self.call("Page.navigate", url="about:blank")
        self.wait("Page.loadEventFired")
        self.events = []
        self.call("Page.navigate", url=pathlib.Path(path).resolve().as_uri() + fragment)
        self.wait("Page.loadEventFired")

    def ask(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def complaints(self):
        """Everything that the page, its console or its policy complained of, and every dialog."""
        self.call("Runtime.evaluate", expression="1")
        found = []
        for event in self.events:
            method, parameters = event.get("method"), event.get("params", {})
            if method in ("Runtime.exceptionThrown", "Page.javascriptDialogOpening"):
                found.append(json.dumps(parameters))
            if method == "Runtime.consoleAPICalled":
                found.append(json.dumps(parameters["args"]))
            if method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                found.append(parameters["entry"]["text"])
        return found

    def requests(self):
        """What was asked for beside the page itself and what stands in it."""
        asked = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [url for url in asked[1:] if not url.startswith("data:")]


# What is wider than the window without being cut off by what it lies in.
OVERFLOW = "document.scrollingElement.scrollWidth - window.innerWidth"
# The colours that a person sees, of the page and of its text.
COLOURS = """(() => {
  const of = (element) => getComputedStyle(element);
  return [of(document.documentElement).backgroundColor, of(document.body).color];
})()"""
# The least contrast between a text and what lies behind it (WCAG 2.2, 1.4.3), with the text.
CONTRAST = """(() => {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const read = (colour) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const light = ([red, green, blue]) => {
    const part = (value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = read(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  let worst = [21, ""];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let seen = 0; texts.nextNode() && seen < 20000; seen += 1) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || element.closest("script, style") || !element.checkVisibility()) continue;
    const pair = [light(read(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < worst[0]) worst = [contrast, element.outerHTML.slice(0, 200)];
  }
  return worst;
})()"""
OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
SHOWN = "[...document.querySelectorAll('.change')].filter((one) => one.checkVisibility()).length"
HEADINGS = """(() => {
  let last = 0;
  const wrong = [];
  for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const level = Number(heading.tagName[1]);
    if (level > last + 1) wrong.push(heading.textContent);
    last = level;
  }
  return wrong;
})()"""
NAMELESS = """[...document.querySelectorAll("a, button, input, select, summary")]
  .filter((one) => !(one.textContent.trim() || one.closest("label")?.textContent.trim()))
  .map((one) => one.outerHTML)"""


def search(browser, words):
    """How many changes are shown for a search, and how many of those do not have the words."""
    return browser.ask(
        """(async () => {
          const form = document.querySelector(".filter");
          form.elements.text.value = %s;
          form.requestSubmit();
          const shown = [...document.querySelectorAll(".change")].filter((one) => one.checkVisibility());
          const words = %s.toLowerCase().split(" ");
          const wrong = shown.filter((one) => !words.every((word) => one.textContent.toLowerCase().includes(word)));
          return [shown.length, wrong.length, form.querySelector("output").value];
        })()"""
        % (json.dumps(words), json.dumps(words))
    )


def choose(browser, name, value):
    """How many changes are shown with one more condition alone."""
    shown = browser.ask(
        """(async () => {
          const form = document.querySelector(".filter");
          form.reset();
          const field = form.elements[%s];
          if (field.type === "checkbox") field.checked = true; else field.value = %s;
          form.requestSubmit();
          const shown = [...document.querySelectorAll(".change")].filter((one) => one.checkVisibility());
          form.reset();
          form.requestSubmit();
          return shown.length;
        })()"""
        % (json.dumps(name), json.dumps(value))
    )
    return shown


def click(browser, selector):
    """Clicks as a person does, also where scripts are off."""
    browser.ask("document.querySelector(%s).scrollIntoView({ block: 'center' })" % json.dumps(selector))
    # What comes into view is laid out now, and may move.
    time.sleep(0.5)
    place = browser.ask(
        """(() => {
          const one = document.querySelector(%s);
          const box = one.getBoundingClientRect();
          return [box.x + 12, box.y + box.height / 2];
        })()"""
        % json.dumps(selector)
    )
    for kind in ["mousePressed", "mouseReleased"]:
        browser.call(
            "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1
        )


def press(browser, key):
    for kind in ["keyDown", "keyUp"]:
        browser.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=13, text="\r")


def look(browser, path):
    """All that the test wants to know of a page."""
    found = {}
    browser.page()
    browser.view(1400, 900)
    browser.open(path)
    found["changes"] = browser.ask("document.querySelectorAll('.change').length")
    found["colours"] = browser.ask(COLOURS)
    found["headings"] = browser.ask(HEADINGS)
    found["nameless"] = browser.ask(NAMELESS)
    found["dead_links"] = browser.ask(
        "[...document.querySelectorAll('a')].map((one) => one.getAttribute('href'))"
        ".filter((href) => !document.getElementById(href.slice(1)))"
    )
    found["columns"] = browser.ask(
        "(() => { const row = document.querySelector('.both .row:not(.names)'); if (!row) return null;"
        " row.closest('.change').open = true; return getComputedStyle(row).gridTemplateColumns.split(' ').length; })()"
    )
    if found["changes"]:
        found["filter"] = browser.ask("document.querySelector('.filter').checkVisibility()")
        found["search"] = search(browser, "metadata name")
        found["nothing"] = search(browser, "no such word anywhere")
        found["everything"] = search(browser, "")
        found["removed"] = choose(browser, "kind", "removed")
        found["dangerous"] = choose(browser, "dangerous", "")
        links(browser, path, found)
    folding(browser, path, found)
    schemes(browser, path, found)
    found["complaints"] = browser.complaints()
    found["requests"] = browser.requests()
    return found


def look_at_many(browser, path):
    """Of a page that is too large to look at every corner: that it opens, and can be searched."""
    browser.page()
    browser.view(1400, 900)
    browser.open(path)
    found = {"changes": browser.ask("document.querySelectorAll('.change').length")}
    found["search"] = search(browser, "config-17")
    found["everything"] = search(browser, "")
    found["overflow"] = browser.ask(OVERFLOW)
    found["complaints"] = browser.complaints()
    found["requests"] = browser.requests()
    return found


def links(browser, path, found):
    """A link opens what it leads to, also what a filter hides."""
    last = browser.ask("[...document.querySelectorAll('.change > .body')].pop().id")
    browser.ask("document.querySelectorAll('.change').forEach((one) => { one.open = false; })")
    search(browser, "no such word anywhere")
    browser.ask(f"location.hash = '#{last}'")
    browser.ask("new Promise((done) => setTimeout(done, 100))")
    found["link_with_script"] = browser.ask(f"document.getElementById('{last}').checkVisibility()")
    browser.view(1400, 900, script=False)
    browser.open(path, f"#{last}")
    found["link_without_script"] = browser.ask(f"document.getElementById('{last}').checkVisibility()")


def folding(browser, path, found):
    """Without a script, a click and a key open and close what is folded."""
    browser.view(1400, 900, script=False)
    browser.open(path)
    found["filter_without_script"] = browser.ask(
        "document.querySelector('.filter')?.checkVisibility() ?? false"
    )
    if found["changes"]:
        found["folds"] = [is_open(browser)]
        click(browser, ".change > summary")
        found["folds"].append(is_open(browser, until=not found["folds"][0]))
        browser.ask("document.querySelector('.change > summary').focus()")
        press(browser, "Enter")
        found["folds"].append(is_open(browser, until=found["folds"][0]))


def is_open(browser, until=None):
    """Whether the first change stands open; where it is about to be so or not, after a while at most."""
    for _ in range(50):
        state = browser.ask("document.querySelector('.change').open")
        if until is None or state == until:
            break
        time.sleep(0.1)
    return state


def schemes(browser, path, found):
    """At every width nothing reaches beyond the window, in both schemes every text can be read."""
    found["overflow"] = {}
    found["contrast"] = {}
    for width in [320, 360, 390, 768, 1400]:
        browser.view(width, 800)
        browser.open(path)
        browser.ask(OPEN_ALL)
        found["overflow"][str(width)] = browser.ask(OVERFLOW)
    browser.view(360, 800)
    found["columns_on_a_phone"] = browser.ask(
        "(() => { const row = document.querySelector('.both .row:not(.names)');"
        " return row && getComputedStyle(row).gridTemplateColumns.split(' ').length; })()"
    )
    for dark in [False, True]:
        browser.view(1400, 900, dark=dark)
        browser.open(path)
        browser.ask(OPEN_ALL)
        name = "dark" if dark else "light"
        found["contrast"][name] = browser.ask(CONTRAST)
        if dark:
            found["dark_colours"] = browser.ask(COLOURS)


def check(program, paths):
    browser = Browser(program)
    try:
        looks = {True: look_at_many, False: look}
        print(json.dumps([looks[path.endswith("/many.html")](browser, path) for path in paths]))
    finally:
        browser.close()


def shoot(program, page, out, width, height, *more):
    browser = Browser(program)
    try:
        browser.page()
        browser.view(int(width), int(height), dark="dark" in more, script="noscript" not in more)
        fragment = next((word for word in more if word.startswith("#")), "")
        browser.open(page, fragment)
        if "open" in more:
            browser.ask(OPEN_ALL)
        if "print" in more:
            browser.call("Emulation.setEmulatedMedia", media="print")
        data = browser.call("Page.captureScreenshot", captureBeyondViewport="full" in more)["data"]
        pathlib.Path(out).write_bytes(base64.b64decode(data))
    finally:
        browser.close()


def main():
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        sys.exit("there is no Chromium")
    {"check": lambda *paths: check(program, paths), "shoot": lambda *more: shoot(program, *more)}[sys.argv[1]](*sys.argv[2:])


main()

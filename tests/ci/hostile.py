#!/usr/bin/env python3
"""Hostile Markdown through the comment action, judged by a reader of Markdown: nothing of it is alive afterwards.

Run by the Python of `tests/tools.sh ci`, which has the reader. What is judged is the action's output alone.
"""

import html
import os
import pathlib
import random
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".github/actions/comment"))

from markdown import TAGS, sanitise  # noqa: E402
from markdown_it import MarkdownIt  # noqa: E402
from markdown_it.token import Token  # noqa: E402

LIMIT = 60_000
READER = MarkdownIt("gfm-like", {"html": True, "linkify": True})
HTML = re.compile(rf"</?({'|'.join([*TAGS, 'summary'])})>|<br>|<details(?: open)?>|</details>")
ALIVE = re.compile(
    r"(?i)@[a-z0-9]|#\d|\bGH-\d|\b[a-z][a-z0-9+.-]*://|\bwww\.[a-z]|mailto:[a-z]|(?<![0-9a-z])[0-9a-f]{7,40}(?![0-9a-z])"
)
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")

PARTS = """<script>alert(1)</script>|<img src=x onerror=alert(1)>|<!--|-->|<!-- labc-diff 9.9 -->|</details>|<details>|<details open>
<summary>|</summary>|<details><summary>a</summary>|<b>|</b>|<code>|</code>|<br>|<a href=javascript:x>|<pre>|</pre>|<![CDATA[|]]>|<?php|<!X|<svg/onload=x>
`|``|```|````|~~~|~~~~|```mermaid|```suggestion|``` `x|    |\t|> |> ```|- |  - |1. |- [ ] |# |#|##|---|===|***|| a | b ||| --- | --- |||
[a](http://x.example)|![a](http://x.example/i.png)|[a]: http://x.example|[a][b]|[^1]|[^1]: x|<http://x.example>|<me@x.example>|http://x.example|www.x.example
@owner|@owner/team|&#64;owner|&commat;owner|\\@owner|#12|owner/lab#12|GH-12|&#35;12|0123456789abcdef0123456789abcdef01234567|mailto:me@x.example|xmpp:me@x
&lt;img src=x&gt;|&#60;img src=x&#62;|\\<img src=x\\>|&amp;lt;|\\`|\\\\`|\\|*a*|**|__|~~|$x$|$$|:tada:|\u200b|\u202e|\x00|\x1b[31m|\x85|\r|\n|\n\n|\u2028
word| |"|'|(|)|{|}|!|[|]|<|>|&|;|\ue000|\ue001|\U000e0041|ﬀ|é""".split("|")


def tokens(text: str) -> list[Token]:
    found = []
    for token in READER.parse(text):
        found.append(token)
        found.extend(token.children or [])
    return found


def alive(text: str) -> list[str]:
    """What in a text would do something on GitHub."""
    found = [match[0] for match in CONTROL.finditer(text)]
    depth = code = 0
    for token in tokens(text):
        match token.type:
            case "html_block" | "html_inline":
                found.extend(HTML.sub("", token.content).count("<") * ["a tag in " + token.content])
                depth += token.content.count("<details") - token.content.count("</details>")
                code += token.content.count("<code>") - token.content.count("</code>")
                outside = re.sub("<code>.*?</code>", "", token.content)
                found.extend(match[0] for match in ALIVE.finditer(re.sub("<[^>]*>", "", outside)))
            case "link_open" | "image":
                found.append(f"a {token.type} to {token.attrs}")
            case "fence" if token.info.strip() not in ("", "diff", "yaml", "json", "toml", "text"):
                found.append("a fence of " + token.info)
            case "text" if code == 0:
                found.extend(match[0] for match in ALIVE.finditer(token.content))
        if depth < 0:
            found.append("an end of a fold that is not its own")
    return found + ["an open fold"] * depth


def read(text: str) -> dict[str, object]:
    """What a person reads in a text, and how it is laid out."""
    fences, words, shape = [], [], []
    for token in tokens(text):
        match token.type:
            case "fence":
                fences.append((token.info, token.content))
            case "text" | "code_inline":
                words.append(token.content)
            case "html_block" | "html_inline":
                shape.extend(re.findall("</?(?:details|summary)", token.content))
                words.append(html.unescape(re.sub("<[^>]*>", "", token.content)))
            case "heading_open" | "bullet_list_open" | "list_item_open" | "table_open":
                shape.append(token.type + token.tag)
    return {"fences": fences, "words": re.sub(r"[\s\u200b]+", "", "".join(words)), "shape": shape}


class Hostile(unittest.TestCase):
    def judge(self, text: str) -> None:
        written = sanitise(text, LIMIT)
        self.assertEqual(alive(written), [], f"{text!r} became {written!r}")
        self.assertLessEqual(len(written.encode()), LIMIT)

    @unittest.skipUnless("LABC_DIFF" in os.environ, "LABC_DIFF names no diff of labc")
    def test_a_diff_of_labc_reads_as_before(self) -> None:
        text = pathlib.Path(os.environ["LABC_DIFF"]).read_text(encoding="utf-8")
        marker, text = text.split("\n", 1)
        self.assertRegex(marker, "^<!--.*-->$")
        written = sanitise(f"{marker}\n{text}", LIMIT)
        self.assertEqual(alive(written), [])
        self.assertEqual(read(written), read(text))
        self.assertGreater(len(read(text)["fences"]), 1)

    def test_the_judge_sees_what_is_alive(self) -> None:
        for text in ["<img src=x>", "a @owner b", "see #12", "<http://x.example>", "[a](b)", "www.x.example", "<details>", "a\x1bb"]:
            self.assertNotEqual(alive(text), [], text)

    def test_every_part_alone_and_behind_every_other(self) -> None:
        for first in PARTS:
            self.judge(first)
            for second in PARTS:
                self.judge(first + second)
                self.judge(f"{first}\n{second}")

    def test_ten_thousand_texts_by_chance(self) -> None:
        chance = random.Random(20)
        for _ in range(10_000):
            self.judge("".join(chance.choices(PARTS, k=chance.randint(2, 14))))

    def test_any_bytes(self) -> None:
        chance = random.Random(21)
        for _ in range(500):
            self.judge(chance.randbytes(chance.randint(1, 300)).decode(errors="replace"))

    def test_what_was_made_harmless_stays_as_it_is(self) -> None:
        chance = random.Random(22)
        for _ in range(500):
            once = sanitise("".join(chance.choices(PARTS, k=8)), LIMIT)
            self.assertEqual(alive(sanitise(once, LIMIT)), [])

    def test_every_limit_is_kept(self) -> None:
        text = "".join(f"<details><summary>{part}</summary>\n\n```\n{part}\n```\n\n" for part in PARTS)
        for limit in [*range(400, 900), *range(4000, 4100)]:
            written = sanitise(text, limit)
            self.assertLessEqual(len(written.encode()), limit)
            self.assertEqual(alive(written), [], limit)


if __name__ == "__main__":
    unittest.main()

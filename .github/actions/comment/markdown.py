"""Markdown that somebody else wrote to Markdown that can do nothing.

Made anew, not searched for what is bad: the text is read into the few blocks that a diff has (headings, lists, tables,
quotes, fences, folds), its letters are decoded to what they stand for, and all of it is written again. What is written
holds no HTML but the folds and a few bare tags, no link, image, mention, reference or comment, and closes what it
opens; whatever the writer cannot say comes out as plain text. Knows nothing of labc.
"""

import bisect
import html
import re
import unicodedata
from collections.abc import Callable, Iterator

# Not longer than what a person reads of a line.
LINE = 4000
DEPTH = 6
# The words behind a fence that only choose colours: others make GitHub draw what is in it.
COLOURS = ("diff", "yaml", "json", "toml", "text")
ALERTS = ("NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION")
# Bare tags that only change how text looks, in a line that closes them itself.
TAGS = ("b", "code", "em", "i", "kbd", "strong", "sub")
# Letters that nobody sees, or that turn the order of others; the text's own stand-ins for marks are taken out, too.
NOTHING = "\u200b"
MARKS = {"*": "\ue000", "_": "\ue001"}
MARKED = {stand_in: mark for mark, stand_in in MARKS.items()}

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*([^`]*)")
_FOLD = re.compile(r"[ \t]*(<details(?: open)?>)?[ \t]*(?:<summary>(.*)</summary>)?[ \t]*")
_COMMENT = re.compile(r"[ \t]*<!--.*-->[ \t]*")
_END = re.compile(r"[ \t]*</details>[ \t]*")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*)")
_ITEM = re.compile(r"( {0,8})([-*+]|\d{1,4}[.)])[ \t]+(.*)")
_QUOTE = re.compile(r" {0,3}>[ \t]?(.*)")
_RULE = re.compile(r" {0,3}(?:-{3,}|\*{3,})[ \t]*")
_DELIMITER = re.compile(r"[ \t]*:?-{3,}:?[ \t]*")
_TOKEN = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<entity>&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
    r"|(?P<ticks>`+)"
    rf"|<(?P<close>/?)(?P<tag>{'|'.join(TAGS)})>"
    r"|(?P<break><br ?/?>)"
    r"|(?P<letter>.)",
    re.DOTALL,
)


def sanitise(text: str, limit: int) -> str:
    """The text as Markdown that can do nothing, in at most `limit` bytes of UTF-8: blocks that do not fit are left out,
    and a last line says so."""
    lines = [line[:LINE] for line in visible(text).split("\n")]
    rest = "\n\n*The rest is left out here.*\n"
    room = limit - len(rest.encode()) - DEPTH * len("\n</details>\n")
    out, used, depth, whole = [], 0, 0, True
    for block, step in _blocks(lines):
        size = len(block.encode())
        if used + size > room:
            whole = False
            break
        out.append(block)
        used += size
        depth += step
    out.append("\n</details>\n" * depth)
    return "".join(out) + ("" if whole else rest)


def visible(text: str) -> str:
    """The text without control characters, and without what turns its order or cannot be seen."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    return "".join(_visible(letter) for letter in text)


def _visible(letter: str) -> str:
    if letter in "\n ":
        return letter
    return "\ufffd" if unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") else letter


def _blocks(lines: list[str]) -> Iterator[tuple[str, int]]:
    """Every block as it is written, and by how much it changes the number of open folds."""
    depth, at = 0, 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if fence := _FENCE.fullmatch(line):
            content, at = _fenced(lines, at, fence[1])
            yield _fence(content, fence[2]), 0
        elif _COMMENT.fullmatch(line):
            # Such as the marker by which labc's own output can be told; the action writes its own.
            continue
        elif _END.fullmatch(line):
            if depth > 0:
                depth -= 1
                yield "\n</details>\n\n", -1
        elif (fold := _FOLD.fullmatch(line)) and line.strip():
            if not fold[1]:
                # A fold and its title may stand in two lines; a title of no fold is text.
                yield f"\n{_prose(fold[2])}\n\n", 0
                continue
            title = fold[2]
            if title is None and at < len(lines) and (second := _FOLD.fullmatch(lines[at])) and second[2] and not second[1]:
                title, at = second[2], at + 1
            if depth == DEPTH:
                yield f"\n{_prose(title or '')}\n\n", 0
                continue
            depth += 1
            yield f"\n{fold[1]}<summary>{_prose(title or 'more', _raw)}</summary>\n\n", 1
        elif line.lstrip().startswith("|"):
            at -= 1
            rows, at = _table(lines, at)
            yield rows, 0
        else:
            yield _line(line), 0


def _fenced(lines: list[str], at: int, opening: str) -> tuple[list[str], int]:
    """The lines up to the one that closes a fence, and the number of the next."""
    content = []
    while at < len(lines):
        line = lines[at].strip()
        at += 1
        if len(line) >= len(opening) and set(line) == {opening[0]}:
            break
        content.append(lines[at - 1])
    return content, at


def _fence(content: list[str], words: str) -> str:
    """A fence that its content cannot close."""
    longest = max((len(run) for line in content for run in re.findall("`+", line)), default=0)
    ticks = "`" * max(4, longest + 1)
    colour = words.strip().lower()
    colour = colour if colour in COLOURS else ""
    return "\n".join(["", ticks + colour, *content, ticks, "", ""])


def _table(lines: list[str], at: int) -> tuple[str, int]:
    """The rows of a table."""
    rows = ["\n"]
    while at < len(lines) and lines[at].lstrip().startswith("|"):
        cells = _cells(lines[at].strip())
        written = [cell if _DELIMITER.fullmatch(cell) else f" {_prose(cell.strip())} " for cell in cells]
        rows.append(f"|{'|'.join(written)}|\n")
        at += 1
    return "".join(rows) + "\n", at


def _cells(row: str) -> list[str]:
    """The cells of a row, still as they were written."""
    cells = re.split(r"(?<!\\)\|", row)
    return cells[1:-1] if len(cells) > 2 and not cells[-1].strip() else cells[1:]


def _line(line: str) -> str:
    if not line.strip():
        return "\n"
    if _RULE.fullmatch(line):
        return "\n---\n\n"
    if heading := _HEADING.fullmatch(line):
        return f"\n{heading[1]} {_prose(heading[2])}\n\n"
    if item := _ITEM.fullmatch(line):
        return f"{item[1]}{item[2]} {_prose(item[3])}\n"
    if quote := _QUOTE.fullmatch(line):
        alert = re.fullmatch(r"\[!([A-Z]+)\]\s*", quote[1])
        kept = alert and alert[1] in ALERTS
        return f"> [!{alert[1]}]\n" if alert and kept else f"> {_prose(quote[1])}\n"
    return f"{_prose(line.strip())}\n"


def _prose(text: str, write: Callable[[str], str] | None = None) -> str:
    """A line's text: what is code stays code, all else is what it stands for, with its emphasis."""
    write = write or _plain
    runs: dict[int, list[int]] = {}
    for run in re.finditer("`+", text):
        runs.setdefault(len(run[0]), []).append(run.start())
    out: list[str] = []
    plain: list[str] = []
    tags: list[str] = []

    def add(markup: str) -> None:
        out.extend((write("".join(plain)), markup))
        plain.clear()

    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        assert token, "every letter is a token"
        at = token.end()
        if token["ticks"]:
            starts = runs.get(len(token["ticks"]), [])
            next_one = bisect.bisect_left(starts, at)
            if next_one == len(starts):
                plain.append(token["ticks"])
            else:
                add(_code(text[at : starts[next_one]], write))
                at = starts[next_one] + len(token["ticks"])
        elif token["tag"] and not token["close"]:
            tags.append(token["tag"])
            add(f"<{token['tag']}>")
        elif token["tag"] and tags[-1:] == [token["tag"]]:
            add(f"</{tags.pop()}>")
        elif token["break"]:
            add("<br>")
        else:
            plain.append(_letter(token))
    add("".join(f"</{tag}>" for tag in reversed(tags)))
    return "".join(out)


def _letter(token: re.Match[str]) -> str:
    """What a token that is no markup stands for."""
    if token["escaped"]:
        return token["escaped"]
    if token["entity"]:
        return visible(html.unescape(token["entity"])).replace("\n", " ")
    return MARKS.get(token[0], token[0])


def _code(content: str, write: Callable[[str], str]) -> str:
    """Code in a line, as a tag: it holds no HTML even where Markdown is not read. In a table `\\|` is a bar even in code."""
    content = _unlinked(content.replace("\\|", "|").strip())
    return f"<code>{_escaped(content) if write is _plain else html.escape(content)}</code>"


def _unlinked(text: str) -> str:
    """The text with a letter of no width wherever a reader of Markdown would find a link, even in the tag of code."""
    return re.sub(r"@|(?:mailto|xmpp):|:(?=//)|www(?=\.)", lambda match: match[0] + NOTHING, text, flags=re.IGNORECASE)


def _inert(text: str) -> str:
    """The text with such a letter also wherever GitHub would find a reference to an issue or a commit."""
    text = re.sub(r"#|GH(?=-\d)", lambda match: match[0] + NOTHING, _unlinked(text), flags=re.IGNORECASE)
    return re.sub(r"[0-9a-fA-F]{7,}", lambda match: NOTHING.join(re.findall(".{1,6}", match[0])), text)


def _plain(text: str) -> str:
    """Text in Markdown: every letter for itself, but the marks of emphasis."""
    return "".join(MARKED.get(letter, letter) for letter in _escaped(_inert(text)))


def _escaped(text: str) -> str:
    """Text in which nothing means anything to Markdown or HTML."""
    text = re.sub(r"[\\`*_~|\[\]$!{}()^=+-]", lambda match: "\\" + match[0], text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _raw(text: str) -> str:
    """Text in HTML, where Markdown means nothing."""
    text = "".join(MARKED.get(letter, letter) for letter in text)
    return html.escape(_inert(text))

"""What a chapter says: its steps, and how what came is compared with what it shows."""
import re


class Wrong(Exception):
    """The tutorial says one thing, and another is so."""


class Step:
    def __init__(self, kind, line, text, name="", reason=""):
        self.kind, self.line, self.text, self.name, self.reason = kind, line, text, name, reason


FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?$')
COMMENT = re.compile(r"^<!-- (.*?) -->$", re.S)


def parse(path):
    """The steps of a chapter, in their order."""
    lines, steps, at, reason = path.read_text().split("\n"), [], 0, ""
    while at < len(lines):
        first = at + 1
        if lines[at].startswith("<!-- "):
            while not lines[at].endswith("-->"):
                at += 1
            said = COMMENT.match("\n".join(lines[first - 1 : at + 1]))[1]
            word, _, rest = said.partition(": ")
            if word == "shown":
                reason = rest
            elif word.split(" ")[0] == "browser":
                steps.append(Step("browser", first, rest, word[len("browser ") :]))
            elif word == "full pages":
                steps.append(Step(f"full pages {rest}", first, ""))
            else:
                raise Wrong(f"{path.name}:{first}: a comment that means nothing: {said[:60]}")
        elif lines[at].startswith("```"):
            info = FENCE.match(lines[at])
            if info is None:
                raise Wrong(f"{path.name}:{first}: a fence that means nothing: {lines[at]}")
            at += 1
            while lines[at] != "```":
                at += 1
            text = "\n".join(lines[first:at]) + "\n"
            steps.append(step_of(path, first, info[1], info[2] or "", text, reason))
            reason = ""
        at += 1
    return steps


def step_of(path, line, language, title, text, reason):
    if reason:
        return Step("shown", line, text, reason=reason)
    if language == "console":
        return Step("console", line, text, title)
    if language == "text" and title == "":
        return Step("picture", line, text)
    place, _, name = title.partition(" ")
    if language == "text" and place in ("page", "console"):
        return Step(f"see {place}", line, text, name)
    if language == "js" and place == "console":
        return Step("script", line, text, name)
    if title == "" or language == "text":
        raise Wrong(f"{path.name}:{line}: this block is neither run nor said to be only shown")
    return Step("file", line, text, title)


def pattern(expected):
    """A regular expression for whole lines with `…` in them."""
    out = ""
    for line in expected.splitlines():
        if line.strip() == "…":
            out += r"(?:[^\n]*\n)*?"
        else:
            out += r"[^\n]*?".join(map(re.escape, line.rstrip().split("…"))) + r"\n"
    return out


def whole_lines(text):
    text = re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r", "")
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


def differs(what, expected, came):
    indent = lambda text: "".join(f"    | {line}\n" for line in text.splitlines()) or "    | (nothing)\n"
    return Wrong(f"{what}\n  the tutorial shows\n{indent(expected)}  what came\n{indent(came[-4000:])}")

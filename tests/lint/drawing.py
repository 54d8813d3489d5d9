#!/usr/bin/python3
"""drawing - engine/way.svg is made of engine/way.dot as it is: both have the same words, boxes and arrows. Needs no graphviz."""

import html
import re

import lint

SOURCE, DRAWING = "engine/way.dot", "engine/way.svg"


def of_source(dot):
    """(texts, boxes and arrows) of a graph that is written a statement a line."""
    texts, things = [], []
    for line in dot.splitlines():
        statement = line.split("//")[0].strip()
        for label in re.findall(r'(?<!\w)label="([^"]*)"', statement):
            texts += label.split("\\n")
        names = re.match(r"(\w+(?: -> \w+)*)(?: \[|$)", statement)
        if statement.startswith(("digraph ", "subgraph ")):
            things.append(statement.split()[1])
        elif names is not None and " -> " in names.group(1):
            chain = names.group(1).split(" -> ")
            things += ["%s->%s" % pair for pair in zip(chain, chain[1:])]
        elif names is not None and names.group(1) not in ("graph", "node", "edge"):
            things.append(names.group(1))
    return sorted(texts), sorted(things)


def of_drawing(svg):
    def inside(tag):
        return sorted(html.unescape(text) for text in re.findall(r"<%s[^>]*>([^<]*)</%s>" % (tag, tag), svg))
    return inside("text"), inside("title")


def complaints(dot, svg):
    for what, source, drawing in zip(("text", "box or arrow"), of_source(dot), of_drawing(svg)):
        for name in sorted(set(source + drawing)):
            if source.count(name) != drawing.count(name):
                yield "%s: the %s \"%s\" is %d times in it, and %d times in %s; run scripts/regen with graphviz" % (
                    DRAWING, what, name, drawing.count(name), source.count(name), SOURCE)


def check():
    yield from complaints(lint.read(SOURCE), lint.read(DRAWING))


def main():
    dot = 'digraph g {\n    a [label="one\\ntwo"]\n    b [label="three"]\n    a -> b [label="to"]\n}\n'
    svg = "".join("<title>%s</title>" % t for t in ("g", "a", "b", "a&#45;&gt;b"))
    svg += "".join('<text x="1">%s</text>' % t for t in ("one", "two", "three", "to"))
    bad = {
        "another label": complaints(dot.replace("two", "2"), svg),
        "another box": complaints(dot + 'c [label="three"]\n', svg),
        "another arrow": complaints(dot + "b -> a\n", svg),
        "an arrow that is gone": complaints(dot.replace('    a -> b [label="to"]\n', ""), svg),
        "words that the source does not have": complaints(dot, svg + "<text>four</text>"),
    }
    if list(complaints(dot, svg)):
        bad["what is in order is taken for wrong"] = []
    lint.run(check, bad)


if __name__ == "__main__":
    main()

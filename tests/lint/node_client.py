#!/usr/bin/python3
"""node_client PEDIDO - what clients/node knows of the messages is what `pedido schema --json` prints: schema.js for the program,
and messages.d.ts for the compiler of those who use it.

With --write (scripts/regen) the files are written. Neither does its lock name places from which packages were fetched: they are
those of whoever made it.
"""

import json
import os
import subprocess
import sys

import lint

FOLDER = "clients/node/"
HEAD = "// Made from `pedido schema --json` by scripts/regen; do not edit.\n"
EXACT = 2**53 - 1  # the largest integer of which a Number is exact
CLIENTS = ("commands", "queries")


def rows_of(text):
    return [json.loads(line) for line in text.splitlines()]


def camel(name):
    """order_view_reply -> OrderViewReply; what is CamelCase stays so."""
    return name if name[:1].isupper() else "".join(word.capitalize() for word in name.split("_"))


def comment(text, indent=""):
    return "%s/** %s */\n" % (indent, text.replace("*/", "* /"))


# ---- schema.js ----------------------------------------------------------------------------------------------------------------

def listed(row, replies):
    """Where the rows of a list's answer stand."""
    lists = [f["name"] for f in replies.get(row["reply"], {"fields": []})["fields"] if f["kind"] == "list"]
    return lists[0] if row["kind"] == "query" and lists else None


def table(name, what, entries):
    lines = ["    %s: %s,\n" % (key, json.dumps(value, ensure_ascii=False)) for key, value in entries]
    return "\n%sexport const %s = {\n%s};\n" % (comment(what), name, "".join(lines))


def schema_js(rows):
    replies = {row["name"]: row for row in rows if row["kind"] == "reply"}
    messages, refusals, enums, events = [], [], [], []
    for row in rows:
        if row["kind"] in ("command", "query") and row["port"] != "engine":
            rows_in = listed(row, replies)
            messages.append((row["type"], dict({"port": row["port"]}, **({"rows": rows_in} if rows_in else {}))))
        elif row["kind"] == "error":
            refusals.append((row["code"], {key: row[key] for key in ("class", "english", "spanish", "sentence")}))
        elif row["kind"] == "enum":
            enums.append((row["name"], {v["name"]: {"english": v["english"], "spanish": v["spanish"]} for v in row["values"]}))
        elif row["kind"] == "event":
            events.append((row["type"], {"aggregate": row["aggregate"]}))
    return HEAD + table("messages", "Commands and queries: the port that takes them; of lists where the rows stand.", messages) \
        + table("events", "Events: what they belong to.", events) \
        + table("refusals", "Refusals by their code.", refusals) \
        + table("enums", "Enumerators and what people call them.", enums)


# ---- messages.d.ts ------------------------------------------------------------------------------------------------------------

class Declarations:
    """TypeScript of the blocks. One that is part of a request may leave out what may be empty; answers and events have it."""

    def __init__(self, rows):
        self.types = {row["name"]: row for row in rows if row["kind"] == "type"}
        self.enums = {row["name"] for row in rows if row["kind"] == "enum"}
        self.blocks = {row["name"]: row for row in rows if "fields" in row}
        self.rows = rows
        self.made, self.out = {}, []

    def name(self, row):
        """Each name once: an answer's or part's may be that of an event or an enumeration."""
        name = camel(row["type"])
        return name + "Part" if row["kind"] in ("part", "row", "reply") and name in self.taken() else name

    def taken(self):
        return {camel(row["type"]) for row in self.rows if row["kind"] in ("command", "query", "event")} | \
            {camel(name) for name in self.enums}

    def scalar(self, name):
        row = self.types[name]
        if row["of"] == "number":
            return "number" if row["max"] <= EXACT else "Int"
        return "boolean" if row["of"] == "flag" else "string"

    def type(self, field, request):
        kind, of = field["kind"], field["of"]
        if kind == "choice":
            return camel(of)
        if kind == "map":
            return "Record<string, string>"
        if kind == "raw":
            return "Record<string, unknown>"
        if kind in ("list", "struct"):
            return self.block(self.blocks[of], request) + ("[]" if kind == "list" else "")
        return self.scalar(of) + ("[]" if kind == "texts" else "")

    def block(self, row, request):
        """The name of a block's declaration, which is made when it is first wanted."""
        key = (row["kind"], row["type"])
        if key not in self.made:
            self.made[key] = self.name(row)
            fields = [self.field(field, request) for field in row["fields"]]
            self.out.append("%sexport interface %s {\n%s}\n" % (comment(row["description"]), self.made[key], "".join(fields)))
        return self.made[key]

    def field(self, field, request):
        always = field["need"] == "required" or (not request and field["kind"] in ("list", "texts", "map"))
        return comment(field["description"], "    ") + "    %s%s: %s;\n" % (
            field["name"], "" if always else "?", self.type(field, request))


def union(row):
    values = " | ".join('"%s"' % value["name"] for value in row["values"])
    return "%sexport type %s = %s;\n" % (comment(row["description"]), camel(row["name"]), values)


def index(name, what, entries):
    return "%sexport interface %s {\n%s}\n" % (comment(what), name, "".join("    %s: %s;\n" % entry for entry in entries))


def messages_d_ts(rows):
    d = Declarations(rows)
    requests, answers, lists, events = [], [], [], []
    replies = {row["name"]: row for row in rows if row["kind"] == "reply"}
    for row in rows:
        if row["kind"] in ("command", "query") and row["port"] in CLIENTS:
            requests.append((row["type"], d.block(row, True)))
            reply = d.block(d.blocks[row["reply"]], False)
            answers.append((row["type"], reply))
            if listed(row, replies):
                lists.append((row["type"], '%s["%s"][number]' % (reply, listed(row, replies))))
        elif row["kind"] == "event":
            events.append((row["type"], d.block(row, False)))
    whole = "/** A whole number of up to 64 bits: a bigint where a number would not be exact, above 2^53. */\n" \
            "export type Int = number | bigint;\n"
    return "\n".join([HEAD, whole] + [union(row) for row in rows if row["kind"] == "enum"] + d.out + [
        index("Requests", "The data of each command and query.", requests),
        index("Answers", "The data of its answer.", answers),
        index("Rows", "Of those that are lists, one of their rows.", lists),
        index("Events", "The data of each event.", events)])


# ---- both ---------------------------------------------------------------------------------------------------------------------

FILES = {FOLDER + "schema.js": schema_js, FOLDER + "messages.d.ts": messages_d_ts}


def complaints(made, kept):
    for path, text in made.items():
        if text != kept.get(path):
            yield "%s is stale; run scripts/regen" % path


def places(lock):
    """A package is its version and its hash, wherever it comes from."""
    for number, line in enumerate(lock.splitlines(), 1):
        if '"resolved"' in line or "://" in line:
            yield "%spackage-lock.json:%d: %s" % (FOLDER, number, line.strip())


def keeps():
    return {path: lint.read(path) for path in FILES if os.path.exists(os.path.join(lint.ROOT, path))}


def main():
    printed = subprocess.run([sys.argv[1], "schema", "--json"], check=True, capture_output=True, text=True).stdout
    rows = rows_of(printed)
    made = {path: make(rows) for path, make in FILES.items()}
    if "--write" in sys.argv:
        for path, text in made.items():
            if text != keeps().get(path):
                print("writing %s" % path)
                with open(os.path.join(lint.ROOT, path), "w", encoding="utf-8") as file:
                    file.write(text)
        return
    fewer = [row for row in rows if row.get("type") != "AddOrder"]
    lock = lint.read(FOLDER + "package-lock.json")
    lint.run(lambda: list(complaints(made, keeps())) + list(places(lock)), {
        "a stale file": complaints({"a": "new"}, {"a": "old"}),
        "a message that is not there": complaints({path: make(fewer) for path, make in FILES.items()}, made),
        "a file that is not there": complaints(made, {}),
        "a place in the lock": places('{\n "resolved": "https://registry.example/x.tgz"\n}'),
    })


if __name__ == "__main__":
    main()

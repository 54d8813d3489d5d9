#!/usr/bin/python3
"""translations PEDIDO - every text that people are shown is in clients/cli/po/es.po, translated, and nothing else is.

With --write (scripts/regen) what is new is put there to be translated, and what is gone is taken out.
"""

import os
import subprocess
import sys
import tempfile

import lint

PO = os.path.join(lint.ROOT, "clients", "cli", "po", "es.po")
# Where texts stand in the sources, and what marks them; what a refusal says is expected is written by decoder and rules.
KEYWORDS = {
    ("clients/cli/",): ("_", "N_", "cli_say:1", "cli_usage:2", "note:4", "ngettext:1,2"),
    ("proto/codec.c",): ("refuse:3", "pd_refuse_field:2"),
    ("engine/",): ("pd_refuse_field:2",),
    ("clients/lib/",): ("pd_client_fail:3", "talk:2"),
}


def run(*command, stdin=None):
    return subprocess.run(command, check=True, input=stdin, stdout=subprocess.PIPE, cwd=lint.ROOT).stdout


def template(pedido):
    """Everything that is to be translated: what is marked in the sources, and what the tables hold."""
    code = b""
    for folders, keywords in KEYWORDS.items():
        code += b"\n" + run("xgettext", "--language=C", "--from-code=UTF-8", "--no-location", "--omit-header", "--output=-",
                            "--keyword", *["--keyword=" + word for word in keywords],
                            *[path for path in lint.files(".c") if path.startswith(folders)])
    return run("msguniq", "--use-first", "--no-location", "-", stdin=run(pedido, "schema", "--texts", "--lang=en") + code)


def entries(po):
    """msgid (with its context) -> translation, of a file in gettext's own spelling."""
    return {block.split("msgstr")[0].strip(): block[block.index("msgstr"):].split(None, 1)[1].strip()
            for block in run("msgcat", "--no-wrap", "--no-location", "-", stdin=po).decode().split("\n\n") if "msgstr" in block}


def key(text):
    """Without the comments that tools put in front."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


def complaints(wanted, have):
    have = {key(k): v for k, v in have.items()}
    wanted = {key(k) for k in wanted}
    for text in sorted(wanted - set(have)):
        yield "clients/cli/po/es.po lacks %s; run scripts/regen, then translate" % text
    for text in sorted(set(have) - wanted - {'msgid ""'}):
        yield "clients/cli/po/es.po has %s, which nobody says; run scripts/regen" % text
    for text, said in sorted(have.items()):
        if text in wanted and said in ('""', "") :
            yield "clients/cli/po/es.po: %s is not translated" % text


def write(pot):
    with tempfile.NamedTemporaryFile(suffix=".pot") as file:
        file.write(pot)
        file.flush()
        before = lint.read("clients/cli/po/es.po")
        merged = run("msgmerge", "--no-fuzzy-matching", "--no-location", "--no-wrap", "--quiet", PO, file.name)
        merged = run("msgattrib", "--no-obsolete", "--no-wrap", "-", stdin=merged)
    if merged.decode() != before:
        print("writing clients/cli/po/es.po")
        with open(PO, "wb") as file:
            file.write(merged)


def main():
    pot = template(sys.argv[1])
    if "--write" in sys.argv:
        write(pot)
        return
    with open(PO, "rb") as file:
        have = file.read()
    good = {'msgid "New"': '"Nuevo"'}
    lint.run(lambda: complaints(entries(pot), entries(have)), {
        "a text without a place": complaints(['msgid "New"', 'msgid "Old"'], good),
        "a text without a translation": complaints(['msgid "New"'], {'msgid "New"': '""'}),
        "a translation of nothing": complaints([], good),
    })


if __name__ == "__main__":
    main()

"""report - the lines of a run as tables for people: each wanted bound beside its figure, and an earlier run beside this one."""

import json

# Of a scenario the figures that are worth comparing, and whether more is better.
COMPARED = ("rate", "p50_us", "p99_us", "engine_cpu_us", "instructions", "answer_ms", "rows_events_s", "views_events_s",
            "verify_events_s", "cpu_percent", "rss_anon_mib", "ratio_writer", "bytes_each")


def number(value):
    return "{:,}".format(round(value)) if abs(value) >= 100 else "%.3g" % value


def read(path):
    with open(path) as file:
        return [json.loads(line) for line in file if line.strip()]


def columns(rows, right=()):
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.rjust(width) if n in right else cell.ljust(width)
                        for n, (cell, width) in enumerate(zip(row, widths))).rstrip()


def bounds(lines):
    """Each wanted bound: held, NOT held or not measured."""
    rows, before = [("WANTED", "OF", "AT", "", "MEASURED", "SPREAD", "")], None
    for line in lines:
        if "bound" not in line:
            continue
        least = "least" in line
        measured = "figure" in line
        rows.append(("" if line["bound"] == before else line["bound"], line["unit"], "least" if least else "most",
                     number(line["least" if least else "most"]), number(line["figure"]) if measured else "",
                     " - ".join(number(edge) for edge in line["spread"]) if measured else "",
                     ("held" if line["held"] else "NOT held") if measured else "not measured"))
        before = line["bound"]
    return list(columns(rows, right=(3, 4))) if len(rows) > 1 else []


def references(lines):
    rows = [("REFERENCE", "PER SECOND", "SPREAD", "BUT IT")]
    for line in lines:
        if line.get("reference") and "rate" in line:
            rows.append((line["about"], number(line["rate"]), " - ".join(number(edge) for edge in line["spreads"]["rate"]),
                         line["lacks"]))
    return list(columns(rows, right=(1,))) if len(rows) > 1 else []


def scenarios(lines):
    rows = [("SCENARIO", "PER SECOND", "MEDIAN us", "99 % us", "ENGINE us", "")]
    for line in lines:
        if "about" in line and not line.get("reference") and "p50_us" in line:
            rows.append((line["scenario"], number(line["rate"]), number(line["p50_us"]), number(line["p99_us"]),
                         number(line["engine_cpu_us"]), line["about"]))
    return list(columns(rows, right=(1, 2, 3, 4))) if len(rows) > 1 else []


def threads(lines):
    """Of a command's processor time, what each thread of the engine takes, and who sends."""
    told = [line for line in lines if line.get("threads_us")]
    names = sorted({name for line in told for name in line["threads_us"]}, key=lambda name: -told[0]["threads_us"].get(name, 0))
    names = [name for name in names if any(line["threads_us"].get(name, 0) >= 0.05 for line in told)]
    rows = [tuple(["us A COMMAND"] + names + ["ENGINE", "LOAD"])]
    for line in told:
        rows.append(tuple([line["scenario"]] + ["%.2f" % line["threads_us"].get(name, 0) for name in names] +
                          ["%.2f" % line[name] for name in ("engine_cpu_us", "load_us")]))
    return list(columns(rows, right=range(1, len(rows[0])))) if told else []


def alone(lines):
    rows = [("WITHOUT", "PER SECOND", "us A COMMAND", "")]
    for line in lines:
        if line.get("scenario") in ("core", "core-memory"):
            rows.append((line["scenario"], number(line["rate"]), number(line["cpu_us"]), line["about"]))
    return list(columns(rows, right=(1, 2))) if len(rows) > 1 else []


def key(line):
    """What makes a line the same one in another run."""
    return tuple(str(line.get(name, "")) for name in ("scenario", "outstanding", "reader", "by", "scope", "subscribers", "orders"))


def compared(lines, earlier):
    """Each figure beside the earlier one, and their ratio. Only those of the same machine mean much."""
    known = {key(line): line for line in earlier if "scenario" in line}
    rows = [("SCENARIO", "FIGURE", "EARLIER", "NOW", "RATIO")]
    for line in lines:
        before = known.get(key(line)) if "scenario" in line else None
        for name in COMPARED if before is not None else ():
            if line.get(name) is not None and before.get(name):
                rows.append((line["scenario"], name, number(before[name]), number(line[name]),
                             "%.2f" % (line[name] / before[name])))
    return list(columns(rows, right=(2, 3, 4))) if len(rows) > 1 else ["nothing in it was measured now"]


def tables(lines):
    for table in (scenarios(lines), threads(lines), alone(lines), references(lines), bounds(lines)):
        if table:
            yield ""
            yield from table

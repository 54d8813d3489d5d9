"""charts - the lines of a run as drawings, SVG by hand: rates beside references, latency by outstanding, scale. They are read on
light and on dark grounds: colours and text follow what the reader prefers."""

import html
import os

STYLE = """<style>
text { font: 12px sans-serif; fill: #24292f; } .small { font-size: 11px; fill: #57606a; }
.title { font-size: 15px; font-weight: 600; } .axis { stroke: #d0d7de; } .spread { stroke: #24292f; }
.ours { fill: #0969da; } .other { fill: #9aa4b0; } .second { fill: #54aeff; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .small { fill: #9198a1; } .ours { fill: #4493f8; } .other { fill: #6e7681; } .second { fill: #1f6feb; }
.axis { stroke: #3d444d; } .spread { stroke: #e6edf3; } }
</style>"""
NO_RATES = ("scale-", "open-loop", "flush")  # of other logs, set, and not of messages
WIDTH, LEFT, RIGHT, ROW, TOP = 960, 440, 90, 24, 54


def short(value):
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return "%.3g %s" % (value / size, unit)
    return "%.3g" % value


def text(x, y, words, kind="", anchor="start"):
    return '<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>' % (x, y, kind, anchor, html.escape(words))


def drawing(height, title, under, parts):
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">' % (
        WIDTH, height, html.escape(title, quote=True))
    return "\n".join([head, STYLE, text(8, 20, title, "title"), text(8, 38, under, "small")] + parts + ["</svg>", ""])


def bars(title, under, rows, unit=""):
    """Rows of (what, kind, value, its spread or None), from zero; each bar with its value behind it."""
    scale = (WIDTH - LEFT - RIGHT) / max(high for _, _, value, spread in rows for high in [value] + list(spread or ()))
    parts = ['<line x1="%d" y1="%d" x2="%d" y2="%d" class="axis"/>' % (LEFT, TOP - 6, LEFT, TOP + ROW * len(rows))]
    for n, (what, kind, value, spread) in enumerate(rows):
        y = TOP + ROW * n
        parts.append(text(LEFT - 8, y + 13, what, anchor="end"))
        shape = (LEFT, y, max(1, value * scale), ROW - 7, kind)
        parts.append('<rect x="%d" y="%.1f" width="%.1f" height="%d" class="%s"/>' % shape)
        end = value
        if spread:
            end = max(value, spread[1])
            parts.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="spread"/>' % (
                LEFT + spread[0] * scale, y + 8.5, LEFT + spread[1] * scale, y + 8.5))
        parts.append(text(LEFT + end * scale + 6, y + 13, short(value) + unit))
    return drawing(TOP + ROW * len(rows) + 10, title, under, parts)


def of_run(lines):
    """Where and when: under each title."""
    for line in lines:
        if "machine" in line:
            return "%s, %d cores, %s, journal: %s; commit %s, %s" % (
                line["machine"], line["cores"], line["file_system"], line["journal"], line["commit"], line["date"])
    return ""


def rates(lines):
    rows = [(line["about"], "other" if line.get("reference") else "ours", line["rate"], line["spreads"]["rate"])
            for line in lines if "about" in line and "rate" in line and not line["scenario"].startswith(NO_RATES)]
    return bars("Commands a second, beside echoes and stores (grey), which do less", of_run(lines),
                sorted(rows, key=lambda row: -row[2])) if rows else None


def latencies(lines):
    rows = []
    for outstanding in (1, 64, 1024, 4096):
        for line in lines:
            if line.get("scenario") == "lifecycle-%d" % outstanding:
                rows += [("{:,} outstanding, median".format(outstanding), "ours", line["p50_us"] / 1000, None),
                         ("99 %", "second", line["p99_us"] / 1000, None)]
    return bars("From a command to its reply, in milliseconds", of_run(lines), rows, " ms") if rows else None


def threads(lines):
    for line in lines:
        if line.get("scenario") == "lifecycle-1024" and line.get("threads_us"):
            names = {"net": "ZeroMQ's messages, decoded and answered (net)", "engine": "decides and folds (engine)",
                     "log": "chains and commits (log)", "rows": "writes rows (rows)", "views": "writes views (views)",
                     "index": "writes the index (index)", "zmq": "ZeroMQ's own"}
            rows = [(names.get(name, name), "ours", us, None) for name, us in line["threads_us"].items() if us >= 0.05]
            return bars("Processor time of a command by thread, in microseconds", of_run(lines),
                        rows + [("who sends (the load)", "other", line["load_us"], None)], " us")
    return None


def scale(lines):
    found = {line["scenario"]: line for line in lines if line.get("scenario", "").startswith("scale-")}
    if "scale-large" not in found:
        return None
    orders = found["scale-large"]["orders"]
    names = (("scale-empty", "an empty log"), ("scale-small", "{:,} orders".format(orders // 100)),
             ("scale-large", "{:,} orders".format(orders)))
    return bars("Commands a second on logs of days and of years", of_run(lines),
                [(what, "ours", found[name]["rate"], found[name]["spreads"]["rate"]) for name, what in names if name in found])


def draw(lines, place):
    """The names of those that the lines have something for."""
    os.makedirs(place, exist_ok=True)
    for chart in (rates, latencies, threads, scale):
        drawn = chart(lines)
        if drawn is not None:
            with open(os.path.join(place, chart.__name__ + ".svg"), "w") as file:
                file.write(drawn)
            yield chart.__name__ + ".svg"

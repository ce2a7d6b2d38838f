#!/usr/bin/env python3
"""Holds weir-parse and weir-extract against mail-parser's trees of its own messages.

suite-mime.py SUITE WORK: SUITE is suites/mime/eml, WORK an empty folder of ours. Prints a line
`message<TAB>field` for each field that differs, and what differs on stderr. A message within a
message is compared as one of its own, under the name "file#n".
"""
import calendar
import collections
import json
import os
import subprocess
import sys

differences = []


def differ(name, field, want, got):
    differences.append((name, field))
    print(f"{name} {field}\n    wants {want!r:.600}\n    has   {got!r:.600}", file=sys.stderr)


def run(paths, work):
    """The records of the files, with their parts extracted, in their order."""
    lines = []
    for path in paths:
        lines.append(json.dumps({"weir": 1, "id": "0" * 64, "raw": {
            "path": path, "size": os.path.getsize(path)}, "tenant": "suite"}))
    roots = []
    for folder in sorted({os.path.dirname(p) for p in paths}):
        roots += ["-R", folder]
    parse = subprocess.run(["weir-parse", "-r", "--text", "--html", "--headers"] + roots,
                           input="\n".join(lines).encode(), stdout=subprocess.PIPE, check=True)
    out = subprocess.run(["weir-extract"] + roots, input=parse.stdout,
                         stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def lines(text):
    return text.replace("\r\n", "\n").rstrip("\n")


def header(tree, name):
    values = [h["value"] for h in tree["parts"][0]["headers"] if h["name"] == name]
    return values[0] if values else None


def want_addresses(value):
    """[(name, address)] in order, groups flattened."""
    if not value or value == "Empty" or "Address" not in value:
        return []
    (kind, items), = value["Address"].items()
    boxes = items if kind == "List" else [a for g in items for a in g["addresses"]]
    return [(b["name"] or "", b["address"] or "") for b in boxes]


def got_addresses(items):
    flat = []
    for item in items or []:
        flat += item["members"] if "group" in item else [item]
    return [(b.get("name", ""), b.get("address", "")) for b in flat]


def want_date(value):
    if not value or value == "Empty" or "DateTime" not in value:
        return None
    d = value["DateTime"]
    shift = (d["tz_hour"] * 60 + d["tz_minute"]) * (-1 if d["tz_before_gmt"] else 1)
    return calendar.timegm((d["year"], d["month"], d["day"], d["hour"], d["minute"],
                            d["second"])) - shift * 60


def attribute(part, field, key):
    for h in part["headers"]:
        if h["name"] == field and h["value"] != "Empty" and "ContentType" in h["value"]:
            for a in h["value"]["ContentType"]["attributes"] or []:
                if a["name"] == key:
                    return a["value"]
    return None


def want_parts(tree):
    """(id, name, bytes or nested tree) of each attachment; bytes of text as UTF-8."""
    for i in tree["attachments"]:
        part = tree["parts"][i]
        name = attribute(part, "content_disposition", "filename") or \
            attribute(part, "content_type", "name")
        (kind, body), = part["body"].items()
        if kind == "Message":
            yield name, body
        elif kind in ("Binary", "InlineBinary"):
            yield name, bytes(body)
        else:
            yield name, lines(body)


def read(record, part_id):
    for a in record["attachments"]:
        if a["part"] == part_id:
            with open(a["path"], "rb") as f:
                f.seek(a.get("offset", 0))
                return f.read(a["size"])
    return b""


def got_parts(record):
    """(name, part, bytes) of what is neither text nor within an enclosed message."""
    inside = set()
    for p in record["parts"]:
        if p.get("parent") in inside or (p["kind"] == "message"):
            inside.add(p["part"])
        if p.get("scan_only") or p["kind"] in ("multipart", "uuencode") or p.get("parent") in inside:
            continue
        if not p.get("body"):
            yield p.get("filename"), p, read(record, p["part"])


def as_text(data, part):
    charset = part.get("charset") or "utf-8"
    try:
        return lines(data.decode(charset))
    except (LookupError, UnicodeDecodeError):
        return lines(data.decode("latin-1"))


def compare_attachments(name, tree, record, nested):
    want, got = list(want_parts(tree)), list(got_parts(record))
    if [w[0] for w in want] != [g[0] for g in got]:
        differ(name, "attachment names", [w[0] for w in want], [g[0] for g in got])
    if len(want) != len(got):
        return
    for n, ((_, w), (_, part, data)) in enumerate(zip(want, got)):
        if isinstance(w, dict):
            nested.append((f"{name}#{n + 1}", w, data))
        elif w != (as_text(data, part) if isinstance(w, str) else data):
            differ(name, f"attachment {n + 1}", w, data)


def bodies(tree, which, kind):
    found = []
    for i in tree[which]:
        body = tree["parts"][i]["body"]
        if kind in body:
            found.append(lines(body[kind]))
    return found


def compare(name, tree, record, nested):
    message = record["message"]
    subject = header(tree, "subject")
    subject = "" if subject in (None, "Empty") else subject["Text"]
    if subject != message.get("subject", ""):
        differ(name, "subject", subject, message.get("subject"))
    for field in ("from", "to"):
        want, got = want_addresses(header(tree, field)), got_addresses(message.get(field))
        if want != got:
            differ(name, field, want, got)
    want, got = want_date(header(tree, "date")), message.get("date", {}).get("unix")
    if want != got:
        differ(name, "date", want, got)
    # Text of several parts is joined with an empty line; text made from HTML has a test of its own.
    want = bodies(tree, "text_body", "Text")
    if len(want) == len([i for i in tree["text_body"] if "InlineBinary" not in tree["parts"][i]["body"]]):
        want = "\n\n".join(want).strip("\n")
        if want != lines(message.get("text", "")).strip("\n"):
            differ(name, "text", want, message.get("text"))
    want, got = "\n".join(bodies(tree, "html_body", "Html")), lines(message.get("html", ""))
    if want != got:
        differ(name, "html", want, got)
    compare_attachments(name, tree, record, nested)


def main():
    suite, work = (os.path.realpath(a) for a in sys.argv[1:3])
    found = []
    for folder, _, files in sorted(os.walk(suite)):
        for f in sorted(files):
            if f.endswith(".eml"):
                path = os.path.join(folder, f)
                with open(path, "rb") as message:
                    crlf = b"\r\n" in message.read()
                with open(path[:-4] + (".crlf.json" if crlf else ".json"), encoding="utf-8") as tree:
                    found.append((os.path.relpath(path, suite), json.load(tree), path))
    count = len(found)
    while found:
        nested = []
        for (name, tree, _), record in zip(found, run([p for _, _, p in found], work)):
            compare(name, tree, record, nested)
        found = []
        for i, (name, tree, data) in enumerate(nested):
            path = os.path.join(work, f"nested-{name.replace('/', '_')}")
            with open(path, "wb") as f:
                f.write(data)
            found.append((name, tree, path))
    for name, field in sorted(set(differences)):
        print(f"{name}\t{field}")
    print(f"{count} messages", file=sys.stderr)


main()

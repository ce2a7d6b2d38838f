"""Signed messages that are right, and ones that only look so: attack-auth.py DIR. An own canonicaliser and signer (openssl's command
makes the keys and the signatures), so that what weir-auth believes is held against something that shares no code with it.

With a second argument it writes DIR/NAME.from instead: mail whose From is read in more than one way, by evil.example, which would like
to be taken for bank.example.

Writes DIR/NAME.eml, DIR/zone and prints a line for each: NAME, what DKIM, the first signature, and DMARC are to say ("-": not
looked at), and the clause.
"""
import base64
import hashlib
import os
import re
import subprocess
import sys
import tempfile

NOW = 1800000000	# 2027-01-15
out = sys.argv[1]
zone, cases, keys = {}, [], {}


EVIL, BANK = b"From: a@evil.example\r\n", b"boss@bank.example"
FROMS = [b"X: y\rFrom: " + BANK + b"\r\n" + EVIL, b"X: y\0\r\nFrom: " + BANK + b"\r\n" + EVIL, b"From : " + BANK + b"\r\n" + EVIL,
    b" From: " + BANK + b"\r\n" + EVIL, b"\xef\xbb\xbfFrom: " + BANK + b"\r\n" + EVIL, b"garbage\r\nFrom: " + BANK + b"\r\n" + EVIL,
    b"From x@y Mon\r\nFrom: " + BANK + b"\r\n" + EVIL, b">From x@y Mon\r\nFrom: " + BANK + b"\r\n" + EVIL, EVIL + b" \r\nFrom: " + BANK + b"\r\n",
    EVIL + b"X: y\r\n \r\nFrom: " + BANK + b"\r\n", b"X: y\r\rFrom: " + BANK + b"\r\n" + EVIL, b"X: y\x0bFrom: " + BANK + b"\r\n" + EVIL,
    b"X: y\xc2\x85From: " + BANK + b"\r\n" + EVIL, b"fROM: " + BANK + b"\r\n" + EVIL, b"From\t: " + BANK + b"\r\n" + EVIL,
    b"Fr\x01om: " + BANK + b"\r\n" + EVIL, b"From\0: " + BANK + b"\r\n" + EVIL, b"From\r\n: " + BANK + b"\r\n" + EVIL, b"From\r\n : " + BANK + b"\r\n" + EVIL,
    b"From: " + BANK + b"\rX: y\r\rbody", b"From: a@evil.example\rX: y\r\rbody\n", b"X: y\r\r\nFrom: " + BANK + b"\r\n" + EVIL,
    b"From: =?utf-8?q?boss=40bank.example?= <a@evil.example>\r\n", b'From: "boss@bank.example" <a@evil.example>\r\n', b"From: <boss@bank.example> <a@evil.example>\r\n",
    b"From: boss@bank.example, a@evil.example\r\n", b"From: boss@bank.example; a@evil.example\r\n", b"From: <@bank.example:a@evil.example>\r\n",
    b'From: "a@bank.example"@evil.example\r\n', b"From: boss@bank.example@evil.example\r\n", b"From: boss@bank.example (a@evil.example)\r\n",
    b"From: a@evil.example (boss) <boss@bank.example>\r\n", b"From: a@evil.example <boss@bank.example\r\n", b"From: a@evil.example\0 <boss@bank.example>\r\n",
    b"From:\r\n" + EVIL, b"From: a@[192.0.2.1]\r\n", b"From: g: boss@bank.example, a@evil.example;\r\n", b"From: =?utf-8?q?a=40evil.example?=\r\n",
    b"From: boss\xef\xbc\xa0bank.example <a@evil.example>\r\n", b"From: a@evil\xef\xbc\x8eexample\r\n", EVIL]
if len(sys.argv) > 2:
    for i, text in enumerate(FROMS):
        with open(os.path.join(out, f"{i:02}.from"), "wb") as f:
            f.write(text + b"\r\nbody\r\n")
    sys.exit()


tmp = tempfile.mkdtemp(dir=out)


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, capture_output=True, check=True).stdout


def key(name, kind="rsa", bits=2048):
    path = os.path.join(tmp, name)
    if kind == "rsa":
        openssl("genrsa", "-out", path, str(bits))
    else:
        openssl("genpkey", "-algorithm", "ed25519", "-out", path)
    der = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")
    keys[name] = (path, kind, der)
    return path


def public(name):
    der = keys[name][2]
    return base64.b64encode(der[-32:] if keys[name][1] == "ed25519" else der).decode()


def make(name, data):
    path, kind, _ = keys[name]
    if kind == "ed25519":
        with open(path + ".in", "wb") as f:
            f.write(hashlib.sha256(data).digest())
        return base64.b64encode(openssl("pkeyutl", "-sign", "-rawin", "-inkey", path, "-in", path + ".in")).decode()
    return base64.b64encode(openssl("dgst", "-sha256", "-sign", path, data=data)).decode()


def publish(name, *texts):
    zone.setdefault(name, []).extend(texts)


# ---- RFC 6376 3.4, from its text ----
def relaxed_field(f):
    name, value = f.split(b":", 1)
    value = re.sub(rb"[ \t]+", b" ", re.sub(rb"\r\n", b"", value)).strip(b" ")
    return name.rstrip(b" \t").lower() + b":" + value + b"\r\n"


def body_canon(body, how):
    if how == "relaxed":
        lines = [re.sub(rb"[ \t]+", b" ", x).rstrip(b" ") for x in body.split(b"\r\n")]
        body = b"\r\n".join(lines)
    while body.endswith(b"\r\n\r\n"):
        body = body[:-2]
    if body == b"\r\n" and how == "relaxed":
        return b""
    if body and not body.endswith(b"\r\n") or (not body and how == "simple"):
        body += b"\r\n"
    return body


FROM = b"From: Anna <anna@acme.example>\r\n"
HEAD = [FROM, b"To: bo@elsewhere.example\r\n", b"Subject: Hello  there\r\n", b"Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"]
BODY = b"Hello,\r\n\r\n  two  blanks \t and a tab\r\n\r\n\r\n"


def sign(fields=None, body=BODY, k="good", d="acme.example", s="good", c="relaxed/relaxed", h="from:to:subject:date", a=None, extra="", bh=None,
         drop=(), order=None, name=b"DKIM-Signature", spaces="", limit=None, tail=""):
    """The field, without anything in front of the message being changed."""
    fields = HEAD if fields is None else fields
    hc, bc = (c.split("/") + ["simple"])[:2]
    canon = body_canon(body, bc)
    tags = {"v": "1", "a": a or ("rsa-sha256" if keys[k][1] == "rsa" else "ed25519-sha256"), "c": c, "d": d, "s": s, "h": h,
            "bh": bh or base64.b64encode(hashlib.sha256(canon[:limit] if limit is not None else canon).digest()).decode()}
    if limit is not None:
        tags["l"] = str(limit)
    for t in drop:
        tags.pop(t)
    text = "; ".join(f"{t}={tags[t]}" for t in (order or tags)) + extra + "; b=" + spaces
    own = name + b": " + text.encode("utf-8", "surrogateescape")
    left, data = list(fields), b""
    for n in h.split(":"):
        for i in range(len(left) - 1, -1, -1):
            if left[i].split(b":")[0].rstrip(b" \t").lower() == n.strip().lower().encode():
                f = left.pop(i)
                data += relaxed_field(f) if hc == "relaxed" else f
                break
    # b= itself, and all blanks around its value, are not there (3.7); behind a ';' of `tail` there may be more
    bare = own[:len(own) - len(spaces)] if spaces else own
    whole = bare + tail.encode() + b"\r\n"
    data += (relaxed_field(whole) if hc == "relaxed" else whole)[:-2]
    return own + make(k, data).encode() + tail.encode() + b"\r\n"


def case(name, want, first, dmarc, why, fields=None, body=BODY, sigs=(), raw=None):
    text = raw if raw is not None else b"".join(sigs) + b"".join(HEAD if fields is None else fields) + b"\r\n" + body
    with open(os.path.join(out, name + ".eml"), "wb") as f:
        f.write(text)
    cases.append((name, want, first, dmarc, why))


for n, kind, bits in (("good", "rsa", 2048), ("other", "rsa", 2048), ("small", "rsa", 1023), ("weak", "rsa", 1024), ("ed", "ed25519", 0)):
    key(n, kind, bits)
D = "_domainkey.acme.example"
publish(f"good.{D}", "v=DKIM1; k=rsa; p=" + public("good"))
publish(f"ed.{D}", "v=DKIM1; k=ed25519; p=" + public("ed"))
publish(f"small.{D}", "v=DKIM1; p=" + public("small"))
publish(f"weak.{D}", "v=DKIM1; p=" + public("weak"))
publish(f"bare.{D}", "p=" + public("good"))
publish(f"late.{D}", "k=rsa; v=DKIM1; p=" + public("good"))
publish(f"twice.{D}", f"v=DKIM1; p={public('other')}; p=" + public("good"))
publish(f"revoked.{D}", "v=DKIM1; p=")
publish(f"sha1.{D}", "v=DKIM1; h=sha1; p=" + public("good"))
publish(f"both.{D}", "v=DKIM1; h=sha1:sha256; p=" + public("good"))
publish(f"other.{D}", "v=DKIM1; s=other; p=" + public("good"))
publish(f"star.{D}", "v=DKIM1; s=other : *; p=" + public("good"))
publish(f"strict.{D}", "v=DKIM1; t=y:s; p=" + public("good"))
publish(f"mixed.{D}", "v=DKIM1; k=ed25519; p=" + public("good"))
publish(f"spaced.{D}", "v = DKIM1 ; k = rsa ; n = some note ; p = " + " ".join(re.findall(".{1,60}", public("good"))) + " ; ")
publish(f"under_score.{D}", "v=DKIM1; p=" + public("good"))
publish(f"a.b.{D}", "v=DKIM1; p=" + public("good"))
publish(f"x--y.{D}", "v=DKIM1; p=" + public("good"))
publish(f"20260101.{D}", "v=DKIM1; p=" + public("good"))
publish("good._domainkey.mail.acme.example", "v=DKIM1; p=" + public("good"))
publish("good._domainkey.example", "v=DKIM1; p=" + public("good"))
publish("good._domainkey.evil.example", "v=DKIM1; p=" + public("good"))
publish("good._domainkey.xacme.example", "v=DKIM1; p=" + public("good"))
publish("good._domainkey.xn--brckner-o2a.example", "v=DKIM1; p=" + public("good"))
publish("_dmarc.acme.example", "v=DMARC1; p=reject")
publish("_dmarc.strict.example", "v=DMARC1; p=reject; adkim=s")
publish("good._domainkey.strict.example", "v=DKIM1; p=" + public("good"))
publish("good._domainkey.sub.strict.example", "v=DKIM1; p=" + public("good"))

# ---- to be believed ----
for c in ("simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"):
    case("ok-" + c.replace("/", "-"), "pass", "pass", "pass", "6376 3.4", sigs=[sign(c=c)])
    case("ok-lf-" + c.replace("/", "-"), "pass", "pass", "pass", "bare LF counts as CRLF",
         raw=(sign(c=c) + b"".join(HEAD) + b"\r\n" + BODY).replace(b"\r\n", b"\n"))
    for n, body in (("empty", b""), ("blank", b"\r\n\r\n"), ("spaces", b" \t \r\n \r\n"), ("noeol", b"x"), ("nul", b"a\0b\r\n\0\r\n"), ("cr", b"a\rb \r\n\r\n"),
                    ("crend", b"a\r"), ("tabs", b"\ta\t\t b \t\r\n\tc\r\n \t\r\n"), ("long", b"x y " * 5000 + b" \r\n"), ("dots", b".\r\n..\r\n")):
        case(f"ok-{n}-" + c.replace("/", "-"), "pass", "pass", "pass", "6376 3.4.3, 3.4.4", body=body, sigs=[sign(body=body, c=c)])
case("ok-ed", "pass", "pass", "pass", "8463", sigs=[sign(k="ed", s="ed")])
case("ok-weak", "pass", "pass", "pass", "8301 3.2: 1024 is still valid", sigs=[sign(k="weak", s="weak")])
for s in ("bare", "both", "star", "spaced", "under_score", "a.b", "x--y", "20260101"):
    case("ok-key-" + s, "pass", "pass", "pass", "6376 3.6.1", sigs=[sign(s=s)])
case("ok-key-case", "pass", "pass", "pass", "4343: names have no case", sigs=[sign(s="GOOD", d="ACME.example")])
folded = [b"From: Anna\r\n <anna@acme.example>\r\n", b"Subject \t:\r\n\t a   b\r\n  c \r\n", b"X-Empty:\r\n", b"X-Blank: \r\n"]
case("ok-folded", "pass", "pass", "pass", "6376 3.4.2", fields=folded, sigs=[sign(fields=folded, h="From : SUBJECT: x-empty :x-blank:x-not-there")])
case("ok-folded-simple", "pass", "pass", "pass", "6376 3.4.1", fields=folded, sigs=[sign(fields=folded, c="simple", h="from:subject:x-empty:x-blank")])
two = [b"Received: one\r\n", b"Received: two\r\n"] + HEAD
case("ok-lowest-first", "pass", "pass", "pass", "6376 5.4.2", fields=two, sigs=[sign(fields=two, h="received:received:from:received")])
case("ok-oversigned", "pass", "pass", "pass", "6376 5.4.2", sigs=[sign(h="from:from:to:to:subject:subject")])
case("ok-b-in-the-middle", "pass", "pass", "pass", "6376 3.7", sigs=[sign(tail="; x=1900000000; z=From:a")])
case("ok-blank-before-b", "pass", "pass", "pass", "6376 3.7", sigs=[sign(spaces="\r\n\t")])
case("ok-order", "pass", "pass", "pass", "6376 3.2", sigs=[sign(order=["bh", "h", "s", "d", "c", "a", "v"])])
case("ok-unknown-tag", "pass", "pass", "pass", "6376 3.2: unknown tags are ignored", sigs=[sign(extra="; zz=what; q=dns/txt; i=x=3Dy@sub.acme.example")])
case("ok-utf8-i", "pass", "pass", "pass", "8616", sigs=[sign(extra="; i=j\u00fcrgen@acme.example")])
case("ok-expires-now", "pass", "pass", "pass", "6376 3.5", sigs=[sign(extra=f"; t={NOW - 10}; x={NOW}")])
case("ok-second", "pass", "fail", "pass", "6376 6.1: one bad signature spoils no other", sigs=[sign(k="other"), sign()])
for n, bad in (("noequals", b"DKIM-Signature: v\r\n"), ("empty", b"DKIM-Signature:\r\n"), ("nul", b"DKIM-Signature: v=1; \0\r\n"), ("bytes", b"DKIM-Signature: \xff=\xfe\r\n"),
               ("nod", b"DKIM-Signature: v=1; a=rsa-sha256; b=AAAA; bh=AAAA; h=from; s=x\r\n"), ("semicolons", b"DKIM-Signature: ;;;;\r\n")):
    case("ok-beside-" + n, "pass", "permerror", "pass", "6376 6.1", sigs=[bad, sign()])
case("ok-sub-relaxed", "pass", "pass", "pass", "9989 4.4.1: relaxed", sigs=[sign(d="mail.acme.example")])
case("ok-l-whole", "pass", "pass", "pass", "6376 3.5: l= of the whole", sigs=[sign(limit=len(body_canon(BODY, "relaxed")))])

# ---- not to be believed ----
case("no-body", "fail", "fail", "fail", "6376 3.7", body=BODY + b"more\r\n", sigs=[sign()])
case("no-header", "fail", "fail", "fail", "6376 3.7", fields=[FROM, b"Subject: other\r\n"] + HEAD[1:2] + HEAD[3:], sigs=[sign()])
case("no-blank-simple", "fail", "fail", "fail", "6376 3.4.1", fields=[f.replace(b"Hello  there", b"Hello there") for f in HEAD], sigs=[sign(c="simple")])
case("no-second-from", "policy", "policy", "permerror", "6376 8.15", fields=[b"From: boss@bank.example\r\n"] + HEAD, sigs=[sign()])
case("no-second-from-below", "fail", "fail", "permerror", "6376 5.4.2: from the bottom", fields=HEAD + [b"From: boss@bank.example\r\n"], sigs=[sign()])
case("no-second-from-signed", "fail", "fail", "permerror", "6376 5.4.2", fields=[b"From: boss@bank.example\r\n"] + HEAD, sigs=[sign(h="from:from")])
case("no-added-subject", "fail", "fail", "fail", "6376 5.4.2: oversigned", fields=HEAD + [b"Subject: x\r\n"], sigs=[sign(h="from:subject:subject")])
case("no-from-in-h", "permerror", "permerror", "fail", "6376 5.4", sigs=[sign(h="to:subject")])
case("no-from-like-h", "permerror", "permerror", "fail", "6376 5.4", sigs=[sign(h="x-from:fromm:subject")])
case("no-sha1", "permerror", "permerror", "fail", "8301 3.1", sigs=[sign(a="rsa-sha1")])
case("no-alg-case", "permerror", "permerror", "fail", "6376 3.2: case counts in values", sigs=[sign(a="RSA-SHA256")])
case("no-alg-swap", "permerror", "permerror", "fail", "8463: the key is of another kind", sigs=[sign(a="ed25519-sha256")])
case("no-key-mixed", "permerror", "permerror", "fail", "6376 6.1.2", sigs=[sign(s="mixed")])
case("no-small", "policy", "policy", "fail", "8301 3.2", sigs=[sign(k="small", s="small")])
for s, want in (("late", "permerror"), ("twice", "permerror"), ("revoked", "permerror"), ("sha1", "permerror"), ("other", "permerror"), ("none", "permerror"),
                ("broken", "temperror")):
    case("no-key-" + s, want, want, "temperror" if want == "temperror" else "fail", "6376 3.6.1, 6.1.2", sigs=[sign(s=s)])
case("no-key-strict", "permerror", "permerror", "fail", "6376 3.6.1: t=s", sigs=[sign(s="strict", extra="; i=@sub.acme.example")])
for t in ("v", "a", "d", "s", "h", "bh"):
    case("no-" + t, "permerror", "permerror", "fail", "6376 3.5: required", sigs=[sign(drop=[t])])
for n, extra in (("v-twice", "; v=1"), ("d-twice", "; d=acme.example"), ("h-twice", "; h=from"), ("i-other", "; i=@evil.example"), ("i-above", "; i=@example"),
                 ("i-suffix", "; i=@xacme.example"), ("i-quoted", "; i=x@evil.example=20@xacme.example"), ("x-past", f"; x={NOW - 1}"), ("x-before-t", f"; t={NOW}; x={NOW}"),
                 ("x-word", "; x=soon"), ("x-negative", "; x=-1"), ("t-long", "; t=1234567890123"), ("q-other", "; q=dns/other"), ("l-word", "; l=1e3"), ("c-twice", "; c=relaxed/relaxed"),
                 ("l-negative", "; l=-1"), ("control", "; zz=\x01"), ("empty-tag", ";;")):
    case("no-" + n, "permerror", "permerror", "fail", "6376 3.2, 3.5, 6.1.1", sigs=[sign(extra=extra)])
case("no-v-2", "permerror", "permerror", "fail", "6376 3.5", sigs=[sign(drop=["v"], extra="; v=2")])
case("no-l-beyond", "permerror", "permerror", "fail", "6376 3.5: l= more than there is", sigs=[sign(extra=f"; l={len(body_canon(BODY, 'relaxed')) + 1}")])
case("no-l-huge", "permerror", "permerror", "fail", "6376 3.5", sigs=[sign(extra="; l=" + "9" * 76)])
case("no-l-toolong", "permerror", "permerror", "fail", "6376 3.5: 76 digits", sigs=[sign(extra="; l=" + "9" * 77)])
case("no-c", "permerror", "permerror", "fail", "6376 3.5", sigs=[sign().replace(b"c=relaxed/relaxed", b"c=relaxed/nofws")])
case("no-d-tld", "permerror", "permerror", "fail", "d= is a single label", sigs=[sign(d="example")])
case("no-d-dot", "permerror", "permerror", "fail", "6376 3.5: domain-name", sigs=[sign(d="acme.example.")])
case("no-bh-short", "permerror", "permerror", "fail", "6376 3.5", sigs=[sign(bh="AAAA")])
moved = sign(body=b"x\r\n")
case("no-bh-changed", "fail", "fail", "fail", "6376 3.7: bh= is signed, too", sigs=[re.sub(rb"bh=[^;]*", b"bh=" + base64.b64encode(
    hashlib.sha256(body_canon(BODY, "relaxed")).digest()), moved)])
case("no-other-domain", "pass", "pass", "fail", "9989: a stranger's pass is not aligned", sigs=[sign(d="evil.example")])
case("no-suffix-domain", "pass", "pass", "fail", "9989: xacme.example is not below acme.example", sigs=[sign(d="xacme.example")])
strict = [b"From: anna@strict.example\r\n"] + HEAD[1:]
case("ok-strict", "pass", "pass", "pass", "9989: adkim=s", fields=strict, sigs=[sign(fields=strict, d="strict.example")])
case("no-strict", "pass", "pass", "fail", "9989: adkim=s", fields=strict, sigs=[sign(fields=strict, d="sub.strict.example")])
case("no-none", "none", "-", "fail", "unsigned")
case("no-from", "policy", "policy", "-", "6376 3.8", fields=HEAD[1:], sigs=[sign(fields=HEAD[1:])])
case("no-two-authors", "pass", "pass", "-", "9989: From with two domains", fields=[b"From: anna@acme.example, boss@evil.example\r\n"] + HEAD[1:],
     sigs=[sign(fields=[b"From: anna@acme.example, boss@evil.example\r\n"] + HEAD[1:])])
case("no-in-body", "none", "-", "fail", "a signature in the body is none", body=sign() + BODY)
case("no-name-like", "none", "-", "fail", "another field", sigs=[sign(name=b"X-DKIM-Signature"), sign(name=b"DKIM-Signatur")])
many = [sign(k="other", extra=f"; zz={i}") for i in range(10)]
case("no-eleventh", "fail", "fail", "-", "only so many are evaluated", sigs=many + [sign()])
case("no-display-name", "pass", "pass", "fail", "9989: the address counts, not the name", fields=[b'From: "anna@evil.example" <boss@acme.example>\r\n'] + HEAD[1:],
     sigs=[sign(fields=[b'From: "anna@evil.example" <boss@acme.example>\r\n'] + HEAD[1:], d="evil.example")])
case("no-comment-from", "pass", "pass", "fail", "5322: a comment is no address", fields=[b"From: boss@acme.example (x@evil.example)\r\n"] + HEAD[1:],
     sigs=[sign(fields=[b"From: boss@acme.example (x@evil.example)\r\n"] + HEAD[1:], d="evil.example")])
case("no-group-from", "pass", "pass", "-", "a group's member is an author", fields=[b"From: evil.example: boss@acme.example;\r\n"] + HEAD[1:],
     sigs=[sign(fields=[b"From: evil.example: boss@acme.example;\r\n"] + HEAD[1:], d="evil.example")])
idn = ["From: j@br\u00fcckner.example\r\n".encode()] + HEAD[1:]
publish("_dmarc.xn--brckner-o2a.example", "v=DMARC1; p=reject")
case("ok-idn", "pass", "pass", "pass", "8616: U-label in From, A-label in d=", fields=idn, sigs=[sign(fields=idn, d="xn--brckner-o2a.example")])

with open(os.path.join(out, "zone"), "w", encoding="utf-8") as f:
    for name, texts in zone.items():
        for text in texts:
            f.write(f"{name}. TXT " + " ".join('"%s"' % text[i:i + 250].replace('"', '\\"') for i in range(0, max(len(text), 1), 250)) + "\n")
    f.write(f"broken.{D}. TXT SERVFAIL\n")
for c in cases:
    print("\t".join(c))

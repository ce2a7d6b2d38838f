#!/usr/bin/env python3
"""evasions.py DIR: a message for each way in which readers of mail and scanners of viruses differ, with the harmless
EICAR test file in it, each in three places: ROW.attached.eml as an attachment, ROW.nested.eml in an enclosed message,
ROW.whole.eml as the message itself.  evasions.py --search DIR: names the files beneath DIR that hold the
test file, plain or encoded; 1 if there are any.
"""
import base64
import binascii
import os
import re
import sys

# In two pieces, so that no scanner takes this file for one.
EICAR = br"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
HEAD = b"From: Mallory <m@hostile.example>\r\nTo: in@acme.example\r\nSubject: %s\r\nDate: Mon, 16 Nov 2026 12:00:00 +0000\r\n" \
    b"Message-ID: <%s@hostile.example>\r\n"
MIME = b"MIME-Version: 1.0\r\n"
TYPE = b"Content-Type: application/octet-stream; name=a.com\r\n"
TEXT = b"Content-Type: text/plain\r\n\r\nhello\r\n"
B64 = base64.encodebytes(EICAR).replace(b"\n", b"\r\n")


def cte(value):
    return b"Content-Transfer-Encoding: " + value + b"\r\n"


def uu(data):
    lines = b"".join(binascii.b2a_uu(data[i:i + 45]) for i in range(0, len(data), 45))
    return (b"begin 644 a.com\n" + lines + b"`\nend\n").replace(b"\n", b"\r\n")


def mixed(*parts, boundary=b"inner", head=True):
    out = b"".join(b"--" + boundary + b"\r\n" + p + b"\r\n" for p in parts) + b"--" + boundary + b"--\r\n"
    return (b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n" if head else b"") + out


def deep(n):
    return b"".join(b"Content-Type: multipart/mixed; boundary=d%dx\r\n\r\n--d%dx\r\n" % (i, i) for i in range(n)) + PLAIN


PLAIN = TYPE + cte(b"base64") + b"\r\n" + B64
INNER = HEAD % (b"enclosed", b"enclosed") + MIME + mixed(TEXT, PLAIN)
# Each an entity: header fields, an empty line, a body.
ROWS = {
    "chunked": TYPE + cte(b"base64") + b"\r\n" + base64.b64encode(b"harmless..") + b"\r\n" + B64,
    "bare-cr": mixed(TEXT, PLAIN).replace(b"\r\n", b"\r"),
    "rfc822-base64": b"Content-Type: message/rfc822\r\n" + cte(b"base64") + b"\r\n" +
    base64.encodebytes(INNER).replace(b"\n", b"\r\n"),
    "nested-1025": deep(1030),
    "cte-semicolon": TYPE + cte(b"base64;") + b"\r\n" + B64,
    "cte-quoted": TYPE + cte(b'"base64"') + b"\r\n" + B64,
    "type-twice": b"Content-Type: multipart/mixed; boundary=inner\r\nContent-Type: text/plain\r\n\r\n" +
    mixed(TEXT, PLAIN, head=False),
    "cte-twice": TYPE + cte(b"base64") + cte(b"7bit") + b"\r\n" + B64,
    "cte-twice-other": TYPE + cte(b"7bit") + cte(b"base64") + b"\r\n" + B64,
    "prologue": mixed(TEXT).replace(b"\r\n\r\n", b"\r\n\r\n" + EICAR + b"\r\n", 1),
    "prologue-base64": mixed(TEXT).replace(b"\r\n\r\n", b"\r\n\r\n" + PLAIN + b"\r\n", 1),
    "epilogue": mixed(TEXT) + EICAR + b"\r\n",
    "epilogue-base64": mixed(TEXT) + PLAIN,
    "no-boundary": b"Content-Type: multipart/mixed\r\n\r\n" + mixed(TEXT, PLAIN, head=False),
    "uuencode": b"Content-Type: text/plain\r\n\r\nlook:\r\n" + uu(EICAR),
    "quoted-printable": TYPE + cte(b"quoted-printable") + b"\r\n" +
    b"=\r\n".join(b"=%02X" % c for c in EICAR) + b"\r\n",
    "no-mime-version": mixed(TEXT, PLAIN),
    "plain": b"Content-Type: text/plain\r\n\r\n" + EICAR + b"\r\n",
    "html": b"Content-Type: text/html\r\n\r\n<p>" + EICAR + b"</p>\r\n",
    "base64": PLAIN,
}


def places(row, entity):
    name = row.encode()
    mime = b"" if row == "no-mime-version" else MIME
    head = HEAD % (name, name + b".%s")
    enclosed = b"Content-Type: message/rfc822\r\n\r\n" + head % b"inner" + mime + entity
    yield "attached", head % b"attached" + mime + mixed(TEXT, entity, boundary=b"outer")
    yield "nested", head % b"nested" + mime + mixed(TEXT, enclosed, boundary=b"outer")
    whole = head % b"whole" + mime
    if row == "bare-cr":
        whole = whole.replace(b"\r\n", b"\r")
    yield "whole", whole + entity


def write(folder):
    os.makedirs(folder, exist_ok=True)
    for row, entity in ROWS.items():
        for place, message in places(row, entity):
            with open("%s/%s.%s.eml" % (folder, row, place), "wb") as f:
                f.write(message)


# The test file's bytes as they could lie in a file, whatever lines that is cut into: the end and the beginning of it as
# it is (JSON would change what is between), all of it encoded.
NEEDLES = [EICAR[29:], EICAR[:11], uu(EICAR).split(b"\r\n")[1], b"".join(b"=%02X" % c for c in EICAR)] + \
    [base64.b64encode(b"x" * k + EICAR)[4 * (k > 0):-4] for k in range(3)]


def search(folder):
    found = 0
    for where, _, files in os.walk(folder):
        for name in files:
            with open(os.path.join(where, name), "rb") as f:
                data = f.read()
            flat = re.sub(rb"=?[\r\n]+", b"", data)
            if any(n in data or n in flat for n in NEEDLES):
                print(os.path.join(where, name))
                found = 1
    return found


if sys.argv[1] == "--search":
    sys.exit(search(sys.argv[2]))
write(sys.argv[1])

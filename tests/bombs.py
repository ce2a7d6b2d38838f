#!/usr/bin/env python3
"""bombs.py NAME: a message that costs a MIME parser much, on stdout. bombs.py alone lists the names, those for
a scanner (archives) with --zips.

The inputs of which GMime 3.2.13 dies or grows without bounds, and archives; made here because they are big.
"""
import base64
import io
import sys
import zipfile

TOP = b"From: a@b.example\r\nSubject: bomb\r\nMIME-Version: 1.0\r\n"


def nested_multiparts(n):
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d_\r\n\r\n--b%d_\r\n" % (i, i)
                    for i in range(n))
    return TOP + head + b"\r\npayload\r\n"


def encoded_in_encoded(n):
    inner = TOP + b"\r\npayload\r\n"
    for _ in range(n):
        inner = TOP + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + \
            base64.encodebytes(inner)
    return inner


def attached(data):
    return TOP + b"Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + \
        base64.encodebytes(data).replace(b"\n", b"\r\n")


def zip_of(*members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in members:
            z.writestr(name, data)
    return out.getvalue()


def zip_in_zip(n, inner):
    for _ in range(n):
        inner = zip_of(*[("%d.zip" % i, inner) for i in range(8)])
    return inner


BOMBS = {
    "nested-groups": lambda: b"Cc: " + b"a:" * 60000 + b"\r\n" + TOP + b"\r\nx\r\n",
    "nested-groups-enclosed": lambda: TOP + b"Content-Type: message/rfc822\r\n\r\nCc: " + b"a:" * 60000 +
    b"\r\n\r\nx\r\n",
    "parameters": lambda: TOP + b"Content-Type: text/plain" +
    b"".join(b"; p%d=v" % i for i in range(80000)) + b"\r\n\r\nx\r\n",
    "parameters-of-a-part": lambda: TOP + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
    b"".join(b"--b\r\nContent-Disposition: attachment" +
             b"".join(b"; p%d=v" % i for i in range(8000)) + b"\r\n\r\nx\r\n" for _ in range(50)) + b"--b--\r\n",
    "million-parts": lambda: TOP + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
    b"--b\n\n" * 1000000,
    "headers-without-end": lambda: TOP + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
    b"--b\r\nA: b\r\n" * 200000,
    "deep": lambda: nested_multiparts(20000),
    "deep-delimiters": lambda: nested_multiparts(900) + b"--nothing\r\n" * 200000,
    "encoded-in-encoded": lambda: encoded_in_encoded(34),
    "header-10-mb": lambda: TOP + b"X: " + b"y" * 10000000 + b"\r\n\r\nx\r\n",
    "header-many-fields": lambda: TOP + b"X: y\r\n" * 200000 + b"\r\nx\r\n",
    "addresses": lambda: b"To: " + b"a@b.example,\r\n " * 100000 + b"a@b\r\n\r\nx\r\n",
    "references": lambda: b"References: " + b"<a@b>\r\n " * 100000 + b"\r\n\r\nx\r\n",
    "encoded-words": lambda: b"Subject: " + b"=?utf-8?q?a?=\r\n " * 50000 + b"\r\n\r\nx\r\n",
    "one-line": lambda: TOP + b"\r\n" + b"x" * 50000000,
    "bare-cr": lambda: TOP + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
    b"--b\r\r\r\n" * 500000,
    "duplicate-types": lambda: TOP + b"Content-Type: multipart/mixed; boundary=b\r\n" * 1000 + b"\r\n" +
    b"--b\r\n\r\nx\r\n" * 20000,
    "uuencode": lambda: TOP + b"\r\n" + b"begin 644 x\r\n#86)C\r\n`\r\nend\r\n" * 100000,
    "uuencode-begins": lambda: TOP + b"\r\n" + b"begin 644 x\r\n" * 500000,
    "prologue-headers": lambda: TOP + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
    b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" * 50000,
    "html-tags": lambda: TOP + b"Content-Type: text/html\r\n\r\n" + b"<div>" * 2000000,
    "html-entities": lambda: TOP + b"Content-Type: text/html\r\n\r\n" + b"<a href='&" * 500000,
    "nul": lambda: TOP + b"Content-Type: text/plain\r\n\r\n" + b"\0" * 20000000,
    "soft-breaks": lambda: TOP + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=\r\n" * 5000000,
    "boundary-names": lambda: TOP + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
                                             % (i, i) for i in range(30)) + b"--b1 x\r\n" * 300000,
}
ZIPS = {
    "zip-500-mb": lambda: attached(zip_of(("zeros", bytes(500 << 20)))),
    "zip-6-times-90-mb": lambda: attached(zip_of(*[("%d" % i, bytes(90 << 20)) for i in range(6)])),
    "zip-10000-members": lambda: attached(zip_of(*[("%d" % i, b"x") for i in range(10500)])),
    "zip-in-zip": lambda: attached(zip_in_zip(5, zip_of(("zeros", bytes(1 << 20))))),
    "zip-slow": lambda: attached(zip_of(*[("%d" % i, bytes(3000000) + b"%d" % i) for i in range(60)])),
}

if len(sys.argv) < 2:
    print("\n".join(BOMBS))
elif sys.argv[1] == "--zips":
    print("\n".join(ZIPS))
else:
    sys.stdout.buffer.write({**BOMBS, **ZIPS}[sys.argv[1]]())

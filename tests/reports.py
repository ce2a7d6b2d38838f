"""Report files that nobody should send: reports.py KIND >FILE. Made at test time, so that no bomb lies about."""
import base64
import gzip
import io
import sys
import zipfile

DOMAIN = "acme.example"


def head(extra="", org="Fernpost", rid="r-1", domain=DOMAIN, begin=1794873600):
    return (f'<feedback>{extra}<report_metadata><org_name>{org}</org_name><email>d@fernpost.example</email><report_id>{rid}</report_id>'
            f'<date_range><begin>{begin}</begin><end>{begin + 86399}</end></date_range></report_metadata>'
            f'<policy_published><domain>{domain}</domain><p>none</p></policy_published>')


def row(ip="192.0.2.1", count=1, dkim="pass", spf="fail", frm=DOMAIN, auth=""):
    return (f'<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated><disposition>none</disposition>'
            f'<dkim>{dkim}</dkim><spf>{spf}</spf></policy_evaluated></row><identifiers><header_from>{frm}</header_from></identifiers>'
            f'<auth_results>{auth}</auth_results></record>')


def report(rows, **kw):
    return (head(**kw) + rows + '</feedback>').encode()


def zipped(*files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files:
            z.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def mail(data, ctype="application/gzip", name="fernpost.example!acme.example!1794873600!1794959999.xml.gz", count=1):
    out = (b'From: dmarc@fernpost.example\r\nTo: dmarc@acme.example\r\nSubject: Report Domain: acme.example\r\n'
           b'Message-ID: <1@fernpost.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'
           b'--b\r\nContent-Type: text/plain\r\n\r\nattached\r\n')
    for _ in range(count):
        out += (f'--b\r\nContent-Type: {ctype}\r\nContent-Disposition: attachment; filename="{name}"\r\n'
                'Content-Transfer-Encoding: base64\r\n\r\n').encode() + base64.encodebytes(data).replace(b'\n', b'\r\n')
    return out + b'--b--\r\n'


def laughs():
    lol = ''.join(f'<!ENTITY l{i} "{("&l%d;" % (i - 1)) * 10}">' for i in range(1, 10))
    return ('<?xml version="1.0"?><!DOCTYPE feedback [<!ENTITY l0 "lol">' + lol + ']>' + head(org="&l9;") + row() + '</feedback>').encode()


def external():
    return ('<?xml version="1.0"?><!DOCTYPE feedback [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + head(org="&x;") + row() + '</feedback>').encode()


kinds = {
    "plain": lambda: report(row()),
    "other": lambda: report(row(), domain="globex.example"),
    "sub": lambda: report(row(frm="x.sub.acme.example"), domain="sub.acme.example", rid="r-sub"),
    "parent": lambda: report(row(frm="example"), domain="example", rid="r-parent"),
    "lookalike": lambda: report(row(), domain="notacme.example", rid="r-look"),
    "differs": lambda: report(row(count=1000)),
    "gz": lambda: gzip.compress(report(row())),
    "gz2": lambda: gzip.compress(report(row())[:100]) + gzip.compress(report(row())[100:]),
    "zip": lambda: zipped(("r.xml", report(row()))),
    "zip2": lambda: zipped(("r.xml", report(row())), ("s.xml", report(row()))),
    "bomb": lambda: gzip.compress(b' ' * (200 << 20)),
    "zipbomb": lambda: zipped(("r.xml", report(' ' * (100 << 20)))),
    "long": lambda: gzip.compress(report(''.join(row(ip=f'10.{i >> 16}.{i >> 8 & 255}.{i & 255}') for i in range(30000)))),
    "million": lambda: gzip.compress(report(''.join('<record/>' for _ in range(1000000)) + row()), 1),
    "laughs": laughs,
    "external": external,
    "names": lambda: gzip.compress(report(''.join(f'<a{i}/>' for i in range(4000000)) + row()), 1),
    "attributes": lambda: gzip.compress(report(''.join('<x ' + ' '.join(f'a{i}_{k}=""' for k in range(500)) + '/>' for i in range(3000)) + row()), 1),
    "spaces": lambda: gzip.compress(report(''.join('<x ' + ' '.join(f'xmlns:a{i}_{k}="u"' for k in range(500)) + '/>' for i in range(3000)) + row()), 1),
    "deep": lambda: report('<x>' * 100000 + '</x>' * 100000 + row()),
    "nul": lambda: report('<x>\0</x>' + row()),
    "latin": lambda: b'<?xml version="1.0" encoding="UTF-8"?>' + report(row(), org="K\xf6nig").decode().encode("latin-1"),
    "utf16": lambda: '<?xml version="1.0" encoding="UTF-16"?>'.encode("utf-16") + report(row(), org="K\xf6nig").decode().encode("utf-16-le"),
    "terminal": lambda: report(row(auth='<dkim><domain>acme.example</domain><selector>a\u009b31mred\u202e</selector><result>pass</result></dkim>'),
                               org="Fern\u009b2Jpost\u202e&#10;&#9;x"),
    "manyparts": lambda: mail(gzip.compress(report(row())), count=12),
    "mail": lambda: mail(gzip.compress(report(row()))),
    "mailother": lambda: mail(gzip.compress(report(row(), domain="globex.example"))),
    "mailbad": lambda: mail(b'this is no gzip'),
    "mailzip": lambda: mail(zipped(("photo.txt", b"nothing")), ctype="application/zip", name="photos.zip"),
    "mailplain": lambda: b'From: a@b.example\r\nSubject: hello\r\n\r\nno report here\r\n',
    "mailarf": lambda: (b'From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n'
                        b'--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n'
                        b'Feedback-Type: auth-failure\r\nVersion: 1\r\n\r\n--b--\r\n'),
}

if __name__ == "__main__":
    sys.stdout.buffer.write(kinds[sys.argv[1]]())

"""Builds mail byte by byte for make-spool and make-hostile: no mail library, because a library
would mend what we want broken. Everything is deterministic. Lines end in CRLF."""
import base64, binascii, hashlib, io, quopri, random, struct, zipfile, zlib

B32HEX = '0123456789abcdefghijklmnopqrstuv'


def ses_id(key):
    """40 characters of base32hex, as SES names an inbound message."""
    n = int.from_bytes(hashlib.sha512(key.encode()).digest(), 'big')
    return ''.join(B32HEX[(n >> 5 * i) & 31] for i in range(40))


def uuid(key):
    h = hashlib.md5(key.encode()).hexdigest()
    return '-'.join((h[:8], h[8:12], '4' + h[13:16], 'a' + h[17:20], h[20:]))


def crlf(text):
    return text.replace('\r\n', '\n').replace('\n', '\r\n')


# ---- headers ----
def word(text, charset='utf-8', kind='B', chunk=12):
    """RFC 2047: one encoded word per `chunk` characters, folded. Pure ASCII stays as it is."""
    if text.isascii() and charset != 'iso-2022-jp':
        return text
    out = []
    for i in range(0, len(text), chunk):
        raw = text[i:i + chunk].encode(charset)
        if kind == 'B':
            enc = base64.b64encode(raw).decode()
        else:
            enc = ''.join(chr(b) if chr(b).isalnum() and b < 128 else '_' if b == 32 else '=%02X' % b for b in raw)
        out.append('=?%s?%s?%s?=' % (charset.upper() if charset.startswith('iso') else charset, kind, enc))
    return '\r\n '.join(out)


def ext_param(name, value, charset='utf-8', split=0):
    """RFC 2231 name*=charset''percent, in continuations of `split` characters when asked."""
    pct = ''.join(chr(b) if b < 128 and (chr(b).isalnum() or chr(b) in '.-_') else '%%%02X' % b for b in value.encode(charset))
    if not split:
        return "%s*=%s''%s" % (name, charset, pct)
    cut, rest = [], "%s''%s" % (charset, pct)
    while rest:		# never within a %XX, but between the bytes of a character
        n = split - (1 if rest[split - 1:split] == '%' else 2 if rest[split - 2:split - 1] == '%' else 0)
        cut.append(rest[:n])
        rest = rest[n:]
    return ';\r\n '.join('%s*%d*=%s' % (name, i, c) for i, c in enumerate(cut))


# ---- parts ----
def b64(data, width=76):
    s = base64.b64encode(data).decode()
    return '\r\n'.join(s[i:i + width] for i in range(0, len(s), width))


def part(ctype, body, *headers):
    """body: bytes or text that stands as it is."""
    head = ''.join(h + '\r\n' for h in ('Content-Type: ' + ctype,) + headers)
    return head.encode() + b'\r\n' + (body if isinstance(body, bytes) else body.encode())


def text(body, charset='utf-8', cte=None, ctype='text/plain', extra=''):
    raw = crlf(body).encode(charset)
    if cte is None:
        cte = '7bit' if all(b < 128 for b in raw) else 'quoted-printable'
    if cte == 'quoted-printable':
        raw = quopri.encodestring(raw.replace(b'\r\n', b'\n')).replace(b'\n', b'\r\n')
    elif cte == 'base64':
        raw = b64(raw).encode() + b'\r\n'
    return part('%s; charset=%s%s' % (ctype, charset, extra), raw, 'Content-Transfer-Encoding: ' + cte)


def attach(name, ctype, data, style='plain', disposition='attachment', cid=None):
    """style: how the name is written. plain, 2047 (as Outlook does), 2231, 2231split."""
    if style == '2047':
        n, f = 'name="%s"' % word(name), 'filename="%s"' % word(name)
    elif style.startswith('2231'):
        n, f = None, ext_param('filename', name, split=20 if style == '2231split' else 0)
    else:
        n, f = 'name="%s"' % name, 'filename="%s"' % name
    heads = ['Content-Transfer-Encoding: base64', 'Content-Disposition: %s;\r\n %s' % (disposition, f)]
    if cid:
        heads.append('Content-ID: <%s>' % cid)
    return part(ctype + (';\r\n ' + n if n else ''), b64(data) + '\r\n', *heads)


def multi(kind, key, *parts, param=''):
    b = '=_%s_%s' % (kind[:3], hashlib.md5((key + kind).encode()).hexdigest()[:16])
    out = b''.join(b'--' + b.encode() + b'\r\n' + p + b'\r\n' for p in parts)
    return ('Content-Type: multipart/%s;\r\n boundary="%s"%s\r\n\r\n' % (kind, b, param)).encode() + out + \
        b'--' + b.encode() + b'--\r\n'


# ---- files ----
def png(width, height, rgb, seed=0):
    """A small picture: a plain ground with a diagonal band, so that no two are the same."""
    r = random.Random(seed)
    a, b = r.randrange(width), 3 + r.randrange(9)
    rows = b''.join(b'\0' + b''.join(bytes(255 - c for c in rgb) if (x + y - a) % (width // 2 + b) < b else bytes(rgb)
                    for x in range(width)) for y in range(height))

    def chunk(t, d):
        return struct.pack('>I', len(d)) + t + d + struct.pack('>I', zlib.crc32(t + d))
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)) + \
        chunk(b'IDAT', zlib.compress(rows, 9)) + chunk(b'IEND', b'')


def jpeg(bw, bh, seed):
    """A grey baseline JPEG of bw x bh blocks, each of one tone: only DC coefficients, one AC code (EOB)."""
    codes = ['00', '010', '011', '100', '101', '110', '1110', '11110', '111110']
    r, bits, prev, tone = random.Random(seed), '', 0, 0
    for i in range(bw * bh):
        tone = max(-60, min(60, tone + r.randrange(-14, 15)))
        d, prev = tone - prev, tone
        n = abs(d).bit_length()
        bits += codes[n] + (format(d if d > 0 else d + (1 << n) - 1, '0%db' % n) if n else '') + '0'
    bits += '1' * (-len(bits) % 8)
    data = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8)).replace(b'\xff', b'\xff\0')

    def seg(marker, d):
        return b'\xff' + bytes([marker]) + struct.pack('>H', len(d) + 2) + d
    return b'\xff\xd8' + seg(0xe0, b'JFIF\0\1\1\0\0\1\0\1\0\0') + seg(0xdb, b'\0' + b'\x10' * 64) + \
        seg(0xc0, struct.pack('>BHHB', 8, bh * 8, bw * 8, 1) + b'\1\x11\0') + \
        seg(0xc4, b'\0' + bytes([0, 1, 5, 1, 1, 1, 1, 1, 1] + [0] * 7) + bytes(range(12))) + \
        seg(0xc4, b'\x10' + bytes([1] + [0] * 15) + b'\0') + seg(0xda, b'\1\1\0\0\x3f\0') + data + b'\xff\xd9'


def pdf(*lines):
    """One page of text with a right cross-reference table."""
    esc = [l.encode('cp1252', 'replace').replace(b'\\', b'\\\\').replace(b'(', b'\\(').replace(b')', b'\\)') for l in lines]
    page = b'BT /F1 11 Tf 60 780 Td 15 TL\n' + b''.join(b'(' + l + b") Tj T*\n" for l in esc) + b'ET\n'
    objs = [b'<< /Type /Catalog /Pages 2 0 R >>', b'<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
            b'<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
            b'<< /Length %d >>\nstream\n' % len(page) + page + b'endstream',
            b'<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>']
    out, at = b'%PDF-1.4\n%\xe2\xe3\xcf\xd3\n', []
    for i, o in enumerate(objs, 1):
        at.append(len(out))
        out += b'%d 0 obj\n' % i + o + b'\nendobj\n'
    xref = len(out)
    return out + b'xref\n0 %d\n0000000000 65535 f \n' % (len(objs) + 1) + b''.join(b'%010d 00000 n \n' % a for a in at) + \
        b'trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n' % (len(objs) + 1, xref)


def zip_of(*files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w') as z:
        for name, data in files:
            info = zipfile.ZipInfo(name, (2026, 11, 2, 8, 0, 0))
            info.compress_type, info.external_attr = method, 0o644 << 16
            z.writestr(info, data)
    return out.getvalue()


def zip_encrypted(name, data, password):
    """One stored member under the traditional PKWARE cipher (APPNOTE 6.1)."""
    def step(c):
        k[0] = zlib.crc32(bytes([c]), k[0] ^ 0xffffffff) ^ 0xffffffff
        k[1] = ((k[1] + (k[0] & 255)) * 134775813 + 1) & 0xffffffff
        k[2] = zlib.crc32(bytes([k[1] >> 24]), k[2] ^ 0xffffffff) ^ 0xffffffff
    k = [0x12345678, 0x23456789, 0x34567890]
    for c in password:
        step(c)
    crc, out = zlib.crc32(data), bytearray()
    for c in bytes(range(1, 12)) + bytes([crc >> 24]) + data:
        t = (k[2] | 2) & 0xffff
        out.append(c ^ ((t * (t ^ 1)) >> 8 & 255))
        step(c)
    n = name.encode()
    common = struct.pack('<HHHHHIIIHH', 20, 1, 0, 0x4000, 0x5b62, crc, len(out), len(data), len(n), 0)
    local = b'PK\3\4' + common + n + bytes(out)
    central = b'PK\1\2' + struct.pack('<H', 20) + common + struct.pack('<HHHII', 0, 0, 0, 0o644 << 16, 0) + n
    return local + central + b'PK\5\6' + struct.pack('<HHHHIIH', 0, 0, 1, 1, len(central), len(local), 0)


def docx(*paragraphs):
    w = 'http://schemas.openxmlformats.org/wordprocessingml/2006/main'
    body = ''.join('<w:p><w:r><w:t>%s</w:t></w:r></w:p>' % p.replace('&', '&amp;') for p in paragraphs)
    rel = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument'
    return zip_of(('[Content_Types].xml', '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
                   '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                   '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
                   'wordprocessingml.document.main+xml"/></Types>'),
                  ('_rels/.rels', '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
                   '<Relationship Id="r1" Type="%s" Target="word/document.xml"/></Relationships>' % rel),
                  ('word/document.xml', '<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="%s"><w:body>%s</w:body></w:document>' % (w, body)))


def tnef(name, data, body):
    """winmail.dat: MS-OXTNEF with a body and one attachment."""
    def attr(level, tag, d):
        return bytes([level]) + struct.pack('<II', tag, len(d)) + d + struct.pack('<H', sum(d) & 0xffff)
    return struct.pack('<IH', 0x223e9f78, 1) + attr(1, 0x00089006, struct.pack('<I', 0x10000)) + \
        attr(1, 0x00069007, struct.pack('<II', 1252, 0)) + attr(1, 0x0002800c, body.encode('cp1252') + b'\0') + \
        attr(2, 0x00069002, struct.pack('<HIHHII', 1, 0xffffffff, 0, 0, 0, 0)) + \
        attr(2, 0x00018010, name.encode('cp1252') + b'\0') + attr(2, 0x0006800f, data)


def uu(name, data):
    lines = [binascii.b2a_uu(data[i:i + 45]).decode().rstrip('\n') for i in range(0, len(data), 45)]
    return 'begin 644 %s\n' % name + '\n'.join(lines) + '\n`\nend\n'


# The harmless string every scanner calls EICAR; in pieces, so that this file is not taken for it.
EICAR = b'X5O!P%@AP[4\\PZX54(P^)7CC)7}$' + b'EICAR-STANDARD-' + b'ANTIVIRUS-TEST-FILE!$H+H*'
# And a marker of our own, for traps that are not about EICAR.
MARKER = b'WEIR-HARMLESS-' + b'TEST-MARKER-7f3a'

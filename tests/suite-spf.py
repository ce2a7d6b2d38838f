#!/usr/bin/env python3
# suite-spf.py FILE DIR: turns an SPF test suite (pyspf's and openspf's YAML, or the form in which mail-auth splits its
# own) into what tests/suite/spf.c reads: DIR/N.zone, a file for lib/dns, and DIR/N.cases, a line a case:
#   name TAB helo TAB ip TAB mailfrom TAB results TAB explanation
# explanation: "*" is any, "-" none.
import ipaddress, re, sys
import yaml

TYPES = ('A', 'AAAA', 'MX', 'PTR', 'TXT')

def raw(s):
    return s.encode('latin-1')

def name(s):
    return ''.join(chr(c) if chr(c).isalnum() or c in b'.-_' else '\\%03d' % c for c in raw(s.rstrip('.'))) + '.'

def txt(strings):
    out = []
    for s in map(raw, strings or ['']):
        for i in range(0, max(len(s), 1), 255):
            out.append('"' + ''.join(chr(c) if 32 <= c < 127 and c not in b'"\\' else '\\%03d' % c for c in s[i:i + 255]) + '"')
    return ' '.join(out)

class Group:
    def __init__(self, folder, number):
        self.base = '%s/%03d' % (folder, number)
        self.zone, self.cases = [], []

    def add(self, owner, kind, value):
        if kind == 'TXT':
            value = txt(value if isinstance(value, list) else [value])
        elif kind == 'MX':
            value = '%d %s' % (value[0], name(value[1]) if value[1] else '.')
        elif kind in ('PTR', 'CNAME'):
            value = name(value)
        self.zone.append('%s %s %s' % (name(owner), kind, value))

    def case(self, *fields):
        self.cases.append('\t'.join(fields))

    def write(self):
        with open(self.base + '.zone', 'wb') as f:
            f.write(('\n'.join(self.zone) + '\n').encode('latin-1'))
        with open(self.base + '.cases', 'wb') as f:
            f.write(('\n'.join(self.cases) + '\n').encode('latin-1'))

# ---- pyspf: records of type SPF stand for TXT unless the name has some; TIMEOUT is for the types that it has not ----
def pyspf_zone(group, zone):
    for owner, records in zone.items():
        pairs = [next(iter(r.items())) for r in records if isinstance(r, dict)]
        has_txt = any(k == 'TXT' for k, _ in pairs)
        kinds = set()
        for kind, value in pairs:
            if kind == 'SPF':
                if has_txt:
                    continue
                kind = 'TXT'
            if kind == 'TXT' and value == 'NONE':
                continue
            kinds.add(kind)
            group.add(owner, kind, value)
        if 'TIMEOUT' in records:
            group.zone += ['%s %s TIMEOUT' % (name(owner), t) for t in TYPES if t not in kinds]

def pyspf(text, folder):
    for number, doc in enumerate(d for d in yaml.safe_load_all(text) if d):
        group = Group(folder, number)
        pyspf_zone(group, doc['zonedata'])
        for title, t in doc['tests'].items():
            want = t['result'] if isinstance(t['result'], list) else [t['result']]
            exp = t.get('explanation', '*')
            group.case(title, t['helo'], str(t['host']), t['mailfrom'], ' '.join(want), '-' if exp == 'DEFAULT' else exp)
        group.write()

# ---- mail-auth: "type: name rest" lines, keys repeat, so no YAML; records may stand among the tests and then replace ----
def records_of(lines):
    zone = {}
    for kind, rest in lines:
        owner, value = rest.split(' ', 1)
        zone[(kind, owner)] = value
    return zone

def mail_auth_zone(group, zone):
    for (kind, owner), value in zone.items():
        if len(owner) > 253 or max(map(len, owner.split('.'))) > 63:
            continue    # no name that DNS could hold
        values = [v.strip() for v in value.split(',')]
        if kind in ('spf', 'exp'):
            group.add(owner, 'TXT', value.strip())
        elif kind in ('a', 'aaaa'):
            for v in values:
                group.add(owner, kind.upper(), v)
        elif kind == 'mx':
            for i, v in enumerate(values):
                exchange = 'exchange%d.%s' % (i, owner)
                group.add(owner, 'MX', [i, exchange])
                group.add(exchange, 'AAAA' if ':' in v else 'A', v)
        elif kind == 'ptr':
            for v in values:
                group.add(ipaddress.ip_address(owner).reverse_pointer, 'PTR', v)
    group.zone += ['_dns_error.test.org. SERVFAIL', '_dns_error.org. SERVFAIL']

def mail_auth(text, folder):
    number = 0
    for doc in re.split(r'^---$', text, flags=re.M):
        lines, title, now = [], '', {'domain': '', 'sender': ''}
        for line in doc.splitlines():
            m = re.match(r'\s*(?:- )?(\w+): ?(.*)$', line)
            if line.lstrip().startswith('#') or not m:
                continue
            key, value = m.group(1), m.group(2).strip()
            if key in ('spf', 'exp', 'a', 'aaaa', 'mx', 'ptr'):
                lines.append((key, value))
            elif key == 'expect':
                number += 1
                group = Group(folder, number)
                mail_auth_zone(group, records_of(lines))
                want, _, exp = value.partition(' ')
                group.case('%s %d' % (title, number), now['domain'], now['ip'], now['sender'], want, exp or '*')
                group.write()
            elif key == 'name':
                title = value
            else:
                now[key] = value

with open(sys.argv[1], encoding='latin-1') as f:
    text = f.read()
(pyspf if 'zonedata:' in text else mail_auth)(text, sys.argv[2])

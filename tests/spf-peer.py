#!/usr/bin/python3
# spf-peer.py SEED COUNT DIR: COUNT worlds of random SPF records in DIR, as tests/suite/spf.c plays them, with what pyspf says of each
# check as the expected result. Left out is where pyspf has rules of its own: it counts void queries instead of terms (RFC 7208
# 4.6.4), finds loops before they are one, and lets an unknown modifier stand only once.
# Debian's Python, as python3-spf is for that one.
import ipaddress, os, random, socket, sys
import spf

NAMES = ['a.example', 'b.example', 'c.example', 'm.a.example', 'h.b.example', 'x.y.c.example', 'void.example', 'void2.example']
IPV4 = ['192.0.2.1', '192.0.2.2', '192.0.3.1', '198.51.100.7']
IPV6 = ['2001:db8::1', '2001:db8:1::1']
MACROS = ['%{d}', '%{o}', '%{i}.a.example', '%{l}.b.example', '%{ir}.%{v}.c.example', '%{d2}', '%{lr-}.a.example', '%{h}', '%{p}',
          '%{d1r}.example', '%{L}.a.example', '%{s}.c.example', '%{l1r+-}.b.example']
WRONG = ['example', 'a..example', 'x.123', '%{c}.a.example', '%{q}.a.example', 'a.example.', '-.example', 'a_b.example', '%', '', 'a.-x']
OWN_RULES = ('Void lookup', 'trivial recursion', 'at most once')
rnd = random.Random(int(sys.argv[1]))
zone = {}


def domain():
    k = rnd.random()
    return rnd.choice(NAMES if k < .7 else MACROS if k < .9 else WRONG)


def term():
    kind = rnd.choice(['all', 'include', 'include', 'a', 'a', 'mx', 'mx', 'ptr', 'ip4', 'ip4', 'ip6', 'exists', 'redirect', 'exp', 'other', 'odd'])
    q = rnd.choice(['', '', '', '+', '-', '~', '?'])
    if kind in ('a', 'mx', 'ptr'):
        q += kind + (':' + domain() if rnd.random() < .6 else '')
        rare = ['/24', '/32', '/0', '//64', '//128', '/24//64', '/16//0', '/33', '//129', '/024', '/']
        return q + (rnd.choice(rare) if kind != 'ptr' and rnd.random() < .4 else '')
    if kind in ('include', 'exists'):
        return q + kind + ':' + domain()
    if kind == 'ip4':
        return q + 'ip4:' + rnd.choice(IPV4) + rnd.choice(['', '', '/24', '/32', '/23'])
    if kind == 'ip6':
        return q + 'ip6:' + rnd.choice(IPV6) + rnd.choice(['', '/64', '/32', '/128', '/48'])
    if kind in ('redirect', 'exp'):
        return kind + '=' + domain()
    if kind == 'other':
        return rnd.choice(['foo=bar', 'moo.x=%{i}', 'a.b-c_d='])
    return q + 'all' if kind == 'all' else rnd.choice(['a', 'mx', 'ip4', 'oops', 'all:', 'mx:', '?', 'ALL', 'Ip4:192.0.2.1', 'ip4:192.0.2', 'ip4:192.0.2.1/33'])


def record():
    terms = ''.join(' ' * rnd.choice([1, 1, 1, 2]) + term() for _ in range(rnd.choice([0, 1, 2, 3, 4, 5, 7])))
    return 'v=spf1' + terms + rnd.choice(['', ' -all', ' ~all', ' '])


def world():
    zone.clear()
    for n in NAMES:
        r = {}
        if rnd.random() < .8:
            r['TXT'] = [record()]
        if rnd.random() < .04:
            r['TXT'] = ['TIMEOUT']
        if rnd.random() < .6:
            r['A'] = rnd.sample(IPV4, rnd.choice([1, 2]))
        if rnd.random() < .4:
            r['AAAA'] = [rnd.choice(IPV6)]
        if rnd.random() < .5:
            r['MX'] = [(i, rnd.choice(NAMES)) for i in range(rnd.choice([1, 2, 3]))]
        if r and not n.startswith('void'):
            zone[n] = r
    for ip in IPV4 + IPV6:
        if rnd.random() < .6:
            zone[ipaddress.ip_address(ip).reverse_pointer] = {'PTR': list(dict.fromkeys(rnd.choices(NAMES, k=rnd.choice([1, 2, 3]))))}
    for n in ('192.0.2.1.a.example', 'foo.b.example', 'bar.foo.a.example', '1.2.0.192.in-addr.c.example', 'foo.a.example'):
        if rnd.random() < .5:
            zone[n] = {'A': ['127.0.0.2']}


def lookup(name, qtype, *more, **opts):
    found = zone.get(name.lower().rstrip('.'), {}).get(qtype, [])
    if found == ['TIMEOUT']:
        raise spf.TempError('timeout')
    form = {'TXT': lambda v: (v.encode(),), 'AAAA': lambda v: socket.inet_pton(socket.AF_INET6, v)}.get(qtype, lambda v: v)
    return [((name, qtype), form(v)) for v in found]


def line(owner, kind, v):
    return '%s. %s %s' % (owner, kind, v if v == 'TIMEOUT' else '"%s"' % v if kind == 'TXT' else '%d %s.' % v if kind == 'MX' else v + '.' if kind == 'PTR' else v)


spf.DNSLookup = lookup
for n in range(int(sys.argv[2])):
    world()
    cases = []
    for i in range(4):
        ip, helo = rnd.choice(IPV4 + IPV6), rnd.choice(NAMES + ['localhost'])
        sender = rnd.choice(['foo', 'foo-bar', 'a.b', 'foo+x']) + '@' + rnd.choice(NAMES)
        result, _, why = spf.query(i=ip, s=sender, h=helo).check()
        if not any(own in why for own in OWN_RULES):
            cases.append('\t'.join(['%d.%d' % (n, i), helo, ip, sender, result, '*']))
    base = os.path.join(sys.argv[3], '%05d' % n)
    with open(base + '.zone', 'w') as f:
        f.writelines(line(o, k, v) + '\n' for o, r in zone.items() for k, vs in r.items() for v in vs)
    with open(base + '.cases', 'w') as f:
        f.writelines(c + '\n' for c in cases)

"""samples/dns.zone: the DNS of those who write to the samples' tenants, as `weir-auth --dns` reads it. Each domain's comment says
what its mail shows."""
import os
from dkimkit import HERE, public
from seskit import BR, SIGNERS, mx_ip

# domain: (what it shows, SPF, DMARC, further lines). {ip} is where its mail comes from.
DOMAINS = [
    ('postfach.example', 'a freemailer: SPF through an include, softfail for others, DMARC only watches',
     'v=spf1 include:_spf.postfach.example ~all', 'v=DMARC1; p=none; rua=mailto:dmarc@postfach.example',
     ['_spf.postfach.example. TXT "v=spf1 ip4:{ip} -all"']),
    ('hausblick.example', 'signs with RSA and Ed25519, SPF by its MX, strict DKIM alignment',
     'v=spf1 mx -all', 'v=DMARC1; p=reject; adkim=s; rua=mailto:dmarc@hausblick.example',
     ['hausblick.example. MX 10 mx.hausblick.example.', 'mx.hausblick.example. A {ip}', 'mx.hausblick.example. TXT "v=spf1 a -all"']),
    ('stadtwerke-lindental.example', 'canonicalization simple/simple; subdomains have a policy of their own',
     'v=spf1 a:mx.stadtwerke-lindental.example -all', 'v=DMARC1; p=quarantine; sp=reject',
     ['mx.stadtwerke-lindental.example. A {ip}']),
    (BR, 'an IDN: brückner-heizung.example; its policy is being tested', 'v=spf1 ip4:{ip} -all', 'v=DMARC1; p=quarantine; t=y', []),
    ('kanto-keiki.example', 'SPF by a macro: an A record for each address that may send',
     'v=spf1 exists:%{{i}}._ip.kanto-keiki.example -all', 'v=DMARC1; p=reject; np=reject', ['{ip}._ip.kanto-keiki.example. A 127.0.0.2']),
    ('grosshandel-sued.example', 'a key of 1024 bits: it passes, and is flagged', 'v=spf1 ip4:{ip} ~all', 'v=DMARC1; p=none', []),
    ('planung.example', 'its mail was changed on the way: DKIM fails, SPF passes, so DMARC does', 'v=spf1 ip4:{ip} -all', 'v=DMARC1; p=quarantine', []),
    ('telefonie.example', 'signs with rsa-sha1, which counts for nothing (RFC 8301)', 'v=spf1 ip4:{ip} -all', 'v=DMARC1; p=none', []),
    ('xn--wrmepumpe-v2a.example', 'wärmepumpe.example, written so in From: Ed25519 alone', 'v=spf1 ip4:{ip} -all', 'v=DMARC1; p=reject', []),
    ('fernwaerme.example', 'a newsletter sent by somebody else: two signatures, one aligned', 'v=spf1 include:_spf.versand.example -all',
     'v=DMARC1; p=reject', ['_spf.versand.example. TXT "v=spf1 ip4:{ip} -all"']),
    ('sicherheit.example', 'no DKIM, so SPF has to do', 'v=spf1 ip4:{ip} -all', 'v=DMARC1; p=none', []),
    ('kopierer.example', 'no DKIM either, from behind the same door', 'v=spf1 ip4:{ip} -all', 'v=DMARC1; p=reject', []),
    ('anlagen.example', 'its name server is dead: SPF temperror, where SES still got an answer', None, None, ['anlagen.example. TXT TIMEOUT']),
    ('lieferant.example', 'SPF and no DMARC', 'v=spf1 ip4:{ip} ~all', None, []),
    ('mx.lieferant.example', 'its bounces: a null sender, so the HELO name is asked (RFC 7208 2.4)', 'v=spf1 a -all', None, ['mx.lieferant.example. A {ip}']),
    ('paket-info.example', 'a name that others like to use: SPF fail, DMARC p=reject', 'v=spf1 ip4:198.51.100.1 -all', 'v=DMARC1; p=reject', []),
    ('stadtwerke-lindenta1.example', 'a look-alike that sends from anywhere: SPF fail, DMARC p=quarantine', 'v=spf1 -all', 'v=DMARC1; p=quarantine', []),
]


def txt(owner, text):
    """A TXT record; strings of at most 255 bytes (RFC 1035 3.3)."""
    return '%s. TXT %s' % (owner, ' '.join('"%s"' % text[i:i + 255] for i in range(0, len(text), 255)))


def keys(domain):
    """The key records of a domain's signatures."""
    for name, d, _, algorithm in {s for signatures in SIGNERS.values() for s in signatures if s[1] == domain}:
        yield txt('%s._domainkey.%s' % (name.split('.')[1], d), 'v=DKIM1; k=%s; p=%s' % (algorithm.split('-')[0], public(name)))


def zone():
    lines = ['; The DNS of the samples: weir-auth --dns samples/dns.zone. Written by make-spool; the private keys are in keys/.',
             '; altsystem.example is not here: no SPF, no DMARC, no such name.', '$TTL 3600']
    for domain, shows, spf, dmarc, more in DOMAINS + [('versand.example', 'sends newsletters for others', None, None, [])]:
        ip = mx_ip(domain)
        lines += ['', '; %s: %s' % (domain, shows)]
        lines += [txt(domain, spf.format(ip=ip))] if spf else []
        lines += [line.format(ip=ip) for line in more]
        lines += [txt('_dmarc.' + domain, dmarc)] if dmarc else []
        lines += sorted(keys(domain))
    with open(os.path.join(HERE, 'dns.zone'), 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines) + '\n')

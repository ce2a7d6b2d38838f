#!/usr/bin/env python3
"""arc-cases.py DIR: chains of our own (RFC 8617), sealed by code of their own: DIR/*.eml, zone, expected.tsv as
dkim-cases.py writes them. Needs openssl(1)."""
import base64
import hashlib
import os
import re
import subprocess
import sys
import tempfile

DIR, work = sys.argv[1], tempfile.mkdtemp()
KEY = os.path.join(work, 'k.pem')
BODY = b'Hello\r\n'
HEAD = [b'From: Office <office@acme.example>\r\n', b'Subject: one\r\n']
zone, cases = [], []


def run(*args, data=None):
	return subprocess.run(args, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


run('openssl', 'genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', KEY)
public = base64.b64encode(run('openssl', 'pkey', '-in', KEY, '-pubout', '-outform', 'DER')).decode()
for n in range(1, 52):
	zone.append(f's._domainkey.f{n}.example. TXT "p={public[:250]}" "{public[250:]}"')


def relaxed(f):
	name, value = f.split(b':', 1)
	return name.strip().lower() + b':' + re.sub(rb'[ \t\r\n]+', b' ', value).strip() + b'\r\n'


def signed(text, field):
	b = base64.b64encode(run('openssl', 'dgst', '-sha256', '-sign', KEY, '-binary', data=text + relaxed(field)[:-2]))
	return field + b + b'\r\n'


def seal(sets, cv=None, body=BODY, s='s', extra=b'', i=None, ams_extra=b''):
	"""One more set on a list of (aar, ams, as)."""
	n = i or len(sets) + 1
	cv = cv or ('none' if n == 1 else 'pass')
	aar = b'ARC-Authentication-Results: i=%d; f%d.example; arc=%s\r\n' % (n, n, cv.encode())
	bh = base64.b64encode(hashlib.sha256(body).digest())
	ams = signed(b''.join(map(relaxed, HEAD)), b'ARC-Message-Signature: i=%d; a=rsa-sha256; c=relaxed/relaxed; d=f%d.example; s=%s; h=from:subject; bh=%s; %sb='
		% (n, n, s.encode(), bh, ams_extra))
	before = b''.join(relaxed(f) for one in sets for f in one) + relaxed(aar) + relaxed(ams)
	return sets + [(aar, ams, signed(before, b'ARC-Seal: i=%d; a=rsa-sha256; cv=%s; d=f%d.example; s=%s; %sb=' % (n, cv.encode(), n, s.encode(), extra)))]


def mail(sets, head=HEAD, body=BODY):
	return b''.join(b''.join(one) for one in reversed(sets)) + b''.join(head) + b'\r\n' + body


def case(name, want, clause, message):
	path = f'{len(cases) + 1:03d}.eml'
	with open(os.path.join(DIR, path), 'wb') as f:
		f.write(message)
	cases.append((path, want, name, clause))


one = seal([])
three = seal(seal(one))
fifty = []
for n in range(50):
	fifty = seal(fifty)
case('no set', 'none', '8617 5.2', mail([]))
case('one set', 'pass', '8617 5.2', mail(one))
case('three sets', 'pass', '8617 5.2', mail(three))
case('CRLF becomes LF', 'pass', '8617 4.1', mail(three).replace(b'\r\n', b'\n'))
case('sets in another order', 'pass', '8617 5.2', mail(list(reversed(three))))
case('fields in another order', 'pass', '8617 5.2', mail([tuple(reversed(s)) for s in three]))
case('fifty sets', 'pass', '8617 4.2.1', mail(fifty))
case('fifty-one sets', 'fail', '8617 4.2.1', mail(seal(fifty)))
case('the first set is lost', 'fail', '8617 5.2', mail(three[1:]))
case('the middle set is lost', 'fail', '8617 5.2', mail([three[0], three[2]]))
case('the last set is lost', 'pass', '8617 5.2: nobody can tell', mail(three[:2]))
case('the results of a set are changed', 'fail', '8617 5.2', mail([(three[0][0].replace(b'arc', b'spf'), *three[0][1:])] + three[1:]))
case('the signature of an older set is changed', 'fail', '8617 5.2', mail([(three[0][0], three[0][1].replace(b'i=1; a', b'i=1;  z=1; a'), three[0][2])] + three[1:]))
case('two seals change places: i= is what counts', 'pass', '8617 5.2', mail([(*three[0][:2], three[1][2]), (*three[1][:2], three[0][2]), three[2]]))
case('a set twice', 'fail', '8617 5.2', mail(three + three[:1]))
case('a set without results', 'fail', '8617 5.2', mail(three).replace(three[1][0], b''))
case('the body is changed', 'fail', '8617 5.2', mail(three, body=b'x'))
case('the body was changed before the last seal', 'pass', '8617 5.2', mail(seal(two := seal(one), body=b'Other\r\n'), body=b'Other\r\n'))
case('From is changed', 'fail', '8617 5.2', mail(three, head=[b'From: x@evil.example\r\n'] + HEAD[1:]))
case('cv=pass in the first', 'fail', '8617 5.2', mail(seal([], cv='pass')))
case('cv=none in the second', 'fail', '8617 5.2', mail(seal(one, cv='none')))
case('cv=fail in the first', 'fail', '8617 5.2', mail(seal([], cv='fail')))
case('cv=fail in the second', 'fail', '8617 5.2', mail(seal(one, cv='fail')))
case('cv=fail in an older one', 'fail', '8617 5.2', mail(seal(seal(one, cv='fail'))))
case('cv=PASS', 'fail', '8617 4.1.3, 6376 3.2', mail(seal(one, cv='PASS')))
case('a seal with h=', 'fail', '8617 4.1.3', mail(seal([], extra=b'h=from; ')))
case('a signature that expired', 'fail', '6376 3.5 x=', mail(seal([], ams_extra=b't=1; x=2; ')))
case('l= of more than there is', 'fail', '6376 3.5 l=', mail(seal([], ams_extra=b'l=99; ')))
case('no key', 'fail', '8617 5.2', mail(seal([], s='nowhere')))
zone.append('dead._domainkey.f1.example. TXT SERVFAIL')
case('the key cannot be asked for', 'temperror', '8617 5.2.1', mail(seal([], s='dead')))
case('the key cannot be asked for, and the body is changed', 'fail', '8617 5.2', mail(seal([], s='dead'), body=b'x'))
zone.append('small._domainkey.f1.example. TXT "p=MEgCQQDf2Gj0Yc1yk8bYz4CkF6qf1cFf8cBFwWZ4x2yqfQ3cPzSxWQFuQ3oUe6Yk3cPzSxWQFuQ3oUe6Yk3cPzSxAgMBAAE="')
case('the key is none', 'fail', '6376 3.6.1', mail(seal([], s='small')))
for i in (b'0', b'51', b'100', b'x', b'', b'-1', b'1.0'):
	case(f'i={i.decode()} in the results', 'fail', '8617 4.2.1', mail([(one[0][0].replace(b'i=1', b'i=' + i), *one[0][1:])]))
	case(f'i={i.decode()} in the seal', 'fail', '8617 4.2.1', mail([(*one[0][:2], one[0][2].replace(b'i=1', b'i=' + i))]))
case('a seal alone', 'fail', '8617 5.2', mail([(one[0][2],)]))
case('a field of a name that only begins like it', 'none', '8617 4', mail([(one[0][2].replace(b'ARC-Seal', b'ARC-Seals'),)]))
with open(os.path.join(DIR, 'zone'), 'w') as f:
	f.write('\n'.join(zone) + '\n')
with open(os.path.join(DIR, 'expected.tsv'), 'w') as f:
	for c in cases:
		f.write('\t'.join(c) + '\n')

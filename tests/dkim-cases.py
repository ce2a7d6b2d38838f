#!/usr/bin/env python3
"""Messages that try what RFC 6376, 8301, 8463 and 8616 say about DKIM, signed by code of their own.

dkim-cases.py DIR: writes DIR/NNN.eml, DIR/zone (their keys, in lib/dns's file form) and DIR/expected.tsv: the file, the
results wanted of its signatures (and the flags, after a "/"), the case, the clause it rests on. Needs openssl(1).
"""
import base64
import hashlib
import os
import re
import subprocess
import sys
import tempfile

DIR = sys.argv[1]
NOW = 1800000000	# what the tests give as --now
work = tempfile.mkdtemp()
zone, cases = [], []


def run(*args, data=None):
	return subprocess.run(args, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


# ---- keys ----

def new_key(name, *how):
	path = os.path.join(work, name + '.pem')
	run('openssl', 'genpkey', *how, '-out', path)
	return path


def rsa(name, bits):
	return new_key(name, '-algorithm', 'RSA', '-pkeyopt', f'rsa_keygen_bits:{bits}')


def public(path, form='spki'):
	if form == 'pkcs1':
		return run('openssl', 'rsa', '-in', path, '-RSAPublicKey_out', '-outform', 'DER')
	der = run('openssl', 'pkey', '-in', path, '-pubout', '-outform', 'DER')
	return der[-32:] if form == 'raw' else der


def b64(data):
	return base64.b64encode(data).decode()


def der(tag, data):
	n = len(data)
	size = bytes([n]) if n < 128 else bytes([0x82, n >> 8, n & 255])
	return bytes([tag]) + size + data


def der_rsa(modulus, exponent):	# RSAPublicKey
	def integer(v):
		return der(2, v.to_bytes(v.bit_length() // 8 + 1, 'big'))
	return der(0x30, integer(modulus) + integer(exponent))


R, R2, ED, ED2 = rsa('r', 2048), rsa('r2', 2048), new_key('ed', '-algorithm', 'ed25519'), new_key('ed2', '-algorithm', 'ed25519')
SMALL = {n: rsa(f's{n}', n) for n in (512, 1023, 1024, 2047, 3072)}
PR, PED = b64(public(R)), b64(public(ED, 'raw'))


def txt(name, record, domain='acme.example'):
	data = record if isinstance(record, bytes) else record.encode()
	text = ''.join(chr(c) if 32 <= c < 127 and c not in b'"\\' else '\\%03d' % c for c in data)
	parts = re.findall(r'(?:\\\d{3}|[^\\]){1,250}', text) or ['']
	zone.append(f'{name}._domainkey.{domain}. TXT ' + ' '.join(f'"{p}"' for p in parts))


# ---- signing: RFC 6376 3.4, 3.7, written without a look at lib/dkim ----

def relaxed_field(f):
	name, value = f.split(b':', 1)
	value = re.sub(rb'\r\n(?=[ \t])', b'', value.rstrip(b'\r\n') if value.endswith(b'\r\n') else value)
	return name.strip(b' \t').lower() + b':' + re.sub(rb'[ \t]+', b' ', value).strip(b' ') + b'\r\n'


def canon_body(body, how):
	if how == 'relaxed':
		body = re.sub(rb'[ \t]+(?=\r\n|$(?![\n]))', b'', body)
		body = re.sub(rb'[ \t]+', b' ', body)
	body = re.sub(rb'(\r\n)*\Z', b'', body)
	return body + b'\r\n' if body or how == 'simple' else b''


def raw_sign(key, text, digest='sha256'):
	if key in (ED, ED2):
		hashed = os.path.join(work, 'h')
		with open(hashed, 'wb') as f:
			f.write(hashlib.sha256(text).digest())
		return run('openssl', 'pkeyutl', '-sign', '-inkey', key, '-rawin', '-in', hashed)
	return run('openssl', 'dgst', '-' + digest, '-sign', key, '-binary', data=text)


HEAD = [b'From: Office <office@acme.example>\r\n', b'To: A <a@b.example>,\r\n\tB <b@b.example>\r\n', b'Subject: A  test\r\n',
	b'Date: Fri, 20 Nov 2026 09:15:00 +0000\r\n', b'Message-ID: <1@acme.example>\r\n']
BODY = b'Hello  there, \r\n\r\nthis is a test.\r\n'
NAMES = 'from:to:subject:date:message-id'


def sign(head=HEAD, body=BODY, key=None, canon='relaxed/relaxed', drop=(), text=None, digest='sha256', field=b'DKIM-Signature',
		order=None, fold='', **tags):
	"""The field. tags override or are added; drop: tags left out; text: a function that changes all of the field's text but b=."""
	how = (canon + '/simple' if canon and '/' not in canon else canon or 'simple/simple').lower().split('/')
	how = [h if h in ('simple', 'relaxed') else 'simple' for h in how]
	hashed = canon_body(body, how[1])
	if re.fullmatch(r'\d+', str(tags.get('l', ''))):
		hashed = hashed[:int(tags['l'])]
	t = {'v': '1', 'a': 'rsa-sha256' if key not in (ED, ED2) else 'ed25519-sha256', 'c': canon, 'd': 'acme.example', 's': 'r',
		'h': NAMES, 'bh': b64(hashlib.new(digest, hashed).digest()), 'b': ''}
	for k, v in tags.items():
		t[k.rstrip('_')] = v
	if t['b'] == '' and 'b' not in tags:
		t.pop('b')
		t['b'] = ''	# the last one
	t = {k: v for k, v in t.items() if v is not None and k not in drop}
	keys = order or list(t)
	value = '; '.join(f'{k}={t[k]}' for k in keys).encode('utf-8', 'surrogateescape')
	if text:
		value = text(value)
	own = field + b': ' + value
	signed, used = b'', set()
	for name in t.get('h', '').split(':'):
		name = name.strip().lower().encode()
		for i in reversed(range(len(head))):
			if i not in used and head[i].split(b':')[0].strip().lower() == name:
				used.add(i)
				signed += relaxed_field(head[i]) if how[0] == 'relaxed' else head[i]
				break
	empty = re.sub(rb'(^|[;\s])(b[ \t]*=)[^;]*', rb'\1\2', own)
	signed += relaxed_field(empty + b'\r\n')[:-2] if how[0] == 'relaxed' else empty
	if 'b' in drop or 'b' in tags:
		return own + b'\r\n'
	b = b64(raw_sign(key or R, signed, digest))
	b = fold.join(re.findall('.{1,60}', b)) if fold else b
	return re.sub(rb'((?:^|[;\s])b[ \t]*=[ \t\r\n]*)', lambda m: m.group(1) + b.encode(), own, count=1) + b'\r\n'


# ---- cases ----

def case(name, want, clause, message):
	path = f'{len(cases) + 1:03d}.eml'
	with open(os.path.join(DIR, path), 'wb') as f:
		f.write(message)
	cases.append((path, want, name, clause))


def mail(*fields, head=HEAD, body=BODY):
	return b''.join(fields) + b''.join(head) + b'\r\n' + body


def one(name, want, clause, **how):
	"""Signed as `how` says and not changed."""
	head, body = how.get('head', HEAD), how.get('body', BODY)
	case(name, want, clause, mail(sign(**how), head=head, body=body))


def keyed(name, want, clause, record, **how):
	"""Signed in order; the key's record is the point."""
	selector = f'k{len(cases) + 1}'
	for r in record if isinstance(record, list) else [record]:
		txt(selector, r)
	one(name, want, clause, s=selector, **how)


txt('r', f'v=DKIM1; k=rsa; p={PR}')
txt('e', f'v=DKIM1; k=ed25519; p={PED}')
GOOD = sign()


def good():
	for c in ('simple/simple', 'simple/relaxed', 'relaxed/simple', 'relaxed/relaxed'):
		one(f'c={c}', 'pass', '6376 3.4', canon=c)
		one(f'c={c}, Ed25519', 'pass', '8463 3', canon=c, key=ED, s='e')
	one('no c=', 'pass', '6376 3.5 c=', canon=None)
	one('c=simple', 'pass', '6376 3.5 c=', canon='simple')
	one('c=relaxed: the body is simple', 'pass', '6376 3.5 c=', canon='relaxed')
	case('two signatures, RSA and Ed25519', 'pass pass', '8463 3', mail(sign(), sign(key=ED, s='e')))
	for n in (1024, 2047, 3072):
		txt(f'n{n}', f'v=DKIM1; p={b64(public(SMALL[n]))}')
		one(f'RSA of {n} bits', 'pass' + ('/weak_key' if n < 2048 else '/'), '8301 3.2', key=SMALL[n], s=f'n{n}')
	for n in (512, 1023):
		txt(f'n{n}', f'v=DKIM1; p={b64(public(SMALL[n]))}')
		one(f'RSA of {n} bits', 'policy', '8301 3.2', key=SMALL[n], s=f'n{n}')
	keyed('RSA of 8200 bits', 'policy', 'DKIM_MAX_RSA_BITS', f'v=DKIM1; p={b64(der_rsa((1 << 8199) | 12345677, 65537))}')


def required():
	for t in ('v', 'a', 'b', 'bh', 'd', 'h', 's'):
		one(f'{t}= is missing', 'permerror', '6376 3.5, 6.1.1', drop=(t,))
	for v in ('2', '1.0', '', '01', 'DKIM1'):
		one(f'v={v}', 'permerror', '6376 3.5 v=', v=v)
	for a in ('rsa-sha512', 'RSA-SHA256', 'rsa', '', 'ed448-sha256', 'rsa-sha256-x'):
		one(f'a={a}', 'permerror', '6376 3.5 a=, 3.2 (case)', a=a)
	one('rsa-sha1, signed with SHA-1', 'permerror', '8301 3.1', a='rsa-sha1', digest='sha1')
	one('rsa-sha1, signed with SHA-256', 'permerror', '8301 3.1', a='rsa-sha1')
	one('a= is Ed25519, the key RSA', 'permerror', '6376 6.1.2', a='ed25519-sha256')
	one('a= is RSA, the key Ed25519', 'permerror', '6376 6.1.2', s='e')
	for c in ('nowsp', 'Relaxed/relaxed', 'relaxed/', '/relaxed', '', 'relaxed/relaxed/relaxed', 'relaxed / relaxed'):
		one(f'c={c}', 'permerror', '6376 3.5 c=', canon=c)


def names():
	one('d= in capitals', 'pass', '6376 3.5 d= (a domain)', d='ACME.Example')
	for d in ('', 'example', 'acme.example.', '.acme.example', 'acme..example', 'acme example', '[192.0.2.1]', 'a' * 64 + '.example', 'ac_me;x=.example'):
		one(f'd={d[:30]}', 'permerror', '6376 3.5 d=', d=d)
	zone.append(f'r._domainkey.xn--bro-hoa.example. TXT "v=DKIM1; p={PR[:200]}" "{PR[200:]}"')
	one('d= with a U-label', 'pass', '8616 5', d='b\u00fcro.example')
	one('d= with an A-label', 'pass', '8616 5', d='xn--bro-hoa.example')
	one('d= A-label, i= U-label', 'pass', '8616 5', d='xn--bro-hoa.example', i='\u00fc@b\u00fcro.example')
	one('d= with bytes that are not UTF-8', 'permerror', '8616 5', d='b\udcfcro.example')
	txt('2026.r', f'p={PR}')
	txt('xn--schlssel-95a', f'p={PR}')
	one('s= of two labels', 'pass', '6376 3.1', s='2026.r')
	one('s= with a U-label', 'pass', '8616 5', s='schl\u00fcssel')
	for s in ('', 'r.', '.r', 'r r', 'r;', 'x' * 64):
		one(f's={s[:20]}', 'permerror', '6376 3.5 s=', s=s)
	one('the name of the key is longer than a name can be', 'permerror', '1035 2.3.4', s='.'.join(['x' * 50] * 5))


def header_names():
	one('h= without From', 'permerror', '6376 5.4', h='to:subject:date')
	one('h= with a name that begins like From', 'permerror', '6376 5.4', h='from-x:to')
	for h in ('', ':', 'from:', ':from', 'from::to', 'from to', 'from:t\u00f6'):
		one(f'h={h}', 'permerror', '6376 3.5 h=', h=h)
	one('h= in capitals, with blanks', 'pass', '6376 3.5 h=', h='FROM : To :\r\n\tsubject:Date')
	one('h= names fields that are not there', 'pass', '6376 3.5 h=', h=NAMES + ':x-none:cc:from')
	one('h= of 256 names', 'pass', 'DKIM_MAX_NAMES', h=':'.join(['from'] + ['x'] * 255))
	one('h= of 257 names', 'permerror', 'DKIM_MAX_NAMES', h=':'.join(['from'] + ['x'] * 256))
	old = sign(h='from')
	one('a signature that signs an older one', 'pass pass', '6376 5.4', head=[old] + HEAD, h='from:dkim-signature')
	one('DKIM-Signature once more than there is an older one: its own does not count', 'pass pass', '6376 3.5 h=', head=[old] + HEAD,
		h='from:dkim-signature:dkim-signature')
	over = sign(h=NAMES + ':from:subject')
	case('a From is added to one that is signed twice', 'fail', '6376 8.15', mail(b'From: x@evil.example\r\n', over))
	case('a Subject is added to one that is signed twice', 'fail', '6376 5.4.2', mail(b'Subject: x\r\n', over))
	case('a From is added on top: the lower one is signed', 'policy', '6376 3.8, 8.15', mail(b'From: x@evil.example\r\n', GOOD))
	case('a From with a blank before the colon is added', 'policy', '6376 8.15, 5322 4.5', mail(b'From : x@evil.example\r\n', GOOD))
	case('a from in lower case is added', 'policy', '6376 8.15', mail(GOOD, b'from: x@evil.example\r\n'))
	case('a From is added below: it is the one that is looked at', 'fail', '6376 5.4.2', mail(GOOD, head=HEAD + [b'From: x@evil.example\r\n']))
	two = HEAD + [b'From: b@acme.example\r\n']
	one('two From fields, both signed', 'pass', '6376 5.4.2', head=two, h='from:from:to')
	one('two From fields, one signed', 'policy', '6376 8.15', head=two)
	one('no From in the message', 'policy', '6376 3.8', head=HEAD[1:])


def identity():
	for i in ('@acme.example', 'office@acme.example', 'a@sub.acme.example', '@SUB.Acme.Example', 'a=20b@acme.example', '"a b"@acme.example', 'a=\r\n @acme.example'.replace('=', '')):
		one(f'i={i!r}', 'pass', '6376 3.5 i=', i=i)
	one('i= in UTF-8', 'pass', '8616 5', i='b\u00fcro@acme.example')
	for i in ('@example', '@evil.example', '@notacme.example', '@acme.example.evil.example', 'office', '', '@', '@@', 'a=ZZ@acme.example', 'a=0d=0a@acme.example',
			'a=0D=0Ab@acme.example', 'a=00@acme.example', 'a=4', 'a@acme.example.', 'x' * 1001 + '@acme.example'):
		one(f'i={i[:40]!r}', 'permerror', '6376 3.5 i=, 2.11', i=i)
	one('i= in bytes that are not UTF-8', 'permerror', '8616 5', i='a\udcff@acme.example')


def lengths():
	n = len(canon_body(BODY, 'relaxed'))
	one('l= is the whole body', 'pass/partial_body', '6376 3.5 l=', l=n)
	case('l=, and something is added behind', 'pass/partial_body', '6376 8.2', mail(sign(l=n), body=BODY + b'evil\r\n'))
	case('l=, and the first line is changed', 'fail', '6376 3.5 l=', mail(sign(l=n), body=BODY.replace(b'Hello', b'Evil!')))
	one('l=0', 'pass/partial_body', '6376 3.5 l=', l=0)
	one('l= of half the body', 'pass/partial_body', '6376 3.5 l=', l=9)
	one('l= of half the body, simple', 'pass/partial_body', '6376 3.5 l=', l=9, canon='simple/simple')
	one('l= is one byte more than there is', 'permerror', '6376 3.5 l=', l=n + 1)
	one('l= of 76 digits', 'permerror', '6376 3.5 l=', l='9' * 76)
	for v in ('9' * 77, '-1', 'x', '', '1 2', '0x10', '+1'):
		one(f'l={v[:20]}', 'permerror', '6376 3.5 l=', l=v)
	case('two signatures with l= of their own', 'pass pass pass', '6376 3.5 l=', mail(sign(l=5), sign(l=12), sign()))


def times():
	one('t= is now', 'pass/', '6376 3.5 t=', t=NOW)
	one('t= is an hour from now', 'pass/', '6376 3.5 t=: clocks differ', t=NOW + 3600)
	one('t= is two days from now', 'pass/future', '6376 3.5 t=', t=NOW + 2 * 86400)
	one('t= of 12 digits', 'pass/future', '6376 3.5 t=', t='9' * 12)
	for v in ('', 'x', '-1', '1' * 13, '1.5'):
		one(f't={v}', 'permerror', '6376 3.5 t=', t=v)
	one('x= is now', 'pass', '6376 3.5 x=', t=NOW - 9, x=NOW)
	one('x= was a second ago', 'permerror', '6376 3.5 x=', t=NOW - 9, x=NOW - 1)
	one('x= to come, without t=', 'pass', '6376 3.5 x=', x=NOW + 9)
	one('x= is t=', 'permerror', '6376 3.5 x=', t=NOW + 5, x=NOW + 5)
	one('x= is before t=', 'permerror', '6376 3.5 x=', t=NOW + 6, x=NOW + 5)
	for v in ('', 'x', '-1', '9' * 13):
		one(f'x={v}', 'permerror', '6376 3.5 x=', x=v)


def other_tags():
	for q, want in (('dns/txt', 'pass'), ('dns', 'permerror'), ('http:dns/txt', 'pass'), ('dns/txt : x', 'pass'), ('', 'permerror'), ('DNS/TXT', 'permerror'), ('dns/txtx', 'permerror')):
		one(f'q={q}', want, '6376 3.5 q=, 3.2', q=q)
	one('z=, and a tag that nobody knows', 'pass', '6376 3.2', z='From:Office=20<office@acme.example>|Subject:x', zz='y')
	one('tags in another order, b= first', 'pass', '6376 3.2', order=['b', 'bh', 'h', 's', 'd', 'c', 'a', 'v'])
	one('tags in another order, b= first, simple', 'pass', '6376 3.7', canon='simple/simple', order=['b', 'bh', 'h', 's', 'd', 'c', 'a', 'v'])
	one('names of tags in capitals', 'permerror', '6376 3.2 (case)', text=lambda t: t.replace(b'v=1', b'V=1'))
	for what, text, want in (
			('a ";" at the end', lambda t: t + b';', 'pass'), ('";" and blanks at the end', lambda t: t + b'; \r\n\t ', 'pass'),
			('two ";" at the end', lambda t: t + b';;', 'permerror'), ('";;" between tags', lambda t: t.replace(b'; d=', b';; d='), 'permerror'),
			('";" at the beginning', lambda t: b';' + t, 'permerror'), ('a tag without "="', lambda t: b'junk; ' + t, 'permerror'),
			('a tag without a name', lambda t: b'=x; ' + t, 'permerror'), ('a name that begins with a digit', lambda t: b'1x=x; ' + t, 'permerror'),
			('d= twice, the same', lambda t: b'd=acme.example; ' + t, 'permerror'), ('d= twice', lambda t: b'd=evil.example; ' + t, 'permerror'),
			('a tag that nobody knows twice', lambda t: b'y=1; y=1; ' + t, 'permerror'), ('bh= twice', lambda t: b'bh=AAAA; ' + t, 'permerror'),
			('blanks around "="', lambda t: t.replace(b'd=', b'\r\n d \r\n\t= '), 'pass'), ('NUL in a tag', lambda t: b'y=a\0b; ' + t, 'permerror'),
			('a bare CR in a tag', lambda t: b'y=a\rb; ' + t, 'permerror'), ('8 bits in a tag that nobody knows', lambda t: b'y=\xc3\xbc; ' + t, 'permerror'),
			('a value without anything', lambda t: b'y=; ' + t, 'pass'), ('"=" in a value', lambda t: b'y=a=b==; ' + t, 'pass'),
			('64 tags', lambda t: b''.join(b'y%d=; ' % i for i in range(56)) + t, 'pass'), ('65 tags', lambda t: b''.join(b'y%d=; ' % i for i in range(57)) + t, 'permerror')):
		for canon in ('relaxed/relaxed', 'simple/simple') if want == 'pass' else ('relaxed/relaxed',):
			one(f'{what}, {canon}', want, '6376 3.2', text=text, canon=canon)
	size = len(sign()) + len(' y=;') - len('DKIM-Signature:') - 2
	one('a field of 32768 bytes', 'pass', 'DKIM_MAX_FIELD_BYTES', text=lambda t: b'y=' + b'x' * (32768 - size) + b'; ' + t)
	one('a field of 32769 bytes', 'permerror', 'DKIM_MAX_FIELD_BYTES', text=lambda t: b'y=' + b'x' * (32769 - size) + b'; ' + t)


def signatures():
	one('b= folded', 'pass', '6376 3.5 b=', fold='\r\n\t ')
	one('b= folded, simple', 'pass', '6376 3.7', fold='\r\n\t ', canon='simple/simple')
	m = re.search(rb' b=([^\r]*)', GOOD)
	b = m.group(1)
	for what, new, want in (('empty', b'', 'permerror'), ('no base64', b'!' + b[1:], 'permerror'), ('base64 with "=" inside', b[:8] + b'=' + b[9:], 'permerror'),
			('cut short', b[:-8], 'fail'), ('of 1 byte', b'AA==', 'fail'), ('without padding', b.rstrip(b'='), 'pass'),
			('one bit changed', b[:20] + (b'A' if b[20:21] != b'A' else b'B') + b[21:], 'fail'),
			('all zero', b'A' * 342 + b'==', 'fail'), ('with something behind', b.rstrip(b'=') + b'A' * 8, 'fail'), ('longer than any', b'AAAA' * 400, 'permerror'),
			('with URL letters', b[:4] + b'-_' + b[6:], 'permerror')):
		case(f'b= is {what}', want, '6376 3.5 b=, 6.1.3', mail(GOOD.replace(b, new)))
	e = sign(key=ED, s='e')
	b = re.search(rb' b=([^\r]*)', e).group(1)
	case('Ed25519: one bit changed', 'fail', '8463 3', mail(e.replace(b, (b'A' if b[:1] != b'A' else b'B') + b[1:])))
	case('Ed25519: 63 bytes', 'fail', '8032 5.1.7', mail(e.replace(b, b[:84])))
	for what, bh in (('of another body', b64(b'x' * 32)), ('empty', ''), ('of 31 bytes', b64(b'x' * 31)), ('of 33 bytes', b64(b'x' * 33)), ('no base64', '!')):
		one(f'bh= is {what}', 'fail' if what == 'of another body' else 'permerror', '6376 3.5 bh=', bh=bh)
	for name, value in (('without a "="', b'junk'), ('without d=', GOOD[16:].replace(b'd=acme.example; ', b'').strip()), ('of 8 bits', b'\xff\xfe'), ('empty', b''),
			('of NUL', b'\0'), ('of one ";"', b';'), ('of the middle of one', GOOD[80:140])):
		f = b'DKIM-Signature: ' + value + b'\r\n'
		case(f'a signature {name} above a good one', 'permerror pass', '6376 6.1: each alone', mail(f, GOOD))
		case(f'a signature {name} below a good one', 'pass permerror', '6376 6.1: each alone', mail(GOOD, f))
	case('ten good signatures', ' '.join(['pass'] * 10), 'DKIM_MAX_SIGNATURES', mail(*[GOOD] * 10))
	case('eleven good signatures', ' '.join(['pass'] * 10 + ['policy']), 'DKIM_MAX_SIGNATURES', mail(*[GOOD] * 11))
	case('twenty malformed signatures and a good one', ' '.join(['permerror'] * 20 + ['pass']), 'DKIM_MAX_LISTED', mail(*[b'DKIM-Signature: x\r\n'] * 20, GOOD))
	case('thirty malformed signatures and a good one', ' '.join(['permerror'] * 30 + ['unread']), 'DKIM_MAX_LISTED', mail(*[b'DKIM-Signature: x\r\n'] * 30, GOOD))
	case('no signature', 'none', '8601 2.7.1', mail())
	case('a field with a name that only begins like it', 'none', '6376 3.5', mail(GOOD.replace(b'DKIM-Signature', b'DKIM-Signature-X')))
	one('the name of the field in capitals, blank before the colon', 'pass', '5322 1.2.2, 4.5', field=b'DKIM-SIGNATURE ')
	one('the same, simple', 'pass', '6376 3.4.1', field=b'dkim-signature \t', canon='simple/simple')


def changes():
	"""What may happen to a message on its way, and what not (3.4)."""
	pairs = (
		('blank lines are added at the end', lambda m: m + b'\r\n\r\n', 'pass', 'pass'),
		('the last line end is lost', lambda m: m[:-2], 'pass', 'pass'),
		('blanks at the end of a line are lost', lambda m: m.replace(b'there, \r\n', b'there,\r\n'), 'pass', 'fail'),
		('blanks are added at the end of a line', lambda m: m.replace(b'test.\r\n', b'test. \t\r\n'), 'pass', 'fail'),
		('two blanks become one in the body', lambda m: m.replace(b'Hello  there', b'Hello there'), 'pass', 'fail'),
		('a blank becomes a tab in the body', lambda m: m.replace(b'this is', b'this\tis'), 'pass', 'fail'),
		('a blank is lost in the body', lambda m: m.replace(b'this is', b'thisis'), 'fail', 'fail'),
		('an empty line of the body gets blanks', lambda m: m.replace(b', \r\n\r\n', b', \r\n \t\r\n'), 'pass', 'fail'),
		('an empty line is lost', lambda m: m.replace(b', \r\n\r\n', b', \r\n'), 'fail', 'fail'),
		('an empty line is added in front', lambda m: m.replace(b'\r\n\r\nHello', b'\r\n\r\n\r\nHello'), 'fail', 'fail'),
		('a blank is added in front of a line', lambda m: m.replace(b'\r\nthis', b'\r\n this'), 'fail', 'fail'),
		('a letter changes its case in the body', lambda m: m.replace(b'Hello', b'hello'), 'fail', 'fail'),
		('two blanks become one in Subject', lambda m: m.replace(b'A  test', b'A test'), 'pass', 'fail'),
		('Subject becomes SUBJECT', lambda m: m.replace(b'Subject:', b'SUBJECT:'), 'pass', 'fail'),
		('the blank behind the colon is lost', lambda m: m.replace(b'Subject: ', b'Subject:'), 'pass', 'fail'),
		('a blank comes before the colon', lambda m: m.replace(b'Subject:', b'Subject :'), 'pass', 'fail'),
		('a field is unfolded', lambda m: m.replace(b',\r\n\tB', b', B'), 'pass', 'fail'),
		('a field is folded elsewhere', lambda m: m.replace(b'B <b@', b'B\r\n <b@'), 'pass', 'fail'),
		('a field is folded where no blank was', lambda m: m.replace(b'b@b.example', b'b@b\r\n .example'), 'fail', 'fail'),
		('Subject changes', lambda m: m.replace(b'A  test', b'B  test'), 'fail', 'fail'),
		('Subject is lost', lambda m: m.replace(b'Subject: A  test\r\n', b''), 'fail', 'fail'),
		('a field is added that is not signed', lambda m: b'Received: x\r\n' + m, 'pass', 'pass'),
		('fields change places', lambda m: m.replace(HEAD[2] + HEAD[3], HEAD[3] + HEAD[2]), 'pass', 'pass'),
		('the signature goes to the end of the header', lambda m: move(m), 'pass', 'pass'),
		('CRLF becomes LF', lambda m: m.replace(b'\r\n', b'\n'), 'pass', 'pass'),
		('CRLF becomes LF in the body', lambda m: m.replace(b'\r\n\r\nHello', b'\n\nHello').replace(b'test.\r\n', b'test.\n'), 'pass', 'pass'),
		('the signature is folded elsewhere', lambda m: m.replace(b'; d=', b';\r\n\td='), 'pass', 'fail'),
		('d= of the signature changes', lambda m: m.replace(b'd=acme.example', b'd=xn--bro-hoa.example'), 'fail', 'fail'),
		('h= loses a name', lambda m: m.replace(b':message-id', b''), 'fail', 'fail'),
		('t= is added to the signature', lambda m: m.replace(b'v=1; ', b'v=1; t=1; '), 'fail', 'fail'))

	def move(m):
		field, rest = m.split(b'\r\n', 1)
		return rest.replace(b'\r\n\r\n', b'\r\n' + field + b'\r\n\r\n', 1)
	for canon, which in (('relaxed/relaxed', 2), ('simple/simple', 3)):
		m = mail(sign(canon=canon))
		for p in pairs:
			changed = p[1](m)
			assert changed != m, p[0]
			case(f'{p[0]}, {canon}', p[which], '6376 3.4', changed)
	twice = HEAD + [b'Keywords: one\r\n', b'Keywords: two\r\n']
	s = sign(head=twice, h='from:keywords:keywords')
	case('two fields of a name change places', 'fail', '6376 5.4.2', mail(s, head=HEAD + twice[:-3:-1]))
	s = sign(head=twice, h='from:keywords')
	case('the upper one of two changes, the lower one is signed', 'pass', '6376 5.4.2', mail(s, head=HEAD + [b'Keywords: x\r\n', twice[-1]]))
	one('fields that readers look at are not signed', 'pass/fields_open', '6376 5.4.1', h='from')


def bodies():
	for what, body in (('no body', b''), ('empty lines only', b'\r\n\r\n'), ('blanks only', b' \t \r\n \r\n'), ('no line end', b'x'), ('NUL', b'a\0b \0\r\n'),
			('a bare CR', b'a\rb\r\r\nc\r'), ('a bare CR and blanks', b'a\r \t \r\n'), ('8 bits', bytes(range(128, 256)) + b'\r\n'), ('a line of 200 kB', b'ab  c' * 40000 + b'\r\n'),
			('20000 empty lines and a word', b'\r\n' * 20000 + b'x'), ('tabs', b'\t\t\ta\t\tb\t\r\n' * 500), ('a form feed', b'a\f b\v \r\n')):
		for canon in ('simple/simple', 'relaxed/relaxed'):
			one(f'{what}, {canon}', 'pass', '6376 3.4.3, 3.4.4', body=body, canon=canon)
	case('a header and nothing behind', 'pass', '6376 3.4.4', sign(body=b'') + b''.join(HEAD))
	for canon in ('simple/simple', 'relaxed/relaxed'):
		odd = HEAD + [b'X-A:\r\n', b'X-B: \t \r\n', b'X-C:\r\n \r\n\tx \r\n', b'X-D: a\rb\0c\r\n', b'X-E \t:  \xff\xfe  \r\n', b'X-F:' + b' x' * 20000 + b'\r\n']
		one(f'odd fields, {canon}', 'pass', '6376 3.4.1, 3.4.2', head=odd, h='from:x-a:x-b:x-c:x-d:x-e:x-f', canon=canon)
	fill = [b'X: y\r\n'] * (4000 - len(HEAD) - 1)
	big = [b'X: ' + b'y' * ((1 << 20) - 5 - len(GOOD) - sum(map(len, HEAD))) + b'\r\n']
	case('a header of 1 MB', 'pass', 'DKIM_MAX_HEADER_BYTES', mail(GOOD, head=big + HEAD))
	case('a header of 1 MB and a byte', 'policy', 'DKIM_MAX_HEADER_BYTES', mail(GOOD, head=HEAD + [big[0].replace(b'X: y', b'X: yy')]))
	case('4000 fields', 'pass', 'DKIM_MAX_FIELDS', mail(GOOD, head=fill + HEAD))
	case('4001 fields', 'policy', 'DKIM_MAX_FIELDS', mail(GOOD, head=fill + [b'X: y\r\n'] + HEAD))


def keys():
	p = PR
	for what, record, want in (
			('no v=', f'p={p}', 'pass'), ('only v= and p=', f'v=DKIM1;p={p}', 'pass'), ('v= not first', f'k=rsa; v=DKIM1; p={p}', 'permerror'),
			('v=DKIM2', f'v=DKIM2; p={p}', 'permerror'), ('v=dkim1', f'v=dkim1; p={p}', 'permerror'), ('v= empty', f'v=; p={p}', 'permerror'),
			('v = DKIM1 with blanks', f'v = DKIM1 ; p={p}', 'pass'), ('k=RSA', f'k=RSA; p={p}', 'permerror'), ('k= empty', f'k=; p={p}', 'permerror'),
			('k=ed25519 for an RSA key', f'k=ed25519; p={p}', 'permerror'), ('k=ed25519 and 32 bytes, for an RSA signature', f'k=ed25519; p={PED}', 'permerror'),
			('k=dsa', f'k=dsa; p={p}', 'permerror'), ('h=sha256', f'h=sha256; p={p}', 'pass'), ('h=sha1', f'h=sha1; p={p}', 'permerror'),
			('h=sha1 : sha256', f'h=sha1 : sha256; p={p}', 'pass'), ('h= empty', f'h=; p={p}', 'permerror'), ('h=SHA256', f'h=SHA256; p={p}', 'permerror'),
			('s=email', f's=email; p={p}', 'pass'), ('s=*', f's=*; p={p}', 'pass'), ('s=tlsrpt', f's=tlsrpt; p={p}', 'permerror'),
			('s=tlsrpt:email', f's=tlsrpt:email; p={p}', 'pass'), ('s= empty', f's=; p={p}', 'permerror'),
			('t=y', f't=y; p={p}', 'pass/testing'), ('t=s', f't=s; p={p}', 'pass/'), ('t=y:s', f't=y:s; p={p}', 'pass/testing'), ('t=x:z', f't=x:z; p={p}', 'pass/'),
			('p= empty', 'v=DKIM1; p=', 'permerror'), ('p= of blanks', 'v=DKIM1; p= ; k=rsa', 'permerror'), ('no p=', 'v=DKIM1; k=rsa', 'permerror'),
			('p= with blanks', f'v=DKIM1; p={p[:50]} {p[50:99]}\t{p[99:]}', 'pass'), ('p= no base64', f'p=!{p}', 'permerror'), ('p= cut short', f'p={p[:-40]}', 'permerror'),
			('p= with bytes behind', f'p={b64(public(R) + b"x")}', 'permerror'), ('p= is an RSAPublicKey', f'p={b64(public(R, "pkcs1"))}', 'pass'),
			('p= is an RSAPublicKey with bytes behind', f'p={b64(public(R, "pkcs1") + b"x")}', 'permerror'), ('p= is of another RSA key', f'p={b64(public(R2))}', 'fail'),
			('p= is an RSA key with exponent 1', f'p={b64(der_rsa((1 << 2047) | 9, 1))}', 'permerror'), ('p= is an RSA key with exponent 2', f'p={b64(der_rsa((1 << 2047) | 9, 2))}', 'permerror'),
			('p= is an RSA key with an exponent of 2000 bits', f'p={b64(der_rsa((1 << 2047) | 9, (1 << 1999) | 1))}', 'permerror'),
			('p= is an RSA key with modulus 0', f'p={b64(der_rsa(0, 65537))}', 'policy'), ('p= is an even modulus', f'p={b64(der_rsa((1 << 2047), 65537))}', 'fail'),
			('p= twice', f'p={p}; p={p}', 'permerror'), ('k= twice', f'k=rsa; k=rsa; p={p}', 'permerror'), ('a tag that nobody knows', f'y=1; p={p}', 'pass'),
			('n= and g=', f'g=nobody; n=a note; p={p}', 'pass'), ('a ";" at the end', f'p={p};', 'pass'), ('two ";" at the end', f'p={p};;', 'permerror'),
			('empty', '', 'permerror'), ('SPF', 'v=spf1 -all', 'permerror'), ('8 bits', f'n=\u00fc; p={p}', 'permerror'), ('NUL', f'n=a\0b; p={p}', 'permerror'),
			('quotes around it', f'"v=DKIM1; p={p}"', 'permerror'), ('SPF, and the key', ['v=spf1 -all', f'p={p}'], 'pass/several_keys'),
			('another key, and the key', [f'p={b64(public(R2))}', f'p={p}'], 'pass/several_keys'), ('a revoked key, and the key', ['p=', f'p={p}'], 'pass/several_keys'),
			('SPF, and another key', ['v=spf1 -all', f'p={b64(public(R2))}'], 'fail'),
			('four others, and the key', ['v=spf1 -all', f'p={b64(public(R2))}', 'p=', 'p=x', f'p={p}'], 'fail'),
			('8192 bytes', f'p={p}; n=' + 'x' * (8192 - len(p) - 6), 'pass'), ('8193 bytes', f'p={p}; n=' + 'x' * (8193 - len(p) - 6), 'permerror')):
		keyed(f'key record: {what}', want, '6376 3.6.1, 6.1.2', record)
	for what, i, want in (('d= itself', 'x@acme.example', 'pass'), ('below d=', 'x@sub.acme.example', 'permerror'), ('d= in capitals', '@ACME.example', 'pass')):
		keyed(f't=s, i= is {what}', want, '6376 3.6.1 t=s', f't=s; p={p}', i=i)
	for what, record, want in (('the 32 bytes', f'k=ed25519; p={PED}', 'pass/'), ('SubjectPublicKeyInfo', f'k=ed25519; p={b64(public(ED))}', 'permerror'),
			('31 bytes', f'k=ed25519; p={b64(public(ED, "raw")[:31])}', 'permerror'), ('no k=', f'p={PED}', 'permerror'),
			('another', f'k=ed25519; p={b64(public(ED2, "raw"))}', 'fail'), ('k=rsa', f'k=rsa; p={PR}', 'permerror'), ('an Ed25519 SubjectPublicKeyInfo as k=rsa', f'k=rsa; p={b64(public(ED))}', 'permerror')):
		keyed(f'Ed25519 key: {what}', want, '8463 4', record, key=ED)
	keyed('an EC key as k=rsa', 'permerror', '6376 3.6.1', f'p={b64(public(new_key("ec", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")))}')
	keyed('an RSA-PSS key as k=rsa', 'permerror', '6376 3.3.1', f'p={b64(public(new_key("pss", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048")))}')
	for what in ('SERVFAIL', 'TIMEOUT', 'BOGUS'):
		zone.append(f'{what.lower()}._domainkey.acme.example. TXT {what}')
		one(f'the key: {what}', 'temperror', '6376 6.1.2; 8601 2.7.1', s=what.lower())
		case(f'the key: {what}, and the body was changed', 'fail', '6376 6.1.3', mail(sign(s=what.lower()), body=b'x'))
	one('the key: NXDOMAIN', 'permerror', '6376 6.1.2', s='nowhere')
	zone.append('nodata._domainkey.acme.example. A 192.0.2.1')
	one('the key: NODATA', 'permerror', '6376 6.1.2', s='nodata')
	zone.append('alias._domainkey.acme.example. CNAME r._domainkey.acme.example.')
	one('the key behind a CNAME', 'pass', '1034 3.6.2', s='alias')
	zone.append('loop._domainkey.acme.example. CNAME loop._domainkey.acme.example.')
	one('the key behind a CNAME to itself', 'temperror', '1034 3.6.2', s='loop')
	case('one key cannot be asked for, the other can', 'temperror pass', '6376 6.1: each alone', mail(sign(s='servfail'), GOOD))


for part in (good, required, names, header_names, identity, lengths, times, other_tags, signatures, changes, bodies, keys):
	part()
with open(os.path.join(DIR, 'zone'), 'w') as f:
	f.write('\n'.join(zone) + '\n')
with open(os.path.join(DIR, 'expected.tsv'), 'w') as f:
	for c in cases:
		f.write('\t'.join(c).replace('\r', '\\r').replace('\n', '\\n').replace('\0', '\\0') + '\n')

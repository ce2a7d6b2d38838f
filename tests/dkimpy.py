#!/usr/bin/env python3
"""dkimpy as a second opinion: dkimpy.py verify ZONE MESSAGE... | dkimpy.py sign DOMAIN SELECTOR KEY MESSAGE (RSA),
as build/suite/opendkim; dkimpy.py time-verify ZONE N MESSAGE."""
import re
import sys
import time
import dkim

zone = {}


def load(path):
	for line in open(path):
		name, rest = line.split(' TXT ', 1)
		zone[name.strip().rstrip('.') + '.'] = ''.join(re.findall(r'"([^"]*)"', rest)).encode()


def lookup(name, timeout=5):
	return zone.get(name.decode() if isinstance(name, bytes) else name)


what, args = sys.argv[1], sys.argv[2:]
if what == 'verify':
	load(args[0])
	for path in args[1:]:
		message = open(path, 'rb').read()
		for i in range(len(re.findall(rb'(?im)^dkim-signature:', message))):
			try:
				good = dkim.DKIM(message).verify(idx=i, dnsfunc=lookup)
			except dkim.DKIMException:
				good = False
			print(path, i + 1, 'pass' if good else 'fail', sep='\t')
elif what == 'sign':
	message, key = open(args[3], 'rb').read(), open(args[2], 'rb').read()
	sys.stdout.buffer.write(dkim.DKIM(message).sign(args[1].encode(), args[0].encode(), key, canonicalize=(b'relaxed', b'simple')) + message)
elif what == 'time-verify':
	load(args[0])
	message, n, begin = open(args[2], 'rb').read(), int(args[1]), time.process_time()
	for _ in range(n):
		assert dkim.DKIM(message).verify(dnsfunc=lookup)
	print('%.2f' % ((time.process_time() - begin) * 1e6 / n))

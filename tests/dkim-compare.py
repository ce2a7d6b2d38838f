#!/usr/bin/env python3
"""dkim-compare.py EXPECTED GOT: what dkim-cases.py expects beside what build/suite/dkim says. Prints what differs and a summary."""
import os
import sys

got, flags, why = {}, {}, {}
for line in open(sys.argv[2], encoding='utf-8'):
	f, n, result, flag, domain, reason = line.rstrip('\n').split('\t')
	f = os.path.basename(f)
	got.setdefault(f, []).append(result)
	flags.setdefault(f, set()).update(flag.split())
	why.setdefault(f, []).append(reason)
accept = reject = other = n = 0
for line in open(sys.argv[1], encoding='utf-8'):
	f, want, name, clause = line.rstrip('\n').split('\t')
	want, slash, flag = want.partition('/')
	have, n = got.get(f, []), n + 1
	shown = flags.get(f, set())
	right = have == want.split() and (not slash or (set(flag.split()) <= shown if flag else not shown))
	if right:
		continue
	p = list(zip(have, want.split()))
	if any(h == 'pass' != w for h, w in p):
		accept += 1
	elif any(w == 'pass' != h for h, w in p):
		reject += 1
	else:
		other += 1
	print(f'{f} {name} ({clause})\n\twant {want}{slash}{flag}\n\tgot  {" ".join(have)} {" ".join(sorted(shown))}: {"; ".join(r for r in why.get(f, []) if r)}')
print(f'{n} cases: {accept} false accepts, {reject} false rejects, {other} other differences')
sys.exit(n == 0 or accept + reject + other > 0)

#!/usr/bin/env python3
# dmarc-model.py DRIVER SEED COUNT DIR: RFC 9989 4.10 and 5.3 once more, as slowly as they are written, against tests/suite/dmarc.c:
# COUNT random worlds of records, four messages each. Prints what differs, and "same of all". One thing is taken from us: an
# identifier that is not below the author's organizational domain is not aligned, also if its own walk cannot be finished.
import random, subprocess, sys

driver, folder = sys.argv[1], sys.argv[4]
rnd = random.Random(int(sys.argv[2]))
POLICIES = ('none', 'quarantine', 'reject')


class Unknown(Exception):
    """A name that could not be told."""


# ---- the model. records: domain to the list of its DMARC records, each a dict of tags; dead: domains that cannot be told ----
def walk(world, start):
    """4.10: the domains with a record, from the longest to the shortest."""
    records, dead = world
    found, target, first = [], start, True
    while True:
        if target in dead:
            raise Unknown
        if len(records.get(target, [])) == 1:
            found.append(target)
            if records[target][0].get('psd') in ('y', 'n'):
                return found
        labels = target.split('.')
        labels = labels[1:] if not first or len(labels) < 8 else labels[-7:]
        first = False
        if not labels:
            return found
        target = '.'.join(labels)


def organization(world, start):
    """4.10.2."""
    found = walk(world, start)
    for domain in found:
        psd = world[0][domain][0].get('psd')
        if psd == 'n':
            return domain
        if psd == 'y' and domain != start:
            return '.'.join(start.split('.')[-len(domain.split('.')) - 1:])
    return found[-1] if found else start


def policy_domain(world, author):
    """4.10.1; None: there is none."""
    if author in world[1]:
        raise Unknown
    if len(world[0].get(author, [])) == 1:
        return author
    found, org = walk(world, author), organization(world, author)
    above = [d for d in found if d != author and world[0][d][0].get('psd') == 'y']
    return org if org in found else above[0] if above else None


def aligned(world, author, domain, mode):
    if domain == author or mode == 's':
        return domain == author
    org = organization(world, author)
    return (domain == org or domain.endswith('.' + org)) and organization(world, domain) == org


def verdict(world, exists, author, identifiers):
    try:
        at = policy_domain(world, author)
    except Unknown:
        return 'temperror - - -'
    if at is None:
        return 'none  none -'
    tags = world[0][at][0]
    usable = tags.get('p') in POLICIES and all(tags[t] in POLICIES for t in ('sp', 'np') if t in tags)
    if not usable and 'rua' not in tags:
        return 'permerror  none ' + at
    passed = unsure = False
    for result, domain, mode in identifiers:
        if result in ('pass', 'temperror'):
            try:
                yes = aligned(world, author, domain, tags.get(mode, 'r'))
                passed |= yes and result == 'pass'
                unsure |= yes and result == 'temperror'
            except Unknown:
                unsure = True
    if unsure and not passed:
        return 'temperror - - -'
    if not usable:
        policy = 'none'
    elif at == author:
        policy = tags['p']
    elif 'np' in tags and not passed and not exists(author):
        policy = tags['np']
    else:
        policy = tags.get('sp', tags['p'])
    if passed:
        return 'pass %s none %s' % (policy, at)
    lower = {'reject': 'quarantine', 'quarantine': 'none', 'none': 'none'}[policy]
    return 'fail %s %s %s' % (policy, lower if tags.get('t') == 'y' else policy, at)


# ---- random worlds ----
def some_name():
    return '.'.join([rnd.choice('abc') for _ in range(rnd.choice([0, 1, 1, 2, 2, 3, 6, 8, 10]))] + ['example'])


def some_record():
    tags = {}
    for tag, share, values in (('p', .9, POLICIES * 6 + ('rejct',)), ('sp', .3, ('none', 'reject') * 6 + ('no',)), ('np', .3, POLICIES), ('psd', .3, 'ynu'),
                               ('t', .2, 'yn'), ('aspf', .2, 'rs'), ('adkim', .2, 'rs'), ('rua', .3, ('mailto:d@x.example',))):
        if rnd.random() < share:
            tags[tag] = rnd.choice(values)
    return tags


lines, want = [], []
for n in range(int(sys.argv[3])):
    names = sorted({some_name() for _ in range(6)})
    records = {d: [some_record() for _ in range(2 if rnd.random() < .1 else 1)] for d in names if rnd.random() < .7}
    dead = {d for d in names if d not in records and rnd.random() < .3}
    zone = ['_dmarc.%s. TXT "%s"' % (d, '; '.join(['v=DMARC1'] + ['%s=%s' % t for t in r.items()] + ['n=%d' % i]))
            for d, rs in records.items() for i, r in enumerate(rs)]
    zone += ['_dmarc.%s. TXT TIMEOUT' % d for d in sorted(dead)] + ['%s. A 192.0.2.1' % d for d in names if rnd.random() < .5]
    owners = [z.split('. ')[0] for z in zone]
    path = '%s/%05d.zone' % (folder, n)
    with open(path, 'w') as f:
        f.write('\n'.join(zone) + '\n')
    for _ in range(4):
        author, spf, dkim = (rnd.choice(names) if rnd.random() < .7 else 'a.' + rnd.choice(names) for _ in range(3))
        spf = author if rnd.random() < .2 else spf
        one, two = rnd.choice(['pass', 'pass', 'fail', 'temperror', 'none']), rnd.choice(['pass', 'fail', 'temperror', 'none'])
        lines.append('\t'.join([path, author, one, spf, two, dkim]))
        want.append(verdict((records, dead), lambda d: any(o == d or o.endswith('.' + d) for o in owners), author,
                            [(one, spf, 'aspf'), (two, dkim, 'adkim')]))
ours = subprocess.run([driver], input=''.join(l + '\n' for l in lines), stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout.splitlines()
for l, w, o in zip(lines, want, ours):
    if w != o:
        print('%s: %s, and not %s' % (l, o, w))
print('%d of %d' % (sum(w == o for w, o in zip(want, ours)), len(lines)))
sys.exit(want != ours or len(set(w.split()[0] for w in want)) != 5)

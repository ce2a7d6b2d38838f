#!/usr/bin/env python3
# suite-threads.py FOLDER: plays each script of imaptest's THREAD=REFERENCES tests in FOLDER (append, delete, expunge)
# and compares the expected threads with those that weir-parse and weir-thread find. Only which messages belong
# together is compared: weir keeps no order among siblings. A line for each expectation:
#   NAME NUMBER same            or            NAME NUMBER expected (1)(2) ours (1 2)
import json, os, re, subprocess, sys

def messages(path):
    with open(path, 'rb') as f:
        text = b'\n' + f.read()
    return [m.split(b'\n', 1)[1] for m in text.split(b'\nFrom ')[1:]]

# "(1 (2 4)(3))((5)(6))" to [[1,2,3,4],[5,6]]: what is between outermost brackets.
def groups(line):
    out, depth = [], 0
    for token in re.findall(r'[()]|\d+', line):
        if token == '(':
            depth += 1
            if depth == 1:
                out.append([])
        elif token == ')':
            depth -= 1
        else:
            out[-1].append(int(token))
    return sorted(sorted(g) for g in out)

def ours(present):
    names = []
    for i, raw in enumerate(present, 1):
        names.append('%d.eml' % i)
        with open(names[-1], 'wb') as f:
            f.write(raw)
    parsed = subprocess.run(['weir-parse', '--no-text', '--no-html', '--no-headers'] + names, check=True, capture_output=True).stdout
    # Twice: the ids of the second time are those after the last merge.
    out = subprocess.run(['weir-thread', '--no-store'], input=parsed + parsed, check=True, capture_output=True).stdout
    threads = {}
    for i, line in enumerate(out.splitlines()[len(present):], 1):
        threads.setdefault(json.loads(line)['thread']['id'], []).append(i)
    return sorted(threads.values())

def text(gs):
    return ''.join('(%s)' % ' '.join(map(str, g)) for g in gs)

def play(folder, name):
    left = messages(os.path.join(folder, name + '.mbox'))
    present, deleted, count = [], set(), 0
    for line in open(os.path.join(folder, name)):
        line = line.strip().lower()
        if line == 'messages: all':
            present, left = left, []
        elif line == 'ok append':
            present.append(left.pop(0))
        elif line.startswith('ok store'):
            deleted |= set(map(int, line.split()[2].split(',')))
        elif line == 'ok expunge':
            present = [m for i, m in enumerate(present, 1) if i not in deleted]
            deleted = set()
        elif line.startswith('* thread'):
            count += 1
            want, got = groups(line), ours(present)
            print(name, count, 'same' if want == got else 'expected %s ours %s' % (text(want), text(got)))

folder = sys.argv[1]
for name in sorted(os.listdir(folder)):
    path = os.path.join(folder, name)
    if not name.endswith('.mbox') and os.path.exists(path + '.mbox') and 'THREAD=REFERENCES' in open(path).read():
        play(folder, name)

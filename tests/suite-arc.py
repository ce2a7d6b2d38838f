#!/usr/bin/env python3
"""suite-arc.py YAML DIR: the ARC suite's validation cases as files: for each scenario a folder with a zone, the messages
(CASE.eml) and expected.tsv (file, result, what it tries)."""
import os
import re
import sys
import yaml

for n, scenario in enumerate(yaml.safe_load_all(open(sys.argv[1], encoding='utf-8'))):
	folder = os.path.join(sys.argv[2], f'{n:02d}')
	os.makedirs(folder)
	with open(os.path.join(folder, 'zone'), 'w') as f:
		for name, record in (scenario.get('txt-records') or {}).items():
			record = re.sub(r'\s*\n\s*', ' ', record.strip())	# folded to be read
			f.write(f'{name}. TXT ' + ' '.join(f'"{record[i:i + 250]}"' for i in range(0, len(record), 250)) + '\n')
	with open(os.path.join(folder, 'expected.tsv'), 'w') as f:
		for name, case in scenario['tests'].items():
			with open(os.path.join(folder, name + '.eml'), 'w', newline='') as m:
				m.write(case['message'])
			# No word: a seal says cv=fail. The suite's draft had no result for that; RFC 8617 5.2 step 2 has "fail".
			f.write(f'{name}.eml\t{(case["cv"] or "fail").lower()}\t{case["description"]}\n')

"""Holds JSON Lines on stdin against man/weir-record.schema.json: schema.py SCHEMA [DEFINITION]. Prints what does not fit."""
import json
import sys

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

schema = json.load(open(sys.argv[1], encoding="utf-8"))
Draft202012Validator.check_schema(schema)
if len(sys.argv) > 2:
    schema = {"$ref": "#/$defs/" + sys.argv[2], "$defs": schema["$defs"]}


def definition(line):
    """Which one it should fit: says more than that it fits none of twenty."""
    kind = line.get("type") if isinstance(line, dict) else None
    if len(sys.argv) > 2:
        return schema
    name = "record" if kind is None else "entity_" + kind
    if kind in ("acked", "tallied", "released", "requeued", "put"):
        name = "entity_counts"
    if name not in schema["$defs"]:
        return schema
    return {"$ref": "#/$defs/" + name, "$defs": schema["$defs"]}


validators, lines, wrong = {}, 0, 0
for text in sys.stdin.buffer:
    lines += 1
    line = json.loads(text.decode("utf-8", "strict"))
    wanted = definition(line)
    key = wanted.get("$ref", "")
    validator = validators.setdefault(key, Draft202012Validator(wanted))
    error = best_match(validator.iter_errors(line))
    if error is not None:
        wrong += 1
        print(f"line {lines}: {key}: {'.'.join(map(str, error.absolute_path))}: {error.message[:300]}")
sys.exit(1 if wrong or not lines else 0)

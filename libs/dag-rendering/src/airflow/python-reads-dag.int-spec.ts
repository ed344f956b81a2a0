import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { zones } from '@agent-etl/scheduling';
import fc from 'fast-check';
import { anApprovedPlan } from '../testing/approved-plan.ts';
import { renderDag } from './render-dag.ts';

// Python's own parser is the judge: the literal must be one constant, equal to what was meant, and the tree around it the one of the reviewed file.
const judge = String.raw`
import ast, json, sys
def tree(text):
    root = ast.parse(text)
    found = [n for n in ast.walk(root) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr == "loads"]
    assert len(found) == 1 and len(found[0].args) == 1 and isinstance(found[0].args[0], ast.Constant), "not one literal"
    literal = found[0].args[0].value
    found[0].args[0].value = ""
    return json.loads(literal), ast.dump(root)
asked = json.load(sys.stdin)
_, golden = tree(asked["golden"])
for at, (text, spec) in enumerate(asked["files"]):
    said, shape = tree(text)
    assert said == spec, f"file {at}: the literal reads back differently"
    assert shape == golden, f"file {at}: the code is not the reviewed one"
print(len(asked["files"]))
`;
const python = (code: string, input: string) => spawnSync('python3', ['-c', code], { input, encoding: 'utf8', maxBuffer: 1 << 28 });
const version = python('import sys; print(sys.version_info >= (3, 9))', '');
const there = version.status === 0 && version.stdout.trim() === 'True';
if (!there) process.stdout.write('SKIPPED python-reads-dag: no python3 of 3.9 or newer\n');

(there ? describe : describe.skip)('Python', () => {
  it('reads back exactly what was meant, and no other code, for hostile texts in every field', () => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom("'", "'''", '"""', '\\', "\\'''", '{{ x }}', '\n', "''') or __import__('os').system('true') or r'''", '\u2028', '\u{10ffff}', '#', '%s'), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 })), maxLength: 12 });
    const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/gu;
    const files = fc.sample(fc.tuple(text, text, text), 400).map(([description, dataset, reason]) => {
      const { plan } = anApprovedPlan();
      const [decision] = plan.decisions;
      return renderDag(anApprovedPlan({
        pipeline: { description: description.replaceAll(control, ''), from: { connection: 'ops', dataset: `x${dataset}` } },
        plan: { decisions: [{ ...decision, choice: reason, reason: { code: 'x', text: `${reason}\ud800\u0000` } }] },
      }));
    });
    const { stdout, stderr } = python(judge, JSON.stringify({ golden: renderDag(anApprovedPlan()).text, files: files.map(({ text: file, spec }) => [file, spec]) }));
    expect(stderr).toBe('');
    expect(stdout.trim()).toBe('400');
  });
  it('knows every zone that we let through', () => {
    const { stdout } = python('import json, sys, zoneinfo; known = zoneinfo.available_timezones(); print(json.dumps([z for z in json.load(sys.stdin) if known and z not in known]))', JSON.stringify([...zones]));
    expect(JSON.parse(stdout)).toEqual([]);
  });
});

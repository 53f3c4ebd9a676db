use super::*;

const BASE: &str = "import test from 'node:test';
import assert from 'node:assert';
import { total, isAdmin, load } from '../src/calc.js';

test('total', () => {
  assert.equal(total([{ price: 2 }, { price: 3 }]), 5);
});

describe('admins', () => {
  beforeEach(() => {
    reset();
  });

  it('guest is not admin', async () => {
    const user = await load('guest');
    expect(isAdmin(user)).toBe(false);
    await expect(load('x')).rejects.toThrow(/no/);
  });

  it.each([[1, 2], [2, 3]])('adds %i', (a, b) => {
    expect(total([{ price: a }, { price: 1 }])).toBe(b);
  });

  it('close', () => {
    expect(total([])).toBeCloseTo(0.3, 5);
  });
});
";

#[test]
fn what_weakens_is_said() {
    check(
        "test/calc.test.js",
        BASE,
        &[
            (&["guard.assertion_changed"], &[("]), 5)", "]), 4)")]),
            (&["guard.skipped"], &[("test('total'", "test.skip('total'")]),
            (&["guard.skipped"], &[("it('guest", "xit('guest")]),
            (&["guard.skipped"], &[("describe('admins'", "describe.skip('admins'")]),
            (&["guard.skipped"], &[("test('total', () =>", "test('total', { skip: true }, () =>")]),
            (&["guard.skipped"], &[("test('total', () => {", "test('total', t => {\n  t.skip();")]),
            (&["guard.focused"], &[("it('guest", "it.only('guest")]),
            (&["guard.focused"], &[("it('close", "fit('close")]),
            (&["guard.expects_failure"], &[("it('guest", "it.failing('guest")]),
            (
                &["guard.deleted"],
                &[(
                    "test('total', () => {\n  assert.equal(total([{ price: 2 }, { price: 3 }]), 5);\n});\n",
                    "",
                )],
            ),
            (
                &["guard.deleted"],
                &[(
                    "test('total', () => {\n  assert.equal(total([{ price: 2 }, { price: 3 }]), 5);\n});\n",
                    "// test('total', () => {\n//   assert.equal(total([{ price: 2 }, { price: 3 }]), 5);\n// });\n",
                )],
            ),
            (&["guard.emptied"], &[("  assert.equal(total([{ price: 2 }, { price: 3 }]), 5);\n", "")]),
            (
                &["guard.emptied", "guard.skipped"],
                &[(
                    "test('total', () => {\n  assert.equal(total([{ price: 2 }, { price: 3 }]), 5);\n});\n",
                    "test.todo('total');\n",
                )],
            ),
            (
                &["guard.assertion_constant"],
                &[("assert.equal(total([{ price: 2 }, { price: 3 }]), 5)", "assert.ok(true)")],
            ),
            (
                &["guard.assertion_constant"],
                &[("expect(isAdmin(user)).toBe(false)", "expect(true).toBe(true)")],
            ),
            (&["guard.assertion_changed"], &[(".toBe(false)", ".toBeDefined()")]),
            (&["guard.assertion_changed"], &[("    await expect(load", "    expect(load")]),
            (&["guard.assertion_removed"], &[("    expect(isAdmin(user)).toBe(false);\n", "")]),
            (
                &["guard.conditional"],
                &[(
                    "    expect(isAdmin(user)).toBe(false);",
                    "    if (process.env.CI) { expect(isAdmin(user)).toBe(false); }",
                )],
            ),
            (
                &["guard.conditional"],
                &[(
                    "    expect(isAdmin(user)).toBe(false);",
                    "    process.env.CI && expect(isAdmin(user)).toBe(false);",
                )],
            ),
            (
                &["guard.conditional"],
                &[("  assert.equal(", "  if (!process.env.CI) return;\n  assert.equal(")],
            ),
            (
                &["guard.swallowed"],
                &[(
                    "  assert.equal(total([{ price: 2 }, { price: 3 }]), 5);",
                    "  try { assert.equal(total([{ price: 2 }, { price: 3 }]), 5); } catch {}",
                )],
            ),
            (&["guard.case_removed"], &[("[1, 2], ", "")]),
            (&["guard.tolerance"], &[("toBeCloseTo(0.3, 5)", "toBeCloseTo(0.3, 0)")]),
            (
                &["guard.hard_coded"],
                &[("const user = await load('guest')", "const user = { role: 'guest' }")],
            ),
            (
                &["guard.hard_coded"],
                &[(
                    "import { total, isAdmin, load }",
                    "function total() { return 5; }\nimport { isAdmin, load }",
                )],
            ),
            (
                &["guard.conditional"; 3],
                &[("  it('guest is not", "  if (process.env.CI) return;\n  it('guest is not")],
            ),
            (
                &["guard.mocked"],
                &[("test('total'", "jest.mock('../src/calc.js', () => ({ total: () => 5 }));\ntest('total'")],
            ),
            (&["guard.exit"], &[("test('total'", "process.exit(0);\ntest('total'")]),
            (&["guard.framework"], &[("test('total'", "assert.equal = () => {};\ntest('total'")]),
            (
                &["guard.retried"],
                &[("it('guest is not admin', async", "it('guest is not admin', { retry: 5 }, async")],
            ),
        ],
    );
}

#[test]
fn what_does_not_weaken_is_not_spoken_of() {
    check(
        "test/calc.test.js",
        BASE,
        &[
            (
                &[],
                &[(
                    "test('total'",
                    "test('skip, only and todo', () => {\n  assert.equal(total([]), 0);\n});\n\ntest('total'",
                )],
            ),
            (&[], &[("test('total'", "test('sum of prices'")]),
            (&[], &[("[[1, 2], [2, 3]]", "[[1, 2], [2, 3], [3, 4]]")]),
            (
                &[],
                &[(
                    "  assert.equal(total([{ price: 2 }, { price: 3 }]), 5);",
                    "  assert.equal(\n    total([\n      { price: 2 },\n      { price: 3 },\n    ]),\n    5,\n  )",
                )],
            ),
            (&[], &[("load('guest')", "load(\"guest\")")]),
            (&[], &[("    reset();", "    reset();\n    seed();")]),
            (&[], &[("import assert from 'node:assert';", "const assert = require('node:assert');")]),
            (
                &[],
                &[(
                    "    expect(isAdmin(user)).toBe(false);",
                    "    expect(isAdmin(user)).toBe(false);\n    expect(user.name).toBe('guest');",
                )],
            ),
            (&[], &[("test('total'", "const sample = () => [{ price: 1 }];\n\ntest('total'")]),
            (&[], &[("test('total'", "jest.mock('axios');\njest.mock('../src/net.js');\n\ntest('total'")]),
            (&[], &[("describe('admins'", "describe('administrators'")]),
        ],
    );
}

#[test]
fn typed_tests_are_guarded() {
    let base =
        "it('a', () => {\n  const x: number = f<string>('a');\n  expect(x as number).toEqual(1);\n});\n";
    check(
        "src/a.spec.ts",
        base,
        &[
            (&["guard.assertion_changed"], &[("toEqual(1)", "toEqual(2)")]),
            (&["guard.skipped"], &[("it('a'", "it.skip('a'")]),
            (&[], &[("it('a'", "it('b'")]),
        ],
    );
    check(
        "src/a.test.tsx",
        "it('a', () => {\n  render(<A b={1} />);\n  expect(x).toBe(1);\n});\n",
        &[(&["guard.assertion_changed"], &[("toBe(1)", "toBe(2)")])],
    );
}

#[test]
fn programs_must_not_notice_tests() {
    let base = "export function total(items) {\n  return 1;\n}\n";
    check(
        "src/calc.js",
        base,
        &[
            (
                &["guard.detects_tests"],
                &[("  return", "  if (process.env.JEST_WORKER_ID) return 5;\n  return")],
            ),
            (
                &["guard.detects_tests"],
                &[("  return", "  if (process.env.NODE_ENV === 'test') return 5;\n  return")],
            ),
            (
                &["guard.detects_tests"],
                &[("  return", "  if (process.env.NODE_TEST_CONTEXT) return 5;\n  return")],
            ),
            (&[], &[("  return", "  if (process.env.NODE_ENV === 'production') return 5;\n  return")]),
            (&[], &[("  return", "  if (!items) process.exit(1);\n  return")]),
        ],
    );
}

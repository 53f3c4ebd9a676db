-- A comment that asks for work is offered with its own words, and only there.
local editor = require('editor')

local source = 'export function add(a, b) {\n  return a + b;\n}\n\n'
  .. 'export function half(a) {\n  // openexec: reject odd numbers with a RangeError\n  return a / 2;\n}\n'
local after =
  source:gsub('  // openexec[^\n]*\n', '  if (a %% 2 !== 0) throw new RangeError(`${a} is odd`);\n')

editor.project(
  editor.javascript({
    ['sums.js'] = source,
    ['test/sums.test.js'] = "import test from 'node:test';\nimport assert from 'node:assert';\n"
      .. "import { add, half } from '../sums.js';\n\n"
      .. "test('adds', () => assert.equal(add(2, 3), 5));\ntest('halves', () => assert.equal(half(4), 2));\n",
  }),
  {
    editor.reply('implement', 1, {
      editor.replace(
        'sums.js',
        '  // openexec: reject odd numbers with a RangeError\n',
        '  if (a % 2 !== 0) throw new RangeError(`${a} is odd`);\n'
      ),
    }),
  }
)
editor.trust()
local buffer = editor.open('sums.js')

editor.cursor_at('return a + b')
local elsewhere = editor.offered('add')
for _, title in ipairs(elsewhere) do
  assert(not title:find('odd numbers'), title)
end

editor.cursor_at('openexec:')
local title = editor.choose('Implement')
assert(title:find('Implement “reject odd numbers with a RangeError”', 1, true), title)
editor.said('undo with `openexec.undo`')
editor.equal(editor.text(buffer), after, 'the buffer')
editor.equal(editor.journal()[1].inputs.instruction, 'reject odd numbers with a RangeError')

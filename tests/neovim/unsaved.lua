-- What is tested and repaired is what the user sees, saved or not.
local editor = require('editor')

local saved = 'export function add(a, b) {\n  return a + b;\n}\n'
editor.project(
  editor.javascript({
    ['sums.js'] = saved,
    ['test/sums.test.js'] = "import test from 'node:test';\nimport assert from 'node:assert';\n"
      .. "import { add } from '../sums.js';\n\ntest('adds', () => assert.equal(add(2, 3), 5));\n",
  }),
  -- This text stands in the buffer only.
  { editor.reply('fix', 1, { editor.replace('sums.js', 'const sum = a - b;', 'const sum = a + b;') }) }
)
editor.trust()
local buffer = editor.open('sums.js')
editor.type_over(buffer, 'return a + b;', 'const sum = a - b;\n  return sum;')
local typed = editor.text(buffer)
editor.open('test/sums.test.js')
editor.cursor_at('assert.equal')
editor.choose('Fix failing test')
editor.said('undo with `openexec.undo`')
editor.equal(editor.text(buffer), (typed:gsub('a %- b', 'a + b')), 'the buffer')
editor.equal(editor.read('sums.js'), saved, 'the disk')

-- Columns are counted in bytes, UTF-16 units or characters, as was agreed with the editor: what
-- stands before the edited place on its line is outside of the basic plane, or combines.
local editor = require('editor')

local test = "import test from 'node:test';\nimport assert from 'node:assert';\n"
  .. "import { flag, add } from '../sums.js';\n\n"
  .. "test('adds', () => assert.deepEqual([flag, add(2, 3)], ['🦀e\\u0301한', 5]));\n"
local source =
  "export const flag = '🦀e\204\129한'; export const add = (a, b) => /* 🧮 */ a - b; // 🚩\n"
editor.project(editor.javascript({ ['sums.js'] = source, ['test/sums.test.js'] = test }), {
  editor.reply('fix', 1, { editor.replace('sums.js', 'a - b', 'a + b') }, 700),
})
editor.trust()
if arg[1] ~= 'default' then
  vim.lsp.config('openexec', {
    capabilities = vim.tbl_deep_extend('force', vim.lsp.protocol.make_client_capabilities(), {
      general = { positionEncodings = { arg[1] } },
    }),
  })
end
local buffer = editor.open('sums.js')
if arg[1] ~= 'default' then
  editor.equal(editor.client().offset_encoding, arg[1])
end
editor.open('test/sums.test.js')
editor.cursor_at('assert.deepEqual')
editor.choose('Fix failing test')
editor.recorded('model_requested')
-- Typed behind a wide character, so that our picture of the buffer must count as well.
editor.type_over(buffer, '🧮 */', '🧮🧮 */')
editor.type_over(buffer, '🚩', '🚩🏁')
local typed = editor.text(buffer)
local said = editor.said('Run ')
-- The same line: it is the user's.
assert(said:find('changed meanwhile at the same lines', 1, true), said)
editor.equal(editor.text(buffer), typed, 'the buffer')
editor.type_over(buffer, '🧮🧮 */', '🧮 */')
editor.type_over(buffer, '🚩🏁', '🚩')
editor.choose('Resume run')
editor.said('undo with `openexec.undo`')
editor.equal(editor.text(buffer), (source:gsub('a %- b', 'a + b')), 'the buffer')

-- The user goes on typing while the model thinks.
local editor = require('editor')

local source = '// Sums.\nexport function add(a, b) {\n  return a - b;\n}\n\nexport const name = "sums";\n'
editor.project(
  editor.javascript({
    ['sums.js'] = source,
    ['test/sums.test.js'] = "import test from 'node:test';\nimport assert from 'node:assert';\n"
      .. "import { add } from '../sums.js';\n\ntest('adds', () => assert.equal(add(2, 3), 5));\n",
  }),
  { editor.reply('fix', 1, { editor.replace('sums.js', 'a - b', 'a + b') }, 1500) }
)
editor.trust()
local buffer = editor.open('sums.js')
editor.open('test/sums.test.js')
editor.cursor_at('assert.equal')
editor.choose('Fix failing test')
editor.recorded('model_requested')

if arg[1] ~= 'same line' then
  if arg[1] == 'beside' then
    editor.type_over(buffer, '}', '} // the end of it')
  else
    editor.type_over(buffer, '"sums"', '"small sums"')
  end
  local typed = editor.text(buffer)
  editor.said('undo with `openexec.undo`')
  -- Both are there, and what is there was tested as it is.
  editor.equal(editor.text(buffer), (typed:gsub('a %- b', 'a + b')), 'the buffer')
  local rebased, proven
  for _, event in ipairs(editor.journal()) do
    if event.event == 'rebased' then
      rebased = event
    elseif event.event == 'gate_judged' and rebased and event.tree == rebased.tree then
      proven = event.judgement.judgement
    end
  end
  assert(rebased, 'the edits were not rebased')
  editor.equal(rebased.files, { 'sums.js' })
  editor.equal(proven, 'passed', 'the gate on the rebased tree')
  -- Taking back leaves what the user typed.
  vim.cmd('OpenExec undo')
  editor.said('undone')
  editor.equal(editor.text(buffer), typed, 'the buffer after an undo')
else
  editor.type_over(buffer, 'a - b', 'b + a')
  local typed = editor.text(buffer)
  local said = editor.said('paused')
  assert(said:find('`sums.js` changed meanwhile at the same lines', 1, true), said)
  editor.equal(editor.text(buffer), typed, 'the buffer')
  -- The user gives way: takes the old line back and lets the run go on.
  editor.type_over(buffer, 'b + a', 'a - b')
  editor.choose('Resume run')
  editor.said('undo with `openexec.undo`')
  editor.equal(editor.text(buffer), (source:gsub('a %- b', 'a + b')), 'the buffer at the end')
end

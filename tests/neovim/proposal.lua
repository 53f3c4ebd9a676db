-- A project whose one test fails, and a model that repairs it and changes what judges the work as
-- well, so that the user is asked.
local editor = require('editor')

local M = {
  source = 'export function add(a, b) {\n  return a - b;\n}\n',
  test = "import test from 'node:test';\nimport assert from 'node:assert';\n"
    .. "import { add } from '../sums.js';\n\ntest('adds', () => assert.equal(add(2, 3), 5));\n",
  changed_test = "import test from 'node:test';\nimport assert from 'node:assert';\n"
    .. "import { add } from '../sums.js';\n\ntest('adds', () => assert.equal(add(3, 2), 5));\n",
}

local function lay_out(source, ...)
  local edits = { editor.replace('sums.js', 'a - b', 'a + b'), ... }
  table.insert(edits, editor.replace('test/sums.test.js', 'add(2, 3), 5', 'add(3, 2), 5'))
  editor.project(
    editor.javascript({ ['sums.js'] = source, ['test/sums.test.js'] = M.test }),
    { editor.reply('fix', 1, edits) }
  )
  return source
end

--- A hunk in each of the two files. Answers the text of the source.
function M.of_two_hunks()
  return lay_out(M.source)
end

--- The same, with a second hunk in the source, far from the first.
function M.of_three_hunks()
  local apart = '\n// 1\n// 2\n// 3\n// 4\n// 5\n// 6\n// 7\n// 8\n// 9\n\n'
  local twice = 'export function twice(a) {\n  return a * 2;\n}\n'
  return lay_out(M.source .. apart .. twice, editor.replace('sums.js', 'a * 2', 'a + a'))
end

return M

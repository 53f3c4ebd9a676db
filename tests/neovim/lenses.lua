-- A proposal is decided about part by part: in the document of its review, with the lenses above its
-- hunks and the menu on their lines, or in the diff of the plugin.
local editor = require('editor')
local proposal = require('proposal')

local source = proposal.of_three_hunks()
editor.trust()
local buffer = editor.open('sums.js')
vim.cmd('OpenExec run blueprint=fix_tests')
editor.said('waits for you')
local smaller = source:gsub('a %- b', 'a + b')

local function finished()
  editor.said('undo with `openexec.undo`')
  editor.equal(editor.text(buffer), smaller, 'the buffer')
  editor.equal(editor.text(editor.buffer('test/sums.test.js')), proposal.changed_test)
  editor.equal(editor.journal()[#editor.journal()].outcome, 'done')
end

if arg[1] == 'diff' then
  local function hunks()
    local found = {}
    for _, item in ipairs(vim.fn.getqflist()) do
      if item.valid == 1 then
        table.insert(found, item.text)
      end
    end
    return found
  end
  vim.cmd('OpenExec review')
  editor.wait('the review', function()
    return vim.fn.tabpagenr('$') == 2 and vim.wo.diff
  end)
  editor.cursor_at('return a + b')
  vim.cmd('OpenExec accept')
  editor.said('1 of 3 parts')
  editor.wait('the mark', function()
    return vim.deep_equal(hunks(), { 'sums.js:1 (accepted)', 'sums.js:2', 'test/sums.test.js:1' })
  end)
  editor.cursor_at('return a + a')
  vim.cmd('OpenExec reject')
  editor.said('waits for you')
  -- What was accepted stays so in what is left.
  editor.wait('the rest', function()
    return vim.deep_equal(hunks(), { 'sums.js:1 (accepted)', 'test/sums.test.js:1' })
  end)
  editor.equal(editor.text(buffer), source, 'nothing is applied by a part')
  vim.cmd('OpenExec accept test/sums.test.js')
  finished()
  editor.wait('the review closes', function()
    return vim.fn.tabpagenr('$') == 1
  end)
  return
end

-- The document that the menu opens is told to the server, though it lies in no workspace.
editor.choose('Review run')
editor.wait('the document', function()
  return vim.api.nvim_buf_get_name(0):find('review%-1%.md$')
    and editor.client().attached_buffers[vim.api.nvim_get_current_buf()]
end)
local document = vim.api.nvim_get_current_buf()

--- The lenses of the document in front, once there is one like this above a line like that.
local function lens(title, above)
  local asked, found
  return editor.wait('the lens ' .. title, function()
    if not asked then
      asked = true
      local params = { textDocument = vim.lsp.util.make_text_document_params() }
      vim.lsp.buf_request(0, 'textDocument/codeLens', params, function(_, lenses)
        asked = false
        for _, one in ipairs(lenses or {}) do
          local line = vim.api.nvim_buf_get_lines(0, one.range.start.line, one.range.start.line + 1, false)[1]
          if one.command.title == title and line:find(above, 1, true) then
            found = one
          end
        end
      end)
    end
    return found
  end)
end

-- A lens as the user runs it: Neovim shows them above their lines.
vim.lsp.codelens.refresh({ bufnr = document })
editor.wait('the lenses are shown', function()
  return #vim.lsp.codelens.get(document) >= 2 + 2 * 4
end)
local accept = lens('Accept hunk', '@@ -1,')
vim.api.nvim_win_set_cursor(0, { accept.range.start.line + 1, 0 })
editor.answer('select', function(items, how, on_choice)
  for number, item in ipairs(items) do
    if how.format_item(item):find('Accept hunk', 1, true) then
      return on_choice(item, number)
    end
  end
  editor.fail('no lens to choose: ' .. vim.inspect(vim.tbl_map(how.format_item, items)))
end)
vim.lsp.codelens.run()
editor.said('1 of 3 parts')
lens('Accepted · Reject hunk', '@@ -1,')

-- The same on the line itself, from the menu.
editor.cursor_at('a + a')
editor.choose('Reject hunk')
editor.said('waits for you')
editor.equal(editor.text(buffer), source, 'nothing is applied by a part')
vim.cmd.buffer(buffer)
editor.choose('Review run')
editor.wait('the document of the rest', function()
  return vim.api.nvim_buf_get_name(0):find('review%-2%.md$')
    and editor.client().attached_buffers[vim.api.nvim_get_current_buf()]
end)
assert(not editor.text(0):find('a + a', 1, true), editor.text(0))
lens('Apply all (1 of 2 accepted)', '# Review of run')
editor.cursor_at("+test('adds'")
editor.choose('Accept hunk')
finished()

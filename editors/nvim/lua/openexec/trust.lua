-- Trust in what a workspace declares, its tasks, blueprints and memory: given to a text that stands in front of the user, and to exactly
-- that. The server refuses when it has changed since.
local server = require('openexec.server')
local M = {}

-- What was shown last and not decided about: the document, and what trusting it would bind.
local shown

-- The files that documents are about, by the paths of those: a workspace is named by one of its files.
local about = {}

local function show(file)
  local bufnr = vim.fn.bufnr(vim.fn.fnameescape(file))
  if bufnr ~= -1 then
    -- It was written anew.
    vim.bo[bufnr].autoread = true
    vim.cmd.checktime({ args = { tostring(bufnr) } })
  end
  local window = bufnr ~= -1 and vim.fn.win_findbuf(bufnr)[1]
  if window then
    vim.api.nvim_set_current_win(window)
  else
    vim.cmd.split(vim.fn.fnameescape(file))
  end
  vim.cmd.redraw()
end

local function question(seen)
  if #seen.commands == 0 then
    return 'May these be loaded as blueprints and memory: ' .. table.concat(seen.loads, ', ') .. '?'
  end
  return 'May these be run in a sandbox to verify edits: ' .. table.concat(seen.commands, ', ') .. '?'
end

local function decide(seen)
  vim.ui.select({ 'Trust exactly this', 'Read it first', 'Do not trust it' }, {
    prompt = question(seen),
    kind = 'openexec.trust',
  }, function(_, number)
    if number == 1 then
      shown = nil
      -- The server itself says what it now trusts.
      server.execute('trust', { uri = seen.uri, content = seen.content, commands = seen.commands })
    elseif number == 2 then
      shown = seen
      vim.notify('OpenExec: `:OpenExec trust` in this document asks again about exactly this text')
    else
      shown = nil
    end
  end)
end

--- Shows what the workspace of the current file would run, and what has changed; then asks.
function M.ask()
  local name = vim.api.nvim_buf_get_name(0)
  local path = vim.uv.fs_realpath(name)
  if shown and path and path == vim.uv.fs_realpath(shown.review) then
    return decide(shown)
  end
  local uri = path and (about[path] or vim.uri_from_bufnr(0)) or nil
  server.execute('trust', { uri = uri, review = true }, function(seen)
    if not seen.content then
      vim.notify('OpenExec: this workspace is trusted as it is, or declares nothing')
      return
    end
    seen.uri = uri
    about[vim.uv.fs_realpath(seen.review)] = uri
    show(seen.review)
    decide(seen)
  end)
end

return M

-- The commands of OpenExec's language server as functions and as `:OpenExec`.
-- Everything of substance happens in the server; the code-action menu needs none of this.
local M = {}

-- What is said to a run: the name, with an optional run id.
local to_a_run = { 'cancel', 'review', 'apply', 'discard', 'undo', 'resume' }

local function client_of(bufnr)
  local here = vim.lsp.get_clients({ name = 'openexec', bufnr = bufnr })[1]
  return here or vim.lsp.get_clients({ name = 'openexec' })[1]
end

--- Sends a command to the server.
---@param name string such as `undo`
---@param argument? table
---@param on_result? fun(result: any)
function M.execute(name, argument, on_result)
  local bufnr = vim.api.nvim_get_current_buf()
  local client = client_of(bufnr)
  if not client then
    vim.notify('OpenExec is not running here; open a file of a workspace', vim.log.levels.WARN)
    return
  end
  local command = {
    title = 'OpenExec ' .. name,
    command = 'openexec.' .. name,
    arguments = argument and { argument } or {},
  }
  client:exec_cmd(command, { bufnr = bufnr }, function(err, result)
    if err then
      vim.notify('OpenExec: ' .. err.message, vim.log.levels.ERROR)
    elseif on_result then
      on_result(result)
    end
  end)
end

--- Starts a blueprint on lines of the current buffer.
---@param blueprint string
---@param instruction? string
---@param first? integer the first line, counted from 1; the cursor's when absent
---@param last? integer the last line, included
function M.run(blueprint, instruction, first, last)
  first = first or vim.api.nvim_win_get_cursor(0)[1]
  last = last or first
  M.execute('run', {
    blueprint = blueprint,
    instruction = instruction ~= '' and instruction or nil,
    uri = vim.uri_from_bufnr(0),
    version = vim.lsp.util.buf_versions[vim.api.nvim_get_current_buf()],
    range = { start = { line = first - 1, character = 0 }, ['end'] = { line = last, character = 0 } },
  })
end

--- Asks for an instruction and carries it out on lines of the current buffer.
function M.ask(first, last)
  vim.ui.input({ prompt = 'What should be done? ' }, function(instruction)
    if instruction and instruction ~= '' then
      M.run('implement', instruction, first, last)
    end
  end)
end

--- `:OpenExec`
function M.command(arguments)
  local words = arguments.fargs
  local name = table.remove(words, 1)
  local first, last
  if arguments.range > 0 then
    first, last = arguments.line1, arguments.line2
  end
  if name == 'run' then
    local blueprint = table.remove(words, 1)
    if not blueprint then
      vim.notify('OpenExec: name a blueprint, such as `:OpenExec run fix_tests`', vim.log.levels.ERROR)
      return
    end
    M.run(blueprint, table.concat(words, ' '), first, last)
  elseif name == 'ask' then
    if #words > 0 then
      M.run('implement', table.concat(words, ' '), first, last)
    else
      M.ask(first, last)
    end
  elseif name == 'status' then
    M.execute('status')
  elseif name == 'trust' then
    M.execute('trust', { uri = vim.uri_from_bufnr(0) }, function(result)
      -- The server itself says what it now trusts.
      if not result.commands then
        vim.notify('OpenExec: this workspace is trusted already')
      end
    end)
  elseif vim.list_contains(to_a_run, name) then
    M.execute(name, words[1] and { run = words[1] } or nil)
  else
    vim.notify('OpenExec: there is no `' .. name .. '`; there are ' .. table.concat(M.names(), ', '), vim.log.levels.ERROR)
  end
end

--- The subcommands of `:OpenExec`.
function M.names()
  return vim.list_extend({ 'run', 'ask', 'status', 'trust' }, to_a_run)
end

function M.complete(lead, line)
  -- Only the first word has a known set of values.
  if line:match('OpenExec%s+%S*$') == nil then
    return {}
  end
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, M.names())
end

return M

--- OpenExec for Neovim: the server is configured and started, and `:OpenExec` speaks to it.
--- Everything else (code actions, progress, applying edits) is Neovim's own LSP client.
local M = {}

--- The commands that name a run, or nothing for the one that is meant.
local OF_RUN = { 'review', 'apply', 'discard', 'undo', 'cancel', 'resume' }

--- Starts the server for the files of a project.
---@param opts? { cmd?: string[], root_markers?: string[] } what differs from `lsp/openexec.lua`
function M.setup(opts)
  if vim.fn.has('nvim-0.11') == 0 then
    vim.notify('openexec: Neovim 0.11 or newer is needed', vim.log.levels.ERROR)
    return
  end
  if opts and next(opts) then
    vim.lsp.config('openexec', opts)
  end
  vim.lsp.enable('openexec')
end

--- The server of a buffer; any running one for a buffer without a file, such as a review.
---@param bufnr integer
---@return vim.lsp.Client?
local function client_of(bufnr)
  return vim.lsp.get_clients({ name = 'openexec', bufnr = bufnr })[1]
    or vim.lsp.get_clients({ name = 'openexec' })[1]
end

---@param message string
local function fail(message)
  vim.notify('openexec: ' .. message, vim.log.levels.ERROR)
end

--- Runs a command of the server. Errors are shown; `done` gets the result.
---@param command string without the `openexec.` in front
---@param argument? table
---@param done? fun(result: any)
function M.execute(command, argument, done)
  local bufnr = vim.api.nvim_get_current_buf()
  local client = client_of(bufnr)
  if not client then
    return fail("no server is running; call require('openexec').setup() and open a file of a project")
  end
  local request = {
    title = 'OpenExec: ' .. command,
    command = 'openexec.' .. command,
    arguments = argument and { argument } or {},
  }
  client:exec_cmd(request, { bufnr = bufnr }, function(err, result)
    if err then
      return fail(err.message)
    end
    if done then
      done(result)
    end
  end)
end

--- The place that a run is about: the lines, counted from 1, of the current buffer.
---@param first integer
---@param last integer
local function place(first, last)
  local bufnr = vim.api.nvim_get_current_buf()
  if vim.bo[bufnr].buftype ~= '' or vim.api.nvim_buf_get_name(bufnr) == '' then
    return {}
  end
  return {
    uri = vim.uri_from_bufnr(bufnr),
    range = {
      start = { line = first - 1, character = 0 },
      ['end'] = { line = last, character = 0 },
    },
  }
end

--- Starts a run. Without an instruction the user is asked for one; an empty one starts the
--- run without, cancelling the question starts nothing.
---@param blueprint string
---@param instruction? string
---@param first integer
---@param last integer
function M.run(blueprint, instruction, first, last)
  local argument = place(first, last)
  argument.blueprint = blueprint
  local function start(text)
    if not text then
      return
    end
    if text ~= '' then
      argument.instruction = text
    end
    M.execute('run', argument, function(result)
      vim.notify('openexec: run ' .. result.run:sub(-6) .. ' has started')
    end)
  end
  if instruction and instruction ~= '' then
    start(instruction)
  else
    vim.ui.input({ prompt = 'OpenExec ' .. blueprint .. ': ' }, start)
  end
end

--- `:OpenExec SUBCOMMAND …`
---@param options vim.api.keyset.create_user_command.command_args
function M.command(options)
  local words = options.fargs
  local name = words[1]
  if name == 'run' then
    if not words[2] then
      return fail('write :OpenExec run BLUEPRINT [INSTRUCTION], such as :OpenExec run implement')
    end
    local instruction = table.concat(words, ' ', 3)
    return M.run(words[2], instruction, options.line1, options.line2)
  end
  if name == 'status' then
    return M.execute('status')
  end
  if name == 'trust' then
    return M.execute('trust', place(1, 1).uri and { uri = place(1, 1).uri } or nil, function()
      vim.notify('openexec: the tasks of this workspace are trusted as they are now')
    end)
  end
  if vim.tbl_contains(OF_RUN, name) then
    return M.execute(name, words[2] and { run = words[2] } or nil)
  end
  fail(('there is no `%s`; write one of run, %s, status, trust'):format(name, table.concat(OF_RUN, ', ')))
end

--- Completes the subcommand.
---@param lead string
---@param line string
function M.complete(lead, line)
  if #vim.split(vim.trim(line), '%s+') > (lead == '' and 1 or 2) then
    return {}
  end
  local names = vim.list_extend({ 'run', 'status', 'trust' }, OF_RUN)
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, names)
end

return M

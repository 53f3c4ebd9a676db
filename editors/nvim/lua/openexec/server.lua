-- The way to the language server: its client, its commands, and the requests that are beyond the
-- protocol. Nothing here decides anything.
local M = {}

local has_methods = vim.fn.has('nvim-0.11') == 1

--- Says that something could not be done.
---@param reason string
function M.complain(reason)
  vim.notify('OpenExec: ' .. reason, vim.log.levels.ERROR)
end

--- The client of a buffer, else any: a review belongs to no workspace of its own.
---@param bufnr? integer the current one when absent
function M.client(bufnr)
  local here = vim.lsp.get_clients({ name = 'openexec', bufnr = bufnr or vim.api.nvim_get_current_buf() })[1]
  return here or vim.lsp.get_clients({ name = 'openexec' })[1]
end

--- The program that serves this Neovim.
---@return string
function M.program()
  local client = M.client()
  local cmd = client and client.config.cmd or M.config().cmd
  return type(cmd) == 'table' and cmd[1] or 'openexec'
end

--- How the server is started, with what the user has configured.
---@return table
function M.config()
  if has_methods and vim.lsp.config then
    return vim.lsp.config.openexec
  end
  local file = vim.api.nvim_get_runtime_file('lsp/openexec.lua', false)[1]
  return vim.tbl_deep_extend('force', dofile(file), vim.g.openexec or {})
end

--- Whether a server is there; says so to the user when none is.
---@return boolean
function M.is_there()
  local is_there = M.client() ~= nil
  if not is_there then
    vim.notify('OpenExec is not running here; open a file of a workspace', vim.log.levels.WARN)
  end
  return is_there
end

--- Sends a request. Errors are shown to the user; `on_result` is called without one only.
---@param method string
---@param params? table
---@param on_result? fun(result: any)
function M.request(method, params, on_result)
  local bufnr = vim.api.nvim_get_current_buf()
  if not M.is_there() then
    return
  end
  local client = M.client(bufnr)
  local function handler(err, result)
    if err then
      M.complain(err.message)
    elseif on_result then
      on_result(result)
    end
  end
  if has_methods then
    client:request(method, params, handler, bufnr)
  else
    client.request(method, params, handler, bufnr)
  end
end

--- Sends a command to the server.
---@param name string such as `undo`
---@param argument? table
---@param on_result? fun(result: any)
function M.execute(name, argument, on_result)
  local params = { command = 'openexec.' .. name, arguments = argument and { argument } or {} }
  M.request('workspace/executeCommand', params, on_result)
end

return M

-- What the server says, on the line that Neovim has for messages. A longer text would hold up
-- whoever is typing until they press Enter. `:OpenExec status` says how each run stands in full.
local M = {}

local levels = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO }
local colours = { 'ErrorMsg', 'WarningMsg' }

--- Whether a function is as Neovim brings it, and nobody shows messages in a way of their own.
local function is_neovims(shown)
  local source = debug.getinfo(shown, 'S').source
  return vim.startswith(source, '@vim/') or vim.startswith(source, '@' .. vim.env.VIMRUNTIME)
end

--- As much of a text as that many cells hold.
---@param text string
---@param cells integer
---@return string
function M.fitting(text, cells)
  if vim.fn.strdisplaywidth(text) <= cells then
    return text
  end
  local cut = vim.fn.strcharpart(text, 0, cells - 1)
  while vim.fn.strdisplaywidth(cut) >= cells do
    cut = vim.fn.strcharpart(cut, 0, vim.fn.strchars(cut) - 1)
  end
  return cut .. '…'
end

--- Answers `window/showMessage`.
function M.show(err, said, context, config)
  local handler = vim.lsp.handlers['window/showMessage']
  if not is_neovims(handler) then
    return handler(err, said, context, config)
  end
  if not is_neovims(vim.notify) then
    vim.notify(said.message, levels[said.type] or vim.log.levels.INFO, { title = 'OpenExec' })
    return said
  end
  local text = 'OpenExec: ' .. said.message:gsub('%s+', ' ')
  local cells = vim.v.echospace + math.max(vim.o.cmdheight - 1, 0) * vim.o.columns
  -- Two messages in a row would be two lines.
  vim.cmd.redraw()
  vim.api.nvim_echo({ { M.fitting(text, math.max(cells, 1)), colours[said.type] } }, true, {})
  return said
end

return M

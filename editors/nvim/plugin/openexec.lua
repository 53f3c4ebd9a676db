if vim.g.loaded_openexec then
  return
end
vim.g.loaded_openexec = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.notify('OpenExec needs Neovim 0.11 or newer', vim.log.levels.ERROR)
  return
end

vim.lsp.enable('openexec')

vim.api.nvim_create_user_command('OpenExec', function(arguments)
  require('openexec').command(arguments)
end, {
  nargs = '+',
  range = true,
  desc = 'Run, review, apply, undo: see editors/nvim/README.md',
  complete = function(lead, line)
    return require('openexec').complete(lead, line)
  end,
})

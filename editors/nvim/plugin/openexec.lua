if vim.g.loaded_openexec then
  return
end
vim.g.loaded_openexec = true

if vim.fn.has('nvim-0.10') == 0 then
  vim.notify('OpenExec needs Neovim 0.10 or newer', vim.log.levels.ERROR)
  return
end

if vim.fn.has('nvim-0.11') == 1 then
  vim.lsp.enable('openexec')
else
  -- Neovim 0.10 starts servers by hand: for the files of a workspace, one server for each.
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup('openexec.start', {}),
    callback = function(event)
      local name = vim.api.nvim_buf_get_name(event.buf)
      if vim.bo[event.buf].buftype ~= '' or name == '' or name:match('^%a[%w+.-]+://') then
        return
      end
      local config = require('openexec.server').config()
      config.root_dir(event.buf, function(root)
        local here = vim.tbl_extend('force', config, { name = 'openexec', root_dir = root })
        vim.lsp.start(here, { bufnr = event.buf })
      end)
    end,
  })
end

require('openexec').watch()

vim.api.nvim_create_user_command('OpenExec', function(arguments)
  require('openexec').command(arguments)
end, {
  nargs = '+',
  range = true,
  desc = 'Run, review, apply, undo: see :help openexec',
  complete = function(lead, line)
    return require('openexec').complete(lead, line)
  end,
})

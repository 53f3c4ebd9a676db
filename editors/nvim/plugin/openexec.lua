if vim.g.loaded_openexec then
  return
end
vim.g.loaded_openexec = true

vim.api.nvim_create_user_command('OpenExec', function(options)
  require('openexec').command(options)
end, {
  nargs = '+',
  range = true,
  desc = 'Speak to the OpenExec server',
  complete = function(...)
    return require('openexec').complete(...)
  end,
})

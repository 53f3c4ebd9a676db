-- Found by `vim.lsp.config` on the runtime path (Neovim 0.11 and newer).
-- Without `filetypes` the server attaches to every file: blueprints are not about languages.
---@type vim.lsp.Config
return {
  cmd = { 'openexec', 'lsp' },
  -- One server for the whole project; the folder that holds `.openexec` wins over the repository.
  root_markers = { '.openexec', '.git' },
}

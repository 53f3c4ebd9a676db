// StyLua over files, with the options of editors/nvim/stylua.toml.
// Usage: node stylua.mjs LIBRARY --check|--write FILE…
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';

const [library, mode, ...files] = process.argv.slice(2);
const stylua = createRequire(import.meta.url)(library);
const toml = readFileSync(new URL('../../editors/nvim/stylua.toml', import.meta.url), 'utf8');
const enums = { indent_type: stylua.IndentType, quote_style: stylua.QuoteStyle };

let wrong = 0;
for (const file of files) {
    const config = stylua.Config.new();
    for (const [, key, value] of toml.matchAll(/^(\w+) = "?(\w+)"?$/gm)) {
        config[key] = key in enums ? enums[key][value] : Number(value);
        if (config[key] === undefined) throw new Error(`stylua.toml: \`${key}\` cannot be \`${value}\``);
    }
    config.syntax = stylua.LuaVersion.LuaJIT;
    const text = readFileSync(file, 'utf8');
    const formatted = stylua.formatCode(text, config, undefined, stylua.OutputVerification.Full);
    if (formatted === text) continue;
    if (mode === '--write') {
        writeFileSync(file, formatted);
    } else {
        wrong += 1;
        console.error(`${file} is not formatted; \`bash tests/neovim/check --write\` does it`);
    }
}
process.exit(wrong === 0 ? 0 : 1);

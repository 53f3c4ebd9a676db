// Bundles the extension into one file, and puts beside it the licences of what is in it and the
// schemas of the files that people write.

import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const { metafile } = await build({
    entryPoints: ['src/extension.ts'],
    outfile: 'dist/extension.js',
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['vscode'],
    metafile: true,
    logLevel: 'info',
});

const packages = new Set();
for (const input of Object.keys(metafile.inputs)) {
    const [, folder] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
    if (folder !== undefined) {
        packages.add(folder);
    }
}

const notices = [];
for (const folder of [...packages].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) {
        throw new Error(`${name} ${version} comes without a licence file; look at it before it is shipped`);
    }
    notices.push(`${name} ${version} (${license})\n\n${(await readFile(join(folder, file), 'utf8')).trim()}\n`);
}
await writeFile('dist/NOTICES.txt', notices.join(`\n${'-'.repeat(72)}\n\n`));

// One licence for the whole repository; the package must hold it too.
await copyFile('../../LICENSE', 'LICENSE');

await mkdir('dist/schemas', { recursive: true });
for (const name of ['blueprint', 'policy', 'config', 'tasks', 'memory']) {
    await copyFile(`../../blueprints/${name}.schema.json`, `dist/schemas/${name}.schema.json`);
}

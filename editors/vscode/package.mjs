// Packages the extension: `npm run package` without a server, and with one for each platform:
//
//     npm run package -- --target linux-x64 --server ../../target/release/openexec [--out FILE]

import { chmod, copyFile, mkdir, rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createVSIX } from '@vscode/vsce';

const REPOSITORY = 'https://github.com/openexec/openexec';

const { values } = parseArgs({
    options: { target: { type: 'string' }, server: { type: 'string' }, out: { type: 'string' } },
});
if ((values.target === undefined) !== (values.server === undefined)) {
    throw new Error('a server belongs to one platform: give both `--target` and `--server`, or neither');
}

await rm('server', { recursive: true, force: true });
if (values.server !== undefined) {
    const program = `server/openexec${values.target.startsWith('win32') ? '.exe' : ''}`;
    await mkdir('server');
    await copyFile(values.server, program);
    await chmod(program, 0o755);
}
await createVSIX({
    cwd: '.',
    ...(values.target === undefined ? {} : { target: values.target }),
    ...(values.out === undefined ? {} : { packagePath: values.out }),
    dependencies: false,
    baseContentUrl: `${REPOSITORY}/blob/HEAD/editors/vscode`,
    baseImagesUrl: `${REPOSITORY}/raw/HEAD/editors/vscode`,
});

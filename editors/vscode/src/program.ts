// Which program the server is: the one that the user names, else the one that came with the
// extension, else the one on PATH. A workspace cannot choose it.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, isAbsolute } from 'node:path';
import * as vscode from 'vscode';

/** How long the server may take to say its version, in milliseconds. */
const VERSION_TIMEOUT_MS = 10_000;

/** How long a command that only reads may take, in milliseconds. */
const READING_TIMEOUT_MS = 30_000;

/** What a command that only reads may say, in bytes. */
const READING_BYTES_MAX = 16 * 1024 * 1024;

export interface Program {
    readonly path: string;
    readonly version: string;
}

/** There is no server that works here; the message says what to do. */
export class NoProgram extends Error {}

export async function findProgram(extension: vscode.Uri): Promise<Program> {
    const set = vscode.workspace.getConfiguration('openexec').get<string>('server.path', '').trim();
    const path = set !== '' ? set : bundled(extension) ?? 'openexec';
    const isName = !path.includes('/') && !path.includes('\\');
    if (!isName && !isAbsolute(path)) {
        throw new NoProgram(`the setting \`openexec.server.path\` is \`${path}\`; write a program's name or an absolute path`);
    }
    return { path, version: await version(path, set !== '') };
}

/** Lets terminals of VS Code find the program that came with the extension, behind one that the user has installed. */
export function offerInTerminals({ extensionUri, environmentVariableCollection: variables }: vscode.ExtensionContext): void {
    const program = bundled(extensionUri);
    // What was offered before may lie in an earlier version's folder.
    variables.clear();
    if (program !== undefined) {
        variables.description = 'Lets `openexec` be typed here.';
        variables.append('PATH', `${delimiter}${dirname(program)}`);
    }
}

function bundled(extension: vscode.Uri): string | undefined {
    const name = process.platform === 'win32' ? 'openexec.exe' : 'openexec';
    const path = vscode.Uri.joinPath(extension, 'server', name).fsPath;
    return existsSync(path) ? path : undefined;
}

/** Asks the program for its version, which shows that it is there and that it is ours. */
function version(program: string, isSet: boolean): Promise<string> {
    return new Promise((resolve, reject) => {
        execFile(program, ['--version'], { timeout: VERSION_TIMEOUT_MS }, (error, stdout) => {
            const said = stdout.trim().split('\n', 1)[0] ?? '';
            if (error === null && said.startsWith('openexec')) {
                resolve(said);
            } else if (error?.code === 'ENOENT') {
                const remedy = isSet
                    ? 'correct the setting `openexec.server.path`, or clear it'
                    : 'install the OpenExec server, or name it in the setting `openexec.server.path`';
                reject(new NoProgram(`there is no program \`${program}\`; ${remedy}`));
            } else {
                const reason = error?.message ?? `it says \`${said}\``;
                reject(new NoProgram(`\`${program}\` is not an OpenExec server that works here: ${reason}`));
            }
        });
    });
}

/** Runs a command of the program that only reads, and answers with what it prints. */
export function read(program: Program, args: string[], root: string): Promise<string> {
    const options = { timeout: READING_TIMEOUT_MS, maxBuffer: READING_BYTES_MAX, cwd: root };
    return new Promise((resolve, reject) => {
        execFile(program.path, args, options, (error, stdout, stderr) => {
            if (error === null) {
                resolve(stdout);
            } else {
                reject(new Error(stderr.trim() === '' ? error.message : stderr.trim()));
            }
        });
    });
}

// The language server's process and the one client that speaks to it, for all folders.
//
// Every command, whoever runs it, goes through `Server.execute`, so that a refusal is shown
// once and in the server's own words.

import { execFile } from 'node:child_process';
import { isAbsolute } from 'node:path';
import * as vscode from 'vscode';
import {
    type CodeAction,
    CodeActionRequest,
    type Command,
    ExecuteCommandRequest,
    LanguageClient,
    RevealOutputChannelOn,
    State,
} from 'vscode-languageclient/node';

/** How long the server may take to say its version, in milliseconds. */
const VERSION_TIMEOUT_MS = 10_000;

export class Server {
    private readonly log = vscode.window.createOutputChannel('OpenExec', { log: true });
    private client: LanguageClient | undefined;
    /** Starts and stops follow one another, however fast they are asked for. */
    private turn: Promise<void> = Promise.resolve();

    start(): Promise<void> {
        return this.next(() => this.launch());
    }

    restart(): Promise<void> {
        return this.next(async () => {
            await this.end();
            await this.launch();
        });
    }

    async dispose(): Promise<void> {
        await this.next(() => this.end());
        this.log.dispose();
    }

    /** Has the server carry out one of its commands. A refusal is shown, not thrown. */
    async execute(command: string, ...args: unknown[]): Promise<unknown> {
        try {
            return await this.running().sendRequest(ExecuteCommandRequest.type, { command, arguments: args });
        } catch (error) {
            this.log.error(`${command}: ${sentence(error)}`);
            void vscode.window.showErrorMessage(`OpenExec: ${sentence(error)}`);
            return undefined;
        }
    }

    /** What the server offers of one kind at a place. */
    async offered(document: vscode.TextDocument, range: vscode.Range, kind: string): Promise<CodeAction[]> {
        const client = this.running();
        const answer = await client.sendRequest(CodeActionRequest.type, {
            textDocument: client.code2ProtocolConverter.asTextDocumentIdentifier(document),
            range: client.code2ProtocolConverter.asRange(range),
            context: { diagnostics: [], only: [kind] },
        });
        const isAction = (item: Command | CodeAction): item is CodeAction => typeof item.command !== 'string';
        return (answer ?? []).filter(isAction).filter((action) => action.kind === kind);
    }

    /** The document's URI and the range, as the server spells them. */
    spelled(document: vscode.TextDocument, range: vscode.Range): { uri: string; range: unknown } {
        const { code2ProtocolConverter: spell } = this.running();
        return { uri: spell.asUri(document.uri), range: spell.asRange(range) };
    }

    private running(): LanguageClient {
        if (this.client?.state !== State.Running) {
            throw new Error('the server is not running; look at the output channel `OpenExec`, then run `OpenExec: Restart the Server`');
        }
        return this.client;
    }

    private next(step: () => Promise<void>): Promise<void> {
        this.turn = this.turn.then(step).catch((error: unknown) => this.log.error(sentence(error)));
        return this.turn;
    }

    private async launch(): Promise<void> {
        const program = vscode.workspace.getConfiguration('openexec').get<string>('path', 'openexec').trim();
        try {
            this.log.info(`${program}: ${await version(program)}`);
        } catch (error) {
            this.log.error(sentence(error));
            void this.complain(sentence(error));
            return;
        }
        this.client = new LanguageClient('openexec', 'OpenExec', { command: program, args: ['lsp'] }, {
            documentSelector: [{ scheme: 'file' }],
            outputChannel: this.log,
            // Whoever runs a command is told what became of it; a log that opens itself is in the way.
            revealOutputChannelOn: RevealOutputChannelOn.Never,
            middleware: {
                executeCommand: (command, args: unknown[]) => this.execute(command, ...args),
            },
        });
        // When this fails, the client has told the user already.
        await this.client.start();
    }

    private async end(): Promise<void> {
        const client = this.client;
        this.client = undefined;
        if (client?.state === State.Running) {
            await client.stop();
        }
        await client?.dispose();
    }

    private async complain(reason: string): Promise<void> {
        const settings = 'Open Settings';
        if ((await vscode.window.showErrorMessage(`OpenExec: ${reason}`, settings)) === settings) {
            await vscode.commands.executeCommand('workbench.action.openSettings', 'openexec.path');
        }
    }
}

/** Asks the program for its version, which shows that it is there and that it is ours. */
function version(program: string): Promise<string> {
    const isName = program !== '' && !program.includes('/') && !program.includes('\\');
    if (!isName && !isAbsolute(program)) {
        return Promise.reject(new Error(`\`openexec.path\` is \`${program}\`; write a program's name or an absolute path`));
    }
    return new Promise((resolve, reject) => {
        execFile(program, ['--version'], { timeout: VERSION_TIMEOUT_MS }, (error, stdout) => {
            const said = stdout.trim().split('\n', 1)[0] ?? '';
            if (error === null && said.startsWith('openexec')) {
                resolve(said);
            } else if (error?.code === 'ENOENT') {
                reject(new Error(`there is no program \`${program}\`; install the OpenExec server, or set \`openexec.path\``));
            } else {
                const reason = error?.message ?? `it says \`${said}\``;
                reject(new Error(`\`${program}\` is not an OpenExec server that works here: ${reason}`));
            }
        });
    });
}

export function sentence(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}

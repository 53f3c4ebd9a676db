// The language server's process and the one client that speaks to it, for all folders. A server
// that dies is started again, later each time, and not for ever.
//
// Every command, whoever runs it, goes through `Server.execute`, so that a refusal is shown
// once and in the server's own words.

import * as vscode from 'vscode';
import {
    type ClientCapabilities,
    CloseAction,
    ErrorAction,
    ExecuteCommandRequest,
    type ShowDocumentRequest,
    LanguageClient,
    RevealOutputChannelOn,
    State,
    type StaticFeature,
} from 'vscode-languageclient/node';
import { type Program, findProgram, read } from './program';
import { CHANGES, type Changes, RUNS, RUNS_CHANGED, type RunEntry, type RunList } from './protocol';

/** The first pause before a server that died is started again, in milliseconds; each next one is twice as long. */
const PAUSE_FIRST_MS = 1_000;

/** How often it is started again before the user is asked. */
const RESTARTS_MAX = 5;

/** A server that has lived this long has not died at its start, in milliseconds. */
const LIVED_MS = 60_000;

/** How the server stands. */
export type Health = 'off' | 'starting' | 'running' | 'down';

/** What a command of the server means to this extension, where it means more than to others. */
export type Diversion = (command: string, argument: unknown) => Promise<unknown> | undefined;

export class Server implements vscode.Disposable {
    readonly log = vscode.window.createOutputChannel('OpenExec', { log: true });
    private readonly healthChanged = new vscode.EventEmitter<Health>();
    private readonly runsChanged = new vscode.EventEmitter<void>();
    readonly onDidChangeHealth = this.healthChanged.event;
    readonly onDidChangeRuns = this.runsChanged.event;
    /** Set before the start: where commands from menus go first. */
    divert: Diversion = () => undefined;
    private standing: Health = 'off';
    private client: LanguageClient | undefined;
    private program: Program | undefined;
    private deaths = 0;
    private again: NodeJS.Timeout | undefined;
    /** Starts and stops follow one another, however fast they are asked for. */
    private turn: Promise<void> = Promise.resolve();

    constructor(private readonly extension: vscode.Uri) {}

    get health(): Health {
        return this.standing;
    }

    start(): Promise<void> {
        return this.next(() => this.launch());
    }

    /** At the user's word: everything that failed before is forgotten. */
    restart(): Promise<void> {
        this.deaths = 0;
        return this.next(async () => {
            await this.end();
            await this.launch();
        });
    }

    async stop(): Promise<void> {
        await this.next(() => this.end());
    }

    dispose(): void {
        clearTimeout(this.again);
        this.log.dispose();
    }

    /** Has the server carry out one of its commands. A refusal is shown, not thrown. */
    async execute(command: string, ...args: unknown[]): Promise<unknown> {
        try {
            return await this.running().sendRequest(ExecuteCommandRequest.type, { command, arguments: args });
        } catch (error) {
            this.log.error(`${command}: ${sentence(error)}`);
            void this.complain(sentence(error));
            return undefined;
        }
    }

    async runs(): Promise<RunEntry[]> {
        const list = (await this.running().sendRequest(RUNS)) as RunList;
        return list.runs;
    }

    async changes(run: string): Promise<Changes> {
        return (await this.running().sendRequest(CHANGES, { run })) as Changes;
    }

    /** What the program prints about a run, in its own words. */
    read(args: string[], root: string): Promise<string> {
        if (this.program === undefined) {
            throw new Error(NOT_RUNNING);
        }
        return read(this.program, args, root);
    }

    /** The document's URI and the range, as the server spells them. */
    spelled(document: vscode.TextDocument, range: vscode.Range): { uri: string; range: unknown; version: number } {
        const { code2ProtocolConverter: spell } = this.running();
        return { uri: spell.asUri(document.uri), range: spell.asRange(range), version: document.version };
    }

    private running(): LanguageClient {
        if (this.client?.state !== State.Running) {
            throw new Error(NOT_RUNNING);
        }
        return this.client;
    }

    private next(step: () => Promise<void>): Promise<void> {
        this.turn = this.turn.then(step).catch((error: unknown) => this.log.error(sentence(error)));
        return this.turn;
    }

    private stand(health: Health): void {
        this.standing = health;
        void vscode.commands.executeCommand('setContext', 'openexec.health', health);
        this.healthChanged.fire(health);
        this.runsChanged.fire();
    }

    private async launch(): Promise<void> {
        clearTimeout(this.again);
        this.stand('starting');
        try {
            this.program = await findProgram(this.extension);
            this.log.info(`${this.program.path}: ${this.program.version}`);
        } catch (error) {
            this.log.error(sentence(error));
            this.stand('down');
            void this.missing(sentence(error));
            return;
        }
        const client = new LanguageClient('openexec', 'OpenExec', { command: this.program.path, args: ['lsp'] }, {
            documentSelector: [{ scheme: 'file' }],
            // The one setting that the server takes from an editor.
            initializationOptions: { annotations: vscode.workspace.getConfiguration('openexec').get('annotations', true) },
            synchronize: { configurationSection: 'openexec.annotations' },
            outputChannel: this.log,
            // Whoever runs a command is told what became of it; a log that opens itself is in the way.
            revealOutputChannelOn: RevealOutputChannelOn.Never,
            errorHandler: {
                error: () => ({ action: ErrorAction.Continue, handled: true }),
                closed: () => {
                    this.died(client);
                    return { action: CloseAction.DoNotRestart, handled: true };
                },
            },
            middleware: {
                executeCommand: (command, args: unknown[]) =>
                    this.divert(command, args[0]) ?? this.execute(command, ...args),
                window: { showDocument },
            },
        });
        this.client = client;
        client.registerFeature(this.listing());
        client.onNotification(RUNS_CHANGED, () => this.runsChanged.fire());
        const began = Date.now();
        try {
            await client.start();
        } catch (error) {
            this.log.error(`the server did not start: ${sentence(error)}`);
            this.died(client);
            return;
        }
        setTimeout(() => {
            if (this.client === client && Date.now() - began >= LIVED_MS) {
                this.deaths = 0;
            }
        }, LIVED_MS + 1).unref();
        this.stand('running');
    }

    /** Tells the server that this client lists runs. */
    private listing(): StaticFeature {
        return {
            fillClientCapabilities: (capabilities: ClientCapabilities) => {
                const experimental = (capabilities.experimental ?? {}) as Record<string, unknown>;
                capabilities.experimental = { ...experimental, openexec: { runs: true } };
            },
            initialize: () => undefined,
            getState: () => ({ kind: 'static' }),
            clear: () => undefined,
        };
    }

    private died(client: LanguageClient): void {
        if (this.client !== client) {
            return;
        }
        this.client = undefined;
        this.deaths += 1;
        this.stand('down');
        void client.dispose().catch(() => undefined);
        if (this.deaths > RESTARTS_MAX) {
            this.log.error(`the server died ${this.deaths} times; it is not started again by itself`);
            void this.complain('the server ends again and again; its log says more', 'Restart', () => this.restart());
            return;
        }
        const pause = PAUSE_FIRST_MS * 2 ** (this.deaths - 1);
        this.log.warn(`the server has ended; it is started again in ${pause / 1000} s. What was recorded is not lost`);
        this.again = setTimeout(() => void this.start(), pause);
    }

    private async end(): Promise<void> {
        clearTimeout(this.again);
        const client = this.client;
        this.client = undefined;
        if (client !== undefined) {
            this.stand('off');
            if (client.state === State.Running) {
                await client.stop();
            }
            await client.dispose();
        }
    }

    private async missing(reason: string): Promise<void> {
        const settings = 'Open Settings';
        const help = 'How to Install';
        const chosen = await vscode.window.showErrorMessage(`OpenExec: ${reason}`, settings, help);
        if (chosen === settings) {
            await vscode.commands.executeCommand('openexec.ui.settings');
        } else if (chosen === help) {
            await vscode.commands.executeCommand('openexec.ui.walkthrough');
        }
    }

    private async complain(reason: string, remedy = 'Show Log', act: () => unknown = () => this.log.show()): Promise<void> {
        if ((await vscode.window.showErrorMessage(`OpenExec: ${reason}`, remedy)) === remedy) {
            await act();
        }
    }
}

/** Documents that the server writes for people are Markdown outside the workspace; they are shown as such. */
const showDocument: ShowDocumentRequest.MiddlewareSignature = async (params, token, next) => {
    const uri = vscode.Uri.parse(params.uri);
    if (uri.scheme === 'file' && uri.path.endsWith('.md') && vscode.workspace.getWorkspaceFolder(uri) === undefined) {
        try {
            await vscode.commands.executeCommand('markdown.showPreview', uri);
            return { success: true };
        } catch {
            // Somebody has switched the preview off; the text says the same.
        }
    }
    return next(params, token);
};

const NOT_RUNNING = 'the server is not running; look at the output channel `OpenExec`, then run `OpenExec: Restart the Server`';

export function sentence(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}

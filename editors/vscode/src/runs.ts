// The runs as the server lists them, and what has become of them since the last look.

import * as vscode from 'vscode';
import type { RunEntry } from './protocol';
import { type Server, sentence } from './server';

/** What a run was before and is now; `before` is absent for one that was not there. */
export interface Turn {
    readonly before?: RunEntry;
    readonly now: RunEntry;
    /** It is the first look at this server: the run need not be news. */
    readonly isFirst: boolean;
}

export class Runs implements vscode.Disposable {
    entries: readonly RunEntry[] = [];
    private readonly changed = new vscode.EventEmitter<void>();
    private readonly turned = new vscode.EventEmitter<Turn>();
    private readonly watching: vscode.Disposable[];
    readonly onDidChange = this.changed.event;
    readonly onDidTurn = this.turned.event;
    private isFirst = true;
    private reading: Promise<void> | undefined;
    private isStale = false;

    constructor(private readonly server: Server) {
        this.watching = [
            server.onDidChangeRuns(() => this.refresh()),
            // Terminals and other windows work on the same runs.
            vscode.window.onDidChangeWindowState((window) => {
                if (window.focused) {
                    this.refresh();
                }
            }),
        ];
    }

    dispose(): void {
        for (const one of [...this.watching, this.changed, this.turned]) {
            one.dispose();
        }
    }

    of(run: string): RunEntry | undefined {
        return this.entries.find((entry) => entry.run === run);
    }

    /** Those that a command of the server fits. */
    that(can: string): RunEntry[] {
        return this.entries.filter((entry) => entry.can.includes(can));
    }

    /** Asks the server once more; however often this is called, one question is under way. */
    refresh(): void {
        this.isStale = true;
        this.reading ??= this.read().finally(() => {
            this.reading = undefined;
        });
    }

    private async read(): Promise<void> {
        while (this.isStale) {
            this.isStale = false;
            if (this.server.health !== 'running') {
                // What is recorded is not gone, so that a list of before is better than none.
                this.changed.fire();
                continue;
            }
            try {
                this.take(await this.server.runs());
            } catch (error) {
                this.server.log.warn(`the runs could not be listed: ${sentence(error)}`);
            }
        }
    }

    private take(entries: RunEntry[]): void {
        const before = new Map(this.entries.map((entry) => [entry.run, entry]));
        const isFirst = this.isFirst;
        this.isFirst = false;
        this.entries = entries;
        void vscode.commands.executeCommand('setContext', 'openexec.hasRuns', entries.length > 0);
        this.changed.fire();
        for (const now of entries) {
            const was = before.get(now.run);
            // What could not be undone stands as before, and its user wants to hear that each time.
            const isRefused = now.stuck === true && was?.events !== now.events;
            if (was?.state !== now.state || was.proposal !== now.proposal || isRefused) {
                this.turned.fire(was === undefined ? { now, isFirst } : { before: was, now, isFirst });
            }
        }
    }
}

// The report of a run: one page of the server's, in a panel that can run nothing and load nothing.

import * as vscode from 'vscode';
import { type RunEntry, called } from './protocol';
import type { Server } from './server';

/** What the server answers to `openexec.report`. */
interface Answer {
    readonly html?: string;
}

export class Reports implements vscode.Disposable {
    /** One panel for each run, which is brought to the front again. */
    private readonly panels = new Map<string, vscode.WebviewPanel>();

    constructor(private readonly server: Server) {}

    dispose(): void {
        for (const panel of this.panels.values()) {
            panel.dispose();
        }
    }

    async show(entry: RunEntry): Promise<void> {
        const answer = (await this.server.execute('openexec.report', { run: entry.run })) as Answer | undefined;
        if (answer?.html === undefined) {
            return;
        }
        const panel = this.panels.get(entry.run) ?? this.open(entry);
        panel.webview.html = answer.html;
        panel.reveal();
    }

    private open(entry: RunEntry): vscode.WebviewPanel {
        const panel = vscode.window.createWebviewPanel('openexec.report', `Report of ${called(entry)}`, vscode.ViewColumn.Active, {
            enableScripts: false,
            enableForms: false,
            enableCommandUris: false,
            enableFindWidget: true,
            localResourceRoots: [],
        });
        this.panels.set(entry.run, panel);
        panel.onDidDispose(() => this.panels.delete(entry.run));
        return panel;
    }
}

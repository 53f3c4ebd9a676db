// Entry and exit: puts the parts together and starts the server, in workspaces that the user has
// trusted. It decides nothing about runs: the server does, and the user.

import * as vscode from 'vscode';
import { announce } from './announcements';
import { Commands } from './commands';
import { offerInTerminals } from './program';
import { Proposals } from './proposals';
import { STANDS_STILL } from './protocol';
import { Reports } from './report';
import { Runs } from './runs';
import { Server } from './server';
import { statusBar } from './statusbar';
import { RunsTree } from './tree';

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
    offerInTerminals(context);
    const started = new Server(context.extensionUri);
    server = started;
    const runs = new Runs(started);
    const proposals = new Proposals(started, runs);
    const reports = new Reports(started);
    const tree = new RunsTree(started, runs, proposals);
    const commands = new Commands(started, runs, proposals, reports, context.extension.id);
    started.divert = (command, argument) => commands.divert(command, argument);
    const view = vscode.window.createTreeView('openexec.runs', { treeDataProvider: tree });
    context.subscriptions.push(
        started,
        runs,
        proposals,
        reports,
        tree,
        view,
        runs.onDidChange(() => {
            const waiting = runs.entries.filter(({ state }) => STANDS_STILL.includes(state)).length;
            view.badge = waiting === 0 ? undefined : { value: waiting, tooltip: 'waiting for you' };
        }),
        announce(runs, proposals),
        statusBar(started, runs),
        commands.register(),
        vscode.workspace.onDidGrantWorkspaceTrust(() => started.start()),
        vscode.workspace.onDidChangeConfiguration(async (event) => {
            if (event.affectsConfiguration('openexec.server.path') && vscode.workspace.isTrusted) {
                await started.restart();
            }
        }),
    );
    if (vscode.workspace.isTrusted) {
        await started.start();
    }
}

export async function deactivate(): Promise<void> {
    await server?.stop();
}

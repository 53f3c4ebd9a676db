// Entry and exit: it starts the server, keeps it in step with the settings, and registers the
// commands of the palette. It decides nothing about runs: the server does.

import * as vscode from 'vscode';
import { commands } from './commands';
import { Server } from './server';

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
    const started = new Server();
    server = started;
    context.subscriptions.push(
        ...commands(started),
        vscode.workspace.onDidChangeConfiguration(async (event) => {
            if (event.affectsConfiguration('openexec.path')) {
                await started.restart();
            }
        }),
    );
    await started.start();
}

export async function deactivate(): Promise<void> {
    await server?.dispose();
}

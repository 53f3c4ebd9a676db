// Trust in a workspace's tasks: given to commands and files that stand in front of the user, and
// to exactly those. The server refuses when they have changed since.

import * as vscode from 'vscode';
import type { Server } from './server';

interface Seen {
    readonly review: string;
    readonly content?: string;
    readonly commands?: string[];
}

/** `uri` names the workspace by one of its files; the obvious one when absent. */
export async function trust(server: Server, uri: string | undefined): Promise<void> {
    const of = uri === undefined ? {} : { uri };
    // The server opens the document beside this.
    const seen = (await server.execute('openexec.trust', { ...of, review: true })) as Seen | undefined;
    if (seen === undefined) {
        return;
    }
    if (seen.content === undefined) {
        void vscode.window.showInformationMessage(
            'OpenExec: there is nothing to decide. The tasks of this workspace are trusted as they are, or it declares none.',
        );
        return;
    }
    const commands = (seen.commands ?? []).map((command) => `“${command}”`).join(', ');
    const yes = 'Trust Exactly This';
    // Not modal: what it is about must stay readable meanwhile.
    const answer = await vscode.window.showWarningMessage(
        `OpenExec: may ${commands} be run in a sandbox to verify edits? The open document shows what decides about them. You are asked again when any of it changes.`,
        yes,
        'Not Now',
    );
    if (answer === yes) {
        await server.execute('openexec.trust', { ...of, content: seen.content, commands: seen.commands });
    }
}

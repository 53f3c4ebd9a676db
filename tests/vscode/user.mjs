// A user in front of a real VS Code workbench, which is served to a real browser: lays out a
// project, opens files, looks at menus, chooses, types, saves. Nothing here sleeps: everything
// waits for what must happen, with a deadline.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const {
    OPENEXEC_TEST_PLACE: PLACE,
    OPENEXEC_TEST_PROGRAM: PROGRAM,
    OPENEXEC_TEST_TOOLS: TOOLS,
    OPENEXEC_TEST_EXTENSIONS: EXTENSIONS,
    OPENEXEC_TEST_SCREENSHOTS: SCREENSHOTS,
} = process.env;
const { chromium } = createRequire(join(TOOLS, 'package.json'))('playwright-core');

/** How long the user waits for what must happen, in milliseconds. */
const PATIENCE_MS = Number(process.env.PATIENCE_MS ?? 60_000);

export const root = join(PLACE, 'project');

/** The environment of the workbench and of the terminal: the machine's programs, and a user scope of its own. */
const environment = {
    PATH: process.env.PATH,
    HOME: join(PLACE, 'home'),
    LANG: 'C.UTF-8',
    // Nothing is looked for elsewhere.
    EXTENSIONS_GALLERY: '{}',
    XDG_CONFIG_HOME: join(PLACE, 'config'),
    XDG_STATE_HOME: join(PLACE, 'state'),
    XDG_DATA_HOME: join(PLACE, 'data'),
    XDG_CACHE_HOME: join(PLACE, 'cache'),
};

function write(path, text) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
}

export function onDisk(path) {
    return existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined;
}

export function openexec(...args) {
    return execFileSync(PROGRAM, args, { cwd: root, env: environment, encoding: 'utf8', timeout: PATIENCE_MS });
}

/** The events of the newest run. */
export function journal() {
    const [run] = /^[0-9a-f]{8}-\S+/m.exec(openexec('runs')) ?? [];
    return run === undefined ? [] : openexec('show', run, '--json').trim().split('\n').map((line) => JSON.parse(line).event);
}

/** The reply of one attempt: its actions, and `finish`. */
export function reply(stage, attempt, actions, delay_ms = 0) {
    const all = [...actions, { kind: 'finish', summary: 'That is what was asked for.' }];
    return { stage, attempt, delay_ms, reply: { actions: all.map((action, at) => ({ id: `a${at + 1}`, ...action })) } };
}

export function replace(path, old, replacement) {
    return { kind: 'replace_text', path, old, new: replacement };
}

/** A small JavaScript project whose tests are run by node itself. */
export const sums = {
    source: '/** The sum of two numbers. */\nexport function add(a, b) {\n  return a - b;\n}\n',
    test: "import test from 'node:test';\nimport assert from 'node:assert';\nimport { add } from '../sums.js';\n\n"
        + "test('adds', () => {\n  assert.equal(add(2, 3), 5);\n});\n",
};

export const project = {
    'package.json': '{ "name": "sums", "type": "module" }\n',
    '.openexec/tasks.yaml': 'version: 1\ntasks:\n  - { name: test, kind: test, argv: [node, --test, --test-reporter=tap], report: tap }\n',
    'sums.js': sums.source,
    'test/sums.test.js': sums.test,
};

/** Lays out the project, opens it in a workbench, lets the user act, and ends everything. */
export async function inWorkbench({ name, files = project, replies, trusted = true, restricted = false, machine = {} }, act) {
    for (const [path, text] of Object.entries(files)) {
        write(join(root, path), text);
    }
    write(join(PLACE, 'config/openexec/config.yaml'), 'models:\n  script: { api: scripted, file: replies.json }\n');
    // JSON is YAML.
    write(join(PLACE, 'config/openexec/replies.json'), JSON.stringify({ replies }));
    write(join(PLACE, 'user/User/settings.json'), JSON.stringify({
        'workbench.startupEditor': 'none',
        'workbench.colorTheme': 'Default Light Modern',
        'workbench.tips.enabled': false,
        'chat.commandCenter.enabled': false,
        'telemetry.telemetryLevel': 'off',
        'security.workspace.trust.startupPrompt': 'never',
        'security.workspace.trust.banner': 'never',
        'editor.minimap.enabled': false,
        'breadcrumbs.enabled': false,
        'files.autoSave': 'off',
        'files.hotExit': 'off',
        'editor.cursorBlinking': 'solid',
    }));
    write(join(PLACE, 'user/Machine/settings.json'), JSON.stringify(machine));
    mkdirSync(environment.HOME, { recursive: true });
    if (trusted) {
        openexec('trust');
    }
    const workbench = await Workbench.open(name, restricted);
    try {
        await act(workbench);
    } catch (error) {
        await workbench.explain(error);
        throw error;
    } finally {
        await workbench.close();
    }
}

class Workbench {
    static async open(name, restricted) {
        const server = spawn(process.execPath, [
            join(TOOLS, 'node_modules/code-server/out/node/entry.js'),
            '--auth', 'none', '--bind-addr', '127.0.0.1:0', '--disable-telemetry', '--disable-update-check',
            '--disable-getting-started-override', ...(restricted ? [] : ['--disable-workspace-trust']),
            '--user-data-dir', join(PLACE, 'user'), '--extensions-dir', EXTENSIONS,
        ], { env: environment, cwd: PLACE, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
        let said = '';
        const address = await new Promise((resolve, reject) => {
            const hear = (chunk) => {
                said += chunk;
                const found = /listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(said);
                if (found) {
                    resolve(found[1]);
                }
            };
            server.stdout.on('data', hear);
            server.stderr.on('data', hear);
            server.on('exit', () => reject(new Error(`the workbench did not start:\n${said}`)));
        });
        const browser = await chromium.launch({
            executablePath: '/usr/bin/chromium',
            args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
        });
        const page = await browser.newPage({ viewport: { width: 1180, height: 720 } });
        page.setDefaultTimeout(PATIENCE_MS);
        const workbench = new Workbench(name, server, browser, page, `${address}/?folder=${encodeURIComponent(root)}`, () => said);
        await workbench.load();
        return workbench;
    }

    constructor(name, server, browser, page, url, said) {
        Object.assign(this, { name, server, browser, page, url, said, pictures: 0 });
    }

    async load() {
        await this.page.goto(this.url);
        await this.page.locator('.monaco-workbench').waitFor();
    }

    /** Our extension has started, and so has its server. */
    async ready() {
        await this.page.locator('.statusbar-item[id*="openexec.status"] .codicon-check').waitFor();
    }

    async close() {
        await this.browser.close();
        const gone = new Promise((resolve) => this.server.on('exit', resolve));
        if (this.server.exitCode === null) {
            // Its own group: the processes that it started end with it.
            process.kill(-this.server.pid, 'SIGTERM');
            await gone;
        }
    }

    /** Puts messages and the mouse away, so that a picture shows what it is about. */
    async calm() {
        await this.command('Notifications: Clear All Notifications');
        await this.page.locator('.notifications-toasts .notification-list-item').first().waitFor({ state: 'hidden' });
        await this.page.mouse.move(780, 640);
    }

    /** Keeps what the user sees. */
    async picture(what) {
        this.pictures += 1;
        mkdirSync(SCREENSHOTS, { recursive: true });
        // What fades in is there first; what turns for ever is not waited for.
        await this.page.evaluate(() => Promise.allSettled(document.getAnimations()
            .filter((animation) => animation.effect?.getComputedTiming().endTime !== Infinity)
            .map((animation) => animation.finished)));
        await this.page.screenshot({ path: join(SCREENSHOTS, `${this.name}-${String(this.pictures).padStart(2, '0')}-${what}.png`) });
    }

    async explain(error) {
        await this.picture('failed').catch(() => undefined);
        const toasts = await this.page.locator('.notification-list-item-message').allTextContents().catch(() => []);
        const logs = readdirSync(join(PLACE, 'user'), { recursive: true }).filter((path) => /OpenExec.*\.log$/.test(path));
        const texts = logs.map((path) => `${path}:\n${readFileSync(join(PLACE, 'user', path), 'utf8')}`);
        console.error([String(error), `messages: ${JSON.stringify(toasts)}`, ...texts, this.said()].join('\n\n'));
    }

    /** Waits until a function answers with something that is not false. */
    async until(what, condition) {
        const deadline = Date.now() + PATIENCE_MS;
        for (;;) {
            const found = await condition();
            if (found) {
                return found;
            }
            assert(Date.now() < deadline, `${what} did not happen`);
            await this.page.evaluate(() => new Promise(requestAnimationFrame));
        }
    }

    async keys(...keys) {
        for (const key of keys) {
            await this.page.keyboard.press(key);
        }
    }

    /** Types into the quick input that a key opens, and takes the row whose name starts so. */
    async quick(key, text, row) {
        const input = this.page.locator('.quick-input-widget input[type="text"]');
        const focused = this.page.locator('.quick-input-list .monaco-list-row.focused')
            .and(this.page.locator(`[aria-label^=${JSON.stringify(row)}]`)).first();
        const patience = { timeout: 5_000 };
        const late = () => undefined;
        await this.until(`${row} can be chosen`, async () => {
            // Whatever takes the focus closes the input, and a workbench that is still coming up
            // does: who asked then asks again.
            if (!(await input.isVisible())) {
                await this.keys(key);
                await input.waitFor(patience).catch(late);
            }
            if (await input.inputValue(patience).catch(late) !== text) {
                await input.fill(text, patience).catch(late);
            }
            return await input.isVisible() && await focused.isVisible();
        });
        await input.press('Enter');
    }

    async open(path) {
        const file = path.split('/').at(-1);
        await this.quick('Control+p', path, file);
        await this.page.locator(`.tab.active[data-resource-name=${JSON.stringify(file)}]`).waitFor();
        await this.page.locator('.editor-instance .view-lines').first().waitFor();
    }

    async command(title) {
        await this.quick('F1', `>${title}`, title);
    }

    async cursorAt(line, column) {
        await this.quick('Control+g', `:${line}:${column}`, 'Go to line');
        await this.page.locator('.quick-input-widget input[type="text"]').waitFor({ state: 'hidden' });
    }

    /** What stands in the editor in front. */
    async text() {
        const lines = await this.page.locator('.editor-group-container.active .editor-instance .view-lines').first().evaluate((node) =>
            [...node.querySelectorAll('.view-line')]
                .map((line) => [Number.parseFloat(line.style.top), line.textContent])
                .sort(([one], [other]) => one - other)
                .map(([, text]) => text.replaceAll('\u00a0', ' ')));
        return lines.join('\n');
    }

    async shows(text) {
        await this.until(`the editor shows ${JSON.stringify(text)}`, async () => (await this.text()).includes(text));
    }

    /** Opens the code-action menu until it offers a title with this in it. Answers all titles. */
    async menu(part, open = () => this.keys('Control+.')) {
        const rows = this.page.locator('.action-widget .monaco-list-row.action');
        return this.until(`the menu offers ${part}`, async () => {
            await open();
            await this.page.locator('.action-widget, .monaco-editor-overlaymessage').first().waitFor();
            const titles = await rows.allTextContents();
            if (titles.some((title) => title.includes(part))) {
                return titles;
            }
            await this.keys('Escape');
            return undefined;
        });
    }

    /** The same in the menu of what is about a whole place: *Source Action…*. */
    async chooseSource(part) {
        return this.choose(part, () => this.command('Source Action...'));
    }

    async choose(part, open = undefined) {
        const titles = await this.menu(part, open);
        const focused = this.page.locator('.action-widget .monaco-list-row.action.focused');
        for (let steps = 0; !(await focused.textContent()).includes(part); steps += 1) {
            assert(steps < titles.length, `${part} cannot be reached`);
            await this.keys('ArrowDown');
        }
        await this.keys('Enter');
        await this.page.locator('.action-widget').waitFor({ state: 'hidden' });
        return titles;
    }

    /** What a rendered document shows. */
    preview() {
        return this.page.frameLocator('iframe.webview').frameLocator('#active-frame').locator('body');
    }

    /** A message to the user with this in it. */
    async toast(part) {
        const toast = this.page.locator('.notifications-toasts .notification-list-item', { hasText: part }).first();
        await toast.waitFor();
        return toast;
    }

    async press(part, button) {
        const toast = await this.toast(part);
        await toast.getByRole('button', { name: button, exact: true }).click();
    }

    /** Our item in the status bar, once it says this. */
    async status(pattern) {
        const item = this.page.locator('.statusbar-item[id*="openexec.status"]');
        await item.waitFor();
        return this.until(`the status bar says ${pattern}`, async () => {
            const text = (await item.textContent()).trim();
            return pattern.test(text) ? text : undefined;
        });
    }

    /** A row of our view. */
    row(text) {
        return this.page.locator('.sidebar .monaco-list-row', { hasText: text }).first();
    }

    async showRuns() {
        await this.page.locator('.statusbar-item[id*="openexec.status"]').click();
        await this.page.locator('.sidebar .composite.title', { hasText: 'OpenExec' }).waitFor();
    }

    /** A button above the editor, or in a row of a list. */
    button(name, within = this.page.locator('.editor-actions')) {
        return within.getByRole('button', { name, exact: false }).first();
    }
}

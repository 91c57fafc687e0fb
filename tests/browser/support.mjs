// A real browser, with what every test watches: nothing may fail in a page, and nothing may be asked of another host.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { BROWSER_MODULES, CHROMIUM, PROMFETCH_URL, SCREENSHOTS } = process.env;
for (const [name, value] of Object.entries({ BROWSER_MODULES, CHROMIUM, PROMFETCH_URL, SCREENSHOTS })) {
    assert.ok(value, `${name} is not set: these tests are started by tests/it/browser`);
}
const require = createRequire(join(BROWSER_MODULES, 'package.json'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** Where promfetch is, without a slash at the end. */
export const url = PROMFETCH_URL.replace(/\/$/, '');
export const environment = process.env;

mkdirSync(SCREENSHOTS, { recursive: true });

// What Chromium would look up on the internet by itself.
const quiet = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
];

let browser;

/** Starts the browser before the tests of a file, and ends it behind them. */
export function browse({ before, after }) {
    before(async () => {
        // A public address that leads to a port of this machine.
        const { PROMFETCH_ADDRESS } = process.env;
        const rules = PROMFETCH_ADDRESS ? [`--host-resolver-rules=MAP ${new URL(url).host} ${PROMFETCH_ADDRESS}`] : [];
        browser = await chromium.launch({ executablePath: CHROMIUM, args: [...quiet, ...rules] });
    });
    after(() => browser?.close());
}

/**
 * A window of its own for the time of `work`. Afterwards there must have been no error in it but `allowed` (texts that
 * stand in messages), and no request to another host but `hosts`.
 */
export async function inWindow(options, work) {
    const { allowed = [], hosts = [], ...rest } = options;
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...rest });
    context.setDefaultTimeout(30_000);
    const faults = [];
    const fault = (text) => {
        if (!allowed.some((known) => text.includes(known))) {
            faults.push(text);
        }
    };
    context.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) {
            fault(`console: ${message.text()} (${message.location().url})`);
        }
    });
    context.on('weberror', (error) => fault(`uncaught: ${error.error()}`));
    context.on('request', (request) => {
        const { origin, protocol } = new URL(request.url());
        if (['http:', 'https:', 'ws:', 'wss:'].includes(protocol) && ![new URL(url).origin, ...hosts].includes(origin)) {
            faults.push(`a request left the host: ${request.url()}`);
        }
    });
    const page = await context.newPage();
    try {
        await work(page, context);
    } catch (error) {
        await page.screenshot({ path: join(SCREENSHOTS, 'failed.png'), fullPage: true }).catch(() => {});
        error.message += `\nat ${page.url()}\n${faults.join('\n')}`;
        throw error;
    } finally {
        await context.close();
    }
    assert.deepEqual(faults, [], 'nothing fails in the page');
}

/** Keeps a picture of the page, for people to look at. */
export async function picture(page, name, options = {}) {
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true, ...options });
}

/** The page has no accessibility finding that axe calls serious or critical, and fits into the window's width. */
export async function isAccessible(page, what) {
    // The page's own policy forbids scripts of others; the debugger may run one all the same.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() =>
        globalThis.axe.run(document, { resultTypes: ['violations'] }),
    );
    const serious = violations
        .filter(({ impact }) => ['serious', 'critical'].includes(impact))
        .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' | ')}`);
    assert.deepEqual(serious, [], `${what}: accessible`);
    const [content, window] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        document.documentElement.clientWidth,
    ]);
    assert.ok(content <= window, `${what}: no scrolling sideways (${content} > ${window})`);
}

/** The windows in which people read: a desk and a phone, by day and by night. */
export const windows = [
    { name: 'desk-light', options: { colorScheme: 'light' } },
    { name: 'desk-dark', options: { colorScheme: 'dark' } },
    { name: 'phone-light', options: { colorScheme: 'light', viewport: { width: 390, height: 844 }, hasTouch: true } },
    { name: 'phone-dark', options: { colorScheme: 'dark', viewport: { width: 390, height: 844 }, hasTouch: true } },
];

// The documentation, page by page.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { browse, inWindow, isAccessible, picture, url, windows } from './support.mjs';

browse({ before, after });

/** The pages of the menu. */
async function pages(page) {
    await page.goto(`${url}/doc`);
    const links = await page.locator('nav a').evaluateAll((all) => all.map((link) => link.href.split('#')[0]));
    return [...new Set(links)].filter((link) => link.includes('/doc'));
}

for (const { name, options } of windows) {
    test(`every page can be read and is accessible: ${name}`, async () => {
        await inWindow(options, async (page) => {
            const all = await pages(page);
            assert.ok(all.length >= 8, `${all}`);
            for (const address of all) {
                await page.goto(address);
                assert.equal(await page.locator('h1').count(), 1, address);
                await isAccessible(page, `${name} ${address}`);
                await picture(page, `doc-${address.split('/').pop()}-${name}`);
            }
        });
    });
}

test('blocks of code have a button that copies them', async () => {
    await inWindow({ permissions: ['clipboard-read', 'clipboard-write'] }, async (page) => {
        await page.goto(`${url}/doc/prometheus`);
        const block = page.locator('pre').first();
        const button = page.locator('button', { hasText: /copy/i }).first();
        await button.focus();
        await page.keyboard.press('Enter');
        const copied = () => page.evaluate(() => navigator.clipboard.readText());
        const wanted = await block.locator('code').innerText();
        assert.equal((await copied()).trim(), wanted.trim());
    });
});

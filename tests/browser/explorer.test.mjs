// The explorer on the demo platform: what somebody does who has never seen promfetch.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { browse, environment, inWindow, isAccessible, picture, url, windows } from './support.mjs';

browse({ before, after });

const states = '[data-part="instances"] [data-status]';

/** From the first page to that of an app, by its name. */
async function find(page, name) {
    await page.goto(url);
    await page.locator('#q').fill(name.slice(0, 3));
    const row = page.locator('[data-part="results"] tr[data-app]');
    await row.filter({ hasText: name }).waitFor();
    await page.locator('#q').fill(name);
    await page.waitForFunction((wanted) => new URL(location.href).searchParams.get('q') === wanted, name);
    assert.equal(await row.count(), 1);
    await row.getByRole('link', { name }).click();
    await page.waitForURL(/\/apps\//);
}

/** Waits until the plot has been drawn with `count` further answers. */
async function moves(page, count) {
    const legend = page.locator('[data-part="values"] table.legend');
    for (let seen = 0; seen < count; seen += 1) {
        const before = await legend.getAttribute('data-at');
        await page.waitForFunction(
            (at) => document.querySelector('[data-part="values"] table.legend').dataset.at !== at,
            before,
        );
    }
}

/** What is on the plot, as a picture. */
const drawn = (page) => page.locator('[data-part="values"] canvas').evaluate((canvas) => canvas.toDataURL());

/** The text that the button of a block copies. */
async function copied(page, snippet) {
    const block = page.locator(`[data-snippet="${snippet}"]`);
    await block.getByRole('button', { name: 'Copy' }).click();
    await block.getByRole('button', { name: 'Copied' }).waitFor();
    return page.evaluate(() => navigator.clipboard.readText());
}

test('hello is found, its three instances are up, its plot moves, and a job is taken along', async () => {
    await inWindow({ permissions: ['clipboard-read', 'clipboard-write'] }, async (page) => {
        await find(page, 'hello');
        await page.locator(`${states}[data-status="up"]`).nth(2).waitFor();
        assert.equal(await page.locator(states).count(), 3);
        const rows = page.locator('[data-part="values"] table.legend tbody tr');
        await rows.nth(2).waitFor();
        assert.equal(await rows.count(), 3, 'a line for each instance');
        const first = await drawn(page);
        await moves(page, 2);
        assert.notEqual(await drawn(page), first, 'the plot moves');
        const values = await rows.locator('td.number').allInnerTexts();
        assert.ok(values.every((value) => /^[\d.]+K?$/.test(value)), `rates are numbers: ${values}`);
        await picture(page, 'hello');

        const address = await copied(page, 'url');
        const metrics = await page.request.get(address.trim());
        assert.equal(metrics.status(), 200);
        assert.match(await metrics.text(), /http_requests_total\{/);
        assert.match(await copied(page, 'curl'), /^curl -s 'http/);
        assert.match(await copied(page, 'sd'), /http_sd_configs/);
        writeFileSync(environment.JOB_FILE, await copied(page, 'job'));
    });
});

test('flaky shows which of its instances are missing, and why', async () => {
    await inWindow({}, async (page) => {
        await find(page, 'flaky');
        const down = page.locator(`${states}[data-status="down"]`);
        await down.nth(1).waitFor();
        assert.equal(await page.locator(states).count(), 4);
        const hangs = page.locator(`${states}[data-index="1"]`);
        assert.equal(await hangs.getAttribute('data-error'), 'timeout');
        assert.match(await hangs.innerText(), /no complete answer in time/i);
        const garbage = page.locator(`${states}[data-index="2"]`);
        assert.equal(await garbage.getAttribute('data-error'), 'parse');
        assert.match(await garbage.innerText(), /line 1/i);
        // The others are plotted all the same, and the plot says which are missing.
        const legend = page.locator('[data-part="values"] table.legend tbody');
        await legend.locator('tr[data-status="up"]').nth(1).waitFor();
        await legend.locator('tr[data-status="down"]').nth(1).waitFor();
        assert.match(await legend.innerText(), /timeout/);
        await moves(page, 1);
        await picture(page, 'flaky');
    });
});

test('another family is chosen from the list by keyboard, paused, and kept in the address', async () => {
    await inWindow({}, async (page) => {
        await find(page, 'hello');
        const families = page.locator('[data-part="families"] [data-family]');
        await families.first().waitFor();
        const gauge = page.locator('[data-part="families"] [data-type="gauge"]').first();
        const name = await gauge.getAttribute('data-family');
        await page.locator('#filter').fill(name);
        await page.waitForFunction(
            () => [...document.querySelectorAll('[data-family]')].some((item) => item.hidden),
        );
        await gauge.locator('a').focus();
        await page.keyboard.press('Enter');
        await page.locator(`[data-plot="${name}"] canvas`).waitFor();
        assert.equal(new URL(page.url()).searchParams.get('family'), name);
        assert.equal(await gauge.locator('a').getAttribute('aria-current'), 'true');
        await page.locator('[data-part="values"] table.legend tbody tr').first().waitFor();

        await page.locator('#pause').click();
        assert.equal(await page.locator('#pause').getAttribute('aria-pressed'), 'true');
        const asked = [];
        page.on('request', (request) => asked.push(request.url()));
        await page.waitForTimeout(6000);
        assert.deepEqual(asked, [], 'nothing is asked while it is paused');
        await page.locator('#pause').click();
        await moves(page, 1);

        await page.reload();
        await page.locator(`[data-plot="${name}"] canvas`).waitFor();
    });
});

test('without a script everything is there but the plot', async () => {
    await inWindow({ javaScriptEnabled: false }, async (page) => {
        await page.goto(url);
        await page.locator('#q').fill('hello');
        await page.getByRole('button', { name: 'Search' }).click();
        await page.getByRole('link', { name: 'hello' }).click();
        await page.getByRole('link', { name: 'Ask them now' }).click();
        assert.equal(await page.locator(`${states}[data-status="up"]`).count(), 3);
        await page.locator('[data-family="http_requests"] a, [data-family="http_requests_total"] a').first().click();
        assert.ok((await page.locator('table.values tbody tr').count()) >= 3);
        await page.locator('#filter').fill('no-such-family');
        await page.locator('#filter').press('Enter');
        assert.match(await page.locator('[data-part="families"]').innerText(), /No family has/);
    });
});

test('what is not there is explained', async () => {
    // The browser itself notes that the page came with status 404.
    await inWindow({ allowed: ['404'] }, async (page) => {
        const answer = await page.goto(`${url}/apps/demo/dev/Hello`);
        assert.equal(answer.status(), 404);
        await page.getByRole('link', { name: /hello/ }).first().click();
        await page.locator(states).first().waitFor();
        await page.goto(`${url}/?q=nothing-like-this`);
        assert.match(await page.locator('[data-part="results"]').innerText(), /No app matches/);
        await picture(page, 'nothing');
    });
});

test('the platform shows its sources, the failing app, and plots of its own', async () => {
    await inWindow({}, async (page) => {
        await page.request.get(`${url}/v1/apps/demo/dev/flaky/metrics`, {
            headers: { 'X-Prometheus-Scrape-Timeout-Seconds': '1' },
        });
        await page.goto(url);
        await page.getByRole('link', { name: 'Platform' }).click();
        assert.match(await page.locator('[data-part="sources"]').innerText(), /gorouter/);
        const apps = page.locator('[data-part="apps"]');
        assert.match(await apps.innerText(), /flaky/);
        assert.match(await apps.innerText(), /timeout/);
        await page.locator('#plots canvas').first().waitFor();
        await picture(page, 'platform');
    });
});

test('the first stop of the keyboard skips to the content', async () => {
    await inWindow({}, async (page) => {
        await page.goto(`${url}/platform`);
        await page.keyboard.press('Tab');
        assert.equal(await page.locator(':focus').innerText(), 'Skip to the content');
        await page.keyboard.press('Enter');
        assert.equal(await page.locator(':focus').getAttribute('id'), 'content');
    });
});

for (const { name, options } of windows) {
    test(`every page can be used and is accessible: ${name}`, async () => {
        await inWindow({ ...options, allowed: ['404'] }, async (page) => {
            const pages = [
                ['start', '/', '[data-part="results"] tr[data-app]'],
                ['app', '/apps/demo/dev/flaky', '[data-part="values"] canvas'],
                ['platform', '/platform', '#plots canvas'],
                ['unknown', '/apps/demo/dev/helo', 'h1'],
                ['sign-in', '/sign-in', 'h1'],
            ];
            for (const [what, path, shown] of pages) {
                await page.goto(url + path);
                await page.locator(shown).first().waitFor();
                if (what === 'app') {
                    await page.locator(`${states}[data-status="down"]`).nth(1).waitFor();
                    await moves(page, 1);
                }
                await isAccessible(page, `${name} ${what}`);
                await picture(page, `${what}-${name}`);
                const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
                const brightness = background.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
                assert.equal(brightness < 200, options.colorScheme === 'dark', `${what}: ${background}`);
            }
        });
    });
}

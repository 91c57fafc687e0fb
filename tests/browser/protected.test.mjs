// The explorer where a login is needed, on a platform with apps of several teams.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { browse, environment, inWindow, isAccessible, picture, url } from './support.mjs';

browse({ before, after });

const { OPERATOR, OPERATOR_PASSWORD, BINDING, BINDING_PASSWORD, SHOP, HOSTILE_NAME, UAA_URL, UAA_USER } = environment;
const states = '[data-part="instances"] [data-status]';
const results = '[data-part="results"] tr[data-app]';

/** Types a login into the form that is shown. */
async function signIn(page, user, password) {
    await page.locator('input[name="user"]').fill(user);
    await page.locator('input[name="password"]').fill(password);
    await page.locator('input[name="password"]').press('Enter');
}

/** Names of the apps in the list. */
const apps = (page) => page.locator(`${results} th a`).allInnerTexts();

test('an operator is led to the sign-in and back, and sees everything', async () => {
    await inWindow({ allowed: ['401'] }, async (page) => {
        await page.goto(`${url}/apps/${SHOP}`);
        assert.match(page.url(), /\/sign-in\?next=/);
        await isAccessible(page, 'sign-in');
        await picture(page, 'sign-in');
        await signIn(page, OPERATOR, 'not the password');
        await page.getByRole('alert').first().waitFor();
        assert.match(page.url(), /sign-in/);
        await signIn(page, OPERATOR, OPERATOR_PASSWORD);
        await page.waitForURL((now) => now.pathname === `/apps/${SHOP}`);
        await page.locator('[data-part="values"] canvas').waitFor();
        // A rolling deployment: two instances of index 0.
        assert.equal(await page.locator(`${states}[data-index="0"]`).count(), 2);
        await page.locator('table.legend tbody tr').nth(2).waitFor();
        await picture(page, 'rolling');

        await page.goto(url);
        await page.locator(results).nth(3).waitFor();
        await page.getByRole('link', { name: 'Platform' }).click();
        assert.match(await page.locator('[data-part="sources"]').innerText(), /NATS/);
        await page.locator('#plots canvas').first().waitFor();

        await page.getByRole('button', { name: /sign out/i }).click();
        await page.goto(`${url}/platform`);
        assert.match(page.url(), /\/sign-in\?next=/);
    });
});

test('the bound path is shown as bound', async () => {
    await inWindow({}, async (page) => {
        await page.goto(url);
        await signIn(page, BINDING, BINDING_PASSWORD);
        await page.locator(results).first().waitFor();
        assert.deepEqual(await apps(page), ['bound'], 'its own app and no other');
        assert.equal(await page.getByRole('link', { name: 'Platform' }).count(), 0);
        await page.getByRole('link', { name: 'bound' }).click();
        await page.locator(`${states}[data-status="up"]`).first().waitFor();
        assert.match(await page.locator('[data-part="instances"]').innerText(), /\/inside\/metrics\s+bound/);
        assert.match(await page.locator('[data-snippet="curl"]').innerText(), /USER:PASSWORD/);
        // No secure address, so no clipboard: the older way of copying.
        const job = page.locator('[data-snippet="job"]');
        await job.getByRole('button', { name: 'Copy' }).click();
        await job.getByRole('button', { name: 'Copied' }).waitFor();
        await picture(page, 'bound');
    });
});

test('an app of others is as one that does not exist', async () => {
    await inWindow({ allowed: ['403', '404'] }, async (page) => {
        await page.goto(url);
        await signIn(page, BINDING, BINDING_PASSWORD);
        await page.locator(results).first().waitFor();
        const told = async (selector) => {
            const answer = await page.goto(`${url}/apps/${selector}`);
            assert.equal(answer.status(), 404);
            const text = await page.locator('main').innerText();
            // When the sources were heard last goes on meanwhile.
            return text.replaceAll(selector, 'SELECTOR').replaceAll(/just now|\d+ \S+ ago/g, 'AGE');
        };
        assert.equal(await told(SHOP), await told('00000000-0000-4000-8000-000000000000'));
        await page.goto(`${url}/platform`);
        assert.match(await page.locator('main').innerText(), /operators/i);
        assert.equal(new URL(page.url()).pathname, '/platform', 'no way round in circles');
    });
});

test('names from outside stay text', async () => {
    await inWindow({}, async (page) => {
        page.on('dialog', () => assert.fail('a name was run as a script'));
        await page.goto(url);
        await signIn(page, OPERATOR, OPERATOR_PASSWORD);
        await page.locator(results).first().waitFor();
        await page.locator('#q').fill('<img');
        await page.waitForFunction(() => document.querySelectorAll('[data-part="results"] tr[data-app]').length === 1);
        const shown = (await apps(page))[0];
        assert.equal(shown, HOSTILE_NAME.replace(/[\u202e\u2066-\u2069]/gu, '\ufffd'));
        await page.locator(`${results} th a`).click();
        await page.locator('[data-part="values"] canvas').waitFor();
        assert.equal(await page.locator('main img, main script').count(), 0);
        await picture(page, 'hostile');
    });
});

test('a user of the platform signs in with the platform’s login', async () => {
    const headers = { 'x-test-user': UAA_USER };
    await inWindow({ hosts: [new URL(UAA_URL).origin], extraHTTPHeaders: headers }, async (page) => {
        await page.goto(`${url}/apps/${SHOP}`);
        await page.getByRole('link', { name: /platform/i }).last().click();
        await page.waitForURL((now) => now.pathname === `/apps/${SHOP}`);
        await page.locator('[data-part="values"] canvas').waitFor();
        await page.goto(url);
        await page.locator(results).first().waitFor();
        assert.deepEqual(await apps(page), ['shop'], 'what the Cloud Controller shows this user');
        assert.match(await page.locator('header').first().innerText(), new RegExp(UAA_USER));
        await picture(page, 'platform-user');
    });
});

// When something is seen first. `tests/benches/first_paint.rs` prints it; nothing here depends on how long it takes.

import { after, before, test } from 'node:test';

import { browse, inWindow, picture, url } from './support.mjs';

browse({ before, after });

/** Milliseconds from the beginning of the navigation to the first paint with content. */
async function firstPaint(page, address) {
    await page.goto(address);
    return page.evaluate(
        () =>
            new Promise((resolve) => {
                new PerformanceObserver((list) => {
                    const paint = list.getEntriesByName('first-contentful-paint')[0];
                    if (paint) {
                        resolve(paint.startTime);
                    }
                }).observe({ type: 'paint', buffered: true });
            }),
    );
}

test('first paint', async (t) => {
    for (const path of ['/', '/?q=app-0123']) {
        const times = [];
        for (let round = 0; round < 7; round += 1) {
            // A window of its own has nothing in its cache.
            await inWindow({}, async (page) => {
                times.push(await firstPaint(page, url + path));
                await picture(page, 'first', { fullPage: false });
            });
        }
        times.sort((a, b) => a - b);
        t.diagnostic(`first paint of ${path}: median ${times[3].toFixed(0)} ms, longest ${times[6].toFixed(0)} ms`);
    }
});

// Uses the player page as a person does, and prints one JSON object a line: what stands on the page after each step.
//
//	node page.mjs URL FOLDER     the browser is $CHROMIUM; a picture a step goes into FOLDER
//
// Steps: the page as it opens; each format with each engine that plays it, watched for some seconds; the lowest rendition
// chosen, and the choice given back; the page on a narrow screen. Where the page lists no channel: a URL typed in, given
// as $MANIFEST.

import { chromium } from 'playwright-core';

const [url, folder] = process.argv.slice(2);
const print = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const watched = 5000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  headless: true,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
  ],
});
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 960 } });
  page.on('console', (message) => {
    if (message.type() === 'error') print({ trouble: `${message.text()} ${message.location().url}` });
  });
  page.on('pageerror', (error) => print({ trouble: String(error) }));

  const text = (selector) => page.locator(selector).textContent();
  const stands = async (step) => {
    await page.screenshot({ path: `${folder}/${step}.png`, fullPage: true });
    print({
      step,
      state: await page.getAttribute('body', 'data-state'),
      address: page.url(),
      channels: await page.locator('#channel option').allTextContents(),
      notice: await page.locator('#notice').isVisible() ? await text('#notice-title') : '',
      latency: await text('#latency'),
      buffer: await text('#buffer'),
      dropped: await text('#dropped'),
      stalls: await text('#stalls'),
      errors: await text('#errors'),
      playing: await text('#playing'),
      renditions: await page.locator('#renditions button').allInnerTexts(),
      log: (await page.locator('#log li').allInnerTexts()).map((line) => line.replace(/\s+/g, ' ')),
    });
  };
  const plays = () => page.waitForSelector('body[data-state="playing"]', { timeout: 20_000 });
  const choose = (name, value) => page.locator(`input[name="${name}"][value="${value}"]`).check();

  await page.goto(url);
  await page.waitForSelector('body[data-state]');
  if (process.env.MANIFEST) {
    await stands('unlisted');
    await page.locator('#url').fill(process.env.MANIFEST);
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await plays();
    await stands('typed');
  } else {
    await plays();
    await stands('opened');
    for (const [format, engine] of [['hls', 'hls'], ['hls', 'shaka'], ['dash', 'dash'], ['smooth', 'dash'], ['dash', 'shaka']]) {
      await choose('format', format);
      await choose('engine', engine);
      await page.waitForSelector('body[data-state="loading"]', { timeout: 2000 }).catch(() => {});
      await plays();
      await page.waitForTimeout(watched);
      await stands(`${format}-${engine}`);
    }
    await page.locator('#renditions button').nth(1).click();
    await page.locator('#renditions li:nth-child(2) .now').waitFor({ timeout: 15_000 });
    await stands('lowest');
    await page.locator('#renditions button').nth(0).click();
    await page.setViewportSize({ width: 420, height: 900 });
    await stands('narrow');
  }
} catch (error) {
  print({ trouble: String(error) });
} finally {
  await browser.close();
}
